/* columns_impl.h - files of columns: a word a line, sentences end at a blank line.
 *
 * Plain: the first row decides for the file how columns are set apart (single TABs where it has one, else blanks) and how
 * many there are. The -DOCSTART- lines of CoNLL-2003 are no rows. A line that begins with `#` is a row (the word is `#` or
 * a hashtag) where it has as many columns as the others and either stands inside a sentence, or has a TAB behind `#` or
 * `#word`, or has a label that other rows have too. All others are comments, as are those of the form `# name = value`;
 * only inside a sentence `#word` with too few or too many columns is a mistake.
 * CoNLL-U: TABs; comments, ranges of words (3-4) and empty nodes (8.1) are no rows; words are numbered from 1 in each
 * sentence. Ten columns, or any number where word or label are told by number.
 * Source: universaldependencies.org/format.html. Not collective throughout. */
#pragma once
#include "vocab.h"
#include "reader_impl.h"

struct lk_job;
struct lk_source;

/* What is known of a file's rows, and where in a sentence its reader stands. */
typedef struct lk_columns {
  bool sought;    /* the file was looked at */
  int count;      /* of each row; 0: there is none */
  ptrdiff_t line; /* of the row that decided */
  int word, tag;  /* their columns, from 0 */
  bool is_upos;   /* CoNLL-U: tag is the column of universal parts of speech */
  bool tabs;
  bool asks;          /* labels are asked for: there may be no column for them yet, `tag` is then `count` */
  bool words;         /* and blanks do not set columns apart */
  bool numbered;      /* plain: the first column is neither, and numbers the words */
  lk_vocab *borne;    /* the labels of certain rows, where a line with `#` asked for them */
  ptrdiff_t rows;     /* of this sentence so far */
  ptrdiff_t id, node; /* of the last word, where they are numbered; of the last empty node behind it */
} lk_columns;

typedef struct lk_row {
  lk_line line;
  const char *word, *tag; /* without white space around; may be empty */
  size_t word_size, tag_size;
} lk_row;

typedef enum lk_row_kind { LK_ROW_WORD, LK_ROW_BREAK, LK_ROW_END } lk_row_kind; /* a row; between sentences; the end */

/** The next row of the source. LK_DATA naming the place of what is none. */
LK_CHECKED lk_status lk_columns_next(struct lk_job *job, struct lk_source *source, lk_row *row, lk_row_kind *kind);
/** Whether a line stands between sentences. */
bool lk_columns_is_break(const char *text, size_t size, bool conllu);
/** Stand before the first line again. */
void lk_columns_restart(lk_columns *columns);
void lk_columns_release(lk_columns *columns);
