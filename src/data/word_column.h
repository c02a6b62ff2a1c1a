/* word_column.h - categorical features computed from the text of a word: `prepare --feature` stores them, predict
 * computes them again.
 *
 * A feature is one file, src/data/column_<name>.c, and one line in the table of word_column.c. It maps each word to
 * one of a few values, from its text before folding, also if the vocabulary has only <unk> for it. Therefore the
 * corpus stores the values instead of the texts of unknown words. Not collective throughout. */
#pragma once
#include "vocab.h"

/* What a feature may need beside the text of a word. */
typedef struct lk_word_lookup {
  const lk_corpus_info *info; /* of the corpus, or of the model's */
} lk_word_lookup;

typedef struct lk_word_column {
  const char *name;          /* name for --feature and model.features: lower-case letters, digits and _ */
  const char *const *values; /* ends with NULL; the first value is also used for <sos>, <eos> and <pad> */
  /** *value = the index of the value of a word, which is valid UTF-8. LK_MEMORY. */
  lk_status (*value)(lk_word_lookup *lookup, const char *text, size_t size, int32_t *value);
} lk_word_column;

/** Names of all features; *count is their number. */
const char *const *lk_word_column_names(size_t *count);
/** NULL if there is no feature of this name. */
const lk_word_column *lk_word_column_find(const char *name);
