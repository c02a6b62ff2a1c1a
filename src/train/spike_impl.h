/* spike_impl.h - what a loss spike is, and what is done about it (train.spike).
 *
 *   mean   m += (l - m) / min(k, window)      over the applied steps, l the step's loss in nats a unit, k their number
 *   spike  k >= window and l > factor m       seen before the update, from the control word: alike on all ranks
 *
 *   skip         the step is not applied; the mean does not learn from it
 *   rollback N   the run goes back N steps and on from there past the batches it had then, the spike's too
 *
 * Going back is going on from the newest checkpoint that is at least as old, up to the step that is N back: the steps in
 * between are taken again, bit for bit. So the result does not depend on when checkpoints were made, and a run that is
 * killed at any moment comes to the same. k, m and the count of rollbacks are part of the state in a checkpoint. */
#pragma once
#include <stdbool.h>

#include "checkpoint.h"
#include "config.h"

typedef enum lk_spike_policy { LK_SPIKE_OFF, LK_SPIKE_SKIP, LK_SPIKE_ROLLBACK } lk_spike_policy;

typedef struct lk_spike {
  lk_spike_policy policy;
  int64_t back; /* steps; 0 but for rollback */
  double factor;
  int64_t window; /* applied steps */
} lk_spike;

/** From train.spike and its neighbours. LK_USAGE.                                 Not collective. */
LK_CHECKED lk_status lk_spike_read(lk_spike *spike, const lk_config *config);
/** Whether a step of that loss (nats a unit) is a spike.                          Not collective. */
bool lk_spike_is(const lk_spike *spike, const lk_state *state, double loss);
/** A step of that loss was applied. Nothing where the policy is off.              Not collective. */
void lk_spike_learn(const lk_spike *spike, lk_state *state, double loss);
