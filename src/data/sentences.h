/* sentences.h - sentences in columns whose labels are asked for: their words, and where the answers go.
 *
 * The rules are those of `prepare label`: a word a line, a blank line between sentences; comments, ranges of words, empty
 * nodes and -DOCSTART- lines are no words. The first sentence decides for the file how its columns are set apart and how
 * many there are. Other than there, a file of words alone will do. Not collective throughout. */
#pragma once
#include "prepare.h"

typedef struct lk_sentence_form {
  bool conllu;
  bool words; /* plain: a line is a word, blanks and all */
  int word,
      tag; /* columns from 0, negative from the end, or LK_COLUMN_DEFAULT: 0 and the last (CoNLL-U: 1 and 3). A tag
                    one behind the last column, or in a file of one, is added. */
} lk_sentence_form;

/* A word, and the place of its label in the text that was read. */
typedef struct lk_cell {
  const char *word; /* without blanks around it; valid until the next sentence is read */
  size_t word_size;
  size_t at, size; /* bytes of the text that the label takes the place of */
} lk_cell;

typedef struct lk_sentences lk_sentences;

/** `name` is the file's, for messages; labels are those that the model knows. */
LK_CHECKED lk_status lk_sentences_create(lk_sentences **sentences, const char *name, const lk_sentence_form *form,
                                         const lk_strings *labels);
void lk_sentences_destroy(lk_sentences **sentences);
/** Whether this line, given without its end, ends a sentence. */
bool lk_sentences_is_end(const lk_sentences *sentences, const char *line, size_t size);
/** Read a sentence: whole lines, up to and with the one that ends it, the first of which is line `first` of the file.
 *  *cells [*count] are its words, none where it has only comments; valid until the next one. LK_DATA with the place. */
LK_CHECKED lk_status lk_sentences_read(lk_sentences *sentences, const char *text, size_t size, int64_t first,
                                       const lk_cell **cells, ptrdiff_t *count);
/** What sets columns apart, a blank or a TAB, once a sentence with words was read; *adds: labels come in a column of their
 *  own behind the others. */
char lk_sentences_separator(const lk_sentences *sentences, bool *adds);
