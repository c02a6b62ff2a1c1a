/* Adadelta: Zeiler 2012, with torch.optim's learning rate (1 in the paper); epsilon inside the roots.
 *
 *   v = rho v + (1 - rho) g^2   d = sqrt(u + epsilon) / sqrt(v + epsilon) g
 *   u = rho u + (1 - rho) d^2   w -= rate d */
#include "optimizer_impl.h"

static void adadelta(const lk_update *settings, ptrdiff_t n, float *restrict w, const float *restrict sum,
                     float *const *moment) {
  float *restrict v = moment[0], *restrict u = moment[1];
  const float scale = (float)settings->scale, rate = (float)settings->rate, decay = (float)settings->decay;
  const float rho = (float)settings->rho, rest = (float)(1 - settings->rho), epsilon = (float)settings->epsilon;
  for (ptrdiff_t i = 0; i < n; i++) {
    float g = sum[i] * scale + decay * w[i];
    v[i] = rho * v[i] + rest * g * g;
    float d = sqrtf(u[i] + epsilon) / sqrtf(v[i] + epsilon) * g;
    u[i] = rho * u[i] + rest * d * d;
    w[i] -= rate * d;
  }
}

const lk_rule lk_rule_adadelta = {.name = "adadelta",
                                  .help = "Zeiler 2012",
                                  .reads = "train.rho train.epsilon",
                                  .moment = {"square_avg", "acc_delta"},
                                  .update = adadelta};
