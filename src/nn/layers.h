/* layers.h - what stands before and behind the recurrent layers: embedding, dense, dropout.
 *
 * Every layer: declare (tensors) -> layout (packed weights, which the ranks of a host may hold together, and buffers,
 * which each has of its own; planned and bound by the same code) -> pack (once an update, each rank its part)
 * -> forward -> backward (assigns its tensors' gradients along the shard tree). */
#pragma once
#include "kernels.h"
#include "params.h"
#include "rng.h"
#include "distinct.h"

#define LK_MAX_WIDTH 32768 /* units of a row that dropout can mask */

/* How a pass is run. Masks are functions of (seed, step, corpus row, layer, time, unit): backward asks again. */
typedef struct lk_mode {
  int training;
  uint64_t seed;
  uint32_t step;
} lk_mode;

typedef struct lk_embedding {
  int weight; /* [V, E] */
  ptrdiff_t V, E;
  int32_t *sorted, *spare; /* [N] each: rows by id, then by row */
  lk_real *scratch;
} lk_embedding;

/** Normal initial values of the given standard deviation; 0: 1/sqrt(E). */
LK_CHECKED lk_status lk_embedding_declare(lk_embedding *e, lk_params *params, const char *name, ptrdiff_t V,
                                          ptrdiff_t E, double deviation);
/** For at most N rows; training 0: forward only.                                   Not collective. */
void lk_embedding_layout(lk_embedding *e, lk_arena *arena, ptrdiff_t N, int training);
/** The first E columns of x [n, ldx] = rows `ids` of the table; those behind them stay.    Not collective. */
void lk_embedding_forward(const lk_embedding *e, const lk_params *params, ptrdiff_t n, const int32_t *ids, lk_real *x,
                          ptrdiff_t ldx);
/** dE from dx [n, lddx], rows of words `ids`, those of local shard s being shard_row[s] .. shard_row[s+1]: each shard's
 *  are added in row order, touched words only, shards along the tree; other rows zero.
 *  `also`: a product [V, E] of the same tensor (tied output weights), added to each shard's gradient, or NULL. */
void lk_embedding_backward(const lk_embedding *e, const ptrdiff_t *shard_row, const int32_t *ids, const lk_real *dx,
                           ptrdiff_t lddx, const lk_shard_product *also, const lk_grads *grads);

typedef struct lk_dense {
  int weight, bias; /* [O, I], [O]; bias -1: none */
  int tied;         /* the weight is another layer's: its gradient is left to that layer */
  ptrdiff_t I, O;
  lk_packed w, transposed;
  lk_real *scratch;
} lk_dense;

/** `tied`: id of an existing [O, I] tensor to share, or -1.                         Not collective. */
LK_CHECKED lk_status lk_dense_declare(lk_dense *d, lk_params *params, const char *name, ptrdiff_t I, ptrdiff_t O,
                                      int tied);
/** Without a bias.                                                                 Not collective. */
LK_CHECKED lk_status lk_dense_declare_linear(lk_dense *d, lk_params *params, const char *name, ptrdiff_t I,
                                             ptrdiff_t O);
/** As lk_recurrent_layout_weights() has it.                                        Not collective. */
void lk_dense_layout_weights(lk_dense *d, lk_arena *weights, int training);
void lk_dense_layout(lk_dense *d, lk_arena *arena, int training);
void lk_dense_pack(lk_dense *d, const lk_params *params, int training, lk_part part);
/** y [n, ldy] = x W^T + b; ldy a multiple of LK_LANES.                              Not collective. */
void lk_dense_forward(const lk_dense *d, const lk_params *params, ptrdiff_t n, const lk_real *x, ptrdiff_t ldx,
                      lk_real *y, ptrdiff_t ldy);
/** dx [n, lddx] assigned (lddx a multiple of LK_LANES, or NULL). Rows of local shard s: shard_row[s] .. shard_row[s+1].
 *  Gradients of weight (unless tied) and bias are assigned.                       Not collective. */
void lk_dense_backward(const lk_dense *d, const ptrdiff_t *shard_row, const lk_real *x, ptrdiff_t ldx,
                       const lk_real *dy, ptrdiff_t lddy, lk_real *dx, ptrdiff_t lddx, const lk_grads *grads);
/** The part of it that comes from some outputs, of which dy [n, lddy] is: their rows of the weight, their biases, and dx,
 *  assigned by the outputs that begin at 0 and added to by all others. In rising order the bits of lk_dense_backward(). */
void lk_dense_backward_part(const lk_dense *d, lk_range outputs, const ptrdiff_t *shard_row, const lk_real *x,
                            ptrdiff_t ldx, const lk_real *dy, ptrdiff_t lddy, lk_real *dx, ptrdiff_t lddx,
                            const lk_grads *grads);

/** y = x * mask / keep for rows of a packed batch, mask by (step, corpus row, layer, time or 0 where variational, unit);
 *  a copy where rate is 0 or mode is not training. x and y may be the same. Used alike on gradients. */
void lk_dropout(const lk_pack *pack, lk_mode mode, double rate, int variational, int layer, ptrdiff_t width,
                const lk_real *x, ptrdiff_t ldx, lk_real *y, ptrdiff_t ldy);
/** The same for some rows of the batch: rows[i] for i < n, NULL: 0..n-1. */
void lk_dropout_rows(const lk_pack *pack, lk_mode mode, double rate, int variational, int layer, ptrdiff_t width,
                     ptrdiff_t n, const int32_t *rows, const lk_real *x, ptrdiff_t ldx, lk_real *y, ptrdiff_t ldy);
