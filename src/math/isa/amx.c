/* amx.c - products of bf16 with the tile registers of AMX, and a model of them for any CPU.
 *
 * TDPBF16PS adds to a tile of sums [16, 16] the product of a tile of rows [16, 32 numbers] with a tile of weights
 * [32, 16]. For each sum, with fused multiply-adds that round to nearest even and take denormals for zero (Intel 64 and
 * IA-32 Architectures Software Developer's Manual):
 *
 *     even = odd = +0
 *     even = fma(x[k], w[k], even), odd = fma(x[k + 1], w[k + 1], odd)    for k = 0, 2, ..., 30
 *     sum = sum + (even + odd)
 *
 * This is another order than that of all other kernels (tile.h), so its bits are its own. A row's bits still depend on
 * that row alone: sums are cut into tiles by their number of terms. Numbers lie in words of two, as in bf16_words.h;
 * which of the two is in the upper half makes no difference here. Both sides are filled up with zeros to whole tiles.
 *
 * Compiled for avx512bf16 this file uses the instructions, else the model, which is there for comparing bits. */
#include "isa_impl.h"

#ifdef LK_DOUBLE
typedef int lk_no_amx_in_double;
#else
#include <string.h>

#include "bf16.h"
#include "status.h"

enum {
  SIDE = 16,         /* rows and columns of a tile of sums, words of a row of the others */
  STRIP = SIDE,      /* columns of weights that lie together, [word][STRIP] */
  PANEL = 2 * STRIP, /* columns and rows of a step: four tiles of sums */
  TALL = 2 * SIDE,
  HEIGHT = 128, /* rows at a time, */
  DEPTH = 512,  /* words of them: both fit into L2 */
  ROWS = 256,   /* of dy and x at a time, */
  WIDE = 512    /* columns of dy */
};

typedef uint32_t aliased_word __attribute__((may_alias));

static ptrdiff_t words_of(ptrdiff_t n) { return (n + 1) / 2; }
static ptrdiff_t whole_tiles(ptrdiff_t words) { return (words + SIDE - 1) / SIDE * SIDE; }
static ptrdiff_t strips_of(ptrdiff_t M) { return (M + PANEL - 1) / PANEL * 2; }

/* ---- four tiles ---- */

/* Sums [rows, PANEL], of rows `a` of words and of two strips b[0], b[1]. */
typedef struct step {
  int rows; /* 1 to TALL */
  const lk_real *a, *b[2];
  ptrdiff_t lda, words; /* a multiple of SIDE */
  lk_real *sum;
  ptrdiff_t ldsum;
  int add; /* to what is in `sum`; else it is assigned */
} step;

#if LK_BF16_TERMS == 2
/* Tiles 0 to 3 are sums (rows above: 0, 1; below: 2, 3), 4 and 5 rows, 6 and 7 weights. */
static void configure(int rows) {
  struct {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[SIDE];
    uint8_t rows[SIDE];
  } __attribute__((aligned(64))) config = {.palette = 1};
  const int above = rows < SIDE ? rows : SIDE, below = rows - above;
  const int of[8] = {above, above, below, below, above, below, SIDE, SIDE};
  for (int t = 0; t < 8; t++)
    if (of[t] > 0) config.bytes[t] = 64, config.rows[t] = (uint8_t)of[t];
  _tile_loadconfig(&config);
}

/* The compiler does not see which memory tiles are loaded from and stored to. */
#define MEMORY_IS_READ __asm__ volatile("" ::: "memory")

static void begin_sums(const step *s, int below) {
  const ptrdiff_t ld = s->ldsum * (ptrdiff_t)sizeof *s->sum;
  _tile_zero(0);
  _tile_zero(1);
  if (below) {
    _tile_zero(2);
    _tile_zero(3);
  }
  if (!s->add) return;
  _tile_loadd(0, s->sum, ld);
  _tile_loadd(1, s->sum + STRIP, ld);
  if (!below) return;
  _tile_loadd(2, s->sum + SIDE * s->ldsum, ld);
  _tile_loadd(3, s->sum + SIDE * s->ldsum + STRIP, ld);
}

