/* output.c - the output layer: logits, softmax, cross-entropy, and back. */
#include "layers.h"

/* A block of the gradient and its part of the weight stay in L2 while they are used; whole vectors, whole tiles of
 * lk_kernels.outer. More outputs than that at a time gain nothing. */
enum { BLOCK = 96 * 1024, TILES = 48, MOST = 480 };

/* How many outputs are one block, for n rows. It decides no bits. */
static ptrdiff_t block_of(const lk_output *o, ptrdiff_t n) {
  const ptrdiff_t fit = BLOCK / (n > 0 ? n : 1) / TILES * TILES, most = fit < MOST ? fit : MOST;
  return n * lk_padded(o->dense.O) <= BLOCK ? o->dense.O : most > TILES ? most : TILES;
}

void lk_output_layout(lk_output *o, lk_arena *arena, ptrdiff_t n) {
  o->softmax = lk_arena_take(arena, (size_t)n * sizeof *o->softmax);
  o->block = lk_arena_reals(arena, n * TILES > BLOCK ? n * TILES : BLOCK);
}

void lk_output_loss(const lk_output *o, const lk_params *params, ptrdiff_t n, const lk_real *x, ptrdiff_t ldx,
                    lk_targets targets, lk_real *logits, ptrdiff_t ldl, double *loss) {
  lk_dense_forward(&o->dense, params, n, x, ldx, logits, ldl);
  lk_kernels_get()->softmax_loss(n, o->dense.O, logits, ldl, targets.id, targets.smoothing, loss, NULL, o->softmax);
}

void lk_output_backward(const lk_output *o, const ptrdiff_t *shard_row, const lk_real *x, ptrdiff_t ldx,
                        lk_targets targets, lk_real *logits, ptrdiff_t ldl, lk_real *dx, ptrdiff_t lddx,
                        const lk_grads *grads) {
  const ptrdiff_t n = shard_row[grads->shards->count], O = o->dense.O, most = block_of(o, n);
  const int in_place = o->dense.tied || most == O;
  for (lk_range part = {0, 0}; part.begin < O; part.begin = part.end) {
    part.end = part.begin + most < O ? part.begin + most : O;
    lk_real *dy = in_place ? logits + part.begin : o->block;
    const ptrdiff_t lddy = in_place ? ldl : lk_padded(part.end - part.begin);
    lk_kernels_get()->softmax_gradient(n, O, part, logits, ldl, targets.id, targets.smoothing, o->softmax, dy, lddy);
    lk_dense_backward_part(&o->dense, part, shard_row, x, ldx, dy, lddy, dx, lddx, grads);
  }
}
