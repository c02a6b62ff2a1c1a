/* cell_loops_impl.h - the loops over panels, rows and k around the pointwise part of a cell that multiplies the previous
 * state by a matrix; included once, at the end of cell_<name>.c. The cell must define
 *
 *   CELL_NAME    lstm
 *   CELL_GATES   G, 1 to 8
 *   CELL_STATES  1: h, or 2: h and c
 *   CELL_SEPARATE   1: the last gate's recurrent part W_h h + b_h is kept separate from its input part (GRU), else 0
 *   CELL_DIRECT  1: the previous state contributes directly to the new one (GRU), so dh also bypasses the gates, else 0
 *   CELL_FORGET  index of the forget gate, or -1
 *   CELL_NOTE    "4H", CELL_ORDER " gates i f g o"
 *   cell_forward(), cell_backward()  on a cell_unit (cell_unit_impl.h)
 *
 * Weights for the forward product are stored in panels of CELL_UNITS vectors of units, with all gates of a unit next
 * to each other, so that a tile computes whole units and the pointwise part can follow while the sums are at hand
 * in registers or cache.
 *
 * With products of bf16 (l->terms > 0) weights are packed as words, and the rows that they are multiplied with are written
 * as words too (bf16_words.h), by the pointwise part: h, and the gradients of the gates. */

#define CELL_UNITS (CELL_GATES < LK_TILE_VECTORS ? LK_TILE_VECTORS / CELL_GATES : 1)
#define CELL_WIDTH (CELL_GATES * CELL_UNITS) /* vectors of a forward panel */
/* Width of a tile in vectors: the panel is computed in one or several passes, of which the last may be narrower. */
#define CELL_PASS   (CELL_WIDTH == 3 ? 3 : CELL_WIDTH < LK_TILE_VECTORS ? CELL_WIDTH : LK_TILE_VECTORS)
#define CELL_REST   (CELL_WIDTH % CELL_PASS)
#define CELL_HEIGHT (LK_TILE_ACCUMULATORS / CELL_PASS) /* rows per tile */
#define BACK_WIDTH  LK_TILE_VECTORS                    /* vectors of units per backward panel */
#define BACK_HEIGHT (LK_TILE_ACCUMULATORS / LK_TILE_VECTORS)
/* Number of k of a backward panel that are summed at a time: with K = G Hp a whole panel would not fit into L2
 * cache. */
#define BACK_BLOCK ((ptrdiff_t)1024)

_Static_assert(CELL_GATES >= 1 && CELL_GATES <= 8, "lk_recurrent and its panels are laid out for one to eight gates");
_Static_assert(CELL_PASS <= CELL_WIDTH, "a tile is no wider than its panel: it would write behind it");
_Static_assert(CELL_HEIGHT >= 1 && CELL_HEIGHT <= LK_TILE_MOST_ROWS, "lk_tile() has no tile of that height");

#include "cell_panels_impl.h"

/* Whether words hold two bf16 numbers; if they hold one, products are computed as in float32. */
#define WORDS(l) (LK_BF16_TERMS == 2 && (l)->terms > 0)

static ptrdiff_t row_of(const lk_cell_step *s, ptrdiff_t i) { return s->row ? s->row[i] : i; }

/* ---- forward ---- */

/* Initial value of the sum of gate g: its input part, or if that is kept separate, the recurrent bias. */
static lk_vec start(const lk_recurrent *l, const lk_real *gates, ptrdiff_t g, ptrdiff_t u) {
  return CELL_SEPARATE && g == CELL_GATES - 1 ? lk_load(l->inner + u) : lk_load(gates + g * l->Hp + u);
}

static void activate(const lk_recurrent *l, ptrdiff_t row, ptrdiff_t state, ptrdiff_t u, const lk_vec *sum) {
  lk_real *gates = l->gates + row * CELL_GATES * l->Hp + u;
  const ptrdiff_t before = l->from[row] * l->Hp + u, after = state * l->Hp + u;
  cell_unit x;
  for (int g = 0; g < CELL_GATES; g++) x.gate[g] = sum[g];
  if (CELL_SEPARATE) x.input = lk_load(gates + (CELL_GATES - 1) * l->Hp);
  x.h0 = lk_load(l->h + before);
  if (CELL_STATES == 2) x.c0 = lk_load(l->c + before);
  cell_forward(&x);
  for (int g = 0; g < CELL_GATES; g++) lk_store(gates + g * l->Hp, x.gate[g]);
  if (CELL_SEPARATE) lk_store(l->tape + row * l->Hp + u, x.keep);
  lk_store(l->h + after, x.h);
  if (l->terms) lk_bf16_store(l->h_words + after / LK_BF16_TERMS, x.h);
  if (CELL_STATES == 2) lk_store(l->c + after, x.c);
}

