/* word_column.h - categorical features computed from the text of a word: `prepare --feature` stores them, predict
 * computes them again.
 *
 * A feature is one file, src/data/column_<name>.c, and one line in the table of word_column.c. It maps each word to
 * one of a few values, from its text before folding, also if the vocabulary has only <unk> for it. Therefore the
 * corpus stores the values instead of the texts of unknown words. Not collective throughout. */
#pragma once
#include "vocab.h"

#define LK_FORM_NONE \
  "<pad>" /* value 0 of the column LK_FORMS: of no word, or of one that is written as the vocabulary has it */

/* What a feature may need beside the text of a word. */
typedef struct lk_word_lookup {
  const lk_corpus_info *info; /* of the corpus, or of the model's */
  lk_vocab *forms;            /* the values of the column LK_FORMS so far; NULL: none */
  const lk_vocab *vocab;      /* words that are written as it has them are value 0 of that column; NULL: none */
  lk_buffer folded, other;    /* scratch */
  const lk_vocab *vectors;    /* the words that have a vector, in the order of their rows; NULL: there are none */
} lk_word_lookup;

/** Fold a word into lookup->folded, as the columns about its spelling need it: normalised (NFC) if the corpus is, but
 *  neither lower-cased nor with its digits replaced. LK_MEMORY. */
LK_CHECKED lk_status lk_word_lookup_fold(lk_word_lookup *lookup, const char *text, size_t size);
/** Reset the values of the column LK_FORMS to the one for <sos>, <eos> and <pad>. LK_MEMORY. */
LK_CHECKED lk_status lk_word_lookup_begin(lk_word_lookup *lookup);
void lk_word_lookup_release(lk_word_lookup *lookup);

/* How a word was found among those that have a vector. */
typedef enum lk_vector_found { LK_VECTOR_AS_IS, LK_VECTOR_LOWERED, LK_VECTOR_NOT, LK_VECTOR_FOUND } lk_vector_found;
/** The row of a word's vector, looked up as the word is, else in lower case; LK_VECTOR_MISSING if there is none.
 *  LK_MEMORY. */
LK_CHECKED lk_status lk_vector_find(lk_word_lookup *lookup, const char *text, size_t size, int32_t *row,
                                    lk_vector_found *how);

typedef struct lk_word_column {
  const char *name; /* name for --feature and model.features: lower-case letters, digits and _ */
  /* ends with NULL; the first value is also used for <sos>, <eos> and <pad>; NULL: they come from elsewhere */
  const char *const *values;
  /** *value = the index of the value of a word, which is valid UTF-8. LK_MEMORY. */
  lk_status (*value)(lk_word_lookup *lookup, const char *text, size_t size, int32_t *value);
} lk_word_column;

/** Names of all features; *count is their number. */
const char *const *lk_word_column_names(size_t *count);
/** NULL if there is no feature of this name. */
const lk_word_column *lk_word_column_find(const char *name);
