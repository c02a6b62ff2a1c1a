/* bf16_words.h - rows and weights rounded to bf16, as products of `train.precision: bf16` read them. Only for sources
 * with LK_ISA.
 *
 * A bf16 is the upper half of a float32; a number is rounded to the nearest, ties to even (Kalamkar et al. 2019). The
 * product of two is exact in float32, so
 *
 *     acc = fma(x[k], w[k], acc)    for k = 0, 1, 2, ...: one rounding each, as in float32 (tile.h)
 *
 * is what every instruction set computes, and the bits are the same on all of them. avx512bf16 does two of these steps
 * by one instruction, VDPBF16PS: per lane, a fused multiply-add of the upper halves of two words, then one of the lower
 * halves; round to nearest even; denormals count as zero and become zero, as they do everywhere here (Intel 64 and
 * IA-32 Architectures Software Developer's Manual). So two numbers that follow each other in k are the halves
 * of one word, the first in the upper half:
 *
 *     word k/2 = bf16(x[k]) << 16 | bf16(x[k+1])
 *
 * If the number of terms is odd, the last word has +0 as its second number in x, and -0 in w: their product, -0, is the
 * identity of addition.
 *
 * The other instruction sets have no use for words of two numbers: they hold each rounded number as a float32.
 * LK_BF16_TERMS: how many numbers a word holds; arrays of words are declared as reals, which have the same size. */
#pragma once
#include "vector_square.h"

#if LK_ISA_ID == LK_ISA_ID_avx512bf16 && !defined(LK_DOUBLE)
#define LK_BF16_TERMS 2
#else
#define LK_BF16_TERMS 1
#endif

/** How many terms of a sum n numbers make: words with bf16, else numbers. */
LK_INLINE ptrdiff_t lk_terms(int bf16, ptrdiff_t n) { return bf16 ? (n + LK_BF16_TERMS - 1) / LK_BF16_TERMS : n; }

#ifdef LK_DOUBLE
LK_INLINE lk_vec lk_bf16_rounded(lk_vec x) { return x; } /* no bf16 in the double library */
#else
typedef uint32_t lk_uvec __attribute__((vector_size(LK_VECTOR_BYTES)));

/** Each lane rounded to bf16, as a float32; a denormal becomes zero, and a NaN stays one. */
LK_INLINE lk_vec lk_bf16_rounded(lk_vec x) {
  const lk_uvec bits = (lk_uvec)x, one = (lk_uvec)lk_isplat(1), upper = (lk_uvec)lk_isplat(-0x10000);
  const lk_uvec sign = (lk_uvec)lk_isplat(INT32_MIN), infinity = (lk_uvec)lk_isplat(0x7f800000);
  const lk_uvec up = bits + (lk_uvec)lk_isplat(0x7fff) + ((bits >> 16) & one);
  const lk_uvec nan = bits | (lk_uvec)lk_isplat(1 << 22), zero = bits & sign;
  const lk_ivec is_small = (lk_ivec)((bits & infinity) == 0), is_nan = (lk_ivec)((bits & ~sign) > infinity);
  return (lk_vec)((lk_uvec)lk_select(is_nan, (lk_vec)nan, lk_select(is_small, (lk_vec)zero, (lk_vec)up)) & upper);
}
#endif

#if LK_BF16_TERMS == 2
/** Words whose upper halves are the lanes of `first`, and whose lower halves are those of `second`. */
LK_INLINE lk_vec lk_bf16_pair(lk_vec first, lk_vec second) {
  const __m512i zip = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                       5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return (lk_vec)_mm512_permutexvar_epi16(zip, (__m512i)_mm512_cvtne2ps_pbh(first, second));
}

typedef lk_word lk_aliased_word __attribute__((may_alias));

/** A word of a row, in all lanes. */
LK_INLINE lk_vec lk_bf16_splat(const lk_real *x) { return (lk_vec)_mm512_set1_epi32(*(const lk_aliased_word *)x); }

