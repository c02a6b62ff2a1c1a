#include "references_impl.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"

lk_status lk_references_add(lk_references *references, const char *text, size_t size) {
  LK_TRY(lk_strings_add(&references->recent, text, size, 0));
  references->count++;
  if (size > references->longest) references->longest = size;
  return LK_OK;
}

lk_status lk_references_put_away(lk_references *r, lk_spool *spool) {
  if (r->recent.count == 0) return LK_OK;
  const size_t bytes = (size_t)r->recent.offset[r->recent.count];
  LK_TRY(lk_grow(&r->away, &r->capacity, (size_t)r->aways + 1, sizeof *r->away));
  r->away[r->aways] = (lk_put_away){.at = spool->size, .bytes = bytes};
  LK_TRY(lk_spool_append(spool, spool->beside, r->recent.bytes, bytes));
  r->aways++;
  lk_strings_release(&r->recent);
  return LK_OK;
}

/* Reads the strings in their order. */
typedef struct walk {
  const lk_references *from;
  const lk_spool *spool;
  ptrdiff_t next;   /* of from->away */
  ptrdiff_t recent; /* strings of from->recent that were given */
  char *bytes;      /* of the present one of from->away; those of [at, size) were not given yet */
  size_t capacity, at, size;
} walk;

static lk_status next_string(void *context, const char **text, size_t *size) {
  walk *w = context;
  if (w->at == w->size && w->next < w->from->aways) {
    const lk_put_away *away = &w->from->away[w->next++];
    LK_TRY(lk_grow(&w->bytes, &w->capacity, away->bytes, 1));
    LK_TRY(lk_spool_read(w->spool, away->at, w->bytes, away->bytes));
    w->at = 0;
    w->size = away->bytes;
  }
  if (w->at == w->size) {
    *text = lk_strings_get(&w->from->recent, w->recent);
    *size = lk_strings_size(&w->from->recent, w->recent++);
    return LK_OK;
  }
  *text = w->bytes + w->at;
  *size = strlen(*text); /* text has no NUL */
  w->at += *size + 1;
  return LK_OK;
}

lk_status lk_references_write(const lk_references *references, const lk_spool *spool, lk_h5 *file, const char *path) {
  walk w = {.from = references, .spool = spool};
  if (references->count == 0) return LK_OK;
  const lk_h5_strings all = {
      .count = references->count, .longest = references->longest, .context = &w, .next = next_string};
  const lk_status status = lk_h5_write_strings_from(file, path, &all, "accepted targets, TABs between them");
  free(w.bytes);
  return status;
}

void lk_references_release(lk_references *references) {
  lk_strings_release(&references->recent);
  free(references->away);
  *references = (lk_references){0};
}
