/* word_vectors_impl.h - shared by the two forms of vector files. */
#pragma once
#include <string.h>

#include "byte_stream.h"
#include "text.h"
#include "word_vectors.h"

/* Most bytes of a line: a word, and as many numbers as there may be. */
#define LK_VECTOR_LINE ((size_t)LK_VECTOR_WIDTH * 32 + (64 << 10))

typedef struct lk_vector_reader {
  lk_byte_stream stream;
  const lk_vector_sink *sink;
  lk_vector_file *about;
  int64_t promised; /* words that the header says; -1: there is no header */
  int64_t number;   /* of the line or record that was read last, from 1 */
  float *values;    /* [width] */
} lk_vector_reader;

/** Whether a line is a row of `width` numbers: *word_size bytes of its word, *numbers the first number. */
bool lk_vector_split(const char *line, size_t size, ptrdiff_t width, size_t *word_size, const char **numbers);
/** The number of trailing fields that are numbers, at most all but one: the width of a first line. */
ptrdiff_t lk_vector_width(const char *line, size_t size);
/** Whether a row, as lk_vector_split() found it, consists of characters of numbers. */
bool lk_vector_plain(const char *numbers);
/** Read all rows, from the first on; the width is known. LK_DATA. */
LK_CHECKED lk_status lk_vectors_read_text(lk_vector_reader *reader);
LK_CHECKED lk_status lk_vectors_read_binary(lk_vector_reader *reader);
/** Whether the sink wants the row of a word; counts rows, and those that cannot be used. */
static inline bool lk_vector_wanted(lk_vector_reader *r, const char *word, size_t size) {
  r->about->rows++;
  const bool usable =
      size > 0 && size <= LK_VECTOR_WORD && memchr(word, 0, size) == NULL && lk_utf8_valid(word, size) == size;
  r->about->unusable += !usable;
  return usable && r->sink->wants(r->sink->context, word, size);
}
