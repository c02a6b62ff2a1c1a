#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "text_impl.h"

void lk_numbers_start(lk_numbers *numbers) {
  numbers->texts = numbers->count = 0;
  numbers->order = 0;
}

static lk_status take(lk_numbers *n, const char *text, size_t size) {
  if (n->count >= INT32_MAX) return LK_FAIL(LK_MEMORY, "a text of more than %d symbols", INT32_MAX);
  LK_TRY(lk_grow(&n->symbol, &n->symbol_capacity, (size_t)n->count + 1, sizeof *n->symbol));
  n->symbol[n->count] = (lk_symbol){.text = text, .size = size, .at = (int32_t)n->count};
  n->count++;
  return LK_OK;
}

lk_status lk_numbers_add(lk_numbers *n, lk_cut cut, const char *text, size_t size) {
  const char *start;
  size_t at = 0, length;
  LK_TRY(lk_grow(&n->begin, &n->begin_capacity, (size_t)n->texts + 2, sizeof *n->begin));
  n->begin[n->texts] = n->count;
  while (lk_unit_next(cut == LK_CUT_CHARACTERS ? LK_CHAR : LK_WORD, text, size, &at, &start, &length)) {
    if (cut != LK_CUT_LETTERS) {
      LK_TRY(take(n, start, length));
      continue;
    }
    const char *letter;
    size_t inside = 0, letter_size;
    while (lk_unit_next(LK_CHAR, start, length, &inside, &letter, &letter_size)) LK_TRY(take(n, letter, letter_size));
  }
  n->begin[++n->texts] = n->count;
  return LK_OK;
}

static int by_text(const void *a, const void *b) {
  const lk_symbol *x = a, *y = b;
  if (x->size != y->size) return x->size < y->size ? -1 : 1;
  return memcmp(x->text, y->text, x->size);
}

lk_status lk_numbers_finish(lk_numbers *n) {
  const size_t count = (size_t)n->count;
  LK_TRY(lk_grow(&n->id, &n->id_capacity, count + 1, sizeof *n->id));
  LK_TRY(lk_grow(&n->gram, &n->gram_capacity, count + 1, sizeof *n->gram));
  LK_TRY(lk_grow(&n->scratch, &n->scratch_capacity, count + 1, sizeof *n->scratch));
  if (count > 0) qsort(n->symbol, count, sizeof *n->symbol, by_text);
  n->kinds = 0;
  for (size_t i = 0; i < count; i++) {
    n->kinds += i == 0 || by_text(&n->symbol[i - 1], &n->symbol[i]) != 0;
    n->id[n->symbol[i].at] = n->gram[n->symbol[i].at] = n->kinds - 1;
  }
  n->order = 1;
  return LK_OK;
}

static int by_key(const void *a, const void *b) {
  const lk_gram *x = a, *y = b;
  return (x->key > y->key) - (x->key < y->key);
}

void lk_numbers_next_order(lk_numbers *n) {
  size_t count = 0;
  LK_ASSERT(n->order >= 1);
  for (ptrdiff_t t = 0; t < n->texts; t++)
    for (ptrdiff_t i = n->begin[t]; i + n->order < n->begin[t + 1]; i++)
      n->scratch[count++] =
          (lk_gram){.key = (uint64_t)(uint32_t)n->gram[i] << 32 | (uint32_t)n->id[i + n->order], .at = (int32_t)i};
  if (count > 0) qsort(n->scratch, count, sizeof *n->scratch, by_key);
  n->kinds = 0;
  for (size_t i = 0; i < count; i++) {
    n->kinds += i == 0 || n->scratch[i - 1].key != n->scratch[i].key;
    n->gram[n->scratch[i].at] = n->kinds - 1;
  }
  n->order++;
}

void lk_numbers_release(lk_numbers *n) {
  free(n->begin);
  free(n->symbol);
  free(n->scratch);
  free(n->id);
  free(n->gram);
  *n = (lk_numbers){0};
}

int64_t lk_numbers_tally(const lk_numbers *n, ptrdiff_t text, int64_t *tally) {
  int64_t count = 0;
  for (ptrdiff_t i = n->begin[text]; i + n->order <= n->begin[text + 1]; i++, count++) tally[n->gram[i]]++;
  return count;
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

/* row[i]: edits between the first i symbols of a and the symbols of b so far. */
int64_t lk_numbers_edits(const lk_numbers *n, ptrdiff_t a, ptrdiff_t b, int32_t *row) {
  const int32_t *x = n->id + n->begin[a], *y = n->id + n->begin[b];
  const ptrdiff_t length = lk_numbers_length(n, a), other = lk_numbers_length(n, b);
  for (ptrdiff_t i = 0; i <= length; i++) row[i] = (int32_t)i;
  for (ptrdiff_t j = 0; j < other; j++) {
    int32_t diagonal = row[0]++;
    for (ptrdiff_t i = 0; i < length; i++) {
      const int32_t both = diagonal + (x[i] != y[j]);
      diagonal = row[i + 1];
      row[i + 1] = least(both, least(row[i], diagonal) + 1);
    }
  }
  return row[length];
}
