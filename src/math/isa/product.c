#include <assert.h>

#include "isa_impl.h"
#include "status.h"

/* A panel is LK_TILE_VECTORS vectors wide, the last one padded with zero weights: [panel][k][PANEL]. */
#define PANEL (LK_TILE_VECTORS * LK_VL)
enum { ROWS = LK_TILE_ACCUMULATORS / LK_TILE_VECTORS };

/* A few rows more than that take tiles of half the width, so that weights are loaded once and not twice. That is faster
 * where the weights stay in an L2 of 1 MiB (NEAR floats); from memory, whole panels are faster. */
enum { HALF = LK_TILE_VECTORS / 2, TALL = LK_TILE_MOST_ROWS, NEAR = 1 << 18 };

/* One block of a panel stays in L2 for all rows of a block, and one block of rows for all panels. Views have a larger
 * row stride, so their blocks are shorter. */
enum { BLOCK_K = 768, VIEW_K = 512, BLOCK_ROWS = 240, PACK_K = 4 * LK_VL_NUMBER };

/* Panels cover the padding columns of y too, which are written as zeros. */
static ptrdiff_t panels_of(ptrdiff_t M) { return (lk_padded(M) + PANEL - 1) / PANEL; }

ptrdiff_t packed_size_isa(ptrdiff_t M, ptrdiff_t K) { return panels_of(M) * PANEL * K; }
ptrdiff_t packed_size_bf16_isa(ptrdiff_t M, ptrdiff_t K) { return panels_of(M) * PANEL * lk_terms(1, K); }

/* Of columns [m, m + PANEL) of W^T, those from `begin` to `end`; a few k at a time, so that writes go to nearby
 * memory. */
static void pack_panel(int bf16, lk_real *to, ptrdiff_t m, lk_range part, ptrdiff_t M, ptrdiff_t K, const lk_real *w,
                       ptrdiff_t row, ptrdiff_t column) {
  const ptrdiff_t from = part.begin > m ? part.begin - m : 0, most = part.end - m < PANEL ? part.end - m : PANEL;
  for (ptrdiff_t k = 0; k < K; k += PACK_K)
    for (ptrdiff_t v = from; v < most; v += LK_VL) {
      const ptrdiff_t lanes = m + v + LK_VL <= M ? LK_VL : m + v < M ? M - m - v : 0;
      lk_pack_strip(bf16, to + lk_terms(bf16, k) * PANEL + v, PANEL, K - k < PACK_K ? K - k : PACK_K, lanes,
                    lanes > 0 ? w + (m + v) * row + k * column : w, row, column);
    }
}

static void pack_weights(int bf16, lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t row,
                         ptrdiff_t column, lk_part part) {
  lk_range mine = lk_part_of(part, M, LK_LANES);
  if (part.index == part.count - 1) mine.end = panels_of(M) * PANEL;
  *packed = (lk_packed){.data = packed->data, .M = M, .K = K, .isa = LK_ISA_ID, .bf16 = bf16};
  for (ptrdiff_t m = mine.begin / PANEL * PANEL; m < mine.end; m += PANEL)
    pack_panel(bf16, packed->data + m * lk_terms(bf16, K), m, mine, M, K, w, row, column);
}

void pack_isa(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t row, ptrdiff_t column,
              lk_part part) {
  pack_weights(0, packed, M, K, w, row, column, part);
}

void pack_bf16_isa(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t row, ptrdiff_t column,
                   lk_part part) {
  pack_weights(1, packed, M, K, w, row, column, part);
}

/* The columns of whole panels, which a view reads in place. */
static ptrdiff_t whole_panels(ptrdiff_t M) { return M / PANEL * PANEL; }

ptrdiff_t view_size_isa(ptrdiff_t M, ptrdiff_t K) { return (panels_of(M) * PANEL - whole_panels(M)) * K; }

void view_isa(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t ld, lk_part part) {
  const lk_range mine = lk_part_of(part, K, LK_LANES), all = {0, panels_of(M) * PANEL};
  *packed = (lk_packed){.data = packed->data, .M = M, .K = K, .in_place = w, .ld = ld, .isa = LK_ISA_ID};
  for (ptrdiff_t m = whole_panels(M); m < all.end; m += PANEL)
    pack_panel(0, packed->data + (m - whole_panels(M)) * K + mine.begin * PANEL, m, all, M, mine.end - mine.begin,
               w + mine.begin * ld, 1, ld);
}

/* Rounded weights are other numbers than w: all of them are copied. */
void view_bf16_isa(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t ld, lk_part part) {
  const lk_range mine = lk_part_of(part, K, LK_LANES), all = {0, panels_of(M) * PANEL};
  *packed = (lk_packed){.data = packed->data, .M = M, .K = K, .isa = LK_ISA_ID, .bf16 = 1};
  for (ptrdiff_t m = 0; m < all.end; m += PANEL)
    pack_panel(1, packed->data + m * lk_terms(1, K) + lk_terms(1, mine.begin) * PANEL, m, all, M, mine.end - mine.begin,
               w + mine.begin * ld, 1, ld);
}

