/* Nadam, Adam with Nesterov's momentum: Dozat 2016, algorithm 2, with the momentum schedule of its section 3 (psi =
 * 0.004), as in torch.optim.
 *
 *   mu_t = beta1 (1 - 0.96^(0.004 t) / 2)   M_t = mu_1 ... mu_t
 *   m = beta1 m + (1 - beta1) g             v = beta2 v + (1 - beta2) g^2
 *   w -= rate (mu_(t+1) / (1 - M_(t+1)) m + (1 - mu_t) / (1 - M_t) g) / (sqrt(v / c2) + epsilon),   c2 = 1 - beta2^t */
#include "fixed_math.h"
#include "optimizer_impl.h"

static double momentum_at(double beta1, int64_t t) { return beta1 * (1 - lk_fixed_power(0.96, 0.004 * (double)t) / 2); }

/* M_t. Each factor is below 1/2 for a long time, so a product that no longer changes 1 - M_t is reached in a few dozen
 * steps; its further factors are left out. */
static double product_to(double beta1, int64_t t) {
  double product = 1;
  for (int64_t k = 1; k <= t && product > 0x1p-60; k++) product *= momentum_at(beta1, k);
  return product;
}

static void nadam(const lk_update *u, ptrdiff_t n, float *restrict w, const float *restrict sum, float *const *moment) {
  float *restrict m = moment[0], *restrict v = moment[1];
  const float scale = (float)u->scale, decay = (float)u->decay, epsilon = (float)u->epsilon;
  const float beta1 = (float)u->beta1, rest1 = (float)(1 - u->beta1);
  const float beta2 = (float)u->beta2, rest2 = (float)(1 - u->beta2);
  const double now = momentum_at(u->beta1, u->step), next = momentum_at(u->beta1, u->step + 1);
  const double product = product_to(u->beta1, u->step);
  const float of_g = (float)(u->rate * (1 - now) / (1 - product)),
              of_m = (float)(u->rate * next / (1 - product * next));
  const float unbias = (float)(1 / sqrt(u->correction2));
  for (ptrdiff_t i = 0; i < n; i++) {
    float g = sum[i] * scale + decay * w[i];
    m[i] = beta1 * m[i] + rest1 * g;
    v[i] = beta2 * v[i] + rest2 * g * g;
    w[i] -= (of_g * g + of_m * m[i]) / (sqrtf(v[i]) * unbias + epsilon);
  }
}

const lk_rule lk_rule_nadam = {.name = "nadam",
                               .help = "Adam with Nesterov's momentum (Dozat 2016)",
                               .reads = "train.beta1 train.beta2 train.epsilon",
                               .moment = {"exp_avg", "exp_avg_sq"},
                               .update = nadam};
