#include <stdlib.h>
#include <string.h>

#include "cache_impl.h"
#include "fixed_math.h"
#include "kernels.h"

lk_status lk_cache_init(lk_cache *c, ptrdiff_t window, ptrdiff_t width, double theta, double weight) {
  *c = (lk_cache){.window = window, .width = width, .ld = lk_padded(width), .theta = theta, .weight = weight};
  LK_TRY(lk_alloc(&c->state, (size_t)window, (size_t)c->ld * sizeof *c->state));
  LK_TRY(lk_alloc(&c->after, (size_t)window, sizeof *c->after));
  return lk_alloc(&c->scratch, (size_t)lk_padded(window), sizeof *c->scratch);
}

void lk_cache_release(lk_cache *c) {
  free(c->state);
  free(c->after);
  free(c->scratch);
  *c = (lk_cache){0};
}

/* In LK_LANES partial sums, which the compiler turns into vectors; the same bits on every machine. */
static lk_real dot(ptrdiff_t n, const lk_real *restrict x, const lk_real *restrict y) {
  lk_real lane[LK_LANES] = {0};
  for (ptrdiff_t i = 0; i < n; i += LK_LANES)
    for (int l = 0; l < LK_LANES; l++) lane[l] += x[i + l] * y[i + l];
  for (int half = LK_LANES / 2; half > 0; half /= 2)
    for (int l = 0; l < half; l++) lane[l] += lane[l + half];
  return lane[0];
}

double lk_cache_mix(lk_cache *c, const lk_real *state, int32_t target, double log_p) {
  const lk_real lowest = -80; /* e^-80 is negligible beside 1, and not yet denormal */
  lk_real *s = c->scratch, most = 0;
  double sum = 0, found = 0;
  if (c->count == 0) return log_p;
  for (ptrdiff_t i = 0; i < c->count; i++) {
    s[i] = (lk_real)c->theta * dot(c->ld, state, c->state + i * c->ld);
    if (i == 0 || s[i] > most) most = s[i];
  }
  for (ptrdiff_t i = 0; i < c->count; i++) s[i] = s[i] - most > lowest ? s[i] - most : lowest;
  lk_kernels_get()->exp(c->count, s, s);
  for (ptrdiff_t i = 0; i < c->count; i++) {
    sum += (double)s[i];
    if (c->after[i] == target) found += (double)s[i];
  }
  if (found == 0) return log_p + lk_fixed_log(1 - c->weight); /* also where P(model) is less than a double can hold */
  return lk_fixed_log((1 - c->weight) * lk_fixed_exp(log_p) + c->weight * found / sum);
}

void lk_cache_add(lk_cache *c, const lk_real *state, int32_t target) {
  memcpy(c->state + c->next * c->ld, state, (size_t)c->width * sizeof *state);
  c->after[c->next] = target;
  c->next = (c->next + 1) % c->window;
  if (c->count < c->window) c->count++;
}
