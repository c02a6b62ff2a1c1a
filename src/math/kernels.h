/* kernels.h - the matrix products, softmax and sums in which nearly all time is spent.
 *
 * Two kinds, with different rules for the order of additions (ARCHITECTURE.md):
 *   row by row   products with weights, gates, softmax: all rows of a rank in one call. Every dot product adds in the
 *                order k = 0, 1, 2 ..., so a row's result does not depend on the other rows.
 *   over rows    weight, bias and embedding gradients: shard by shard along the tree, a block of the matrix at a time.
 *
 * The kernels exist for AVX-512 (also with AVX512_BF16), for AVX2 and in portable form in one binary, compiled from the
 * same sources; the best that the CPU supports is chosen at start. All give the same bits; the portable form is the
 * reference of the tests.
 *
 * Products and gradients of weights exist twice: for float32, and for `train.precision: bf16` with operands rounded to
 * bf16 (bf16_words.h), weights when they are packed, rows at each call. All else is float32.
 *
 * OpenBLAS computes parts of a model only where the kernels called blas are chosen (by_blas.c), which pays on CPUs
 * whose vectors our kernels cannot use. Its bits change with its version and with OPENBLAS_CORETYPE. Tests and
 * benchmarks compare with it. */
#pragma once
#include "pack.h"

/* Weights laid out for lk_kernels.product: panels of columns, the last one filled up with zeros. Each instruction set
 * has its own layout. */
typedef struct lk_packed {
  lk_real *data;
  ptrdiff_t K, M;          /* y[M] = sum over K */
  const lk_real *in_place; /* a view: W^T [K, M], row stride ld; data then holds only the last, incomplete panel */
  ptrdiff_t ld;
  int isa, bf16; /* lk_kernels_isa() of the kernels that packed it, and their precision; no others can read it */
} lk_packed;

typedef struct lk_product { /* y[out[i]] (+)= W x[in[i]] + bias for i < n */
  ptrdiff_t n;
  lk_range over;    /* the part of K to sum over; {0, 0}: all of it */
  const lk_real *x; /* rows of K reals, or of the part's length */
  ptrdiff_t ldx;
  const int32_t *in;   /* [n] rows of x, NULL: 0..n-1 */
  lk_real *y;          /* rows of M reals */
  ptrdiff_t ldy;       /* a multiple of LK_LANES; columns M..lk_padded(M) of y are written with zeros */
  const int32_t *out;  /* [n] rows of y, NULL: 0..n-1 */
  const lk_real *bias; /* [M] or NULL */
  int add;             /* y += rather than y = (then bias must be NULL) */
  /* [shards + 1] where each shard's rows begin. Given where the kernels may compute a shard's rows together, although
   * the bits then differ from those of single rows (blas). NULL: row by row. */
  const ptrdiff_t *shard_row;
  int shards;
} lk_product;

/* What makes a row of logits x its softmax, e^(x - max) scale. */
typedef struct lk_softmax {
  lk_real max, scale;
} lk_softmax;

typedef struct lk_kernels {
  const char *name; /* avx512bf16 | avx512 | avx2 | portable | blas | amx | amx-model */
  ptrdiff_t width;  /* reals of a vector */
  int terms;        /* of bf16: numbers in a word of a rounded row; of float32: 0 */
  int part;         /* the parts of a sum (lk_product.over) begin at multiples of it */
  int apart;        /* whether products are added in an order of their own, that of AMX */
  /** Reals that lk_packed.data needs for W [M,K]. */
  ptrdiff_t (*packed_size)(ptrdiff_t M, ptrdiff_t K);
  /** Pack W given as element (m,k) at w[m*row + k*column]: (row,column) = (ld,1) packs W, (1,ld) its transpose. Where
   *  several ranks share `data`, each packs its part of M. */
  void (*pack)(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t row, ptrdiff_t column,
               lk_part part);
  /** Reals that lk_packed.data needs for a view of W [M,K]; 0: none. */
  ptrdiff_t (*view_size)(ptrdiff_t M, ptrdiff_t K);
  /** As pack with (row,column) = (1,ld), but whole panels are not copied: product reads them from w, which must not
   *  change meanwhile. Parts are of K here. Parts of M and of K are cut at multiples of LK_LANES. */
  void (*view)(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t ld, lk_part part);
  void (*product)(const lk_packed *w, const lk_product *p);
  /** block [M,K] = dy^T x over n rows, in their order: dy [n, ldy], x [n, ldx]; the gradient of a weight. */
  void (*outer)(ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, const lk_real *dy, ptrdiff_t ldy, const lk_real *x,
                ptrdiff_t ldx, lk_real *block);
  /** Softmax cross-entropy of rows of logits [n, V].
   *   target [n], -1: no loss    smoothing e: the target distribution is (1-e) onehot + e/V
   *   out loss [n] nats          out best [n] index of the largest logit (the first of equal ones), or NULL
   *   out softmax [n] for softmax_gradient, or NULL */
  void (*softmax_loss)(ptrdiff_t n, ptrdiff_t V, const lk_real *logits, ptrdiff_t ld, const int32_t *target,
                       double smoothing, double *loss, int32_t *best, lk_softmax *softmax);
  /** Columns [begin, end) of the gradient of the SUM of these losses by the logits, begin a multiple of LK_LANES:
   *  to [n, end - begin], pads zero. `to` may be `logits`. */
  void (*softmax_gradient)(ptrdiff_t n, ptrdiff_t V, lk_range columns, const lk_real *logits, ptrdiff_t ld,
                           const int32_t *target, double smoothing, const lk_softmax *softmax, lk_real *to,
                           ptrdiff_t ldto);
  void (*tanh)(ptrdiff_t n, const lk_real *x, lk_real *y);
  void (*sigmoid)(ptrdiff_t n, const lk_real *x, lk_real *y);
  void (*exp)(ptrdiff_t n, const lk_real *x, lk_real *y);
  void (*add)(ptrdiff_t n, const lk_real *x, lk_real *y); /* y += x, no overlap */
  /** With bf16: y = the words of x, n a multiple of LK_LANES. */
  void (*round)(ptrdiff_t n, const lk_real *x, lk_real *y);
} lk_kernels;

