/* layers.h - layers before and after the recurrent ones: embedding, dense, dropout.
 *
 * Every layer has: declare (tensors) -> layout (packed weights, which the ranks of a host may share, and buffers,
 * which each rank has for itself; measured and assigned by the same code) -> pack (after each update, each rank its
 * part) -> forward -> backward (assigns the gradients of its tensors, summed along the shard tree). */
#pragma once
#include "kernels.h"
#include "params.h"
#include "rng.h"
#include "distinct.h"

#define LK_MAX_WIDTH 32768 /* maximum width of a row to which dropout can be applied */

/* Mode of a pass. Dropout masks are functions of (seed, step, corpus row, layer, time, unit), so backward can
 * recompute them. */
typedef struct lk_mode {
  int training;
  uint64_t seed;
  uint32_t step;
} lk_mode;

typedef struct lk_embedding {
  int weight; /* [V, E] */
  ptrdiff_t V, E;
  int32_t *sorted, *spare; /* [N] each: rows sorted by id, then by row; scratch */
  lk_real *scratch;
} lk_embedding;

/** Declare the table. Initial values are normal with the given standard deviation; 0: 1/sqrt(E). */
LK_CHECKED lk_status lk_embedding_declare(lk_embedding *e, lk_params *params, const char *name, ptrdiff_t V,
                                          ptrdiff_t E, double deviation);
/** Lay out buffers for at most N rows; training 0: forward only.                   Not collective. */
void lk_embedding_layout(lk_embedding *e, lk_arena *arena, ptrdiff_t N, int training);
/** The first E columns of x [n, ldx] = rows `ids` of the table; the other columns are unchanged.  Not collective. */
void lk_embedding_forward(const lk_embedding *e, const lk_params *params, ptrdiff_t n, const int32_t *ids, lk_real *x,
                          ptrdiff_t ldx);
/** In training, zero the vectors x [n, ldx] of the word types that a step drops, and scale the others (Gal & Ghahramani
 *  2016, "embedding dropout"): a function of step, table and id. Also applied to gradients.  Not collective. */
void lk_embedding_drop(const lk_embedding *e, lk_mode mode, double rate, ptrdiff_t n, const int32_t *ids, lk_real *x,
                       ptrdiff_t ldx);
/** Gradient of the table from dx [n, lddx], whose rows belong to `ids`; rows of local shard s are shard_row[s] ..
 *  shard_row[s+1]. Each shard's rows are added in order, shards are summed along the tree; rows of the table that do
 *  not occur are zero. `also`: a product [V, E] that is added to each shard's gradient (tied output weights), or
 *  NULL. */
void lk_embedding_backward(const lk_embedding *e, const ptrdiff_t *shard_row, const int32_t *ids, const lk_real *dx,
                           ptrdiff_t lddx, const lk_shard_product *also, const lk_grads *grads);

typedef struct lk_dense {
  int weight, bias; /* [O, I], [O]; bias -1: none */
  int tied;         /* the weight belongs to another layer, which computes its gradient */
  ptrdiff_t I, O;
  lk_packed w, transposed;
  lk_real *scratch;
} lk_dense;

/** Declare the tensors. `tied`: id of an existing [O, I] tensor to use, or -1.     Not collective. */
LK_CHECKED lk_status lk_dense_declare(lk_dense *d, lk_params *params, const char *name, ptrdiff_t I, ptrdiff_t O,
                                      int tied);
/** The same without a bias.                                                        Not collective. */
LK_CHECKED lk_status lk_dense_declare_linear(lk_dense *d, lk_params *params, const char *name, ptrdiff_t I,
                                             ptrdiff_t O);
/** See lk_recurrent_layout_weights().                                              Not collective. */
void lk_dense_layout_weights(lk_dense *d, lk_arena *weights, int training);
void lk_dense_layout(lk_dense *d, lk_arena *arena, int training);
void lk_dense_pack(lk_dense *d, const lk_params *params, int training, lk_part part);
/** y [n, ldy] = x W^T + b; ldy a multiple of LK_LANES.                              Not collective. */
void lk_dense_forward(const lk_dense *d, const lk_params *params, ptrdiff_t n, const lk_real *x, ptrdiff_t ldx,
                      lk_real *y, ptrdiff_t ldy);
/** Assigns dx [n, lddx] (lddx a multiple of LK_LANES) unless it is NULL, and the gradients of weight (unless tied)
 *  and bias. Rows of local shard s are shard_row[s] .. shard_row[s+1].             Not collective. */
void lk_dense_backward(const lk_dense *d, const ptrdiff_t *shard_row, const lk_real *x, ptrdiff_t ldx,
                       const lk_real *dy, ptrdiff_t lddy, lk_real *dx, ptrdiff_t lddx, const lk_grads *grads);
/** The two parts of lk_dense_backward() for a range of outputs, whose gradient is dy [n, lddy]: the first assigns their rows
 *  of the weight and their biases; the second assigns dx if the range begins at 0, and adds to it otherwise. Called for
 *  ascending ranges they give the same bits as lk_dense_backward().                Not collective. */
void lk_dense_backward_weights(const lk_dense *d, lk_range outputs, const ptrdiff_t *shard_row, const lk_real *x,
                               ptrdiff_t ldx, const lk_real *dy, ptrdiff_t lddy, const lk_grads *grads);
void lk_dense_backward_input(const lk_dense *d, lk_range outputs, const ptrdiff_t *shard_row, int shards,
                             const lk_real *dy, ptrdiff_t lddy, lk_real *dx, ptrdiff_t lddx);

/** y = x * mask / keep for rows of a packed batch; the mask depends on (step, corpus row, layer, time or 0 if
 *  variational, unit). y = x if rate is 0 or mode is not training. x and y may be the same. Also applied to
 *  gradients. */
void lk_dropout(const lk_pack *pack, lk_mode mode, double rate, int variational, int layer, ptrdiff_t width,
                const lk_real *x, ptrdiff_t ldx, lk_real *y, ptrdiff_t ldy);
/** The same for some rows of the batch: rows[i] for i < n, or 0..n-1 if rows is NULL. */
void lk_dropout_rows(const lk_pack *pack, lk_mode mode, double rate, int variational, int layer, ptrdiff_t width,
                     ptrdiff_t n, const int32_t *rows, const lk_real *x, ptrdiff_t ldx, lk_real *y, ptrdiff_t ldy);
