#include "activation.h"

#include <stdbool.h>

static bool counts(const int32_t *target, ptrdiff_t r) { return target == NULL || target[r] >= 0; }

double lk_activation_loss(double weight, const int32_t *target, lk_range rows, ptrdiff_t width, const lk_real *x,
                          ptrdiff_t ld) {
  double sum = 0;
  for (ptrdiff_t r = rows.begin; r < rows.end; r++)
    for (ptrdiff_t u = 0; u < width && counts(target, r); u++) sum += (double)x[r * ld + u] * (double)x[r * ld + u];
  return weight * sum;
}

void lk_activation_gradient(double weight, const int32_t *target, ptrdiff_t n, ptrdiff_t width, const lk_real *x,
                            lk_real *dx, ptrdiff_t ld) {
  const lk_real twice = (lk_real)(2 * weight);
  for (ptrdiff_t r = 0; r < n; r++)
    for (ptrdiff_t u = 0; u < width && counts(target, r); u++) dx[r * ld + u] += twice * x[r * ld + u];
}

double lk_change_loss(double weight, const int32_t *target, const lk_pack *pack, lk_range rows, ptrdiff_t width,
                      const lk_real *x, ptrdiff_t ld) {
  double sum = 0;
  for (ptrdiff_t r = rows.begin; r < rows.end; r++) {
    const ptrdiff_t before = counts(target, r) ? pack->earlier[r] : -1;
    for (ptrdiff_t u = 0; u < width && before >= 0; u++) {
      const double change = (double)x[r * ld + u] - (double)x[before * ld + u];
      sum += change * change;
    }
  }
  return weight * sum;
}

/* A row is in two differences: with the row before it, and with the one after it. */
void lk_change_gradient(double weight, const int32_t *target, const lk_pack *pack, ptrdiff_t width, const lk_real *x,
                        lk_real *dx, ptrdiff_t ld) {
  const lk_real twice = (lk_real)(2 * weight);
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    const ptrdiff_t before = counts(target, r) ? pack->earlier[r] : -1, next = pack->later[r];
    const ptrdiff_t after = next >= 0 && counts(target, next) ? next : -1;
    for (ptrdiff_t u = 0; u < width; u++) {
      lk_real sum = 0;
      if (before >= 0) sum += x[r * ld + u] - x[before * ld + u];
      if (after >= 0) sum -= x[after * ld + u] - x[r * ld + u];
      dx[r * ld + u] += twice * sum;
    }
  }
}
