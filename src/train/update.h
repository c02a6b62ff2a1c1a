/* update.h - one optimizer step on this rank's ranges of the parameters. */
#pragma once
#include "clip.h"
#include "optimizer.h"
#include "reduction.h"

/** Update this rank's ranges of the weights (values, or lk_optimizer_master()) from the summed gradient, which clipping
 *  by value changes. If the rule leaves weights of zero gradient as they are, rows that no shard touched are skipped.
 *  rate, step: see lk_optimizer_step().                                           Not collective. */
void lk_update(lk_optimizer *optimizer, const lk_replicas *replicas, const lk_reduction *reduction, lk_clip clip,
               double rate, int64_t step);
