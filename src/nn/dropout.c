#include "layers.h"

#include <math.h>

#include "nn_impl.h"

/* Select instead of multiplying by 0, so that a dropped unit gives 0 even if it is not finite. */
static void apply_mask(const uint16_t *bits, uint32_t threshold, lk_real scale, ptrdiff_t n, const lk_real *x,
                       lk_real *y) {
  for (ptrdiff_t u = 0; u < n; u++) {
    lk_real kept = x[u] * scale;
    y[u] = bits[u] < threshold ? kept : 0;
  }
}

void lk_dropout(const lk_pack *pack, lk_mode mode, double rate, int variational, int layer, ptrdiff_t width,
                const lk_real *x, ptrdiff_t ldx, lk_real *y, ptrdiff_t ldy) {
  lk_dropout_rows(pack, mode, rate, variational, layer, width, pack->N, NULL, x, ldx, y, ldy);
}

void lk_dropout_rows(const lk_pack *pack, lk_mode mode, double rate, int variational, int layer, ptrdiff_t width,
                     ptrdiff_t n, const int32_t *rows, const lk_real *x, ptrdiff_t ldx, lk_real *y, ptrdiff_t ldy) {
  LK_ASSERT(rate >= 0 && rate < 1 && width <= LK_MAX_WIDTH && layer >= 0 && layer < 256);
  int dropping = mode.training && rate > 0;
  if (!dropping && x == y) return;
  lk_rng rng = lk_rng_make(mode.seed, LK_PURPOSE_DROPOUT);
  uint16_t bits[LK_MAX_WIDTH];
  uint32_t threshold = (uint32_t)lround((1 - rate) * 65536);
  lk_real scale = (lk_real)(1 / (1 - rate));
  for (ptrdiff_t i = 0; i < n; i++) {
    const ptrdiff_t r = rows ? rows[i] : i;
    if (dropping) {
      uint32_t time = variational ? 0 : (uint32_t)pack->time[r];
      lk_rng_bits16(rng, mode.step, pack->id[pack->seq[r]], (uint32_t)layer, time, bits, width);
      apply_mask(bits, threshold, scale, width, x + r * ldx, y + r * ldy);
    } else {
      copy_row(y + r * ldy, x + r * ldx, width);
    }
  }
}
