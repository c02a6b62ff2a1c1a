/* trial.h - a few steps of a run that is not kept, to measure what a step takes: no folder, no files. */
#pragma once
#include "replicas.h"
#include "times.h"

enum { LK_MOST_ROW_BLOCKS = 8, LK_MOST_MOMENTS = 64 };

/* When the passes of a step reach certain places of the flat vector, in order: seconds since the step began, as means
 * over all steps. If a net has more tensors than there is room for, the others are left out. */
typedef struct lk_moments {
  int count;
  struct lk_moment {
    ptrdiff_t at; /* in the flat vector */
    double seconds;
    int64_t steps; /* that it is the mean of */
  } moment[LK_MOST_MOMENTS];
} lk_moments;

typedef struct lk_trial {
  int shards;
  int64_t steps;
  double tokens;                 /* of all ranks, a step */
  double seconds[LK_TIME_PARTS]; /* of rank 0, a step */
  lk_moments needed;             /* values [0, at) are about to be read */
  lk_moments final;              /* gradients [at, P) are final; none where a batch is computed in parts */
  double move_seconds;           /* of adding one real, in vectors of the gradient's size */
  lk_replicas_spec spec;         /* of the run's parameter store; its blocks are the next field */
  lk_row_block block[LK_MOST_ROW_BLOCKS];
  ptrdiff_t rows; /* of all blocks */
  uint8_t *
      first_use; /* [rows] number of the measured step, from 0 and at most 254, that first touched a row; LK_TRIAL_UNUSED: none */
} lk_trial;

enum { LK_TRIAL_UNUSED = 255 };

/** Make some first steps, then train and measure for about `seconds`, and at least three steps. Only steps are made: no
 *  evaluations, no checkpoints. LK_USAGE, LK_DATA, LK_IO, LK_MEMORY, LK_INTERNAL as lk_train(). Collective. */
LK_CHECKED lk_status lk_trial_run(lk_trial *trial, const lk_config *config, lk_comm *comm, double seconds);
void lk_trial_release(lk_trial *trial); /*                                         Not collective. */
/** Note that step number `steps`, from 0, reaches `at` after `seconds`. Only its first time there counts: parts of a
 *  batch read the same values again.                                               Not collective. */
void lk_moments_note(lk_moments *moments, ptrdiff_t at, double seconds, int64_t steps);
/** marks [rows] = the rows that so many steps one after the other touch.          Not collective. */
void lk_trial_rows(const lk_trial *trial, int steps, uint8_t *marks);
