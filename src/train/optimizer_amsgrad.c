/* AMSGrad: Reddi, Kale & Kumar 2018, algorithm 2, with Adam's corrections for the start, as in torch.optim: Adam whose
 * second moment never falls.
 *
 *   m = beta1 m + (1 - beta1) g   v = beta2 v + (1 - beta2) g^2   top = max(top, v)
 *   w -= rate / c1 * m / (sqrt(top) / sqrt(c2) + epsilon),  c = 1 - beta^step */
#include "optimizer_impl.h"

static void amsgrad(const lk_update *u, ptrdiff_t n, float *restrict w, const float *restrict sum,
                    float *const *moment) {
  float *restrict m = moment[0], *restrict v = moment[1], *restrict top = moment[2];
  const float scale = (float)u->scale, decay = (float)u->decay, epsilon = (float)u->epsilon;
  const float beta1 = (float)u->beta1, rest1 = (float)(1 - u->beta1);
  const float beta2 = (float)u->beta2, rest2 = (float)(1 - u->beta2);
  const float rate = (float)(u->rate / u->correction1), unbias = (float)(1 / sqrt(u->correction2));
  for (ptrdiff_t i = 0; i < n; i++) {
    float g = sum[i] * scale + decay * w[i];
    m[i] = beta1 * m[i] + rest1 * g;
    v[i] = beta2 * v[i] + rest2 * g * g;
    top[i] = v[i] > top[i] ? v[i] : top[i];
    w[i] -= rate * m[i] / (sqrtf(top[i]) * unbias + epsilon);
  }
}

const lk_rule lk_rule_amsgrad = {.name = "amsgrad",
                                 .help = "Adam whose second moment never falls (Reddi et al. 2018)",
                                 .reads = "train.beta1 train.beta2 train.epsilon",
                                 .moment = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
                                 .update = amsgrad};
