/* vector_math.h - exp, tanh and the logistic sigmoid on vectors.
 *
 * The float versions are polynomials of our own: no libm, no branches, the same bits on every machine with the same
 * instruction set. Largest errors, in units in the last place of the float result, over every float of the range:
 *
 *   exp      1.0 on [-87, 88]; 0 or a denormal below -87.3, infinity above 88.73
 *   tanh     2.5 on all finite floats; odd; never falls; exactly +-1 beyond 9.02; x itself where |x| < 2^-26
 *   sigmoid  2.5 on [-87, infinity); 0 or a denormal below; never falls above 14; exactly 1 above 17.4
 *
 * NaN gives NaN. The double versions, which only tests use, call libm lane by lane. */
#pragma once
#include "vector.h"

#ifdef LK_DOUBLE
#include <math.h>

#define LK_BY_LANE(function, x)                                        \
  lk_real lane_[LK_VL];                                                \
  lk_store(lane_, x);                                                  \
  for (ptrdiff_t i = 0; i < LK_VL; i++) lane_[i] = function(lane_[i]); \
  return lk_load(lane_)

LK_INLINE lk_vec lk_exp(lk_vec x) { LK_BY_LANE(exp, x); }
LK_INLINE lk_vec lk_tanh(lk_vec x) { LK_BY_LANE(tanh, x); }
LK_INLINE lk_vec lk_sigmoid(lk_vec x) { return 1.0 / (1.0 + lk_exp(-x)); }

#else

/* x = n ln 2 + r, |r| <= ln 2 / 2 */
typedef struct lk_reduced {
  lk_vec n, r;
  lk_ivec integer; /* n */
} lk_reduced;

LK_INLINE lk_reduced lk_reduce(lk_vec x) {
  /* Adding 1.5 2^23 rounds to an integer, which is then in the low bits. */
  const lk_vec magic = lk_splat(0x1.8p23f);
  lk_vec t = lk_fma(x, lk_splat(0x1.715476p0f), magic);
  lk_reduced out = {.n = t - magic, .integer = (lk_ivec)t - (lk_ivec)magic};
  /* ln 2 in two parts: the first has 15 bits, so its product with n is exact even where it is rounded. */
  out.r = lk_fma(out.n, lk_splat(-0x1.62e4p-1f), x);
  out.r = lk_fma(out.n, lk_splat(-0x1.7f7d1cp-20f), out.r);
  return out;
}

/* exp(r) - 1 = r + r^2 q(r): q of degree 5, minimax for the relative error of exp(r) - 1, which is 2e-9. */
LK_INLINE lk_vec lk_expm1_reduced(lk_vec r) {
  lk_vec q = lk_splat(0x1.9751dap-13f);
  q = lk_fma(q, r, lk_splat(0x1.6d23e8p-10f));
  q = lk_fma(q, r, lk_splat(0x1.11160cp-7f));
  q = lk_fma(q, r, lk_splat(0x1.5554fep-5f));
  q = lk_fma(q, r, lk_splat(0x1.555554p-3f));
  q = lk_fma(q, r, lk_splat(0.5f));
  return lk_fma(r * r, q, r);
}

/** 2^n, -126 <= n <= 127. */
LK_INLINE lk_vec lk_power_of_two(lk_ivec n) { return (lk_vec)((n + 127) << 23); }

LK_INLINE lk_vec lk_exp(lk_vec x) {
  /* Limits where the result is 0 and infinity already. NaN passes: lk_max() and lk_min() give their second argument. */
  x = lk_min(lk_splat(89.0f), lk_max(lk_splat(-104.0f), x));
  lk_reduced a = lk_reduce(x);
  lk_vec y = lk_expm1_reduced(a.r) + lk_splat(1.0f);
  /* In two factors, since 2^128 and 2^-127 are not normal floats. */
  lk_ivec half = a.integer >> 1;
  return y * lk_power_of_two(half) * lk_power_of_two(a.integer - half);
}

LK_INLINE lk_vec lk_tanh(lk_vec x) {
  /* tanh |x| = -e / (2 + e), e = exp(-2|x|) - 1 = 2^n (exp(r) - 1) + (2^n - 1): nothing cancels near 0, and towards 1
   * e approaches -1 monotonically when rounded, which a formula in exp(2|x|) would not. */
  const lk_ivec sign = (lk_ivec)x & lk_isplat(INT32_MIN);
  lk_vec y = lk_max(lk_splat(-10.0f), (lk_vec)((lk_ivec)x | lk_isplat(INT32_MIN)));
  lk_reduced a = lk_reduce(y + y);
  lk_vec scale = lk_power_of_two(a.integer);
  lk_vec e = lk_fma(lk_expm1_reduced(a.r), scale, scale - lk_splat(1.0f));
  return (lk_vec)((lk_ivec)(-e / (lk_splat(2.0f) + e)) | sign);
}

LK_INLINE lk_vec lk_sigmoid(lk_vec x) { return lk_splat(1.0f) / (lk_splat(1.0f) + lk_exp(-x)); }
#endif
