/* vector_square.h - the transpose of a square of vectors, for packing weights. Only for sources with LK_ISA. */
#pragma once
#include "vector.h"

/* The lanes of two vectors interleaved, a0 b0 a1 b1 ...: of their lower halves and of their upper halves. */
#ifdef LK_DOUBLE
#define LK_VL_NUMBER (LK_VECTOR_BYTES / 8)
#else
#define LK_VL_NUMBER (LK_VECTOR_BYTES / 4)
#endif
#if LK_VL_NUMBER == 16
#define LK_ZIP_LOW  0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define LK_ZIP_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif LK_VL_NUMBER == 8
#define LK_ZIP_LOW  0, 8, 1, 9, 2, 10, 3, 11
#define LK_ZIP_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#elif LK_VL_NUMBER == 4
#define LK_ZIP_LOW  0, 4, 1, 5
#define LK_ZIP_HIGH 2, 6, 3, 7
#else
#define LK_ZIP_LOW  0, 2
#define LK_ZIP_HIGH 1, 3
#endif
#if __has_builtin(__builtin_shufflevector)
#define LK_ZIP(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else /* gcc before 12 */
#define LK_ZIP(a, b, ...) __builtin_shuffle(a, b, (lk_ivec){__VA_ARGS__})
#endif
LK_INLINE lk_vec lk_zip_low(lk_vec a, lk_vec b) { return LK_ZIP(a, b, LK_ZIP_LOW); }
LK_INLINE lk_vec lk_zip_high(lk_vec a, lk_vec b) { return LK_ZIP(a, b, LK_ZIP_HIGH); }

/** Transpose a square of LK_VL rows: v[i][j] becomes v[j][i]. Each round rotates the bits of (row, lane) by one. */
LK_INLINE void lk_transpose(lk_vec v[LK_VL_NUMBER]) {
  LK_UNROLL for (int round = 1; round < LK_VL_NUMBER; round *= 2) {
    lk_vec to[LK_VL_NUMBER];
    LK_UNROLL for (int i = 0; i < LK_VL_NUMBER / 2; i++) {
      to[2 * i] = lk_zip_low(v[i], v[i + LK_VL_NUMBER / 2]);
      to[2 * i + 1] = lk_zip_high(v[i], v[i + LK_VL_NUMBER / 2]);
    }
    LK_UNROLL for (int i = 0; i < LK_VL_NUMBER; i++) v[i] = to[i];
  }
}
