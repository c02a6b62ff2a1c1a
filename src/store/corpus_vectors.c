/* corpus_vectors.c - word vectors as corpora and checkpoints hold them. */
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "arena.h"
#include "corpus_impl.h"
#include "vectors_file.h"

enum { MOST_WIDTH = 1 << 15, MOST_ROWS = 1 << 28 };

lk_corpus_info lk_vectors_leave(const lk_corpus_info *info) {
  lk_corpus_info left = *info;
  left.vectors = (lk_vectors){0};
  left.vector_words = (lk_strings){0};
  left.columns = 0;
  for (int i = 0; i < info->columns; i++)
    if (!lk_column_borrows(&info->column[i])) left.column[left.columns++] = info->column[i];
  return left;
}

void lk_vectors_release(lk_corpus_info *info) {
  lk_vectors *v = &info->vectors;
  lk_strings_release(&info->vector_words);
  if (v->mapped > 0)
    (void)munmap((void *)v->values, v->mapped);
  else
    free((void *)v->values);
  free((void *)info->vectors.row_of);
  info->vectors = (lk_vectors){0};
}

/* ---- writing ---- */

static lk_status write_values(lk_h5 *file, const lk_vectors *vectors, int deflate) {
  const ptrdiff_t shape[] = {vectors->rows, vectors->width};
  LK_TRY(lk_h5_write(file, "/vectors/values", LK_FLOAT32, 2, shape, vectors->values, deflate,
                     "the vector of each word; zeros in the first two rows"));
  return lk_h5_set_text(file, "/vectors/values", "shape_names", "word, number");
}

lk_status lk_vectors_write(lk_h5 *file, const lk_corpus_info *info, bool values, int deflate) {
  const lk_vectors *vectors = &info->vectors;
  if (vectors->rows == 0) return LK_OK;
  LK_ASSERT(vectors->rows == info->vector_words.count);
  LK_TRY(lk_h5_write_strings(file, "/vectors/words", &info->vector_words,
                             "words with a vector; the first two stand for no word, and for a word without a vector"));
  LK_TRY(lk_h5_set_int(file, "/vectors", "width", vectors->width));
  if (vectors->row_of)
    LK_TRY(lk_h5_write(file, "/vectors/source", LK_INT32, 1, &info->source.count, vectors->row_of, 1,
                       "the row of each unit of /vocab/source"));
  return values && vectors->values ? write_values(file, vectors, deflate) : LK_OK;
}

/* ---- reading ---- */

static lk_status wrong(const lk_h5 *file, const char *path, const char *expected) {
  return LK_FAIL(LK_DATA, "%s: %s is not %s", lk_h5_path(file), path, expected);
}

/* The shape is that of the words, which have been read, so that the file cannot ask for any amount of memory. */
static lk_status check_values(const lk_h5 *file, const lk_vectors *vectors) {
  lk_type type = LK_INT32;
  int dims = 0;
  ptrdiff_t shape[LK_H5_DIMS] = {0};
  if (!lk_h5_exists(file, "/vectors/values")) return LK_OK;
  LK_TRY(lk_h5_shape(file, "/vectors/values", &type, &dims, shape));
  if (type != LK_FLOAT32 || dims != 2 || shape[0] != vectors->rows || shape[1] != vectors->width)
    return wrong(file, "/vectors/values", "a row of float32 for each word, as wide as attribute \"width\" says");
  return LK_OK;
}

size_t lk_vectors_waiting(lk_vectors_file from) {
  const lk_vectors *v = &from.info->vectors;
  if (v->values || !lk_h5_exists(from.file, "/vectors/values")) return 0;
  return (size_t)v->rows * (size_t)v->width * sizeof(float);
}

static lk_status read_values(const lk_h5 *file, const lk_vectors *vectors, float *values) {
  LK_TRY(lk_h5_read(file, "/vectors/values", LK_FLOAT32, 0, vectors->rows, values));
  for (ptrdiff_t i = 0; i < vectors->rows * vectors->width; i++)
    if (!isfinite(values[i]))
      return LK_FAIL(LK_DATA, "%s: /vectors/values row %td: a number is not finite", lk_h5_path(file),
                     i / vectors->width);
  return LK_OK;
}

lk_status lk_vectors_copy(lk_vectors_file from, float *to) {
  return lk_not_understood(from.file, read_values(from.file, &from.info->vectors, to));
}

void lk_vectors_keep(lk_vectors_file from, float *values, size_t mapped) {
  LK_ASSERT(!from.info->vectors.values);
  from.info->vectors.values = values;
  from.info->vectors.mapped = mapped;
}

lk_status lk_vectors_fetch(lk_vectors_file from) {
  const size_t bytes = lk_vectors_waiting(from);
  float *values = NULL;
  if (bytes == 0) return LK_OK;
  LK_TRY(lk_alloc(&values, bytes / sizeof *values, sizeof *values));
  lk_vectors_keep(from, values, 0);
  return lk_vectors_copy(from, values);
}

static lk_status read_row_of(const lk_h5 *file, lk_corpus_info *info) {
  lk_type type = LK_INT32;
  int dims = 0;
  ptrdiff_t shape[LK_H5_DIMS] = {0};
  int32_t *row_of = NULL;
  if (!lk_h5_exists(file, "/vectors/source")) return LK_OK;
  LK_TRY(lk_h5_shape(file, "/vectors/source", &type, &dims, shape));
  if (type != LK_INT32 || dims != 1 || shape[0] != info->source.count)
    return wrong(file, "/vectors/source", "one int32 for each unit of /vocab/source");
  LK_TRY(lk_alloc(&row_of, (size_t)shape[0] + 1, sizeof *row_of));
  info->vectors.row_of = row_of;
  LK_TRY(lk_h5_read(file, "/vectors/source", LK_INT32, 0, shape[0], row_of));
  for (ptrdiff_t i = 0; i < shape[0]; i++)
    if (row_of[i] < 0 || row_of[i] >= info->vectors.rows)
      return wrong(file, "/vectors/source", "a list of rows of /vectors/words");
  return LK_OK;
}

lk_status lk_vectors_open(const lk_h5 *file, lk_corpus_info *info) {
  int64_t width = 0;
  if (!lk_h5_exists(file, "/vectors")) return LK_OK;
  LK_TRY(lk_h5_read_strings(file, "/vectors/words", &info->vector_words));
  LK_TRY(lk_h5_get_int(file, "/vectors", "width", &width));
  const ptrdiff_t rows = info->vector_words.count;
  if (width < 1 || width > MOST_WIDTH || rows < LK_VECTOR_FIRST || rows > MOST_ROWS)
    return LK_FAIL(LK_DATA, "%s: /vectors: %td words of %lld numbers; expected from %d words and 1 to %d numbers",
                   lk_h5_path(file), rows, (long long)width, LK_VECTOR_FIRST, MOST_WIDTH);
  info->vectors.rows = rows;
  info->vectors.width = (ptrdiff_t)width;
  LK_TRY(check_values(file, &info->vectors));
  return read_row_of(file, info);
}
