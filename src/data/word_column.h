/* word_column.h - columns that are made of a word's text: `prepare --feature` stores them, predict makes them again.
 *
 * A column is one file, src/data/column_<name>.c, and one line in the table of word_column.c. It gives each word one of a
 * few values, by its text as it was written: before folding, and also where the word is <unk> for the vocabulary. That is
 * why the corpus keeps values rather than texts of unknown words. Not collective throughout. */
#pragma once
#include "corpus.h"

typedef struct lk_word_column {
  const char *name;          /* as --feature and model.features say it: small letters, digits and _ */
  const char *const *values; /* NULL at the end; the first is also that of <sos>, <eos> and <pad> */
  int32_t (*value)(const char *text, size_t size); /* the number of the value of a word, which is valid UTF-8 */
} lk_word_column;

/** Names of all; *count of them. */
const char *const *lk_word_column_names(size_t *count);
/** NULL where none is called so. */
const lk_word_column *lk_word_column_find(const char *name);
