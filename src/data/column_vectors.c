/* column_vectors.c - the row of a word's vector among those that the corpus was given (prepare --vectors). */
#include "word_column.h"

static int32_t find(const lk_word_lookup *lookup, const lk_buffer *word) {
  return lk_vocab_find(lookup->vectors, word->data, word->size, LK_VECTOR_MISSING);
}

lk_status lk_vector_find(lk_word_lookup *lookup, const char *text, size_t size, int32_t *row, lk_vector_found *how) {
  *row = LK_VECTOR_MISSING;
  *how = LK_VECTOR_NOT;
  if (lookup->vectors == NULL || size == 0) return LK_OK;
  LK_TRY(lk_word_lookup_fold(lookup, text, size));
  *row = find(lookup, &lookup->folded);
  *how = LK_VECTOR_AS_IS;
  if (*row >= LK_VECTOR_FIRST) return LK_OK;
  lk_buffer_truncate(&lookup->other, 0);
  LK_TRY(lk_utf8_fold(&lookup->other, text, size, (lk_folding){.nfc = lookup->info->nfc, .lower = true}));
  *row = find(lookup, &lookup->other);
  *how = *row >= LK_VECTOR_FIRST ? LK_VECTOR_LOWERED : LK_VECTOR_NOT;
  if (*row < LK_VECTOR_FIRST) *row = LK_VECTOR_MISSING; /* a word spelled like the first rows */
  return LK_OK;
}

static lk_status value(lk_word_lookup *lookup, const char *text, size_t size, int32_t *value) {
  lk_vector_found how;
  return lk_vector_find(lookup, text, size, value, &how);
}

const lk_word_column lk_word_column_vectors = {.name = LK_VECTORS_COLUMN, .value = value};
