/* word_vectors.h - files of word vectors: text (word2vec, GloVe, fastText) and word2vec's binary form.
 *
 *   text     a word and its numbers a line, blanks or TABs between them; the first line may be "words width"
 *   binary   "words width" and a line end; then for each word: its bytes, a blank, `width` float32 (little-endian),
 *            and perhaps a line end
 * Both may be compressed with gzip. Files are read in pieces, so that only the rows that are kept need memory. A word
 * of a text may have blanks inside, as in GloVe's 840B: the last `width` fields of a line are its numbers, where the
 * width is that of the first line. Each error message has the number of the line, or of the record and its byte.
 * In rows of text that are not kept, the number of fields and the characters of the numbers are checked.
 * Source: github.com/tmikolov/word2vec (word2vec.c, the end of TrainModel()). Not collective throughout. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

enum {
  LK_VECTOR_WIDTH = 1 << 15, /* most numbers of a vector */
  LK_VECTOR_WORD = 255       /* most bytes of a word; longer ones are left out */
};

/* Who receives the rows. */
typedef struct lk_vector_sink {
  void *context;
  /** Called first, once. */
  lk_status (*begin)(void *context, ptrdiff_t width);
  /** Whether the row of this word is to be kept; the word is valid UTF-8. */
  bool (*wants)(void *context, const char *word, size_t size);
  /** Take it: values [width] are finite. */
  lk_status (*take)(void *context, const char *word, size_t size, const float *values);
} lk_vector_sink;

typedef struct lk_vector_file {
  bool binary;
  ptrdiff_t width;
  int64_t rows;     /* of the file */
  int64_t unusable; /* whose word is longer than LK_VECTOR_WORD, or not valid UTF-8: they are left out */
} lk_vector_file;

/** Read the file. LK_IO; LK_DATA with the place; what the sink returns. */
LK_CHECKED lk_status lk_vectors_load(const char *path, const lk_vector_sink *sink, lk_vector_file *about);