static void end_sums(const step *s, int below) {
  const ptrdiff_t ld = s->ldsum * (ptrdiff_t)sizeof *s->sum;
  _tile_stored(0, s->sum, ld);
  _tile_stored(1, s->sum + STRIP, ld);
  if (!below) return;
  _tile_stored(2, s->sum + SIDE * s->ldsum, ld);
  _tile_stored(3, s->sum + SIDE * s->ldsum + STRIP, ld);
}

/* configured: for how many rows. */
static void multiply(const step *s, int *configured) {
  const ptrdiff_t lda = s->lda * (ptrdiff_t)sizeof *s->a, ldb = STRIP * (ptrdiff_t)sizeof **s->b;
  const int below = s->rows > SIDE;
  if (*configured != s->rows) configure(*configured = s->rows);
  MEMORY_IS_READ;
  begin_sums(s, below);
  for (ptrdiff_t k = 0; k < s->words; k += SIDE) {
    _tile_loadd(4, s->a + k, lda);
    _tile_loadd(6, s->b[0] + k * STRIP, ldb);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, s->b[1] + k * STRIP, ldb);
    _tile_dpbf16ps(1, 4, 7);
    if (!below) continue;
    _tile_loadd(5, s->a + k + SIDE * s->lda, lda);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  end_sums(s, below);
  MEMORY_IS_READ;
}

/* Tiles in use would be saved at each change of threads, and keep the core from sleeping. */
static void release(void) { _tile_release(); }
#else
static lk_vec upper(lk_uvec word) { return (lk_vec)(word & (lk_uvec)lk_isplat(-0x10000)); }
static lk_vec lower(lk_uvec word) { return (lk_vec)(word << 16); }

/* One tile of terms for LK_VL sums of a row. */
static lk_vec add_tile(lk_vec sum, const aliased_word *a, const lk_real *b) {
  lk_vec even = lk_zero(), odd = lk_zero();
  for (int k = 0; k < SIDE; k++) {
    const lk_uvec x = (lk_uvec)lk_isplat((lk_word)a[k]), w = (lk_uvec)lk_load(b + k * STRIP);
    even = lk_fma(upper(x), upper(w), even);
    odd = lk_fma(lower(x), lower(w), odd);
  }
  return sum + (even + odd);
}

static void multiply(const step *s, int *configured) {
  *configured = s->rows;
  for (int r = 0; r < s->rows; r++)
    for (ptrdiff_t m = 0; m < PANEL; m += LK_VL) {
      const lk_real *b = s->b[m / STRIP] + m % STRIP, *a = s->a + r * s->lda;
      lk_real *to = s->sum + r * s->ldsum + m;
      lk_vec sum = s->add ? lk_load(to) : lk_zero();
      for (ptrdiff_t k = 0; k < s->words; k += SIDE) sum = add_tile(sum, (const aliased_word *)(a + k), b + k * STRIP);
      lk_store(to, sum);
    }
}

static void release(void) {}
#endif

/* ---- words ---- */

static void zero_words(lk_real *to, ptrdiff_t n) { memset(to, 0, (size_t)n * sizeof *to); }

#if LK_BF16_TERMS == 2
static void row_words(lk_real *to, const lk_real *x, ptrdiff_t n) { lk_bf16_row(to, x, n); }

/* to[k / 2 * STRIP + lane] = the word of w[lane*row + k*column] and its follower in k, for lane < lanes. */
static void strip_words(lk_real *to, ptrdiff_t K, ptrdiff_t lanes, const lk_real *w, ptrdiff_t row, ptrdiff_t column) {
  lk_bf16_pack_strip(to, STRIP, K, lanes, w, row, column);
}

/* The same with words and lanes exchanged: to[lane * ld + k / 2]. */
static void column_words(lk_real *to, ptrdiff_t ld, ptrdiff_t K, ptrdiff_t lanes, const lk_real *w, ptrdiff_t column) {
  for (ptrdiff_t k = 0; k < K; k += 2 * SIDE) {
    lk_vec v[SIDE];
    LK_UNROLL for (int i = 0; i < SIDE; i++) {
      const lk_real *at = w + (k + 2 * i) * column;
      v[i] = lk_bf16_pair(k + 2 * i < K ? lk_load_up_to(at, lanes) : lk_zero(),
                          k + 2 * i + 1 < K ? lk_load_up_to(at + column, lanes) : lk_zero());
    }
    lk_transpose(v);
    LK_UNROLL for (int i = 0; i < SIDE; i++) if (i < lanes) lk_store(to + i * ld + k / 2, v[i]);
  }
}
#else
/* Rounded as by lk_bf16_rounded(). */
static uint32_t half(lk_real x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits & 0x7f800000 ? lk_bf16_narrow(x) : bits >> 16 & 0x8000;
}

