/* vector.h - one vector type for every instruction set.
 *
 * Sources under src/math/isa and src/nn/cell_*.c are compiled once for each instruction set, with -DLK_ISA=portable,
 * avx2, avx512, avx512bf16 (which adds products of bf16, bf16_words.h) or blas (like portable, but lk_fma() rounds
 * twice; used with OpenBLAS), and once more for the double library. They see a vector lk_vec of LK_VL reals (16 floats
 * on AVX-512, 8 on AVX2, else 4; half as many doubles) and use plain operators on it.
 *
 * These sources are compiled with -ffp-contract=off: only lk_fma() fuses a product and a sum, so a row's bits do not
 * depend on how the compiler translates the loop around it.
 *
 * All instruction sets give the same bits. Elementwise operations do so at any vector width, since lk_fma() rounds once
 * everywhere; sums over lanes always use LK_LANES lanes (LK_SPLIT vectors), never LK_VL. */
#pragma once
#include "real.h"

#define LK_ISA_ID_portable   0
#define LK_ISA_ID_avx2       1
#define LK_ISA_ID_avx512     2
#define LK_ISA_ID_avx512bf16 3
#define LK_ISA_ID_blas       4
#ifndef LK_ISA
#define LK_ISA portable
#endif
#define LK_PASTE_(a, b) a##b
#define LK_PASTE(a, b)  LK_PASTE_(a, b)
#define LK_ISA_ID       LK_PASTE(LK_ISA_ID_, LK_ISA)
/* name_avx512 and so on: the names of functions with linkage in such a source. */
#define LK_ISA_NAME(name) LK_PASTE(name, LK_PASTE(_, LK_ISA))

#if LK_ISA_ID == 2 || LK_ISA_ID == 3
#define LK_AVX512 1
#else
#define LK_AVX512 0
#endif
#if LK_AVX512 || LK_ISA_ID == 1
#include <immintrin.h>
#endif

#if LK_AVX512
#define LK_VECTOR_BYTES 64
#elif LK_ISA_ID == 1
#define LK_VECTOR_BYTES 32
#else
#define LK_VECTOR_BYTES 16
#endif

#ifdef LK_DOUBLE
typedef int64_t lk_word;
#else
typedef int32_t lk_word;
#endif

typedef lk_real lk_vec __attribute__((vector_size(LK_VECTOR_BYTES)));
typedef lk_word lk_ivec __attribute__((vector_size(LK_VECTOR_BYTES)));
typedef lk_real lk_vec_unaligned __attribute__((vector_size(LK_VECTOR_BYTES), aligned(sizeof(lk_real)), may_alias));
#define LK_VL ((ptrdiff_t)(LK_VECTOR_BYTES / sizeof(lk_real)))
/* Vectors that hold LK_LANES reals, for sums over lanes. */
#define LK_SPLIT ((int)(LK_LANES * sizeof(lk_real) / LK_VECTOR_BYTES))

#define LK_INLINE static inline __attribute__((always_inline))
/* Before a loop of constant length whose vectors are to stay in registers. */
#ifdef __clang__
#define LK_UNROLL _Pragma("clang loop unroll(full)")
#else
#define LK_UNROLL _Pragma("GCC unroll 32")
#endif

LK_INLINE lk_vec lk_load(const lk_real *p) { return *(const lk_vec_unaligned *)p; }
LK_INLINE void lk_store(lk_real *p, lk_vec v) { *(lk_vec_unaligned *)p = v; }
LK_INLINE lk_vec lk_zero(void) { return (lk_vec){0}; }
/** All lanes x. (x - 0 is x for every x, so this compiles to a plain broadcast.) */
LK_INLINE lk_vec lk_splat(lk_real x) { return x - lk_zero(); }
LK_INLINE lk_ivec lk_isplat(lk_word x) { return x - (lk_ivec){0}; }

/** yes where the mask is all ones, no where it is zero. */
LK_INLINE lk_vec lk_select(lk_ivec mask, lk_vec yes, lk_vec no) {
  return (lk_vec)((mask & (lk_ivec)yes) | (~mask & (lk_ivec)no));
}

/** The larger; b where either is NaN. */
LK_INLINE lk_vec lk_max(lk_vec a, lk_vec b) {
#if LK_AVX512 && defined(LK_DOUBLE)
  return _mm512_max_pd(a, b);
#elif LK_AVX512
  return _mm512_max_ps(a, b);
#elif LK_ISA_ID == 1 && defined(LK_DOUBLE)
  return _mm256_max_pd(a, b);
#elif LK_ISA_ID == 1
  return _mm256_max_ps(a, b);
#else
  return lk_select((lk_ivec)(a > b), a, b);
#endif
}

/** The smaller; b where either is NaN. */
LK_INLINE lk_vec lk_min(lk_vec a, lk_vec b) { return -lk_max(-a, -b); }

/** Load the first n < LK_VL lanes, the others zero; memory behind the n reals is not read. */
LK_INLINE lk_vec lk_load_part(const lk_real *p, ptrdiff_t n) {
#if LK_AVX512 && defined(LK_DOUBLE)
  return _mm512_maskz_loadu_pd((__mmask8)((1U << n) - 1), p);
#elif LK_AVX512
  return _mm512_maskz_loadu_ps((__mmask16)((1U << n) - 1), p);
#else
  lk_real lane[LK_VL] = {0};
  for (ptrdiff_t i = 0; i < n; i++) lane[i] = p[i];
  return lk_load(lane);
#endif
}
/** Load n lanes, or all LK_VL where n is larger. */
LK_INLINE lk_vec lk_load_up_to(const lk_real *p, ptrdiff_t n) { return n < LK_VL ? lk_load_part(p, n) : lk_load(p); }
LK_INLINE void lk_store_part(lk_real *p, lk_vec v, ptrdiff_t n) {
#if LK_AVX512 && defined(LK_DOUBLE)
  _mm512_mask_storeu_pd(p, (__mmask8)((1U << n) - 1), v);
#elif LK_AVX512
  _mm512_mask_storeu_ps(p, (__mmask16)((1U << n) - 1), v);
#else
  lk_real lane[LK_VL];
  lk_store(lane, v);
  for (ptrdiff_t i = 0; i < LK_VL; i++) /* a constant bound: with n gcc 14 warns of an access outside the vector */
    if (i < n) p[i] = lane[i];
#endif
}
/** The first n lanes of v, the others zero. */
LK_INLINE lk_vec lk_keep_part(lk_vec v, ptrdiff_t n) {
#if LK_AVX512 && defined(LK_DOUBLE)
  return _mm512_maskz_mov_pd((__mmask8)((1U << n) - 1), v);
#elif LK_AVX512
  return _mm512_maskz_mov_ps((__mmask16)((1U << n) - 1), v);
#else
  lk_word lane[LK_VL];
  for (ptrdiff_t i = 0; i < LK_VL; i++) lane[i] = i < n ? -1 : 0;
  lk_ivec mask = (lk_ivec)lk_load((const lk_real *)(const void *)lane);
  return (lk_vec)((lk_ivec)v & mask);
#endif
}

#include "vector_fused.h"
