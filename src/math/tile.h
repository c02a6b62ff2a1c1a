/* tile.h - the register tile: a few rows times a few vectors of columns, summed over k.
 *
 * All products with packed weights run through it, those of src/math and those inside the recurrent cells. Weights lie
 * in panels [k][V vectors]. Accumulators are loaded from memory and stored there, so a sum can start from a bias, from
 * the input part of a gate or from an earlier block of k.
 *
 *     acc[r][v] += x[r][k] w[k][v]    for k = 0, 1, 2, ...: one fused multiply-add each, in this order, for any height
 *     of the tile
 *
 * Because of this order a row's bits do not depend on the number of rows, nor on its position in a tile. Only for
 * sources with LK_ISA (vector.h). */
#pragma once
#include "bf16_words.h"

/* AVX-512 and aarch64 have 32 registers, the others 16: accumulators, one row of weights, one value of x. */
#if LK_AVX512 || defined(__aarch64__)
#define LK_TILE_ACCUMULATORS 24
#define LK_TILE_VECTORS      4 /* the largest width of a tile */
#else
#define LK_TILE_ACCUMULATORS 12
#define LK_TILE_VECTORS      2
#endif
#define LK_TILE_MOST_ROWS 12 /* of a tile one vector wide */

/** The largest height of a tile that is `vectors` wide. */
LK_INLINE int lk_tile_height(int vectors) {
  int rows = LK_TILE_ACCUMULATORS / vectors;
  return rows < LK_TILE_MOST_ROWS ? rows : LK_TILE_MOST_ROWS;
}

/** Height of the next tile where n rows are left: nearly equal heights, since low tiles run at less than full rate. */
LK_INLINE int lk_tile_next(ptrdiff_t n, int height) {
  ptrdiff_t tiles = (n + height - 1) / height;
  return (int)((n + tiles - 1) / tiles);
}

/* bf16, rows, vectors and step are constants in every inlined copy, so `a` stays in registers. */
LK_INLINE void lk_tile_body(const int bf16, const int rows, const int vectors, ptrdiff_t K, const lk_real *const *x,
                            const ptrdiff_t step, const lk_real *w, ptrdiff_t ldw, lk_vec *acc, ptrdiff_t ldacc) {
  lk_vec a[LK_TILE_ACCUMULATORS];
  LK_UNROLL for (int r = 0; r < rows; r++) {
    LK_UNROLL for (int v = 0; v < vectors; v++) a[r * vectors + v] = acc[r * ldacc + v];
  }
  for (ptrdiff_t k = 0; k < K; k++, w += ldw) {
    lk_vec wk[LK_TILE_VECTORS + 1];
    LK_UNROLL for (int v = 0; v < vectors; v++) wk[v] = lk_load(w + v * LK_VL);
    LK_UNROLL for (int r = 0; r < rows; r++) {
      const lk_vec xk = bf16 ? lk_bf16_splat(x[r] + k * step) : lk_splat(x[r][k * step]);
      LK_UNROLL for (int v = 0; v < vectors; v++) a[r * vectors + v] =
          bf16 ? lk_bf16_dot(xk, wk[v], a[r * vectors + v]) : lk_fma(xk, wk[v], a[r * vectors + v]);
    }
  }
  LK_UNROLL for (int r = 0; r < rows; r++) {
    LK_UNROLL for (int v = 0; v < vectors; v++) acc[r * ldacc + v] = a[r * vectors + v];
  }
}

/** acc [rows, ldacc vectors] += x W over K steps of k; for each, x[r] moves on by step reals and w by ldw. With bf16, a
 *  constant, x and w are words (bf16_words.h) and K is their number.
 *  vectors: 1, 2, and 3 or 4 as far as LK_TILE_VECTORS (3 on every instruction set); rows <= lk_tile_height(vectors). */