static void put_word(lk_real *to, lk_real first, lk_real second) {
  *(aliased_word *)to = half(first) << 16 | half(second);
}

static void row_words(lk_real *to, const lk_real *x, ptrdiff_t n) {
  for (ptrdiff_t k = 0; k < n; k += 2) put_word(to + k / 2, x[k], k + 1 < n ? x[k + 1] : 0);
}

static void strip_words(lk_real *to, ptrdiff_t K, ptrdiff_t lanes, const lk_real *w, ptrdiff_t row, ptrdiff_t column) {
  for (ptrdiff_t k = 0; k < K; k += 2)
    for (ptrdiff_t lane = 0; lane < STRIP; lane++) {
      const lk_real *at = w + lane * row + k * column;
      put_word(to + k / 2 * STRIP + lane, lane < lanes ? *at : 0, lane < lanes && k + 1 < K ? at[column] : 0);
    }
}

static void column_words(lk_real *to, ptrdiff_t ld, ptrdiff_t K, ptrdiff_t lanes, const lk_real *w, ptrdiff_t column) {
  for (ptrdiff_t lane = 0; lane < lanes; lane++) {
    zero_words(to + lane * ld, whole_tiles(words_of(K)));
    for (ptrdiff_t k = 0; k < K; k += 2) {
      const lk_real *at = w + lane + k * column;
      put_word(to + lane * ld + k / 2, *at, k + 1 < K ? at[column] : 0);
    }
  }
}
#endif

/* ---- weights ---- */

ptrdiff_t packed_size_amx_isa(ptrdiff_t M, ptrdiff_t K) { return strips_of(M) * STRIP * whole_tiles(words_of(K)); }

static ptrdiff_t lanes_of(ptrdiff_t M, ptrdiff_t m) { return M - m < STRIP ? (M > m ? M - m : 0) : STRIP; }

static lk_packed packed_as(const lk_packed *packed, ptrdiff_t M, ptrdiff_t K) {
  return (lk_packed){.data = packed->data, .M = M, .K = K, .isa = LK_ISA_ID, .bf16 = LK_PACKED_AMX};
}

void pack_amx_isa(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t row, ptrdiff_t column,
                  lk_part part) {
  const ptrdiff_t words = words_of(K), all = whole_tiles(words);
  lk_range mine = lk_part_of(part, M, LK_LANES);
  if (part.index == part.count - 1) mine.end = strips_of(M) * STRIP;
  *packed = packed_as(packed, M, K);
  for (ptrdiff_t m = mine.begin; m < mine.end; m += STRIP) {
    lk_real *to = packed->data + m * all;
    const ptrdiff_t lanes = lanes_of(M, m);
    strip_words(to, K, lanes, lanes > 0 ? w + m * row : w, row, column);
    zero_words(to + words * STRIP, (all - words) * STRIP);
  }
}

void view_amx_isa(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t ld, lk_part part) {
  const ptrdiff_t words = words_of(K), all = whole_tiles(words);
  const lk_range mine = lk_part_of(part, K, LK_LANES);
  *packed = packed_as(packed, M, K);
  for (ptrdiff_t m = 0; m < strips_of(M) * STRIP; m += STRIP) {
    lk_real *to = packed->data + m * all;
    const ptrdiff_t lanes = lanes_of(M, m);
    strip_words(to + mine.begin / 2 * STRIP, mine.end - mine.begin, lanes, (lanes > 0 ? w + m : w) + mine.begin * ld, 1,
                ld);
    if (part.index == part.count - 1) zero_words(to + words * STRIP, (all - words) * STRIP);
  }
}

/* ---- products ---- */

