/* reader_impl.h - lines of a text that has been validated.
 *
 * A text is a section in memory, or a file (input.h), of which a reader holds the current block and what the current
 * line needs. It is validated once, block by block: valid UTF-8, no NUL, no line over the limit, not empty. Later
 * stages rely on this; blocks.h makes sure that they read the same bytes. A line ends with "\n" or "\r\n"; any other
 * "\r" is refused. Byte order marks at the beginning of the file and of other lines, which come from concatenated files,
 * are left out. Inside a line U+FEFF is an ordinary character (zero width no-break space). Every function: Not
 * collective. */
#pragma once
#include "blocks.h"
#include "text.h"

#define LK_LINE_LIMIT ((size_t)64 << 20) /* maximum bytes of a line */
#define LK_WORD_LIMIT ((size_t)16 << 20) /* maximum bytes of a word, if words are units: what a corpus can store */

/* Byte order marks of some kind: how many, and where the first one is. */
typedef struct lk_text_marks {
  ptrdiff_t count, line, column;
} lk_text_marks;

typedef struct lk_text_file {
  const char *name; /* name for messages: the path, or <stdin> */
  const char *text; /* a section in memory, borrowed; or NULL, then `blocks` has the text */
  lk_blocks blocks;
  uint64_t size;
  uint64_t longest; /* bytes of the longest line */
  ptrdiff_t before; /* number of lines before this text, if it is only a section of the file `name` */
  char digest[33];  /* of a file */
  /* marks at the beginnings of lines, which are left out, not counting the one of the file itself; marks between two
   * characters that are not white space: files may have been joined without a line end, or the character is intended */
  lk_text_marks left_out, inner;
} lk_text_file;

typedef struct lk_line {
  const char *text; /* until the next line is read by the same reader */
  size_t size;      /* without the line end */
  ptrdiff_t number; /* from 1 */
  bool ended;       /* false: the last line, without a newline after it */
  const char *gap;  /* position where `gap_columns` characters were removed, or NULL */
  ptrdiff_t gap_columns;
} lk_line;

/* {0} is a reader of nothing, which can be started. */
typedef struct lk_reader {
  lk_text_file *file;
  uint64_t at;      /* position in the text */
  ptrdiff_t line;   /* lines behind it */
  bool inside;      /* in the midst of a line, of which the first part was read */
  const char *text; /* the bytes that are in memory: those of [from, to) come next */
  size_t from, to;
  char *own; /* where they are, unless the text is in memory */
  size_t capacity;
  ptrdiff_t next; /* block */
} lk_reader;

/** Open and validate a file; `path` and `spool` must outlive it, "-" is standard input. LK_IO; LK_DATA with
 *  file:line:column. */
LK_CHECKED lk_status lk_text_file_load(lk_text_file *file, const char *path, lk_spool *spool);
/** Validate a section in memory, of which name, text, size and before are set. LK_DATA with file:line:column. */
LK_CHECKED lk_status lk_text_file_check(lk_text_file *file);
/** LK_DATA if a word is longer than the limit. */
LK_CHECKED lk_status lk_text_file_check_words(lk_text_file *file);
void lk_text_file_release(lk_text_file *file);

/** Begin at the first line; or at byte `at`, where a line begins that has so many lines before it. */
void lk_reader_start(lk_reader *reader, lk_text_file *file);
void lk_reader_seek(lk_reader *reader, uint64_t at, ptrdiff_t line);
void lk_reader_release(lk_reader *reader);
/** Read the next line; *more is false at the end. LK_IO; LK_DATA if the file was changed. */
LK_CHECKED lk_status lk_reader_next(lk_reader *reader, lk_line *line, bool *more);
/** Keep the first `size` bytes of the line that was just read: the rest comes next, as a line of the same number. */
void lk_reader_split(lk_reader *reader, lk_line *line, size_t size);
/** Column, from 1, of a byte of a line. */
static inline ptrdiff_t lk_line_column(const lk_line *line, const char *at) {
  const ptrdiff_t gap = line->gap && at >= line->gap ? line->gap_columns : 0;
  return (ptrdiff_t)lk_utf8_count(line->text, (size_t)(at - line->text)) + gap + 1;
}
