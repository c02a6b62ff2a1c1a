/* schedule.h - the learning rate of a step.
 *
 * A pure function of configuration, step and, for plateau, the evaluations so far: eight doubles, all zero at the
 * start, that a checkpoint keeps. With e = step / steps_in_epoch, r = train.rate, scaled by train.scaling (scaling.h):
 *
 *   constant       r
 *   step           r factor^k after k reductions: first at epoch `start` (0: at `every`), then every `every` epochs
 *   exponential    r factor^((e - start) / every) from epoch `start`
 *   cosine         from r down to `floor` along half a cosine, from the end of the warm-up to the end of the run
 *   inverse-sqrt   r sqrt(warmup / step) from the end of the warm-up (Vaswani et al. 2017; r is the peak)
 *   plateau        r factor^k: a reduction after `cooldown` evaluations in a row without improvement
 *
 * With train.schedule_by: time, `start` and `every` are minutes of training rather than epochs, and cosine ends at
 * train.minutes; with steps it ends at the last step; with auto at whichever comes first. A schedule by time gives
 * rates, and so weights, that no other run reproduces.
 *
 * No schedule goes below `floor`. The first `warmup` steps rise linearly: step s (from 1) has s / warmup of it. */
#pragma once
#include <stdbool.h>

#include "config.h"

#define LK_SCHEDULE_STATE 8

typedef struct lk_schedule lk_schedule;

/** Check the settings: the shape must exist, and cosine needs a limit of steps or time. LK_USAGE with the place. */
LK_CHECKED lk_status lk_schedule_check(const lk_config *config);
/** last_step: by train.steps or train.epochs; 0: no limit. Keeps no pointer to config.
 *  LK_USAGE, LK_MEMORY.                                                            Not collective. */
LK_CHECKED lk_status lk_schedule_create(lk_schedule **schedule, const lk_config *config, int64_t last_step);
void lk_schedule_destroy(lk_schedule **schedule);

/** Whether rates depend on the time that training takes.                            Not collective. */
bool lk_schedule_by_time(const lk_schedule *schedule);
/** The rate of the step that follows `step` finished ones, after so many minutes of training, which must be the same
 *  number on all ranks. steps_in_epoch >= 1.                                       Not collective. */
double lk_schedule_rate(const lk_schedule *schedule, int64_t step, int64_t steps_in_epoch, double minutes);
/** The result of an evaluation, the same on all ranks. Only plateau uses it. True: the rate falls. */
bool lk_schedule_evaluated(lk_schedule *schedule, double value, bool larger_is_better);
/** Whether a checkpoint's state is possible: a forged one may say that the rate was reduced -1000 times. Not
 *  collective. */
bool lk_schedule_possible(const double state[LK_SCHEDULE_STATE]);
/** The state for a checkpoint, and back.                                             Not collective. */
void lk_schedule_save(const lk_schedule *schedule, double state[LK_SCHEDULE_STATE]);
void lk_schedule_load(lk_schedule *schedule, const double state[LK_SCHEDULE_STATE]);
