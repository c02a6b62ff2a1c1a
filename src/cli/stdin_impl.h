/* stdin_impl.h - standard input, a line at a time, without waiting for lines that nobody has written yet. */
#pragma once
#include <stdbool.h>

#include "text.h"

#define LK_STDIN_NAME "standard input"   /* in messages */
#define LK_STDIN_MOST ((size_t)64 << 20) /* bytes of a line, or of a sentence in columns */

typedef struct lk_stdin {
  lk_buffer bytes; /* read ahead; those before `at` are done with */
  size_t at, searched;
  bool ended, known; /* known: that it is text */
  int64_t lines;     /* that were given out */
} lk_stdin;

/** The next line with its end, "\n", "\r\n" or that of the input; valid until the next call. Where *got is false there is
 *  none: at the end of the input, or, unless `wait`, where the rest of a line has not been written yet. What is compressed
 *  (input.h) is read to its end at once. LK_IO; LK_DATA for a line longer than LK_STDIN_MOST, and for what is no text. */
LK_CHECKED lk_status lk_stdin_next(lk_stdin *input, bool wait, const char **line, size_t *size, bool *got);
/** Bytes of a line without its end. */
size_t lk_stdin_trim(const char *line, size_t size);
/** That a line, the `number`th, has no NUL byte and is valid UTF-8. LK_DATA naming line and column. */
LK_CHECKED lk_status lk_stdin_check(const char *line, size_t size, int64_t number);
void lk_stdin_release(lk_stdin *input);
