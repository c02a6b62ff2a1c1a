/* optimizer_impl.h - what a rule is: its name, its moments, one pointwise loop. */
#pragma once
#include <math.h>

#include "optimizer.h"

#define LK_RULE_MOMENTS 2

/* The settings of one step, for one tensor. In double: each rule rounds the constants of its loop once. */
typedef struct lk_update {
  double scale, rate, decay; /* decay 0 for tensors that it does not apply to */
  double momentum, beta1, beta2, rho, epsilon;
  double correction1, correction2; /* 1 - beta^step */
  bool nesterov;
} lk_update;

/* n elements of one tensor: w is updated from sum; moment[i] may be NULL where the rule has fewer. */
typedef void lk_rule_update(const lk_update *u, ptrdiff_t n, float *restrict w, const float *restrict sum,
                            float *const *moment);

typedef struct lk_rule {
  const char *name;
  const char *moment[LK_RULE_MOMENTS]; /* as torch.optim names them; NULL after the last */
  lk_rule_update *update;
  bool rests; /* where gradient and decay are zero, weights and moments stay as they are */
} lk_rule;

extern const lk_rule lk_rule_sgd, lk_rule_momentum, lk_rule_adam, lk_rule_adamw, lk_rule_rmsprop, lk_rule_adagrad;
