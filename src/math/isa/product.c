#include "isa_impl.h"

/* A panel is LK_TILE_VECTORS vectors wide, the last one filled up with zero weights: [panel][k][PANEL]. */
#define PANEL (LK_TILE_VECTORS * LK_VL)
enum { ROWS = LK_TILE_ACCUMULATORS / LK_TILE_VECTORS };

/* One block of a panel stays in L2 while the rows pass by, and one block of rows while the panels do. */
enum { BLOCK_K = 512, BLOCK_ROWS = 240 };

/* They cover the pads of y too, which are written as zeros. */
static ptrdiff_t panels_of(ptrdiff_t M) { return (lk_padded(M) + PANEL - 1) / PANEL; }

ptrdiff_t packed_size_isa(ptrdiff_t M, ptrdiff_t K) { return panels_of(M) * PANEL * K; }

void pack_isa(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t row, ptrdiff_t column) {
  packed->M = M;
  packed->K = K;
  for (ptrdiff_t m = 0; m < panels_of(M) * PANEL; m += LK_VL) {
    lk_real *to = packed->data + m / PANEL * PANEL * K + m % PANEL;
    ptrdiff_t lanes = m + LK_VL <= M ? LK_VL : m < M ? M - m : 0;
    lk_pack_strip(to, PANEL, K, lanes, lanes > 0 ? w + m * row : w, row, column);
  }
}

/* What a tile needs besides its rows: a panel's columns [m, m+PANEL) and the block [k0, k1) of the sum. */
typedef struct tile_of {
  const lk_product *p;
  const lk_real *w; /* the panel, at k0 */
  ptrdiff_t m, M, k0, k1;
} tile_of;

static lk_vec start(const tile_of *t, const lk_real *y, ptrdiff_t m) {
  if (t->k0 > 0 || t->p->add) return lk_load(y + m);
  if (!t->p->bias) return lk_zero();
  return m + LK_VL <= t->M ? lk_load(t->p->bias + m) : lk_load_part(t->p->bias + m, t->M - m);
}

static void run_tile(const tile_of *t, ptrdiff_t first, int rows) {
  const lk_product *p = t->p;
  const lk_real *x[ROWS];
  lk_real *y[ROWS];
  lk_vec acc[ROWS * LK_TILE_VECTORS];
  /* Columns from M on are pads: zeros, as far as the row goes. */
  const ptrdiff_t columns = lk_padded(t->M) - t->m < PANEL ? lk_padded(t->M) - t->m : PANEL;
  for (int r = 0; r < rows; r++) {
    x[r] = p->x + (p->in ? p->in[first + r] : first + r) * p->ldx + t->k0;
    y[r] = p->y + (p->out ? p->out[first + r] : first + r) * p->ldy;
    for (ptrdiff_t v = 0; v < LK_TILE_VECTORS; v++) {
      const ptrdiff_t m = t->m + v * LK_VL;
      acc[r * LK_TILE_VECTORS + v] = m < t->M ? start(t, y[r], m) : lk_zero();
    }
  }
  lk_tile_part(rows, columns / LK_VL, t->k1 - t->k0, x, 1, t->w, PANEL, acc, LK_TILE_VECTORS);
  for (int r = 0; r < rows; r++)
    for (ptrdiff_t v = 0; v * LK_VL < columns; v++) {
      const ptrdiff_t m = t->m + v * LK_VL;
      lk_vec sum = acc[r * LK_TILE_VECTORS + v];
      /* A row that holds infinities made NaNs of the zero weights; pads are zero nevertheless. */
      if (m + LK_VL > t->M) sum = m < t->M ? lk_keep_part(sum, t->M - m) : lk_zero();
      lk_store(y[r] + m, sum);
    }
}

static void run_block(const tile_of *block, const lk_packed *w, ptrdiff_t first, ptrdiff_t end) {
  tile_of t = *block;
  for (t.m = 0; t.m < panels_of(w->M) * PANEL; t.m += PANEL) {
    t.w = w->data + t.m * w->K + t.k0 * PANEL;
    for (ptrdiff_t i = first; i < end;) {
      int rows = lk_tile_next(end - i, ROWS);
      run_tile(&t, i, rows);
      i += rows;
    }
  }
}

void product_isa(const lk_packed *w, const lk_product *p) {
  for (ptrdiff_t first = 0; first < p->n; first += BLOCK_ROWS) {
    const ptrdiff_t end = first + BLOCK_ROWS < p->n ? first + BLOCK_ROWS : p->n;
    tile_of t = {.p = p, .M = w->M};
    do { /* at least once: with K = 0 y is the bias */
      t.k1 = t.k0 + BLOCK_K < w->K ? t.k0 + BLOCK_K : w->K;
      run_block(&t, w, first, end);
      t.k0 = t.k1;
    } while (t.k0 < w->K);
  }
}
