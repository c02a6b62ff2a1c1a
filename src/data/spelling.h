/* spelling.h - words cut into characters, for models that read them (model.characters).
 *
 * A word is spelled as <sos>, its characters (Unicode code points), <eos>, by a vocabulary of characters; characters
 * outside the vocabulary are <unk>. A word of more than LK_SPELLING_LONGEST - 2 characters keeps its first and its last
 * 16. The special units <pad>, <sos>, <eos> and <unk> are no words: they are spelled without characters.
 *
 * The vocabulary has the characters of the training words (every occurrence of a word counts) that were seen at least
 * twice: <unk> then stands for those seen once, and is learnt. Not collective throughout. */
#pragma once
#include "inputs.h"
#include "vocab.h"

enum { LK_CHARACTER_LEAST = 2 }; /* how often a character must be seen */

/** Count the characters of a training word, which is normalised as the corpus is, but neither lower-cased nor with its
 *  digits replaced. */
LK_CHECKED lk_status lk_spelling_count(lk_vocab *characters, const char *word, size_t size);

/* Collects spellings. {0} is empty. */
typedef struct lk_speller {
  lk_spelling spelling; /* of the words so far; valid until the next one is added */
  int32_t *character;
  int64_t *begin;
  size_t character_capacity, begin_capacity;
} lk_speller;

/** Add a word, normalised likewise. LK_MEMORY. */
LK_CHECKED lk_status lk_speller_add(lk_speller *speller, const lk_vocab *characters, const char *word, size_t size);
/** Add words, from strings and a vocabulary of characters as a corpus stores them. LK_DATA, LK_MEMORY. */
LK_CHECKED lk_status lk_speller_add_all(lk_speller *speller, const lk_strings *characters, const lk_strings *words);
/** Forget all words. */
void lk_speller_clear(lk_speller *speller);
void lk_speller_release(lk_speller *speller);
