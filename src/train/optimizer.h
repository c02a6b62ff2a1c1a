/* optimizer.h - the update of the weights from the summed gradient, on some ranges of the flat vector.
 *
 * Each rank updates its own ranges of the values and has the moments of these ranges, and no others. Every optimizer is
 * elementwise, so the bits do not depend on how the vector is divided. A step makes one pass over memory.
 *
 *   g = scale * sum                       the mean gradient, clipped (clip.h)
 *   g += decay * w                        that of the tensor's kind (decay.h); adamw multiplies w instead (decoupled)
 *
 * With parallel.wire: bf16 the values that ranks share follow the weights in rounded steps (replicas.h). The optimizer
 * then has the weights themselves, for its ranges alone, as one more moment: "master".
 *
 * Formulas and meaning of every setting are torch.optim's. An optimizer is one file, src/train/optimizer_<name>.c,
 * which begins with its formula, and one line in the table of optimizer.c. */
#pragma once
#include "comm.h"
#include "config.h"
#include "params.h"
#include "ranges.h"

typedef struct lk_optimizer lk_optimizer;

/** Names of the optimizers; *count of them.                                       Not collective. */
const char *const *lk_optimizer_names(size_t *count);
/** Whether a weight and its moments stay as they are if its gradient is zero, so that rows that no shard touched can be
 *  skipped. False for an unknown name.                                              Not collective. */
bool lk_optimizer_skips_untouched(const lk_config *config);
bool lk_optimizer_is_sparse(const lk_optimizer *optimizer); /* the same of this one   Not collective. */
/** Create an optimizer for some ranges of the table's flat vector; moments start at zero. Keeps no pointer to config,
 *  params or own. LK_USAGE for an unknown name, LK_MEMORY.                         Not collective. */
LK_CHECKED lk_status lk_optimizer_create(lk_optimizer **optimizer, const lk_config *config, const lk_params *params,
                                         const lk_ranges *own);
void lk_optimizer_destroy(lk_optimizer **optimizer);

/** To be called when a run begins without a checkpoint: the weights are these values [P]. Not collective. */
void lk_optimizer_begin(lk_optimizer *optimizer, const float *values);
/** The weights that are updated, an own vector (ranges.h); NULL: they are the values themselves. Not collective. */
float *lk_optimizer_master(lk_optimizer *optimizer);

/** Moments of this optimizer (0 to 4), their names in torch.optim, and their values, own vectors, which the checkpoint
 *  reads and fills.                                                 Not collective. */
int lk_optimizer_moments(const lk_optimizer *optimizer);
const char *lk_optimizer_moment_name(const lk_optimizer *optimizer, int i);
float *lk_optimizer_moment(lk_optimizer *optimizer, int i);

/** Update a part of an own vector (ranges.h) that lies within one range.                 Not collective.
 *  io   values [part]       in  sum [part]   gradient, summed over the units of all ranks; does not overlap values
 *  scale: 1 / units, times the clip factor     rate: of this step     step: applied updates including this one, for
 *  Adam's bias corrections (skipped steps do not count, as in torch.optim) */
void lk_optimizer_step(lk_optimizer *optimizer, lk_range part, float *values, const float *sum, double scale,
                       double rate, int64_t step);
