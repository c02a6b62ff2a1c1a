#include "layers.h"

#include <math.h>
#include <stdio.h>

#include "nn_impl.h"

lk_status lk_dense_declare_linear(lk_dense *d, lk_params *params, const char *name, ptrdiff_t I, ptrdiff_t O) {
  *d = (lk_dense){.bias = -1, .I = I, .O = O};
  lk_init init = {LK_INIT_UNIFORM, 1 / sqrt((double)I)};
  lk_param weight = {.note = "O,I", .dims = 2, .shape = {O, I}, .init = init, .decay = 1};
  (void)snprintf(weight.name, sizeof weight.name, "%s.weight", name);
  return lk_params_add(params, &weight, &d->weight);
}

lk_status lk_dense_declare(lk_dense *d, lk_params *params, const char *name, ptrdiff_t I, ptrdiff_t O, int tied) {
  if (tied >= 0) {
    *d = (lk_dense){.weight = tied, .tied = 1, .I = I, .O = O};
    const lk_param *shared = lk_params_at(params, tied);
    LK_ASSERT(shared->dims == 2 && shared->shape[0] == O && shared->shape[1] == I);
  } else {
    LK_TRY(lk_dense_declare_linear(d, params, name, I, O));
  }
  lk_param bias = {.note = "O", .dims = 1, .shape = {O}, .init = {LK_INIT_UNIFORM, 1 / sqrt((double)I)}};
  (void)snprintf(bias.name, sizeof bias.name, "%s.bias", name);
  return lk_params_add(params, &bias, &d->bias);
}

void lk_dense_layout_weights(lk_dense *d, lk_arena *weights, int training) {
  const lk_kernels *k = lk_kernels_get();
  d->w.data = lk_arena_reals(weights, k->packed_size(d->O, d->I));
  if (training) d->transposed.data = lk_arena_reals(weights, k->view_size(d->I, d->O));
}

void lk_dense_layout(lk_dense *d, lk_arena *arena, int training) {
  if (training) d->scratch = lk_arena_reals(arena, lk_sum_scratch(d->I));
}

void lk_dense_pack(lk_dense *d, const lk_params *params, int training, lk_part part) {
  const lk_kernels *k = lk_kernels_get();
  const lk_real *w = lk_params_value(params, d->weight);
  k->pack(&d->w, d->O, d->I, w, d->I, 1, part);
  if (training) k->view(&d->transposed, d->I, d->O, w, d->I, part);
}

void lk_dense_forward(const lk_dense *d, const lk_params *params, ptrdiff_t n, const lk_real *x, ptrdiff_t ldx,
                      lk_real *y, ptrdiff_t ldy) {
  const lk_real *bias = d->bias >= 0 ? lk_params_value(params, d->bias) : NULL;
  lk_product p = {.n = n, .x = x, .ldx = ldx, .y = y, .ldy = ldy, .bias = bias};
  lk_kernels_get()->product(&d->w, &p);
}

void lk_dense_backward_weights(const lk_dense *d, lk_range outputs, const ptrdiff_t *shard_row, const lk_real *x,
                               ptrdiff_t ldx, const lk_real *dy, ptrdiff_t lddy, const lk_grads *grads) {
  const ptrdiff_t O = outputs.end - outputs.begin;
  LK_ASSERT(O > 0);
  lk_real *to[LK_MAX_SUBTREES];
  if (!d->tied) {
    lk_shard_product gradient = {shard_row, .dy = dy, .x = x, .ldy = lddy, .ldx = ldx, .K = d->I};
    lk_grads_at(grads, d->weight, outputs.begin * d->I, to);
    lk_sum_shards(grads->shards, O, d->I, lk_shard_product_block, &gradient, to, d->I, d->scratch);
  }
  if (d->bias < 0) return;
  lk_shard_columns columns = {shard_row, .dy = dy, .ldy = lddy};
  lk_grads_at(grads, d->bias, outputs.begin, to);
  lk_sum_shards(grads->shards, O, 1, lk_shard_columns_block, &columns, to, 1, d->scratch);
}

void lk_dense_backward_input(const lk_dense *d, lk_range outputs, const ptrdiff_t *shard_row, int shards,
                             const lk_real *dy, ptrdiff_t lddy, lk_real *dx, ptrdiff_t lddx) {
  const lk_product p = {.n = shard_row[shards],
                        .over = outputs,
                        .x = dy,
                        .ldx = lddy,
                        .y = dx,
                        .ldy = lddx,
                        .add = outputs.begin > 0,
                        .shard_row = shard_row,
                        .shards = shards};
  lk_kernels_get()->product(&d->transposed, &p);
}

void lk_dense_backward(const lk_dense *d, const ptrdiff_t *shard_row, const lk_real *x, ptrdiff_t ldx,
                       const lk_real *dy, ptrdiff_t lddy, lk_real *dx, ptrdiff_t lddx, const lk_grads *grads) {
  const lk_range all = {0, d->O};
  lk_dense_backward_weights(d, all, shard_row, x, ldx, dy, lddy, grads);
  if (dx) lk_dense_backward_input(d, all, shard_row, grads->shards->count, dy, lddy, dx, lddx);
}
