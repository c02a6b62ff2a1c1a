#include "isa_impl.h"

#include <string.h>

/* block = dy^T x. A tile holds HEIGHT rows of the block (columns of dy) and LK_TILE_VECTORS vectors of its columns, and
 * runs over the rows of x and dy. Both are copied first, so that a tile reads consecutive memory:
 *
 *   dy -> [group of HEIGHT columns][row][HEIGHT]      x -> [row][WIDTH], one panel of columns at a time
 *
 * With bf16 the copies are rounded. The terms of a sum are rows, so the rows of both are words (bf16_words.h): of one row, or
 * of two that follow each other. */
#define WIDTH (LK_TILE_VECTORS * LK_VL)
enum {
  HEIGHT = LK_TILE_ACCUMULATORS / LK_TILE_VECTORS,
  ROWS = 192,  /* at a time: a panel of x then stays in cache, and the block is not loaded too often */
  GROUPS = 86, /* of dy at a time; with the panel of x and their part of the block they fill L2 */
};

typedef struct copies {
  lk_real x[ROWS * WIDTH] __attribute__((aligned(64)));
  lk_real dy[GROUPS * ROWS * HEIGHT];
  lk_real words[GROUPS * HEIGHT + LK_VL_NUMBER]; /* a row of dy rounded, or two */
} copies;

/* Columns k, k + 1, ... (up to `columns`) of term r of n rows of x, which the other side's last word fills up. */
LK_INLINE lk_vec term(ptrdiff_t r, ptrdiff_t n, const lk_real *x, ptrdiff_t ldx, ptrdiff_t k, ptrdiff_t columns,
                      lk_real last) {
  const lk_real *row = x + r * LK_BF16_TERMS * ldx + k;
  const lk_vec first = lk_load_up_to(row, columns - k);
#if LK_BF16_TERMS == 2
  return lk_bf16_pair(first, 2 * r + 1 < n ? lk_load_up_to(row + ldx, columns - k) : lk_splat(last));
#else
  (void)n, (void)last;
  return lk_bf16_rounded(first);
#endif
}

static void copy_dy(int bf16, copies *c, ptrdiff_t n, ptrdiff_t M, const lk_real *dy, ptrdiff_t ldy) {
  const ptrdiff_t whole = M / HEIGHT * HEIGHT, rows = lk_terms(bf16, n);
  lk_real *to = c->dy;
  for (ptrdiff_t r = 0; r < rows;
       r++) { /* row by row: a row stride that is a multiple of 4096 bytes makes columns conflict in cache */
    const lk_real *row = bf16 ? c->words : dy + r * ldy;
    for (ptrdiff_t m = 0; bf16 && m < M; m += LK_VL) lk_store(c->words + m, term(r, n, dy, ldy, m, M, 0));
    for (ptrdiff_t m = 0; m < whole; m += HEIGHT) /* a constant size compiles to two moves */
      memcpy(to + m * rows + r * HEIGHT, row + m, HEIGHT * sizeof *to);
    if (M > whole) memcpy(to + whole * rows + r * HEIGHT, row + whole, (size_t)(M - whole) * sizeof *to);
  }
}

static void copy_x(int bf16, lk_real *to, ptrdiff_t n, ptrdiff_t columns, const lk_real *x, ptrdiff_t ldx) {
  for (ptrdiff_t r = 0; r < lk_terms(bf16, n); r++)
    for (ptrdiff_t k = 0; k < columns; k += LK_VL)
      lk_store(to + r * WIDTH + k,
               bf16 ? term(r, n, x, ldx, k, columns, (lk_real)-0.0) : lk_load_up_to(x + r * ldx + k, columns - k));
}

/* A whole tile of the block: sums stay in registers. */
LK_INLINE void run_whole(const int bf16, ptrdiff_t n, const lk_real *x, const lk_real *dy, int add, lk_real *block,
                         ptrdiff_t ldb) {
  const lk_real *d[HEIGHT];
  lk_vec acc[HEIGHT * LK_TILE_VECTORS];
  LK_UNROLL for (int i = 0; i < HEIGHT; i++) d[i] = dy + i;
  LK_UNROLL for (int i = 0; i < HEIGHT * LK_TILE_VECTORS; i++) acc[i] =
      add ? lk_load(block + i / LK_TILE_VECTORS * ldb + i % LK_TILE_VECTORS * LK_VL) : lk_zero();
  lk_tile_body(bf16, HEIGHT, LK_TILE_VECTORS, n, d, HEIGHT, x, WIDTH, acc, LK_TILE_VECTORS);
  LK_UNROLL for (int i = 0; i < HEIGHT * LK_TILE_VECTORS; i++)
      lk_store(block + i / LK_TILE_VECTORS * ldb + i % LK_TILE_VECTORS * LK_VL, acc[i]);
}

