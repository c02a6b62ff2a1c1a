/* average_impl.h - what a kind of average is. src/train/average_<name>.c defines `lk_averaging_<name>`; the table of
 * average.c declares it. */
#pragma once
#include "average.h"

typedef struct lk_average_settings {
  double decay, start; /* start: epochs */
  int64_t every;       /* steps; 0: an epoch */
  int64_t patience;    /* evaluations */
} lk_average_settings;

/* Whether the epoch of train.average_start is still to come. An average that has begun goes on, also in a run that is
 * resumed with a later start: otherwise it would stay as it is. */
static inline bool lk_average_waits(const lk_average_settings *settings, const double *state, lk_average_step step) {
  return step.epoch < settings->start && state[LK_AVERAGE_COUNT] == 0;
}

typedef struct lk_averaging {
  const char *name, *help;
  const char *reads; /* keys beside train.average; or NULL */
  /* The share of a step's weights in the average; 0: the step takes no part. state: lk_state.average. */
  double (*share)(const lk_average_settings *settings, const double *state, lk_average_step step);
  /* Whether averaging begins after an evaluation; the smaller the value the better. NULL: not for that reason. */
  bool (*begins)(const lk_average_settings *settings, double *state, double value);
} lk_averaging;
