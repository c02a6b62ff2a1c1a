/* Adam: Kingma & Ba 2015. AdamW: Loshchilov & Hutter 2019, decay apart from the moments.
 *
 *   m = beta1 m + (1 - beta1) g   v = beta2 v + (1 - beta2) g^2
 *   w -= rate / c1 * m / (sqrt(v) / sqrt(c2) + epsilon),  c = 1 - beta^step */
#include "optimizer_impl.h"

static void run(const lk_update *u, double decay, double shrink, ptrdiff_t n, float *restrict w,
                const float *restrict sum, float *restrict m, float *restrict v) {
  const float scale = (float)u->scale, l2 = (float)decay, keep = (float)shrink, epsilon = (float)u->epsilon;
  const float beta1 = (float)u->beta1, rest1 = (float)(1 - u->beta1);
  const float beta2 = (float)u->beta2, rest2 = (float)(1 - u->beta2);
  const float rate = (float)(u->rate / u->correction1), unbias = (float)(1 / sqrt(u->correction2));
  for (ptrdiff_t i = 0; i < n; i++) {
    float g = sum[i] * scale + l2 * w[i];
    m[i] = beta1 * m[i] + rest1 * g;
    v[i] = beta2 * v[i] + rest2 * g * g;
    w[i] = keep * w[i] - rate * m[i] / (sqrtf(v[i]) * unbias + epsilon);
  }
}

static void adam(const lk_update *u, ptrdiff_t n, float *restrict w, const float *restrict sum, float *const *moment) {
  run(u, u->decay, 1, n, w, sum, moment[0], moment[1]);
}

static void adamw(const lk_update *u, ptrdiff_t n, float *restrict w, const float *restrict sum, float *const *moment) {
  run(u, 0, 1 - u->rate * u->decay, n, w, sum, moment[0], moment[1]);
}

#define READS "train.beta1 train.beta2 train.epsilon"
const lk_rule lk_rule_adam = {
    .name = "adam", .help = "Kingma & Ba 2015", .reads = READS, .moment = {"exp_avg", "exp_avg_sq"}, .update = adam};
const lk_rule lk_rule_adamw = {.name = "adamw",
                               .help = "Adam with decoupled weight decay (Loshchilov & Hutter 2019)",
                               .reads = READS,
                               .moment = {"exp_avg", "exp_avg_sq"},
                               .update = adamw};
