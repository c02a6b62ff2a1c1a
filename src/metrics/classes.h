/* classes.h - counts of the classes found and of those that are right: one tally a class, and pairs if asked for.
 *
 * Evaluations may meet classes that training never had (targets LK_UNSEEN_LABEL and below). They are counted as further
 * classes after those of the model, and no answer of the model can be one of them. Not collective throughout. */
#pragma once
#include "metrics.h"
#include "pairs.h"

typedef struct lk_classes {
  ptrdiff_t known, unseen; /* classes of the model; classes that training never had: room for at least 1 */
  lk_pairs *pairs;         /* also counts which class was taken for which; not owned; NULL: nobody asked */
} lk_classes;

/** Number of tallies that lk_classes_add() needs. */
static inline ptrdiff_t lk_classes_count(const lk_classes *c) { return c->known + c->unseen; }
/** Number of integers in n tallies. */
static inline ptrdiff_t lk_tally_counts(ptrdiff_t n) { return n * (ptrdiff_t)(sizeof(lk_tally) / sizeof(int64_t)); }
/** Add n units to tally [lk_classes_count()]; units whose target is LK_NO_LABEL are left out. LK_MEMORY (pairs). */
LK_CHECKED lk_status lk_classes_add(const lk_classes *c, ptrdiff_t n, const int32_t *target, const int32_t *found,
                                    lk_tally *tally);