/* Rows [first, first + rows) of y, its columns [m, m + PANEL), and a block of the terms. */
typedef struct block {
  const lk_packed *w;
  const lk_product *p;
  ptrdiff_t first, m;
  int rows, begins; /* whether it is the sum's first block of terms */
  step step;
} block;

static lk_real *row_at(const block *b, int r) {
  const lk_product *p = b->p;
  return p->y + (p->out ? p->out[b->first + r] : b->first + r) * p->ldy + b->m;
}

/* What the sums of LK_VL columns of a row begin with. */
static lk_vec start(const block *b, const lk_real *y, ptrdiff_t m) {
  const ptrdiff_t left = b->w->M - b->m - m;
  if (left <= 0) return lk_zero();
  if (!b->begins || b->p->add) return lk_load(y + m);
  return b->p->bias ? lk_load_up_to(b->p->bias + b->m + m, left) : lk_zero();
}

/* Columns from M on are padding: zeros, up to the row stride. */
static void finish(const block *b, lk_real *y, const lk_real *sum) {
  const ptrdiff_t most = lk_padded(b->w->M) - b->m;
  for (ptrdiff_t m = 0; m < PANEL && m < most; m += LK_VL) {
    const ptrdiff_t left = b->w->M - b->m - m;
    lk_store(y + m, left >= LK_VL ? lk_load(sum + m) : left > 0 ? lk_keep_part(lk_load(sum + m), left) : lk_zero());
  }
}

/* Rows that follow each other and a whole panel are summed in their place. */
static void run_in_place(const block *b, int *configured) {
  step s = b->step;
  s.sum = row_at(b, 0), s.ldsum = b->p->ldy;
  s.add = !b->begins || b->p->add || b->p->bias;
  for (int r = 0; b->begins && b->p->bias && r < b->rows; r++)
    for (ptrdiff_t m = 0; m < PANEL; m += LK_VL) lk_store(row_at(b, r) + m, lk_load(b->p->bias + b->m + m));
  multiply(&s, configured);
}

static void run(const block *b, int *configured) {
  lk_real sum[TALL * PANEL] __attribute__((aligned(64)));
  if (!b->p->out && b->m + PANEL <= b->w->M) {
    run_in_place(b, configured);
    return;
  }
  step s = b->step;
  s.sum = sum, s.ldsum = PANEL, s.add = 1;
  for (int r = 0; r < b->rows; r++)
    for (ptrdiff_t m = 0; m < PANEL; m += LK_VL) lk_store(sum + r * PANEL + m, start(b, row_at(b, r), m));
  multiply(&s, configured);
  for (int r = 0; r < b->rows; r++) finish(b, row_at(b, r), sum + r * PANEL);
}

/* a [rows, ld] = numbers [k, k + n) of rows as words, zeros up to whole tiles. */
static void round_rows(lk_real *a, ptrdiff_t ld, const lk_product *p, ptrdiff_t first, ptrdiff_t rows, lk_range part) {
  const ptrdiff_t n = part.end - part.begin, words = words_of(n);
  for (ptrdiff_t i = 0; i < rows; i++) {
    row_words(a + i * ld, p->x + (p->in ? p->in[first + i] : first + i) * p->ldx + part.begin, n);
    zero_words(a + i * ld + words, ld - words);
  }
}

static ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