/* sum += W_hh h, all gates of a panel. */
LK_INLINE void multiply(const int bf16, int rows, ptrdiff_t K, const lk_real *const *h, const lk_real *w, lk_vec *sum) {
  const ptrdiff_t whole = CELL_WIDTH - CELL_REST;
  for (ptrdiff_t v = 0; v < whole; v += CELL_PASS)
    lk_tile(bf16, rows, CELL_PASS, K, h, 1, w + v * LK_VL, CELL_WIDTH * LK_VL, sum + v, CELL_WIDTH);
  if (CELL_REST)
    lk_tile(bf16, rows, CELL_REST, K, h, 1, w + whole * LK_VL, CELL_WIDTH * LK_VL, sum + whole, CELL_WIDTH);
}

static void forward_tile(const lk_recurrent *l, const lk_cell_step *s, ptrdiff_t panel, ptrdiff_t first, int rows) {
  const ptrdiff_t K = lk_terms(l->terms, l->H);
  const lk_real *w = l->hh.data + panel * CELL_WIDTH * LK_VL * K;
  const ptrdiff_t u0 = panel * CELL_UNITS * LK_VL;
  const lk_real *h[CELL_HEIGHT];
  lk_vec sum[CELL_HEIGHT * CELL_WIDTH];
  for (int r = 0; r < rows; r++) {
    const ptrdiff_t row = row_of(s, first + r);
    h[r] = l->terms ? l->h_words + l->from[row] * lk_terms(1, l->Hp) : l->h + l->from[row] * l->Hp;
    for (ptrdiff_t v = 0; v < CELL_WIDTH; v++) {
      const ptrdiff_t u = u0 + v / CELL_GATES * LK_VL;
      sum[r * CELL_WIDTH + v] =
          u < l->Hp ? start(l, l->gates + row * CELL_GATES * l->Hp, v % CELL_GATES, u) : lk_zero();
    }
  }
  if (s->product && WORDS(l))
    multiply(1, rows, K, h, w, sum);
  else if (s->product)
    multiply(0, rows, K, h, w, sum);
  for (int r = 0; r < rows; r++)
    for (ptrdiff_t j = 0; j < CELL_UNITS && u0 + j * LK_VL < l->Hp; j++) {
      const ptrdiff_t row = row_of(s, first + r);
      activate(l, row, s->offset + row, u0 + j * LK_VL, sum + r * CELL_WIDTH + j * CELL_GATES);
    }
}

static void forward(const lk_recurrent *l, const lk_cell_step *s) {
  for (ptrdiff_t panel = 0; panel < panels(l->H, CELL_UNITS); panel++)
    for (ptrdiff_t i = 0; i < s->n;) {
      const int rows = lk_tile_next(s->n - i, CELL_HEIGHT);
      forward_tile(l, s, panel, i, rows);
      i += rows;
    }
}

/* ---- backward ---- */

/* One block of the sum over k: the gradients to multiply (of the gates, or what the cell stored on its tape; or the words
 * of both). */
typedef struct back_block {
  const lk_real *x;
  ptrdiff_t ldx, k, K; /* range [k, k+K) of the terms of a panel */
  int last;
} back_block;

static back_block block_at(const lk_recurrent *l, ptrdiff_t k) {
  const ptrdiff_t all = lk_terms(l->terms, CELL_GATES * l->Hp);
  const ptrdiff_t from_gates = l->terms ? all : all - CELL_SEPARATE * l->Hp;
  back_block b = {.x = (l->terms ? l->gate_words : l->gates) + k, .ldx = all, .k = k, .K = from_gates - k};
  if (k >= from_gates) b = (back_block){.x = l->tape + (k - from_gates), .ldx = l->Hp, .k = k, .K = all - k};
  if (b.K > BACK_BLOCK) b.K = BACK_BLOCK;
  b.last = k + b.K == all;
  return b;
}

/* Store the words of the gates' gradients; for a separate last gate, the gradient of its recurrent part. */
static void store_words(const lk_recurrent *l, ptrdiff_t row, ptrdiff_t u, const cell_unit *x) {
  lk_real *to = l->gate_words + lk_terms(1, row * CELL_GATES * l->Hp + u);
  for (int g = 0; g < CELL_GATES; g++)
    lk_bf16_store(to + g * lk_terms(1, l->Hp), CELL_SEPARATE && g == CELL_GATES - 1 ? x->keep : x->gate[g]);
}

