/* reader_impl.h - lines of a text file that is known to be good text.
 *
 * The file is read whole, decompressed where it has to be (input.h), and checked once: valid UTF-8, no NUL, no line over
 * the limit, not empty. After that nobody asks again. A line ends at "\n" or "\r\n"; any other "\r" is refused. A byte
 * order mark in front is skipped, and those at the beginnings of other lines, which files have that were joined, can be
 * taken out. Inside a line U+FEFF is a character like others (a zero width no-break space).
 * Every function: Not collective. */
#pragma once
#include "text.h"

#define LK_LINE_LIMIT ((size_t)64 << 20) /* bytes of a line */
#define LK_WORD_LIMIT ((size_t)16 << 20) /* of a word, where words are units: what a corpus can hold */

typedef struct lk_text_file {
  const char *name; /* for messages: the path, or <stdin> */
  lk_buffer bytes;
  size_t begin;     /* after the byte order mark */
  ptrdiff_t before; /* lines in front of it, where it is a part of what `name` says */
} lk_text_file;

typedef struct lk_line {
  const char *text;
  size_t size;      /* without its end */
  ptrdiff_t number; /* from 1 */
  bool ended;       /* false: the last line, and no newline after it */
  const char *gap;  /* where `gap_columns` characters were taken out, or NULL */
  ptrdiff_t gap_columns;
} lk_line;

typedef struct lk_reader {
  const lk_text_file *file;
  size_t at;
  ptrdiff_t line;
} lk_reader;

/** Read and check; `path` outlives the file, "-" is standard input. LK_IO; LK_DATA with file:line:column. */
LK_CHECKED lk_status lk_text_file_load(lk_text_file *file, const char *path);
/** What lk_text_file_load() checks. LK_DATA with file:line:column. */
LK_CHECKED lk_status lk_text_file_check(const lk_text_file *file);
/** LK_DATA where a word is over the limit. */
LK_CHECKED lk_status lk_text_file_check_words(const lk_text_file *file);
/** Take out the byte order marks at the beginnings of lines; how many there were besides the file's own, and the line of
 *  the first. */
ptrdiff_t lk_text_file_drop_marks(lk_text_file *file, ptrdiff_t *line);
/** How many such marks stand between two characters that are no white space: two files may have been joined without the end
 *  of a line between them, or it is the character. Line and column of the first. */
ptrdiff_t lk_text_file_inner_marks(const lk_text_file *file, ptrdiff_t *line, ptrdiff_t *column);
void lk_text_file_release(lk_text_file *file);
static inline lk_reader lk_reader_start(const lk_text_file *file) {
  return (lk_reader){.file = file, .at = file->begin, .line = file->before};
}
/** The next line; false at the end. */
bool lk_reader_next(lk_reader *reader, lk_line *line);
/** The column, from 1, of a byte of a line. */
static inline ptrdiff_t lk_line_column(const lk_line *line, const char *at) {
  const ptrdiff_t gap = line->gap && at >= line->gap ? line->gap_columns : 0;
  return (ptrdiff_t)lk_utf8_count(line->text, (size_t)(at - line->text)) + gap + 1;
}
