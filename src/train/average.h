/* average.h - a running average of the weights, which evaluation measures and the model file holds (train.average).
 *
 *   A += share (w - A)     after an applied step that takes part, w the weights after it; share 1 at the first: A = w
 *
 * A kind of average is one file, src/train/average_<name>.c, which says when a step takes part and with which share,
 * and one line in the table of average.c.
 *
 * Each rank keeps A for the ranges of the weights that it owns, and no others. For an evaluation lk_average_swap()
 * exchanges A and the weights, and the ranks exchange their ranges as after an update; a second swap brings back every
 * bit. Counters are in lk_state.average: they are stored, go back with the run, and are the same on all ranks. */
#pragma once
#include "checkpoint.h"
#include "config.h"
#include "ranges.h"

typedef struct lk_average lk_average;

/* Indices of lk_state.average, which is all zeros at the start of a run. */
enum {
  LK_AVERAGE_BEGAN, /* the first step whose weights are due to take part; 0: not known yet */
  LK_AVERAGE_COUNT, /* how many weights it is the average of; 0: there is no average */
  LK_AVERAGE_SEEN,  /* evaluations; this and the following: nt-asgd alone */
  LK_AVERAGE_OLDER, /* the best of those that the ring has no place for any more */
  LK_AVERAGE_RING,  /* the last ones, that of number i at LK_AVERAGE_RING + i % LK_AVERAGE_PATIENCE */
  LK_AVERAGE_PATIENCE = LK_AVERAGE_STATE - LK_AVERAGE_RING /* the largest train.average_patience */
};

/* An applied step, when its update was made. */
typedef struct lk_average_step {
  int64_t step; /* its number in the run, from 1 */
  double epoch; /* epochs of the run before it, with the fraction */
  bool ends_epoch;
} lk_average_step;

/** For `count` weights. Keeps no pointer to config. LK_USAGE, LK_MEMORY.            Not collective. */
LK_CHECKED lk_status lk_average_create(lk_average **average, const lk_config *config, ptrdiff_t count);
void lk_average_destroy(lk_average **average);
/** Whether weights are averaged at some time in the run: train.average is not none.   Not collective. */
bool lk_average_wanted(const lk_config *config);
/** Whether averaging begins at an evaluation.                                        Not collective. */
bool lk_average_by_evaluations(const lk_config *config);

/** A step was applied: take its weights into the average, if it takes part. They are the elements of these ranges of
 *  `weights`, in turn, `count` in all. True: averaging began with it.               Not collective. */
bool lk_average_add(lk_average *average, lk_state *state, lk_average_step step, const lk_ranges *ranges,
                    const float *weights);
/** A regular evaluation gave this value, the same on all ranks. True: averaging begins with the next step.
 *                                                                                   Not collective. */
bool lk_average_evaluated(const lk_average *average, lk_state *state, double value, bool larger_is_better);
/** Whether there is an average in this state.                                        Not collective. */
bool lk_average_holds(const lk_state *state);
/** Exchange the average and the weights, given as to lk_average_add().               Not collective. */
void lk_average_swap(lk_average *average, const lk_ranges *ranges, float *weights);
/** The average [count], which the checkpoint reads and fills; NULL where none is wanted. Not collective. */
float *lk_average_values(lk_average *average);
/** The run returned to the weights of `then`: it has their average again, if they had one; evaluations stay counted.
 *                                                                                   Not collective. */
void lk_average_return(lk_state *state, const lk_state *then);
/** Whether a checkpoint's state is possible.                                         Not collective. */
bool lk_average_possible(const lk_state *state);
