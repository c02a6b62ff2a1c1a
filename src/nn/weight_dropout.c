/* weight_dropout.c - DropConnect on the recurrent weights (Wan et al. 2013; Merity, Keskar & Socher 2018).
 *
 *   W = m * W_hh / keep, one mask m for all times and rows of a step; dW_hh = m * dW / keep
 *
 * An element's fate is a function of seed, step, tensor and element, so every rank drops the same ones. The scale 1 / keep
 * is in the rows that the gradient is made of (lk_recurrent_back_end()): then m only selects, which commutes with the sum
 * over shards, and the bits do not depend on how many subtrees a rank has. */
#include <math.h>

#include "cell_impl.h"

int lk_recurrent_drops(const lk_recurrent *l) { return l->mode.training && l->weight_dropout > 0; }

lk_real lk_recurrent_scale(const lk_recurrent *l) { return (lk_real)(1 / (1 - l->weight_dropout)); }

/* to[u] = from[u] times scale where element u of row m of W_hh is kept, else 0. */
static void mask_row(const lk_recurrent *l, ptrdiff_t m, const lk_real *from, lk_real scale, lk_real *to) {
  uint16_t bits[LK_MAX_WIDTH];
  const uint32_t threshold = (uint32_t)lround((1 - l->weight_dropout) * 65536);
  const lk_rng rng = lk_rng_make(l->mode.seed, LK_PURPOSE_WEIGHT);
  lk_rng_bits16(rng, l->mode.step, (uint32_t)m, 0, (uint32_t)l->weight_hh, bits, l->H);
  for (ptrdiff_t u = 0; u < l->H; u++) {
    const lk_real kept = from[u] * scale;
    to[u] = bits[u] < threshold ? kept : 0;
  }
}

void lk_recurrent_begin_mode(lk_recurrent *l, const lk_params *params, lk_mode mode) {
  const ptrdiff_t H = l->H;
  l->mode = mode;
  l->hh = l->whole;
  l->hh_transposed = l->whole_transposed;
  if (!lk_recurrent_drops(l)) return;
  const lk_real *w = lk_params_value(params, l->weight_hh);
  for (ptrdiff_t m = 0; m < l->cell->gates * H; m++)
    mask_row(l, m, w + m * H, lk_recurrent_scale(l), l->kept_weights + m * H);
  l->cell->pack(l->kept.data, H, l->terms, l->kept_weights, LK_WHOLE);
  l->cell->transpose(l->kept_transposed.data, H, l->terms, l->kept_weights, LK_WHOLE);
  l->hh = l->kept;
  l->hh_transposed = l->kept_transposed;
}

void lk_recurrent_drop_gradient(const lk_recurrent *l, ptrdiff_t gate, int subtrees, lk_real *const *to) {
  for (int p = 0; p < subtrees; p++)
    for (ptrdiff_t i = 0; i < l->H; i++) mask_row(l, gate * l->H + i, to[p] + i * l->H, 1, to[p] + i * l->H);
}