void product_amx_isa(const lk_packed *w, const lk_product *p) {
  lk_real a[HEIGHT * DEPTH] __attribute__((aligned(64)));
  const ptrdiff_t K = p->over.end > p->over.begin ? p->over.end - p->over.begin : w->K,
                  all = whole_tiles(words_of(w->K));
  int configured = 0;
  LK_ASSERT(w->isa == LK_ISA_ID && w->bf16 == LK_PACKED_AMX && p->over.begin % (2 * SIDE) == 0);
  LK_ASSERT(K % (2 * SIDE) == 0 || p->over.begin + K == w->K); /* an incomplete tile is the last one */
  for (ptrdiff_t first = 0; first < p->n; first += HEIGHT) {
    const ptrdiff_t rows = least(HEIGHT, p->n - first);
    ptrdiff_t k = 0;
    do { /* at least once: with K = 0 y is the bias */
      const lk_range part = {k, least(k + 2 * DEPTH, K)};
      block b = {.w = w, .p = p, .begins = k == 0};
      b.step.words = b.step.lda = whole_tiles(words_of(part.end - part.begin));
      round_rows(a, b.step.lda, p, first, rows, part);
      for (b.m = 0; b.m < strips_of(w->M) * STRIP; b.m += PANEL)
        for (ptrdiff_t i = 0; i < rows; i += TALL) {
          const lk_real *strip = w->data + b.m * all + (p->over.begin + k) / 2 * STRIP;
          b.first = first + i;
          b.rows = b.step.rows = (int)least(TALL, rows - i);
          b.step.a = a + i * b.step.lda, b.step.b[0] = strip, b.step.b[1] = strip + all * STRIP;
          run(&b, &configured);
        }
      k += 2 * DEPTH;
    } while (k < K);
  }
  release();
}

/* ---- gradients of weights ---- */

typedef struct copies {
  lk_real dy[WIDE * (ROWS / 2)] __attribute__((aligned(64))); /* [column of dy][words of its rows] */
  lk_real x[PANEL * (ROWS / 2)] __attribute__((aligned(64))); /* two strips */
} copies;

/* Sums [rows, columns] of the block, at most [TALL, PANEL]. */
static void run_sums(const step *of, ptrdiff_t columns, lk_real *sums, ptrdiff_t ld, int *configured) {
  lk_real edge[TALL * PANEL] __attribute__((aligned(64)));
  step s = *of;
  s.sum = sums, s.ldsum = ld;
  if (columns < PANEL) {
    s.sum = edge, s.ldsum = PANEL;
    for (int r = 0; r < s.rows && s.add; r++) memcpy(edge + r * PANEL, sums + r * ld, (size_t)columns * sizeof *edge);
    for (int r = 0; r < s.rows; r++) zero_words(edge + r * PANEL + columns, PANEL - columns);
  }
  multiply(&s, configured);
  for (int r = 0; r < s.rows && columns < PANEL; r++)
    memcpy(sums + r * ld, edge + r * PANEL, (size_t)columns * sizeof *edge);
}

/* block [M, K], M <= WIDE, = or += the sum over n <= ROWS rows. */
static void run_rows(copies *c, ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, const lk_real *dy, ptrdiff_t ldy,
                     const lk_real *x, ptrdiff_t ldx, int add, lk_real *to, int *configured) {
  const ptrdiff_t words = words_of(n), all = whole_tiles(words);
  for (ptrdiff_t m = 0; m < M; m += SIDE) column_words(c->dy + m * all, all, n, least(SIDE, M - m), dy + m, ldy);
  for (ptrdiff_t k = 0; k < K; k += PANEL) {
    for (ptrdiff_t j = 0; j < PANEL; j += STRIP) {
      lk_real *strip = c->x + j * all;
      const ptrdiff_t lanes = lanes_of(K, k + j);
      strip_words(strip, n, lanes, lanes > 0 ? x + k + j : x, 1, ldx);
      zero_words(strip + words * STRIP, (all - words) * STRIP);
    }
    for (ptrdiff_t m = 0; m < M; m += TALL) {
      const step s = {.rows = (int)least(TALL, M - m),
                      .a = c->dy + m * all,
                      .b = {c->x, c->x + STRIP * all},
                      .lda = all,
                      .words = all,
                      .add = add};
      run_sums(&s, least(PANEL, K - k), to + m * K + k, K, configured);
    }
  }
}

void outer_amx_isa(ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, const lk_real *dy, ptrdiff_t ldy, const lk_real *x,
                   ptrdiff_t ldx, lk_real *to) {
  copies c;
  int configured = 0;
  if (n == 0) memset(to, 0, (size_t)(M * K) * sizeof *to);
  for (ptrdiff_t m = 0; m < M; m += WIDE)
    for (ptrdiff_t r = 0; r < n; r += ROWS)
      run_rows(&c, least(ROWS, n - r), least(WIDE, M - m), K, dy + r * ldy + m, ldy, x + r * ldx, ldx, r > 0,
               to + m * K, &configured);
  release();
}
#endif
