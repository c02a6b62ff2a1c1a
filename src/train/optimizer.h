/* optimizer.h - from a summed gradient to new weights, on one range of the flat vector.
 *
 * Each rank updates its own range (comm.h) of values; the moments, vectors of the same length, live with the range and
 * nowhere else. Every rule is elementwise, so where ranges are cut changes no bits. One pass over memory a step.
 *
 *   g = scale * sum                       the mean gradient, clipped: the caller knows units and norm
 *   g += decay * w                        where lk_param.decay is set; adamw shrinks w instead (decoupled)
 *
 * Formulas and meaning of every setting are torch.optim's. An optimizer is one file, src/train/optimizer_<name>.c, which
 * begins with its formula, and one line in the table of optimizer.c. */
#pragma once
#include "comm.h"
#include "config.h"
#include "params.h"
#include "reducer.h"

typedef struct lk_optimizer lk_optimizer;

/** Names of the optimizers; *count of them.                                       Not collective. */
const char *const *lk_optimizer_names(size_t *count);
/** Whether weights whose gradient is zero stay as they are. False for an unknown name. Not collective. */
bool lk_optimizer_rests(const lk_config *config);
/** For elements `range` of the table's flat vector; moments start at zero. Keeps neither config nor params.
 *  LK_USAGE for an unknown name, LK_MEMORY.                                        Not collective. */
LK_CHECKED lk_status lk_optimizer_create(lk_optimizer **optimizer, const lk_config *config, const lk_params *params,
                                         lk_range range);
void lk_optimizer_destroy(lk_optimizer **optimizer);

/** Moments of this rule (0 to 2), their names as torch.optim has them, and their [range] numbers: owned here, for the
 *  checkpoint to read and to fill.                                                 Not collective. */
int lk_optimizer_moments(const lk_optimizer *optimizer);
const char *lk_optimizer_moment_name(const lk_optimizer *optimizer, int i);
float *lk_optimizer_moment(lk_optimizer *optimizer, int i);

/** One update of a part of the range, counted from its begin.                     Not collective.
 *  io   values [range]      in  sum [range]   gradient, summed over the units of all ranks; does not overlap values
 *  scale: 1 / units, times the clip factor     rate: of this step     step: applied updates with
 *  this one, from 1, for Adam's corrections (steps that were skipped do not count, as in torch.optim) */
void lk_optimizer_step(lk_optimizer *optimizer, lk_range part, float *values, const float *sum, double scale,
                       double rate, int64_t step);
/** What a sum of gradients is multiplied by: 1 / units, and so much less as the norm of the mean gradient exceeds `clip`
 *  (0: never), as torch.nn.utils.clip_grad_norm_ has it.                           Not collective. */
double lk_optimizer_scale(double units, double norm, double clip);
/** The range's update from the reducer's total, without a visit to rows that no shard touched where the rule leaves such
 *  ones alone.                                                                    Not collective. */
void lk_optimizer_update(lk_optimizer *optimizer, lk_reducer *reducer, double scale, double rate, int64_t step);
