/* text.h - UTF-8, growing buffers, tables of strings.
 *
 * Text in the program is valid UTF-8. It is checked once, when it is read; an error names line and column. Only text.c
 * includes libunistring. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* A growing byte buffer, NUL-terminated after the first append. {0} is empty. */
typedef struct lk_buffer {
  char *data;
  size_t size, capacity;
} lk_buffer;

LK_CHECKED lk_status lk_buffer_append(lk_buffer *buffer, const char *data, size_t size);
LK_CHECKED lk_status lk_buffer_printf(lk_buffer *buffer, const char *format, ...) LK_PRINTF(2, 3);
/** Keep the first `size` bytes. */
void lk_buffer_truncate(lk_buffer *buffer, size_t size);
void lk_buffer_release(lk_buffer *buffer);
/** A whole file or, for "-", standard input. LK_IO naming the path.               Not collective. */
LK_CHECKED lk_status lk_buffer_read_file(lk_buffer *buffer, const char *path);
/** Open what users name as input: a file, a pipe that somebody writes to, or "-", which is STDIN_FILENO and not to be
 *  closed. LK_IO naming the path, also for folders and devices.                    Not collective. */
LK_CHECKED lk_status lk_open_input(int *file, const char *path);

/* Many strings in one block of bytes, found by index. {0} is empty. */
typedef struct lk_strings {
  char *bytes;     /* NUL after each string */
  int64_t *offset; /* [count+1] */
  int64_t *number; /* [count] a number for each (how often a word was seen), or NULL */
  ptrdiff_t count;
  size_t bytes_capacity, offset_capacity, number_capacity;
} lk_strings;

LK_CHECKED lk_status lk_strings_add(lk_strings *strings, const char *text, size_t size, int64_t number);
static inline const char *lk_strings_get(const lk_strings *s, ptrdiff_t i) { return s->bytes + s->offset[i]; }
static inline size_t lk_strings_size(const lk_strings *s, ptrdiff_t i) {
  return (size_t)(s->offset[i + 1] - s->offset[i] - 1);
}
LK_CHECKED lk_status lk_strings_copy(lk_strings *to, const lk_strings *from);
void lk_strings_release(lk_strings *strings);

/** Bytes of the character at text (1-4), 0 where it is not valid UTF-8 or size is 0.   Not collective. */
size_t lk_utf8_next(const char *text, size_t size);
/** Bytes before the first invalid one: size where all is valid.                   Not collective. */
size_t lk_utf8_valid(const char *text, size_t size);
/** Number of characters in valid text. A column is the number of characters before it, plus 1. */
size_t lk_utf8_count(const char *text, size_t size);
/** Width of valid text on a terminal, in columns: wide East Asian characters take two. */
int lk_utf8_width(const char *text, size_t size);
/** Size of the byte order mark at the start of the text: 3, or 0. */
size_t lk_utf8_mark(const char *text, size_t size);
/** Whether the character at text is Unicode white space (of `bytes` bytes). */
bool lk_utf8_space(const char *text, size_t bytes);
/* The kinds of characters that casing distinguishes: lower case, upper (and title) case, decimal digits, others. */
typedef enum lk_character {
  LK_CHARACTER_OTHER,
  LK_CHARACTER_LOWER,
  LK_CHARACTER_UPPER,
  LK_CHARACTER_DIGIT
} lk_character;
/** The kind of the character at text (of `bytes` bytes). */
lk_character lk_utf8_character(const char *text, size_t bytes);
/* Normalisation before text is cut into units. */
typedef struct lk_folding {
  bool nfc, lower;
  bool digits; /* every decimal digit, of any script (Unicode Nd), becomes 0 */
} lk_folding;
/** Append `text` to out, folded. LK_MEMORY.                                        Not collective. */
LK_CHECKED lk_status lk_utf8_fold(lk_buffer *out, const char *text, size_t size, lk_folding folding);
/** Append `text` in capital letters, composed (NFC). LK_MEMORY. */
LK_CHECKED lk_status lk_utf8_upper(lk_buffer *out, const char *text, size_t size);
/** For messages: the "s" of "%d rank%s", "" of one. */
static inline const char *lk_plural(int64_t count) { return count == 1 ? "" : "s"; }
/** For messages: at most about 60 characters in quotes, with control characters escaped; returns out. */
const char *lk_quote(char out[256], const char *text, size_t size);
/** The candidate with the smallest edit distance to `word`, ignoring case; NULL if none is close. For "did you
 *  mean". */
const char *lk_nearest(const char *word, const char *const *candidates, size_t count);
