/* RMSprop: Tieleman & Hinton 2012, lecture 6.5; epsilon outside the root.
 *
 *   v = rho v + (1 - rho) g^2   w -= rate g / (sqrt(v) + epsilon) */
#include "optimizer_impl.h"

static void rmsprop(const lk_update *u, ptrdiff_t n, float *restrict w, const float *restrict sum,
                    float *const *moment) {
  float *restrict v = moment[0];
  const float scale = (float)u->scale, rate = (float)u->rate, decay = (float)u->decay, epsilon = (float)u->epsilon;
  const float rho = (float)u->rho, rest = (float)(1 - u->rho);
  for (ptrdiff_t i = 0; i < n; i++) {
    float g = sum[i] * scale + decay * w[i];
    v[i] = rho * v[i] + rest * g * g;
    w[i] -= rate * g / (sqrtf(v[i]) + epsilon);
  }
}

const lk_rule lk_rule_rmsprop = {
    .name = "rmsprop", .reads = "train.rho train.epsilon", .moment = {"square_avg"}, .update = rmsprop};
