/* sentences.h - sentences in columns to be labelled: their words, and where the predicted labels are inserted.
 *
 * The format is that of `prepare label`: one word per line, a blank line between sentences; comments, ranges of
 * words, empty nodes and -DOCSTART- lines are not words. The first sentence determines the separator and the number
 * of columns of the file. Unlike in `prepare label` the label column may be missing. Not collective throughout. */
#pragma once
#include "prepare.h"

typedef struct lk_sentence_form {
  bool conllu;
  bool words; /* plain: the whole line is one word, including blanks */
  /* Columns from 0, negative from the end, or LK_COLUMN_DEFAULT: 0 and the last (CoNLL-U: 1 and 3). A tag column one
   * past the last column, or in a file with one column, is added. */
  int word, tag;
} lk_sentence_form;

/* A word, and the position of its label in the original text. */
typedef struct lk_cell {
  const char *word; /* in the text, without surrounding white space */
  size_t word_size;
  size_t at, size; /* range of bytes in the text that the label replaces */
} lk_cell;

typedef struct lk_sentences lk_sentences;

/** `name` is the name of the file, for messages; `labels` are those that the model knows. */
LK_CHECKED lk_status lk_sentences_create(lk_sentences **sentences, const char *name, const lk_sentence_form *form,
                                         const lk_strings *labels);
void lk_sentences_destroy(lk_sentences **sentences);
/** Whether this line, given without its line end, ends a sentence. */
bool lk_sentences_is_end(const lk_sentences *sentences, const char *line, size_t size);
/** Read one sentence: whole lines, including the one that ends it; the first is line `first` of the file. *cells
 *  [*count] are its words, none if it has only comments; valid until the next call. LK_DATA with the position. */
LK_CHECKED lk_status lk_sentences_read(lk_sentences *sentences, const char *text, size_t size, int64_t first,
                                       const lk_cell **cells, ptrdiff_t *count);
/** The separator of columns, a blank or a TAB, once a sentence with words was read. *adds: labels are written into a
 *  new column after the last. */
char lk_sentences_separator(const lk_sentences *sentences, bool *adds);