/** Choose by name ("auto" or NULL: the best that this CPU supports, never blas) and flush denormals in this thread;
 *  with blas, OpenBLAS is limited to one thread. LK_USAGE for an unknown name or a CPU without the instructions.
 *                                                                                 Not collective. */
LK_CHECKED lk_status lk_kernels_select(const char *name);
/** The same with products of `precision`: float32, as above, or bf16. LK_USAGE also for bf16 with blas. */
LK_CHECKED lk_status lk_kernels_choose(const char *name, const char *precision);
/** Whether this CPU can use them: "avx2".                                        Not collective. */
int lk_kernels_supported(const char *name);
/** The chosen kernels; those of "auto" where none were chosen yet.                Not collective. */
const lk_kernels *lk_kernels_get(void);
/** The same with products of float32, whatever the precision chosen.              Not collective. */
const lk_kernels *lk_kernels_float32(void);
/** What "auto" means for a training run: "blas" where the CPU has no fused multiply-add, which our kernels then compute
 *  in software, and OpenBLAS is measured to be faster; else "auto". The answer may differ between processes.
 *                                                                                 Not collective. */
const char *lk_kernels_advise(void);
/** Whether OpenBLAS computes a product of usual size faster than the portable kernels. Measured in a few milliseconds;
 *  does not change the choice of kernels.                                          Not collective. */
int lk_kernels_blas_is_faster(void);
/** Whether these kernels add products of bf16 in an order of their own, that of AMX. Not collective. */
int lk_kernels_sum_apart(const char *name);
/** Index into tables by ISA: 0 portable, amx-model; 1 avx2; 2 avx512; 3 avx512bf16, amx; 4 blas. Not collective. */
int lk_kernels_isa(void);
/** FTZ/DAZ for the calling thread.                                                Not collective. */
void lk_flush_denormals(void);

/* The gradient of one shard, a block of rows [m0, m1) at a time: block[m1-m0, K] (+)= ... for local shard s. */
typedef void lk_shard_gradient(const void *context, int s, ptrdiff_t m0, ptrdiff_t m1, lk_real *block);

/** Sum the shards' gradients along the tree into each of the rank's subtrees: dw[p] [M,K], row stride ldw, is assigned.
 *  The partial blocks stay in cache. `gradient` assigns its block.                    Not collective.
 *  scratch: lk_sum_scratch(K) reals. */
void lk_sum_shards(const lk_shards *shards, ptrdiff_t M, ptrdiff_t K, lk_shard_gradient *gradient, const void *context,
                   lk_real *const *dw, ptrdiff_t ldw, lk_real *scratch);
/** Round the gradient x [n] of a node of the tree that has `count` shards, if lk_shards_round() says so. */
void lk_sum_round(const lk_shards *shards, int count, ptrdiff_t n, lk_real *x);
/** Scratch reals for sums of at most K columns. */
ptrdiff_t lk_sum_scratch(ptrdiff_t K);
ptrdiff_t lk_sum_block(ptrdiff_t K); /* rows of a block: a pure function of K, so bits do not depend on anything else */

/* A shard gradient: block = sum over the shard's rows r, in their order, of dy[r, m0:m1]^T x[r, 0:K]. */
typedef struct lk_shard_product {
  const ptrdiff_t *shard_row; /* [shards+1] */
  const lk_real *dy, *x;
  ptrdiff_t ldy, ldx, K;
} lk_shard_product;
lk_shard_gradient lk_shard_product_block;

/* A shard gradient: column sums of dy, K = 1: the gradient of a bias [M]. */
typedef struct lk_shard_columns {
  const ptrdiff_t *shard_row;
  const lk_real *dy;
  ptrdiff_t ldy;
} lk_shard_columns;
lk_shard_gradient lk_shard_columns_block;
