/* optimizer_impl.h - what an optimizer is: its name, the settings it reads, its moments, one pointwise loop.
 *
 * src/train/optimizer_<name>.c defines `lk_rule_<name>`; the table of optimizer.c declares it. */
#pragma once
#include <math.h>

#include "optimizer.h"

#define LK_RULE_MOMENTS 3

/* The settings of one step, for one tensor. In double: each rule rounds the constants of its loop once. */
typedef struct lk_update {
  double scale, rate, decay; /* decay 0 for tensors that it does not apply to */
  double momentum, beta1, beta2, rho, epsilon;
  double correction1, correction2; /* 1 - beta^step */
  int64_t step;                    /* applied updates, this one included */
  bool nesterov;
} lk_update;

/* n elements of one tensor: w is updated from sum; moment[i] may be NULL where the rule has fewer. */
typedef void lk_rule_update(const lk_update *u, ptrdiff_t n, float *restrict w, const float *restrict sum,
                            float *const *moment);

typedef struct lk_rule {
  const char *name, *help;             /* help: a few words, or NULL */
  const char *reads;                   /* keys beside train.rate and train.decay, "train.rho train.epsilon"; or NULL */
  const char *moment[LK_RULE_MOMENTS]; /* as torch.optim names them; NULL after the last */
  lk_rule_update *update;
  bool skips_untouched; /* with a zero gradient and no decay, weight and moments do not change: need not be visited */
} lk_rule;
