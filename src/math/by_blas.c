/* by_blas.c - the kernels called "blas": products with weights, and the gradients of weights, by OpenBLAS.
 *
 * The bits of one row of an sgemm may depend on the number of rows and on the row's position; no BLAS promises more. So
 * that the number of ranks does not change bits, rows are computed together only where they are on one rank anyway:
 *
 *   forward     one row at a time, by sgemv: predict, eval and single steps get the bits of the whole pass
 *   backward    the rows of one shard at a time, by sgemm, where the caller tells where shards begin; else row by row
 *   over rows   the rows of one shard at a time, GRID columns of dy at a time: every block of a weight's gradient
 *               begins at a multiple of GRID (lk_sum_block(), nn/head.c)
 *
 * The bits change with OpenBLAS's version and with the CPU type that it detects. */
#include "math_impl.h"

#include <string.h>

#include "status.h"

enum {
  GRID = 12,      /* the number of rows of every block of a weight's gradient is a multiple of this */
  OVER_GRID = 48, /* and so is the begin of every part of a sum over outputs of this */
  MOST_K = 4096   /* reals of a row that are multiplied in one call, copied to a fixed alignment */
};

ptrdiff_t lk_by_blas_packed_size(ptrdiff_t M, ptrdiff_t K) { return M * K; }

/* [M, K], rows in order. */
void lk_by_blas_pack(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t row, ptrdiff_t column,
                     lk_part part) {
  const lk_range mine = lk_part_of(part, M, LK_LANES);
  *packed = (lk_packed){.data = packed->data, .M = M, .K = K, .isa = LK_BLAS_ISA};
  for (ptrdiff_t m = mine.begin; m < mine.end; m++)
    for (ptrdiff_t k = 0; k < K; k++) packed->data[m * K + k] = w[m * row + k * column];
}

ptrdiff_t lk_by_blas_view_size(ptrdiff_t M, ptrdiff_t K) {
  (void)M, (void)K;
  return 0;
}

void lk_by_blas_view(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t ld, lk_part part) {
  (void)part;
  *packed = (lk_packed){.data = packed->data, .M = M, .K = K, .in_place = w, .ld = ld, .isa = LK_BLAS_ISA};
}

/* Initialise y: the bias or zeros, and the padding columns. */
static void start_row(const lk_packed *w, const lk_product *p, lk_real *y) {
  const size_t pads = (size_t)(lk_padded(w->M) - w->M) * sizeof *y;
  if (!p->add && p->bias) memcpy(y, p->bias, (size_t)w->M * sizeof *y);
  if (!p->add && !p->bias) memset(y, 0, (size_t)w->M * sizeof *y);
  memset(y + w->M, 0, pads);
}

/* y += W[:, at:at+k] x */
static void multiply_row(const lk_packed *w, ptrdiff_t at, ptrdiff_t k, const lk_real *x, lk_real *y) {
  if (w->in_place)
    lk_blas_gemv(1, k, w->M, w->in_place + at * w->ld, w->ld, x, y);
  else
    lk_blas_gemv(0, w->M, k, w->data + at, w->K, x, y);
}

static void by_rows(const lk_packed *w, const lk_product *p, lk_range over, ptrdiff_t step) {
  lk_real part[MOST_K] __attribute__((aligned(64)));
  for (ptrdiff_t i = 0; i < p->n; i++) {
    const lk_real *x = p->x + (p->in ? p->in[i] : i) * p->ldx;
    lk_real *y = p->y + (p->out ? p->out[i] : i) * p->ldy;
    start_row(w, p, y);
    for (ptrdiff_t at = over.begin; at < over.end; at += step) {
      const ptrdiff_t k = over.end - at < step ? over.end - at : step;
      memcpy(part, x + (at - over.begin), (size_t)k * sizeof *part);
      multiply_row(w, at, k, part, y);
    }
  }
}

static void by_shards(const lk_packed *w, const lk_product *p, lk_range over, ptrdiff_t step) {
  LK_ASSERT(!p->in && !p->out && p->shard_row[p->shards] == p->n);
  for (ptrdiff_t i = 0; i < p->n; i++) start_row(w, p, p->y + i * p->ldy);
  for (int s = 0; s < p->shards; s++) {
    const ptrdiff_t first = p->shard_row[s], n = p->shard_row[s + 1] - first;
    for (ptrdiff_t at = over.begin; n > 0 && at < over.end; at += step) {
      const ptrdiff_t k = over.end - at < step ? over.end - at : step;
      const lk_real *x = p->x + first * p->ldx + (at - over.begin);
      if (w->in_place)
        lk_blas_gemm(0, 0, n, w->M, k, x, p->ldx, w->in_place + at * w->ld, w->ld, 1, p->y + first * p->ldy, p->ldy);
      else
        lk_blas_gemm(0, 1, n, w->M, k, x, p->ldx, w->data + at, w->K, 1, p->y + first * p->ldy, p->ldy);
    }
  }
}

void lk_by_blas_product(const lk_packed *w, const lk_product *p) {
  LK_ASSERT(w->isa == LK_BLAS_ISA);
  const int parts = p->over.end > p->over.begin;
  const lk_range over = parts ? p->over : (lk_range){0, w->K};
  const ptrdiff_t step = parts ? OVER_GRID : MOST_K;
  LK_ASSERT(over.begin % step == 0);
  if (p->shard_row)
    by_shards(w, p, over, step);
  else
    by_rows(w, p, over, step);
}

void lk_by_blas_outer(ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, const lk_real *dy, ptrdiff_t ldy, const lk_real *x,
                      ptrdiff_t ldx, lk_real *block) {
  if (n == 0) memset(block, 0, (size_t)(M * K) * sizeof *block);
  for (ptrdiff_t m = 0; n > 0 && m < M; m += GRID)
    lk_blas_gemm(1, 0, M - m < GRID ? M - m : GRID, K, n, dy + m, ldy, x, ldx, 0, block + m * K, K);
}
