/* scaling.h - the learning rate for another batch than the one it was found for (train.scaling).
 *
 * With k = train.batch / train.scaling_batch:
 *
 *   none   train.rate as it is
 *   legw   train.rate and train.floor times sqrt(k), and a warm-up of k times as many epochs. An epoch has 1/k times the
 *          steps, so the warm-up has as many steps as before, train.warmup
 *          (You et al. 2019, "Large-Batch Training for LSTM and Beyond", arXiv 1901.08433)
 *
 * Every function: Not collective. */
#pragma once
#include "config.h"

typedef struct lk_scaling {
  double batches; /* k; 1 with none */
  double rate;    /* what rates are multiplied by */
} lk_scaling;

/** LK_USAGE, naming the setting, where the batch to scale from is missing, or the rate is more than a float holds. */
LK_CHECKED lk_status lk_scaling_read(lk_scaling *scaling, const lk_config *config);
/** Log the scaled rate, and warn if the warm-up is probably not what was meant. last_step 0: no limit in steps. */
void lk_scaling_announce(const lk_config *config, int64_t steps_in_epoch, int64_t last_step);