static void differentiate(const lk_recurrent *l, ptrdiff_t row, ptrdiff_t state, ptrdiff_t u, lk_vec dh) {
  lk_real *gates = l->gates + row * CELL_GATES * l->Hp + u;
  const ptrdiff_t before = l->from[row] * l->Hp + u, after = state * l->Hp + u;
  cell_unit x;
  for (int g = 0; g < CELL_GATES; g++) x.gate[g] = lk_load(gates + g * l->Hp);
  if (CELL_SEPARATE) x.keep = lk_load(l->tape + row * l->Hp + u);
  x.h0 = lk_load(l->h + before);
  x.h = lk_load(l->h + after);
  /* The caller's padding may hold any values; that of the gate gradients must be zero. */
  const int part = u + LK_VL > l->H;
  x.dh = part ? lk_keep_part(dh, units_left(l->H, u)) : dh;
  if (CELL_STATES == 2) {
    x.c0 = lk_load(l->c + before);
    x.c = lk_load(l->c + after);
    x.dc = lk_load(l->dc + after);
    if (part) x.dc = lk_keep_part(x.dc, units_left(l->H, u));
  }
  cell_backward(&x);
  for (int g = 0; g < CELL_GATES; g++) lk_store(gates + g * l->Hp, x.gate[g]);
  if (CELL_SEPARATE) lk_store(l->tape + row * l->Hp + u, x.keep);
  if (l->terms) store_words(l, row, u, &x);
  if (CELL_DIRECT) lk_store(l->dh + before, lk_load(l->dh + before) + x.dh0);
  if (CELL_STATES == 2) lk_store(l->dc + before, lk_load(l->dc + before) + x.dc0);
}

static void backward_tile(const lk_recurrent *l, const lk_cell_step *s, const back_block *b, ptrdiff_t panel,
                          ptrdiff_t first, int rows) {
  const ptrdiff_t width = BACK_WIDTH * LK_VL, u0 = panel * width;
  const lk_real *x[BACK_HEIGHT];
  lk_vec sum[BACK_HEIGHT * BACK_WIDTH];
  for (int r = 0; r < rows; r++) {
    const ptrdiff_t row = row_of(s, first + r);
    if (s->product) x[r] = b->x + s->after[row] * b->ldx;
    for (ptrdiff_t v = 0; v < BACK_WIDTH; v++) {
      const ptrdiff_t u = u0 + v * LK_VL;
      sum[r * BACK_WIDTH + v] = u < l->Hp ? lk_load(l->dh + (s->offset + row) * l->Hp + u) : lk_zero();
    }
  }
  if (s->product) {
    const lk_real *w = l->hh_transposed.data + (panel * lk_terms(l->terms, CELL_GATES * l->Hp) + b->k) * width;
    if (WORDS(l))
      lk_tile_part(1, rows, (l->Hp - u0) / LK_VL, b->K, x, 1, w, width, sum, BACK_WIDTH);
    else
      lk_tile_part(0, rows, (l->Hp - u0) / LK_VL, b->K, x, 1, w, width, sum, BACK_WIDTH);
  }
  for (int r = 0; r < rows; r++)
    for (ptrdiff_t u = u0; u < u0 + width && u < l->Hp; u += LK_VL) {
      const ptrdiff_t row = row_of(s, first + r), state = s->offset + row;
      const lk_vec dh = sum[r * BACK_WIDTH + (u - u0) / LK_VL];
      if (b->last && !s->states_only)
        differentiate(l, row, state, u, dh);
      else
        lk_store(l->dh + state * l->Hp + u, dh);
    }
}

static void backward(const lk_recurrent *l, const lk_cell_step *s) {
  for (ptrdiff_t panel = 0; panel < panels(l->H, BACK_WIDTH); panel++) {
    back_block b = {.last = 1};
    ptrdiff_t k = 0;
    do {
      if (s->product) b = block_at(l, k);
      k += b.K;
      for (ptrdiff_t i = 0; i < s->n;) {
        const int rows = lk_tile_next(s->n - i, BACK_HEIGHT);
        backward_tile(l, s, &b, panel, i, rows);
        i += rows;
      }
    } while (!b.last);
  }
}

#define CELL_TEXT_(x) #x
#define CELL_TEXT(x)  CELL_TEXT_(x)
const lk_cell LK_ISA_NAME(LK_PASTE(lk_cell_, CELL_NAME)) = {
    .name = CELL_TEXT(CELL_NAME),
    .note_ih = CELL_NOTE ",I" CELL_ORDER,
    .note_hh = CELL_NOTE ",H" CELL_ORDER,
    .note_bias = CELL_NOTE CELL_ORDER,
    .gates = CELL_GATES,
    .biases = CELL_GATES,
    .states = CELL_STATES,
    .separate = CELL_SEPARATE,
    .reads = CELL_FORGET >= 0 ? "model.recurrent_bias model.recurrent_init model.forget_bias"
                              : "model.recurrent_bias model.recurrent_init",
    .forget = CELL_FORGET,
    .recurrent = 1,
    .packed_size = packed_size,
    .transposed_size = transposed_size,
    .pack = pack,
    .transpose = transpose,
    .forward = forward,
    .backward = backward,
};
