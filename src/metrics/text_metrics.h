/* text_metrics.h - how near texts are to their references: BLEU, chrF, exact match, error rates.
 *
 * What a metric needs is a handful of integers that add up: texts are counted on any rank, in any order, and the sums
 * give the value of the whole corpus. All members of lk_text_counts are int64_t, so it is also a vector of LK_TEXT_COUNTS
 * of them, and lk_comm can add it as such.
 *
 * A text has one reference or several. It is exact where it equals one of them, unit by unit; error rates are against
 * the one with the fewest edits (of equals the first). What papers on pronunciation call word error rate, the share of
 * words (here: texts) that equal none of their references, is sequence_error_rate; word_error_rate counts edits. */
#pragma once
#include "metrics.h"
#include "vocab.h"

#define LK_BLEU_ORDER 4
#define LK_CHRF_ORDER 6

typedef struct lk_edit_counts {
  int64_t edits, length; /* insertions, deletions, substitutions; units of the nearest reference */
} lk_edit_counts;

typedef struct lk_bleu_counts {
  int64_t length, reference;                            /* tokens found; of the reference nearest in length */
  int64_t correct[LK_BLEU_ORDER], total[LK_BLEU_ORDER]; /* n-grams, n = 1 .. 4 */
} lk_bleu_counts;

typedef struct lk_chrf_counts {
  int64_t found[LK_CHRF_ORDER], reference[LK_CHRF_ORDER], common[LK_CHRF_ORDER]; /* n-grams of characters */
} lk_chrf_counts;

typedef struct lk_text_counts {
  int64_t texts, exact;
  lk_edit_counts symbol, word; /* by the corpus' unit; by what white space separates */
  lk_bleu_counts bleu;
  lk_chrf_counts chrf;
} lk_text_counts;
#define LK_TEXT_COUNTS ((ptrdiff_t)(sizeof(lk_text_counts) / sizeof(int64_t)))

/* Scratch that grows to the longest text. */
typedef struct lk_text_scorer lk_text_scorer;

/** unit: what symbol_error_rate and exact match go by; LK_CHAR, else what white space separates. LK_MEMORY. */
LK_CHECKED lk_status lk_text_scorer_create(lk_text_scorer **scorer, lk_unit unit);
void lk_text_scorer_destroy(lk_text_scorer **scorer);
/** Add one text to counts. Both are valid UTF-8; `references` are the accepted texts with TABs between them, as
 *  lk_corpus_references() and lk_batch.references have them. LK_MEMORY.           Not collective. */
LK_CHECKED lk_status lk_text_score(lk_text_scorer *scorer, const char *found, size_t found_size, const char *references,
                                   size_t references_size, lk_text_counts *counts);

/** Edits divided by the length of the references; 0 if there was nothing to find. May exceed 1. */
double lk_edit_rate(const lk_edit_counts *counts);
/** BLEU of the corpus, 0 to 100: 4-grams, tokens of mteval-v13a, exponential smoothing of orders without a match: what
 *  sacreBLEU calls case:mixed|eff:no|tok:13a|smooth:exp. Source: Papineni et al. 2002; Chen & Cherry 2014, method 3. */
double lk_bleu(const lk_bleu_counts *counts);
/** exp(1 - reference / length) for what is shorter than its references, else 1. */
double lk_bleu_brevity(const lk_bleu_counts *counts);
/** chrF of the corpus, 0 to 100 (beta 2: chrF2): the F score of the mean precision and the mean recall over the orders
 *  1 to 6 that both sides have, white space left out, no word n-grams; of several references the one that gives the
 *  text the best score. As sacreBLEU: case:mixed|eff:yes|nc:6|nw:0|space:no. Source: Popovic 2015. */
double lk_chrf(const lk_chrf_counts *counts, double beta);
/** Append bleu chrf exact_match sequence_error_rate word_error_rate symbol_error_rate; returns how many there are then. */
int lk_text_metrics(const lk_text_counts *counts, lk_metric metrics[LK_MAX_METRICS], int count);
