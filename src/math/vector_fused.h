/* vector_fused.h - lk_fma(); included by vector.h only. */
#pragma once
#include "vector.h"

#if LK_ISA_ID == 0 && !defined(LK_DOUBLE)
#ifdef __aarch64__
#include <arm_neon.h>
#elif defined(__SSE2__)
#include <emmintrin.h>

/* a b + c for two floats each, in double, so that rounding it to float once more is the only rounding that counts.
 *
 * a b is exact (24 + 24 bits). s is its sum with c, rounded to 53 bits; `lost` is what that rounding lost, exactly
 * (Knuth's TwoSum). Rounding s to float could then meet a false tie, so s is rounded to odd first: where something was
 * lost and the last bit of s is even, s is replaced by its neighbour in the direction of `lost` (Boldo & Melquiond
 * 2008). With infinities and NaN `lost` is NaN, so that s stays as it is. */
LK_INLINE __m128d lk_fused_pair(__m128d a, __m128d b, __m128d c) {
  const __m128d zero = _mm_setzero_pd(), p = a * b, s = p + c, back = s - p, lost = (p - (s - back)) + (c - back);
  const __m128d some = _mm_or_pd(_mm_cmplt_pd(lost, zero), _mm_cmpgt_pd(lost, zero));
  const __m128i bits = _mm_castpd_si128(s), one = _mm_set1_epi64x(1);
  const __m128i even = _mm_and_si128(_mm_andnot_si128(bits, one), _mm_castpd_si128(some));
  const __m128i inward = _mm_srli_epi64(_mm_castpd_si128(_mm_xor_pd(lost, s)), 63); /* the signs differ */
  const __m128i down = _mm_slli_epi64(_mm_and_si128(even, inward), 1);
  return _mm_castsi128_pd(_mm_sub_epi64(_mm_add_epi64(bits, even), down));
}
#else
#include <math.h>
#endif
#endif

/** a b + c, rounded once: by an instruction, or in software in the portable kernels of a CPU without one. Rounded twice
 *  in the kernels called blas, whose bits need not agree with the others', and in the portable double ones, used in
 *  tests. */
LK_INLINE lk_vec lk_fma(lk_vec a, lk_vec b, lk_vec c) {
#if LK_AVX512 && defined(LK_DOUBLE)
  return _mm512_fmadd_pd(a, b, c);
#elif LK_AVX512
  return _mm512_fmadd_ps(a, b, c);
#elif LK_ISA_ID == 1 && defined(LK_DOUBLE)
  return _mm256_fmadd_pd(a, b, c);
#elif LK_ISA_ID == 1
  return _mm256_fmadd_ps(a, b, c);
#elif LK_ISA_ID == LK_ISA_ID_blas || defined(LK_DOUBLE)
  return a * b + c;
#elif defined(__aarch64__)
  return (lk_vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#elif defined(__SSE2__)
  const __m128d low = lk_fused_pair(_mm_cvtps_pd(a), _mm_cvtps_pd(b), _mm_cvtps_pd(c));
  const __m128d high = lk_fused_pair(_mm_cvtps_pd(_mm_movehl_ps(a, a)), _mm_cvtps_pd(_mm_movehl_ps(b, b)),
                                     _mm_cvtps_pd(_mm_movehl_ps(c, c)));
  return _mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high));
#else
  for (ptrdiff_t i = 0; i < LK_VL; i++) c[i] = fmaf(a[i], b[i], c[i]);
  return c;
#endif
}
