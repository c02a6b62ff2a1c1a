/* metrics.h - counting what was found: classes one by one, and spans as conlleval counts them. All counts are whole
 * numbers, whose sum over ranks has no order. Not collective throughout. */
#pragma once
#include <math.h>

#include "tags.h"

typedef struct lk_metric {
  char name[40]; /* loss perplexity bits_per_character accuracy macro_f1 unknown_accuracy precision recall f1 ... */
  double value;
  int rising; /* larger is better */
} lk_metric;
#define LK_MAX_METRICS 16

/** Append a metric to metrics [count]; returns how many there are then. */
int lk_metric_put(lk_metric *metrics, int count, const char *name, double value, int rising);
static inline double lk_ratio(int64_t part, int64_t all) { return all > 0 ? (double)part / (double)all : 0; }
/** The same, but NaN where there was nothing to measure. */
static inline double lk_ratio_or_nan(int64_t part, int64_t all) { return all > 0 ? (double)part / (double)all : NAN; }

/* Counts of one class, tag or type of span. */
typedef struct lk_tally {
  int64_t gold;    /* how often it is right */
  int64_t found;   /* how often it was predicted */
  int64_t correct; /* how often both */
} lk_tally;

/** Precision correct/found, recall correct/gold, F1 = 2 correct/(gold + found); 0 where nothing was found, or there was
 *  nothing to find, as conlleval has it. */
double lk_tally_precision(lk_tally tally);
double lk_tally_recall(lk_tally tally);
double lk_tally_f1(lk_tally tally);
lk_tally lk_tally_sum(const lk_tally *tally, ptrdiff_t n);
/** Mean F1 over the classes that occur, in gold or among the predictions, as scikit-learn's
 *  f1_score(average="macro") takes it; NaN where none does. */
double lk_tally_macro_f1(const lk_tally *tally, ptrdiff_t n);

/** Add the spans of one sentence to by_type [set->types.count + 1], the last for the type without a name (tags.h).
 *  A span is correct where start, end and type agree. Spans start and end by the rules of conlleval, so every sequence
 *  of tags has spans: an I after O, or after another type, starts one. After E and S the span is closed whatever
 *  follows, as later versions of the script have it.
 *  A word whose gold label is LK_NO_LABEL counts as O on both sides, whatever was found there. Gold labels that training
 *  never had are tags like others, which nothing found can match. */
void lk_spans_count(const lk_tagset *set, const int32_t *gold, const int32_t *found, ptrdiff_t n, lk_tally *by_type);
