/* measure.h - evaluates a run's model on this process alone, for a limited time. Not collective throughout. */
#pragma once
#include "run_record.h"

typedef struct lk_measured {
  lk_split split;
  lk_metric metric[LK_MAX_METRICS];
  int metrics;
  int64_t *counts; /* [lk_task_counts()] of the run's task */
  lk_pair *pair;   /* [pairs] true class, class found, how often */
  ptrdiff_t pairs;
  int64_t steps, all_steps; /* batches that were evaluated, and that there are; each a random sample of all lengths */
} lk_measured;

/** The part that `lockstep eval` takes: the last one of train, validation and test that the corpus has. */
lk_split lk_measured_split(const lk_corpus_info *info);
/** Evaluate the model on that part of the corpus for so many seconds, but at least on one batch; both must be open. If
 *  all batches are evaluated, the counts are those of `lockstep eval`. LK_DATA, LK_MEMORY. */
LK_CHECKED lk_status lk_measure(lk_run *run, double seconds, lk_measured *measured);
void lk_measured_release(lk_measured *measured);
