/* lines.c - lines of text or frames as packed batches. */
#include <stdlib.h>
#include <string.h>

#include "decode_impl.h"

static int next_units(const lk_line_batch *b) { return lk_task_view(b->model->task) == LK_VIEW_LM; }

/* What stands before a classifier's tab may be the answer already: a line of the file that the model learnt from. */
static lk_status check_tab(const lk_line_batch *b, ptrdiff_t line) {
  const lk_strings *labels = &b->model->corpus->label;
  const char *text = b->lines->text[line], *tab = memchr(text, '\t', b->lines->size[line]);
  if (tab == NULL || lk_task_view(b->model->task) != LK_VIEW_CLASSIFY) return LK_OK;
  for (ptrdiff_t i = 0; i < labels->count; i++)
    if (lk_strings_size(labels, i) == (size_t)(tab - text) &&
        memcmp(lk_strings_get(labels, i), text, (size_t)(tab - text)) == 0)
      return LK_FAIL(LK_DATA, "%s:%lld:%zu: a tab: expected the text alone (cut -f2- takes it from labelled lines)",
                     b->lines->name, (long long)(b->lines->first + line),
                     lk_utf8_count(text, (size_t)(tab - text)) + 1);
  return LK_OK;
}

/* Note what of a line the model does not know; of a language model's lines <sos> and <eos> are no part. */
static lk_status see(const lk_line_batch *b, const char *text, size_t size, const int32_t *ids, ptrdiff_t n) {
  lk_model *model = b->model;
  const ptrdiff_t marks = lk_model_marks(model);
  return lk_seen_text(model, model->vocab, lk_model_unit(model), text, size, ids + marks, n - 2 * marks);
}

/* Append one line's ids or frames; length[]: rows that it gives, 0 for none. */
static lk_status read_line(lk_line_batch *b, ptrdiff_t line) {
  ptrdiff_t i = line - b->first, D = b->model->corpus->frames;
  const char *text = b->lines->text[line];
  if (D > 0) {
    b->begin[i] = (ptrdiff_t)b->value_count;
    return lk_read_frames(b->lines, line, D, &b->values, &b->value_count, &b->value_capacity, &b->length[i]);
  }
  size_t size = b->lines->size[line], valid = lk_utf8_valid(text, size);
  if (valid < size)
    return LK_FAIL(LK_DATA, "%s:%lld:%zu: not valid UTF-8", b->lines->name, (long long)(b->lines->first + line),
                   lk_utf8_count(text, valid) + 1);
  LK_TRY(check_tab(b, line));
  b->begin[i] = b->id_count;
  b->tabs[i] = lk_task_view(b->model->task) == LK_VIEW_LABEL && lk_line_has_tabs(b->lines, line);
  if (b->tabs[i])
    LK_TRY(lk_read_words(b->model, b->lines, line, &b->ids, &b->id_count, &b->id_capacity));
  else
    LK_TRY(lk_model_encode(b->model, text, size, &b->ids, &b->id_count, &b->id_capacity));
  b->length[i] = b->id_count - b->begin[i];
  if (!b->tabs[i]) LK_TRY(see(b, text, size, b->ids + b->begin[i], b->length[i]));
  LK_TRY(lk_line_features_read(b, line, b->begin[i]));
  if (next_units(b) && b->length[i] > 0) b->length[i]--; /* nothing follows the last */
  return LK_OK;
}

/* Lines until the batch is full: their number in b->count. A line that would make it too large waits for the next. */
lk_status lk_line_batch_read(lk_line_batch *b) {
  ptrdiff_t rows = 0;
  b->first += b->count;
  b->count = b->id_count = 0;
  b->value_count = 0;
  LK_TRY(lk_line_features_begin(b));
  while (b->first + b->count < b->lines->count && b->count < LK_LINES_MOST && rows < LK_ROWS_MOST) {
    LK_TRY(read_line(b, b->first + b->count));
    rows += b->length[b->count];
    if (rows > LK_ROWS_MOST && b->count > 0) break;
    b->count++;
  }
  return LK_OK;
}

/* The frames and targets of a sequence, from where they were read to its rows. */
static void place(lk_line_batch *b, ptrdiff_t line, ptrdiff_t seq) {
  const lk_pack *pack = &b->batch.pack;
  ptrdiff_t D = b->model->corpus->frames, at = b->begin[line];
  for (ptrdiff_t r = lk_pack_row(pack, seq, 0); r >= 0; r = pack->later[r]) {
    if (D > 0) {
      memcpy(b->frames + r * D, b->values + at, (size_t)D * sizeof *b->frames);
      at += D;
    } else if (next_units(b)) {
      b->target[r] = b->ids[++at];
    }
  }
}

lk_status lk_line_batch_make(lk_line_batch *b, ptrdiff_t count) {
  const int32_t *ids[LK_LINES_MOST];
  ptrdiff_t length[LK_LINES_MOST], perm[LK_LINES_MOST], line_of[LK_LINES_MOST], n = 0, rows = 0;
  ptrdiff_t D = b->model->corpus->frames;
  b->count = count;
  for (ptrdiff_t i = 0; i < b->count; i++) rows += b->length[i];
  if (D > 0) { /* the batch is laid out by ids: any will do, for frames take their place */
    LK_TRY(lk_grow(&b->ids, &b->id_capacity, (size_t)rows + 1, sizeof *b->ids));
    memset(b->ids, 0, (size_t)rows * sizeof *b->ids);
  }
  for (ptrdiff_t i = 0; i < b->count; i++) {
    b->seq[i] = -1;
    if (b->length[i] == 0) continue;
    ids[n] = D > 0 ? b->ids : b->ids + b->begin[i];
    length[n] = b->length[i];
    line_of[n++] = i;
  }
  LK_TRY(lk_batch_from_ids(&b->batch, &b->arena, &b->model->one, n, ids, length, perm));
  LK_TRY(lk_line_features_layout(b));
  LK_TRY(lk_grow(&b->target, &b->target_capacity, (size_t)rows + 1, sizeof *b->target));
  LK_TRY(lk_grow(&b->frames, &b->frame_capacity, (size_t)(rows * D) + 1, sizeof *b->frames));
  for (ptrdiff_t seq = 0; seq < n; seq++) {
    b->seq[line_of[perm[seq]]] = seq;
    place(b, line_of[perm[seq]], seq);
    lk_line_features_place(b, line_of[perm[seq]], seq);
  }
  if (D > 0) b->batch.input.column[0] = (lk_column){.name = "frames", .numbers = b->frames};
  b->batch.target = next_units(b) ? b->target : NULL;
  return LK_OK;
}

lk_status lk_line_batch_next(lk_line_batch *b) {
  LK_TRY(lk_line_batch_read(b));
  return b->count > 0 ? lk_line_batch_make(b, b->count) : LK_OK;
}

void lk_line_batch_release(lk_line_batch *b) {
  lk_arena_release(&b->arena);
  lk_speller_release(&b->speller);
  free(b->ids);
  free(b->values);
  free(b->frames);
  free(b->target);
  for (int c = 0; c < LK_MOST_FURTHER; c++) {
    free(b->feature[c]);
    free(b->packed[c]);
  }
  *b = (lk_line_batch){0};
}