/* The operands of a tile, apart from its rows: a panel's columns [m, m+PANEL) and the block [k0, k1) of the terms that
 * are summed. */
typedef struct tile_of {
  const lk_product *p;
  const lk_real *x; /* the block's rows at k0, from row `first` on, or NULL: those of p */
  ptrdiff_t ldx, first;
  const lk_real *w; /* the panel, at k0 */
  ptrdiff_t ldw, m, M, k0, k1;
} tile_of;

/* Begin and row stride of a panel. */
static void find_panel(tile_of *t, const lk_packed *w) {
  const ptrdiff_t whole = w->in_place ? whole_panels(w->M) : 0;
  t->ldw = t->m < whole ? w->ld : PANEL;
  t->w = t->m < whole ? w->in_place + t->m : w->data + (t->m - whole) * lk_terms(w->bf16, w->K);
  t->w += (lk_terms(w->bf16, t->p->over.begin) + t->k0) * t->ldw;
}

LK_INLINE const lk_real *row_of(const tile_of *t, ptrdiff_t i) {
  const lk_product *p = t->p;
  if (t->x) return t->x + (i - t->first) * t->ldx;
  return p->x + (p->in ? p->in[i] : i) * p->ldx + t->k0;
}

static lk_vec start(const tile_of *t, const lk_real *y, ptrdiff_t m) {
  if (t->k0 > 0 || t->p->add) return lk_load(y + m);
  if (!t->p->bias) return lk_zero();
  return m + LK_VL <= t->M ? lk_load(t->p->bias + m) : lk_load_part(t->p->bias + m, t->M - m);
}

/* A panel at the edge of y, with any number of rows. */
LK_INLINE void run_part(const int bf16, const tile_of *t, ptrdiff_t first, int rows) {
  const lk_product *p = t->p;
  const lk_real *x[ROWS];
  lk_real *y[ROWS];
  lk_vec acc[ROWS * LK_TILE_VECTORS];
  /* Columns from M on are padding: zeros, up to the row stride. */
  const ptrdiff_t columns = lk_padded(t->M) - t->m < PANEL ? lk_padded(t->M) - t->m : PANEL;
  for (int r = 0; r < rows; r++) {
    x[r] = row_of(t, first + r);
    y[r] = p->y + (p->out ? p->out[first + r] : first + r) * p->ldy;
    for (ptrdiff_t v = 0; v < LK_TILE_VECTORS; v++) {
      const ptrdiff_t m = t->m + v * LK_VL;
      acc[r * LK_TILE_VECTORS + v] = m < t->M ? start(t, y[r], m) : lk_zero();
    }
  }
  lk_tile_part(bf16, rows, columns / LK_VL, t->k1 - t->k0, x, 1, t->w, t->ldw, acc, LK_TILE_VECTORS);
  for (int r = 0; r < rows; r++)
    for (ptrdiff_t v = 0; v * LK_VL < columns; v++) {
      const ptrdiff_t m = t->m + v * LK_VL;
      lk_vec sum = acc[r * LK_TILE_VECTORS + v];
      /* Infinities in a row times zero weights gave NaN; the padding must be zero nevertheless. */
      if (m + LK_VL > t->M) sum = m < t->M ? lk_keep_part(sum, t->M - m) : lk_zero();
      lk_store(y[r] + m, sum);
    }
}

/* A whole panel and a constant number of rows: sums stay in registers. */
LK_INLINE void run_whole(const int bf16, const tile_of *t, ptrdiff_t first, const int rows) {
  const lk_product *p = t->p;
  const lk_real *x[ROWS];
  lk_real *y[ROWS];
  lk_vec acc[ROWS * LK_TILE_VECTORS];
  assert(rows > 0);
  LK_UNROLL for (int r = 0; r < rows; r++) {
    x[r] = row_of(t, first + r);
    y[r] = p->y + (p->out ? p->out[first + r] : first + r) * p->ldy + t->m;
  }
  if (t->k0 > 0 || p->add) {
    LK_UNROLL for (int i = 0; i < rows * LK_TILE_VECTORS; i++) acc[i] =
        lk_load(y[i / LK_TILE_VECTORS] + i % LK_TILE_VECTORS * LK_VL);
  } else {
    LK_UNROLL for (int i = 0; i < rows * LK_TILE_VECTORS; i++) acc[i] =
        p->bias ? lk_load(p->bias + t->m + i % LK_TILE_VECTORS * LK_VL) : lk_zero();
  }
  lk_tile_body(bf16, rows, LK_TILE_VECTORS, t->k1 - t->k0, x, 1, t->w, t->ldw, acc, LK_TILE_VECTORS);
  LK_UNROLL for (int i = 0; i < rows * LK_TILE_VECTORS; i++)
      lk_store(y[i / LK_TILE_VECTORS] + i % LK_TILE_VECTORS * LK_VL, acc[i]);
}