LK_INLINE void lk_tile(const int bf16, int rows, const int vectors, ptrdiff_t K, const lk_real *const *x,
                       const ptrdiff_t step, const lk_real *w, ptrdiff_t ldw, lk_vec *acc, ptrdiff_t ldacc) {
#define LK_TILE_CASE(n)                                                                                      \
  case n:                                                                                                    \
    if (n * vectors <= LK_TILE_ACCUMULATORS) lk_tile_body(bf16, n, vectors, K, x, step, w, ldw, acc, ldacc); \
    break;
  switch (rows) {
    LK_TILE_CASE(1)
    LK_TILE_CASE(2)
    LK_TILE_CASE(3)
    LK_TILE_CASE(4)
    LK_TILE_CASE(5)
    LK_TILE_CASE(6)
    LK_TILE_CASE(7)
    LK_TILE_CASE(8)
    LK_TILE_CASE(9)
    LK_TILE_CASE(10)
    LK_TILE_CASE(11)
    LK_TILE_CASE(12)
    default:
      break;
  }
#undef LK_TILE_CASE
}

/** The same for the last panel of a matrix, of which only the first `vectors` of LK_TILE_VECTORS are used.
 *  rows <= lk_tile_height(LK_TILE_VECTORS). */
LK_INLINE void lk_tile_part(const int bf16, int rows, ptrdiff_t vectors, ptrdiff_t K, const lk_real *const *x,
                            const ptrdiff_t step, const lk_real *w, ptrdiff_t ldw, lk_vec *acc, ptrdiff_t ldacc) {
  if (vectors >= LK_TILE_VECTORS)
    lk_tile(bf16, rows, LK_TILE_VECTORS, K, x, step, w, ldw, acc, ldacc);
  else if (vectors == 1)
    lk_tile(bf16, rows, 1, K, x, step, w, ldw, acc, ldacc);
  else if (vectors == 2 && LK_TILE_VECTORS > 2)
    lk_tile(bf16, rows, 2, K, x, step, w, ldw, acc, ldacc);
  else if (LK_TILE_VECTORS > 2)
    lk_tile(bf16, rows, 3, K, x, step, w, ldw, acc, ldacc);
}

/* A square block of lk_pack_strip(): LK_VL values of k, all lanes. */
static inline void lk_pack_square(lk_real *to, ptrdiff_t ldto, const lk_real *w, ptrdiff_t row) {
  lk_vec v[LK_VL_NUMBER];
  LK_UNROLL for (int lane = 0; lane < LK_VL_NUMBER; lane++) v[lane] = lk_load(w + lane * row);
  lk_transpose(v);
  LK_UNROLL for (int k = 0; k < LK_VL_NUMBER; k++) lk_store(to + k * ldto, v[k]);
}

/** One vector's width of a panel: to[k*ldto + lane] = w[lane*row + k*column] for lane < lanes <= LK_VL, the other lanes
 *  zero; row or column is 1. bf16: as words, to[k / LK_BF16_TERMS * ldto + lane]. */
static inline void lk_pack_strip(int bf16, lk_real *to, ptrdiff_t ldto, ptrdiff_t K, ptrdiff_t lanes, const lk_real *w,
                                 ptrdiff_t row, ptrdiff_t column) {
  if (bf16) {
    lk_bf16_pack_strip(to, ldto, K, lanes, w, row, column);
    return;
  }
  if (row == 1) {
    for (ptrdiff_t k = 0; k < K; k++)
      lk_store(to + k * ldto, lanes < LK_VL ? lk_load_part(w + k * column, lanes) : lk_load(w + k * column));
    return;
  }
  ptrdiff_t k = 0;
  for (; lanes == LK_VL && k + LK_VL <= K; k += LK_VL) lk_pack_square(to + k * ldto, ldto, w + k, row);
  for (; k < K; k++) {
    lk_store(to + k * ldto, lk_zero());
    for (ptrdiff_t lane = 0; lane < lanes; lane++) to[k * ldto + lane] = w[lane * row + k];
  }
}