/* A tile at an edge: `columns` <= WIDTH wide, rows of the block ldb apart. */
LK_INLINE void run_part(const int bf16, ptrdiff_t n, const lk_real *x, const lk_real *dy, int height, ptrdiff_t columns,
                        int add, lk_real *block, ptrdiff_t ldb) {
  const lk_real *d[HEIGHT];
  lk_vec acc[HEIGHT * LK_TILE_VECTORS];
  const ptrdiff_t vectors = (columns + LK_VL - 1) / LK_VL;
  for (int i = 0; i < height; i++) {
    d[i] = dy + i;
    for (ptrdiff_t v = 0; v < LK_TILE_VECTORS; v++) {
      const ptrdiff_t left = columns - v * LK_VL;
      const lk_real *at = block + i * ldb + v * LK_VL;
      acc[i * LK_TILE_VECTORS + v] = !add || left <= 0 ? lk_zero()
                                     : left < LK_VL    ? lk_load_part(at, left)
                                                       : lk_load(at);
    }
  }
  lk_tile_part(bf16, height, vectors, n, d, HEIGHT, x, WIDTH, acc, LK_TILE_VECTORS);
  for (int i = 0; i < height; i++)
    for (ptrdiff_t v = 0; v < vectors; v++) {
      const ptrdiff_t left = columns - v * LK_VL;
      if (left < LK_VL)
        lk_store_part(block + i * ldb + v * LK_VL, acc[i * LK_TILE_VECTORS + v], left);
      else
        lk_store(block + i * ldb + v * LK_VL, acc[i * LK_TILE_VECTORS + v]);
    }
}

/* Up to ROWS rows, up to GROUPS * HEIGHT columns of dy. */
LK_INLINE void run_rows(const int bf16, copies *c, ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, const lk_real *dy,
                        ptrdiff_t ldy, const lk_real *x, ptrdiff_t ldx, int add, lk_real *block) {
  const ptrdiff_t rows = lk_terms(bf16, n);
  copy_dy(bf16, c, n, M, dy, ldy);
  for (ptrdiff_t k = 0; k < K; k += WIDTH) {
    const ptrdiff_t columns = K - k < WIDTH ? K - k : WIDTH;
    copy_x(bf16, c->x, n, columns, x + k, ldx);
    for (ptrdiff_t m = 0; m < M; m += HEIGHT) {
      const int height = M - m < HEIGHT ? (int)(M - m) : HEIGHT;
      if (height == HEIGHT && columns == WIDTH)
        run_whole(bf16, rows, c->x, c->dy + m * rows, add, block + m * K + k, K);
      else
        run_part(bf16, rows, c->x, c->dy + m * rows, height, columns, add, block + m * K + k, K);
    }
  }
}

LK_INLINE void run(const int bf16, ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, const lk_real *dy, ptrdiff_t ldy,
                   const lk_real *x, ptrdiff_t ldx, lk_real *block) {
  copies c;
  /* nearly equal parts, of whole words */
  const ptrdiff_t parts = (n + ROWS - 1) / ROWS, rows = parts ? ((n + parts - 1) / parts + 1) / 2 * 2 : 2;
  if (n == 0) memset(block, 0, (size_t)(M * K) * sizeof *block);
  for (ptrdiff_t m = 0; m < M; m += GROUPS * HEIGHT) {
    const ptrdiff_t columns = M - m < GROUPS * HEIGHT ? M - m : GROUPS * HEIGHT;
    for (ptrdiff_t r = 0; r < n; r += rows)
      run_rows(bf16, &c, n - r < rows ? n - r : rows, columns, K, dy + r * ldy + m, ldy, x + r * ldx, ldx, r > 0,
               block + m * K);
  }
}

void outer_isa(ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, const lk_real *dy, ptrdiff_t ldy, const lk_real *x, ptrdiff_t ldx,
               lk_real *block) {
  run(0, n, M, K, dy, ldy, x, ldx, block);
}

void outer_bf16_isa(ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, const lk_real *dy, ptrdiff_t ldy, const lk_real *x,
                    ptrdiff_t ldx, lk_real *block) {
  run(1, n, M, K, dy, ldy, x, ldx, block);
}
