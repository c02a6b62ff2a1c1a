/* Gradient descent, plain and with momentum: Polyak 1964; Nesterov's form as in Sutskever et al. 2013, with the rate
 * outside the buffer, so that a falling rate acts at once.
 *
 *   sgd        w -= rate g
 *   momentum   b = momentum b + g   w -= rate b   with nesterov: w -= rate (g + momentum b) */
#include "optimizer_impl.h"

static void sgd(const lk_update *u, ptrdiff_t n, float *restrict w, const float *restrict sum, float *const *moment) {
  const float scale = (float)u->scale, rate = (float)u->rate, decay = (float)u->decay;
  (void)moment;
  for (ptrdiff_t i = 0; i < n; i++) w[i] -= rate * (sum[i] * scale + decay * w[i]);
}

static void heavy_ball(const lk_update *u, ptrdiff_t n, float *restrict w, const float *restrict sum,
                       float *restrict buffer) {
  const float scale = (float)u->scale, rate = (float)u->rate, decay = (float)u->decay, momentum = (float)u->momentum;
  for (ptrdiff_t i = 0; i < n; i++) {
    buffer[i] = momentum * buffer[i] + (sum[i] * scale + decay * w[i]);
    w[i] -= rate * buffer[i];
  }
}

static void nesterov(const lk_update *u, ptrdiff_t n, float *restrict w, const float *restrict sum,
                     float *restrict buffer) {
  const float scale = (float)u->scale, rate = (float)u->rate, decay = (float)u->decay, momentum = (float)u->momentum;
  for (ptrdiff_t i = 0; i < n; i++) {
    float g = sum[i] * scale + decay * w[i];
    buffer[i] = momentum * buffer[i] + g;
    w[i] -= rate * (g + momentum * buffer[i]);
  }
}

static void momentum_update(const lk_update *u, ptrdiff_t n, float *restrict w, const float *restrict sum,
                            float *const *moment) {
  if (u->nesterov)
    nesterov(u, n, w, sum, moment[0]);
  else
    heavy_ball(u, n, w, sum, moment[0]);
}

const lk_rule lk_rule_sgd = {
    .name = "sgd", .help = "stochastic gradient descent", .update = sgd, .skips_untouched = true};
const lk_rule lk_rule_momentum = {.name = "momentum",
                                  .help = "stochastic gradient descent with momentum",
                                  .reads = "train.momentum train.nesterov",
                                  .moment = {"momentum_buffer"},
                                  .update = momentum_update};