/** acc + the products of a word of a row with words of weights. */
LK_INLINE lk_vec lk_bf16_dot(lk_vec x, lk_vec w, lk_vec acc) { return _mm512_dpbf16_ps(acc, (__m512bh)w, (__m512bh)x); }

/** Store the words of LK_VL numbers that follow each other. */
LK_INLINE void lk_bf16_store(lk_real *to, lk_vec x) {
  _mm256_storeu_si256((__m256i *)(void *)to, _mm256_rol_epi32((__m256i)_mm512_cvtneps_pbh(x), 16));
}
#else
LK_INLINE lk_vec lk_bf16_splat(const lk_real *x) { return lk_splat(*x); }
LK_INLINE lk_vec lk_bf16_dot(lk_vec x, lk_vec w, lk_vec acc) { return lk_fma(x, w, acc); }
LK_INLINE void lk_bf16_store(lk_real *to, lk_vec x) { lk_store(to, lk_bf16_rounded(x)); }
#endif

/** Words of weights that add nothing to any sum, multiplied with +0. */
LK_INLINE lk_vec lk_bf16_nothing(void) {
#if LK_BF16_TERMS == 2
  return (lk_vec)lk_isplat(-0x7fff8000);
#else
  return lk_splat((lk_real)-0.0);
#endif
}

/** n numbers of a row as words, the last one filled up with +0. */
static inline void lk_bf16_row(lk_real *to, const lk_real *x, ptrdiff_t n) {
  ptrdiff_t i = 0;
  for (; i + LK_VL <= n; i += LK_VL) lk_bf16_store(to + i / LK_BF16_TERMS, lk_load(x + i));
  if (i == n) return;
  lk_real rest[LK_VL_NUMBER] = {0};
  lk_bf16_store(rest, lk_load_part(x + i, n - i));
  lk_store_part(to + i / LK_BF16_TERMS, lk_load(rest), lk_terms(1, n - i));
}

/* v[k] = W[:, k] in `lanes` lanes, zeros in the others, for k < n <= LK_VL. */
LK_INLINE void lk_bf16_square(lk_vec v[LK_VL_NUMBER], ptrdiff_t n, ptrdiff_t lanes, const lk_real *w, ptrdiff_t row,
                              ptrdiff_t column) {
  if (row == 1) {
    LK_UNROLL for (int k = 0; k < LK_VL_NUMBER; k++) v[k] = k < n ? lk_load_up_to(w + k * column, lanes) : lk_zero();
    return;
  }
  LK_UNROLL for (int lane = 0; lane < LK_VL_NUMBER; lane++) v[lane] =
      lane < lanes ? lk_load_up_to(w + lane * row, n) : lk_zero();
  lk_transpose(v);
}

/* lk_pack_strip() of words. */
static inline void lk_bf16_pack_strip(lk_real *to, ptrdiff_t ldto, ptrdiff_t K, ptrdiff_t lanes, const lk_real *w,
                                      ptrdiff_t row, ptrdiff_t column) {
  for (ptrdiff_t k = 0; k < K; k += LK_VL) {
    const ptrdiff_t n = K - k < LK_VL ? K - k : LK_VL;
    lk_vec v[LK_VL_NUMBER];
    lk_bf16_square(v, n, lanes, w + k * column, row, column);
    if (n % LK_BF16_TERMS) v[n] = lk_splat((lk_real)-0.0);
    LK_UNROLL for (int i = 0; i < LK_VL_NUMBER; i += LK_BF16_TERMS) {
      if (i >= n) break;
#if LK_BF16_TERMS == 2
      lk_store(to + (k + i) / LK_BF16_TERMS * ldto, lk_bf16_pair(v[i], v[i + 1]));
#else
      lk_store(to + (k + i) * ldto, lk_bf16_rounded(v[i]));
#endif
    }
  }
}
