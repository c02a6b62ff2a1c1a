/* reader_impl.h - lines of a text file that has been validated.
 *
 * The file is read whole, decompressed if necessary (input.h), and validated once: valid UTF-8, no NUL, no line over
 * the limit, not empty. Later stages rely on this. A line ends with "\n" or "\r\n"; any other "\r" is refused. A
 * byte order mark at the beginning is skipped; those at the beginnings of other lines, which come from concatenated
 * files, can be removed. Inside a line U+FEFF is an ordinary character (zero width no-break space). Every function:
 * Not collective. */
#pragma once
#include "text.h"

#define LK_LINE_LIMIT ((size_t)64 << 20) /* maximum bytes of a line */
#define LK_WORD_LIMIT ((size_t)16 << 20) /* maximum bytes of a word, if words are units: what a corpus can store */

typedef struct lk_text_file {
  const char *name; /* name for messages: the path, or <stdin> */
  lk_buffer bytes;
  size_t begin;     /* offset after the byte order mark */
  ptrdiff_t before; /* number of lines before this text, if it is only a section of the file `name` */
} lk_text_file;

typedef struct lk_line {
  const char *text;
  size_t size;      /* without the line end */
  ptrdiff_t number; /* from 1 */
  bool ended;       /* false: the last line, without a newline after it */
  const char *gap;  /* position where `gap_columns` characters were removed, or NULL */
  ptrdiff_t gap_columns;
} lk_line;

typedef struct lk_reader {
  const lk_text_file *file;
  size_t at;
  ptrdiff_t line;
} lk_reader;

/** Read and validate a file; `path` must outlive it, "-" is standard input. LK_IO; LK_DATA with file:line:column. */
LK_CHECKED lk_status lk_text_file_load(lk_text_file *file, const char *path);
/** The checks that lk_text_file_load() makes. LK_DATA with file:line:column. */
LK_CHECKED lk_status lk_text_file_check(const lk_text_file *file);
/** LK_DATA if a word is longer than the limit. */
LK_CHECKED lk_status lk_text_file_check_words(const lk_text_file *file);
/** Remove the byte order marks at the beginnings of lines. Returns their number, not counting the one of the file
 *  itself; *line is the line of the first. */
ptrdiff_t lk_text_file_drop_marks(lk_text_file *file, ptrdiff_t *line);
/** Count byte order marks between two characters that are not white space: two files may have been concatenated
 *  without a line end between them, or the character is intended. *line and *column are those of the first. */
ptrdiff_t lk_text_file_inner_marks(const lk_text_file *file, ptrdiff_t *line, ptrdiff_t *column);
void lk_text_file_release(lk_text_file *file);
static inline lk_reader lk_reader_start(const lk_text_file *file) {
  return (lk_reader){.file = file, .at = file->begin, .line = file->before};
}
/** Read the next line; false at the end. */
bool lk_reader_next(lk_reader *reader, lk_line *line);
/** Column, from 1, of a byte of a line. */
static inline ptrdiff_t lk_line_column(const lk_line *line, const char *at) {
  const ptrdiff_t gap = line->gap && at >= line->gap ? line->gap_columns : 0;
  return (ptrdiff_t)lk_utf8_count(line->text, (size_t)(at - line->text)) + gap + 1;
}
