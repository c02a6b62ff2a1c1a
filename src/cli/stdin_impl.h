/* stdin_impl.h - reads standard input line by line, and can tell whether a line is there without waiting for it. */
#pragma once
#include <stdbool.h>

#include "text.h"

#define LK_STDIN_NAME "standard input"   /* in messages */
#define LK_STDIN_MOST ((size_t)64 << 20) /* longest line, or sentence in columns, in bytes */

typedef struct lk_stdin {
  lk_buffer bytes;     /* what has been read; bytes before `at` were returned already */
  size_t at, searched; /* no line end lies between them */
  bool ended, known;   /* known: the first bytes have been recognised as text or decompressed */
  bool unwrapped;      /* it was compressed: `bytes` is all of it */
  int64_t lines;       /* number of lines returned */
} lk_stdin;

/** Return the next line with its line end (the last line may have none); valid until the next call. *got is false at the
 *  end of the input and, without `wait`, where no complete line can be read at once. Compressed input (input.h) is read to
 *  its end at once. LK_IO; LK_DATA for lines longer than LK_STDIN_MOST and for input that is not text. */
LK_CHECKED lk_status lk_stdin_next(lk_stdin *input, bool wait, const char **line, size_t *size, bool *got);
/** Bytes of the input that were returned. *all: bytes of the whole input, decompressed if it was compressed; 0 if not
 *  known (pipes, terminals). */
double lk_stdin_done(const lk_stdin *input, double *all);
/** The size in bytes of a line without its line end. */
size_t lk_stdin_trim(const char *line, size_t size);
/** Check that line `number` is valid UTF-8 without NUL bytes. LK_DATA, naming line and column, if it is not. */
LK_CHECKED lk_status lk_stdin_check(const char *line, size_t size, int64_t number);
void lk_stdin_release(lk_stdin *input);
