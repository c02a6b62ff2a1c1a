/* schedule.h - the learning rate of a step.
 *
 * A pure function of configuration, step and, for plateau, what the evaluations so far came to: eight doubles, all zero
 * at the start, that a checkpoint carries. With e = step / steps_in_epoch, r = train.rate:
 *
 *   constant       r
 *   step           r factor^k, k falls so far: the first at epoch `start` (0: at `every`), then one each `every` epochs
 *   exponential    r factor^((e - start) / every) from epoch `start`
 *   cosine         from r down to `floor` along half a cosine, from the end of the warm-up to the end of the run
 *   inverse-sqrt   r sqrt(warmup / step) from the end of the warm-up (Vaswani et al. 2017; r is the peak)
 *   plateau        r factor^k: a fall after `cooldown` evaluations in a row that were no improvement
 *
 * With train.schedule_by: time, `start` and `every` are minutes of training rather than epochs, and cosine's end is
 * train.minutes; by steps it is the last step; with auto whichever is nearer. What goes by time has a rate, and so weights,
 * that no other run repeats.
 *
 * None falls below `floor`. Before that, all rise in a straight line over `warmup` steps: step s of them (from 1) runs
 * at s / warmup of the rate. */
#pragma once
#include <stdbool.h>

#include "config.h"

#define LK_SCHEDULE_STATE 8

typedef struct lk_schedule lk_schedule;

/** Names of the schedules; *count of them.                                        Not collective. */
const char *const *lk_schedule_names(size_t *count);

/** The shape, and whether it can do with the ends that the run has. LK_USAGE with the place. */
LK_CHECKED lk_status lk_schedule_check(const lk_config *config);
/** last_step: where the run ends by steps or epochs; 0: open. Keeps no pointer to config.
 *  LK_USAGE, LK_MEMORY.                                                            Not collective. */
LK_CHECKED lk_status lk_schedule_create(lk_schedule **schedule, const lk_config *config, int64_t last_step);
void lk_schedule_destroy(lk_schedule **schedule);

/** Whether rates hang on the time that training takes.                            Not collective. */
bool lk_schedule_by_time(const lk_schedule *schedule);
/** The rate of the step that follows `step` finished ones, after so many minutes of training, which must be the same
 *  number on all ranks. steps_in_epoch >= 1.                                       Not collective. */
double lk_schedule_rate(const lk_schedule *schedule, int64_t step, int64_t steps_in_epoch, double minutes);
/** An evaluation came to `value`; alike on all ranks. No other schedule than plateau listens. */
void lk_schedule_evaluated(lk_schedule *schedule, double value, bool larger_is_better);
/** Whether a schedule can have left such a state: a forged one may say that the rate fell -1000 times. Not collective. */
bool lk_schedule_possible(const double state[LK_SCHEDULE_STATE]);
/** What a checkpoint keeps; and back.                                             Not collective. */
void lk_schedule_save(const lk_schedule *schedule, double state[LK_SCHEDULE_STATE]);
void lk_schedule_load(lk_schedule *schedule, const double state[LK_SCHEDULE_STATE]);