/* A whole panel and up to TALL rows: one half of its columns after the other. */
LK_INLINE void run_tall(const int bf16, const tile_of *t, ptrdiff_t first, int rows) {
  const lk_product *p = t->p;
  const lk_real *x[TALL];
  lk_real *y[TALL];
  lk_vec acc[TALL * HALF];
  assert(rows > 0);
  for (int r = 0; r < rows; r++) {
    x[r] = row_of(t, first + r);
    y[r] = p->y + (p->out ? p->out[first + r] : first + r) * p->ldy;
  }
  for (ptrdiff_t m = 0; m < PANEL; m += HALF * LK_VL) {
    for (int i = 0; i < rows * HALF; i++) acc[i] = start(t, y[i / HALF], t->m + m + i % HALF * LK_VL);
    lk_tile(bf16, rows, HALF, t->k1 - t->k0, x, 1, t->w + m, t->ldw, acc, HALF);
    for (int i = 0; i < rows * HALF; i++) lk_store(y[i / HALF] + t->m + m + i % HALF * LK_VL, acc[i]);
  }
}

LK_INLINE void run_tile(const int bf16, const tile_of *t, ptrdiff_t first, int rows) {
  if (rows > ROWS)
    run_tall(bf16, t, first, rows);
  else if (t->m + PANEL <= t->M && rows == ROWS)
    run_whole(bf16, t, first, ROWS);
  else if (t->m + PANEL <= t->M && rows == ROWS - 1)
    run_whole(bf16, t, first, ROWS - 1);
  else
    run_part(bf16, t, first, rows);
}

LK_INLINE void run_block(const int bf16, const tile_of *block, const lk_packed *w, ptrdiff_t first, ptrdiff_t end) {
  tile_of t = *block;
  const int all_at_once = end - first <= TALL && w->M * w->K <= NEAR;
  for (t.m = 0; t.m < panels_of(w->M) * PANEL; t.m += PANEL) {
    find_panel(&t, w);
    for (ptrdiff_t i = first; i < end;) {
      int rows = lk_tile_next(end - i, all_at_once && t.m + PANEL <= t.M ? TALL : ROWS);
      run_tile(bf16, &t, i, rows);
      i += rows;
    }
  }
}

/* The depth of blocks of K terms, all nearly equal; 1 where there is nothing to sum. */
static ptrdiff_t depth_of(const lk_packed *w, ptrdiff_t K) {
  const ptrdiff_t most = w->in_place ? VIEW_K : BLOCK_K, blocks = (K + most - 1) / most;
  return blocks > 0 ? (K + blocks - 1) / blocks : 1;
}

static ptrdiff_t height_of(ptrdiff_t depth) {
  const ptrdiff_t fit = BLOCK_ROWS * VIEW_K / depth / ROWS * ROWS;
  return fit < BLOCK_ROWS ? fit : BLOCK_ROWS;
}

void product_isa(const lk_packed *w, const lk_product *p) {
  LK_ASSERT(w->isa == LK_ISA_ID && !w->bf16);
  const ptrdiff_t K = p->over.end > p->over.begin ? p->over.end - p->over.begin : w->K;
  const ptrdiff_t depth = depth_of(w, K), height = height_of(depth);
  for (ptrdiff_t first = 0; first < p->n; first += height) {
    const ptrdiff_t end = first + height < p->n ? first + height : p->n;
    tile_of t = {.p = p, .M = w->M};
    do { /* at least once: with K = 0 y is the bias */
      t.k1 = t.k0 + depth < K ? t.k0 + depth : K;
      run_block(0, &t, w, first, end);
      t.k0 = t.k1;
    } while (t.k0 < K);
  }
}

/* to [end - first, depth] = words [k0, k1) of rows of K numbers. */
static void round_rows(const tile_of *t, ptrdiff_t K, ptrdiff_t end, lk_real *to) {
  const lk_product *p = t->p;
  const ptrdiff_t k = t->k0 * LK_BF16_TERMS, most = t->k1 * LK_BF16_TERMS, n = (most < K ? most : K) - k;
  for (ptrdiff_t i = t->first; i < end; i++)
    lk_bf16_row(to + (i - t->first) * t->ldx, p->x + (p->in ? p->in[i] : i) * p->ldx + k, n);
}

/* A block of rows is rounded once, for all panels. */
void product_bf16_isa(const lk_packed *w, const lk_product *p) {
  LK_ASSERT(w->isa == LK_ISA_ID && w->bf16 == 1 && p->over.begin % LK_BF16_TERMS == 0);
  lk_real rounded[BLOCK_ROWS * VIEW_K];
  const ptrdiff_t K = p->over.end > p->over.begin ? p->over.end - p->over.begin : w->K, words = lk_terms(1, K);
  LK_ASSERT(K % LK_BF16_TERMS == 0 || p->over.begin + K == w->K); /* an incomplete word is the last one */
  const ptrdiff_t depth = depth_of(w, words), height = height_of(depth);
  for (ptrdiff_t first = 0; first < p->n; first += height) {
    const ptrdiff_t end = first + height < p->n ? first + height : p->n;
    tile_of t = {.p = p, .x = rounded, .ldx = depth, .first = first, .M = w->M};
    do {
      t.k1 = t.k0 + depth < words ? t.k0 + depth : words;
      round_rows(&t, K, end, rounded);
      run_block(1, &t, w, first, end);
      t.k0 = t.k1;
    } while (t.k0 < words);
  }
}
