/* text_impl.h - texts as numbers, so that what is compared a thousand times is compared once.
 *
 *   lk_numbers_start -> lk_numbers_add for the text found, then for each reference -> lk_numbers_finish
 *
 * gives every symbol a number, equal symbols equal ones; the n-grams of order n are numbered from those of order n - 1
 * and the symbol that follows. Every function: Not collective. */
#pragma once
#include "text_metrics.h"

/* How a text is cut. */
typedef enum lk_cut { LK_CUT_WORDS, LK_CUT_CHARACTERS, LK_CUT_LETTERS /* characters but for white space */ } lk_cut;

typedef struct lk_symbol {
  const char *text;
  size_t size;
  int32_t at; /* its place */
} lk_symbol;

typedef struct lk_gram {
  uint64_t key; /* number of the n-1 symbols before, number of the last */
  int32_t at;
} lk_gram;

typedef struct lk_numbers {
  ptrdiff_t texts, count; /* texts, symbols of all of them */
  ptrdiff_t *begin;       /* [texts+1] symbols of text t: begin[t] .. begin[t+1] */
  lk_symbol *symbol;      /* [count] in place; after settling, sorted */
  lk_gram *scratch;       /* [count] */
  int32_t *id;            /* [count] */
  int32_t *gram;          /* [count] number of the n-gram that starts here, where its text is long enough */
  int order;              /* n */
  int32_t kinds;          /* different n-grams: their numbers are 0 .. kinds-1 */
  size_t begin_capacity, symbol_capacity, scratch_capacity, id_capacity, gram_capacity;
} lk_numbers;

void lk_numbers_start(lk_numbers *numbers);
/** Cut one more text, which must stay where it is until lk_numbers_finish(). LK_MEMORY. */
LK_CHECKED lk_status lk_numbers_add(lk_numbers *numbers, lk_cut cut, const char *text, size_t size);
/** Number the symbols; n-grams are of order 1 then. LK_MEMORY. */
LK_CHECKED lk_status lk_numbers_finish(lk_numbers *numbers);
/** Number the n-grams of the next order. */
void lk_numbers_next_order(lk_numbers *numbers);
void lk_numbers_release(lk_numbers *numbers);
/** Symbols of a text. */
static inline ptrdiff_t lk_numbers_length(const lk_numbers *n, ptrdiff_t text) {
  return n->begin[text + 1] - n->begin[text];
}
/** Add how often each n-gram is in a text to tally [kinds]; returns how many there are. */
int64_t lk_numbers_tally(const lk_numbers *numbers, ptrdiff_t text, int64_t *tally);
/** Insertions, deletions and substitutions between two texts (Levenshtein); row [length of a + 1] is scratch. */
int64_t lk_numbers_edits(const lk_numbers *numbers, ptrdiff_t a, ptrdiff_t b, int32_t *row);

/** Append the text as mteval-v13a cuts it, blanks between tokens (and perhaps more than one). LK_MEMORY. */
LK_CHECKED lk_status lk_tokenize_13a(lk_buffer *out, const char *text, size_t size);
