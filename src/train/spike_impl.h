/* spike_impl.h - how a loss spike is detected and handled (train.spike).
 *
 *   mean   m += (l - m) / min(k, window)      over the applied steps, l the step's loss in nats a unit, k their number
 *   spike  k >= window and l > factor m       tested before the update, from the control word: the same on all ranks
 *
 *   skip         the step is not applied and does not enter the mean
 *   rollback N   the run goes back N steps and continues from there with the batches after the spike's
 *
 * To go back N steps the run resumes from the newest checkpoint that is at least as old and repeats the steps after
 * it, bit for bit. So the result does not depend on when checkpoints were made, and a run that is killed at any
 * moment and resumed has the same result. k, m and the number of rollbacks are part of the state in a checkpoint. */
#pragma once
#include <stdbool.h>

#include "checkpoint.h"
#include "config.h"

typedef enum lk_spike_policy { LK_SPIKE_OFF, LK_SPIKE_SKIP, LK_SPIKE_ROLLBACK } lk_spike_policy;

typedef struct lk_spike {
  lk_spike_policy policy;
  int64_t back; /* steps of a rollback, else 0 */
  double factor;
  int64_t window; /* applied steps */
} lk_spike;

/** Read train.spike, train.spike_factor and train.spike_window. LK_USAGE.                                 Not
 *  collective. */
LK_CHECKED lk_status lk_spike_read(lk_spike *spike, const lk_config *config);
/** Whether a step of that loss (nats a unit) is a spike.                          Not collective. */
bool lk_spike_is(const lk_spike *spike, const lk_state *state, double loss);
/** A step of that loss was applied: update the mean. No-op where the policy is off.             Not collective. */
void lk_spike_learn(const lk_spike *spike, lk_state *state, double loss);
