/* Adagrad: Duchi, Hazan & Singer 2011; epsilon outside the root.
 *
 *   v += g^2   w -= rate g / (sqrt(v) + epsilon) */
#include "optimizer_impl.h"

static void adagrad(const lk_update *u, ptrdiff_t n, float *restrict w, const float *restrict sum,
                    float *const *moment) {
  float *restrict v = moment[0];
  const float scale = (float)u->scale, rate = (float)u->rate, decay = (float)u->decay, epsilon = (float)u->epsilon;
  for (ptrdiff_t i = 0; i < n; i++) {
    float g = sum[i] * scale + decay * w[i];
    v[i] += g * g;
    w[i] -= rate * g / (sqrtf(v[i]) + epsilon);
  }
}

const lk_rule lk_rule_adagrad = {.name = "adagrad",
                                 .help = "Duchi, Hazan & Singer 2011",
                                 .reads = "train.epsilon",
                                 .moment = {"sum"},
                                 .update = adagrad,
                                 .skips_untouched = true};
