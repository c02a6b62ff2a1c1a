#include "tile.h"

double LK_ISA_NAME(lk_ceiling)(ptrdiff_t rounds);

/* Fused multiply-adds on the accumulators of a register tile: no loads, no dependence between accumulators. */
enum { ROWS = LK_TILE_ACCUMULATORS / LK_TILE_VECTORS };

double LK_ISA_NAME(lk_ceiling)(ptrdiff_t rounds) {
  /* read at run time, so that the compiler can compute nothing in advance; the sums tend to 1 */
  static const volatile lk_real keep = (lk_real)0.999, gain = (lk_real)0.001;
  const lk_vec a = lk_splat(keep), b = lk_splat(gain);
  lk_vec sum[ROWS][LK_TILE_VECTORS], all = lk_zero();
  LK_UNROLL for (int r = 0; r < ROWS; r++) {
    LK_UNROLL for (int v = 0; v < LK_TILE_VECTORS; v++) sum[r][v] = lk_splat((lk_real)(r * LK_TILE_VECTORS + v));
  }
  for (ptrdiff_t i = 0; i < rounds; i++) {
    LK_UNROLL for (int r = 0; r < ROWS; r++) {
      LK_UNROLL for (int v = 0; v < LK_TILE_VECTORS; v++) sum[r][v] = lk_fma(sum[r][v], a, b);
    }
  }
  LK_UNROLL for (int r = 0; r < ROWS; r++) { LK_UNROLL for (int v = 0; v < LK_TILE_VECTORS; v++) all += sum[r][v]; }
  static volatile lk_real sink; /* so that the compiler keeps the loop */
  sink = all[0];
  (void)sink;
  return 2.0 * (double)rounds * LK_TILE_ACCUMULATORS * (double)LK_VL;
}
