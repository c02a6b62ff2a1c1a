/* columns_impl.h - files in columns: one word per line, a blank line after each sentence.
 *
 * Plain columns: the first row determines the separator (a single TAB if it contains one, otherwise blanks) and the
 * number of columns of the whole file. The -DOCSTART- lines of CoNLL-2003 are not rows. A line that begins with `#`
 * is a row (the word is `#` or a hashtag) if it has the right number of columns and either is inside a sentence, or
 * has a TAB after `#` or `#word`, or has a label that other rows have too. All other such lines are comments, and so
 * are those of the form `# name = value`; but inside a sentence `#word` with a wrong number of columns is an error.
 * CoNLL-U: columns are separated by TABs; comments, ranges of words (3-4) and empty nodes (8.1) are not rows; the
 * words of each sentence are numbered from 1. There are ten columns, or any number if the columns of word and label
 * are given. Source: universaldependencies.org/format.html. Not collective throughout. */
#pragma once
#include "vocab.h"
#include "reader_impl.h"

struct lk_job;
struct lk_input_file;

/* Layout of a file's rows, and the position of its reader within the sentence. */
typedef struct lk_columns {
  bool sought;    /* the layout has been determined */
  int count;      /* columns of each row; 0: the file has no row */
  ptrdiff_t line; /* line number of the row that determined the layout */
  int word, tag;  /* column indices from 0 */
  bool is_upos;   /* CoNLL-U: the tag is the column of universal parts of speech */
  bool tabs;
  bool asks;          /* for prediction: the label column may be missing, `tag` is then `count` */
  bool words;         /* blanks do not separate columns */
  bool numbered;      /* plain: the first column, neither word nor tag, numbers the words */
  lk_vocab *borne;    /* labels of certain rows; created when a line with `#` needs them */
  ptrdiff_t rows;     /* rows of this sentence so far */
  ptrdiff_t id, node; /* number of the last word, if words are numbered; of the last empty node after it */
} lk_columns;

typedef struct lk_row {
  lk_line line;
  const char *word, *tag; /* without surrounding white space; may be empty */
  size_t word_size, tag_size;
} lk_row;

/* a row; a gap between sentences; end of file */
typedef enum lk_row_kind { LK_ROW_WORD, LK_ROW_BREAK, LK_ROW_END } lk_row_kind;

/** Read the next row of the source. LK_DATA with the position of an invalid line. */
LK_CHECKED lk_status lk_columns_next(struct lk_job *job, struct lk_input_file *source, lk_row *row, lk_row_kind *kind);
/** Whether a line separates sentences. */
bool lk_columns_is_break(const char *text, size_t size, bool conllu);
/** Reset the state within a sentence, when the reader returns to the first line. */
void lk_columns_restart(lk_columns *columns);
void lk_columns_release(lk_columns *columns);
