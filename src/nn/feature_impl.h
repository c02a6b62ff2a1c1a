/* feature_impl.h - what kinds of features that look rows up in a table (f->table) share. */
#pragma once
#include "input_layer.h"

void lk_feature_table_layout(lk_feature *f, lk_arena *arena, ptrdiff_t N, int training);
void lk_feature_table_forward(lk_feature *f, const lk_params *params, ptrdiff_t n, const lk_feature_rows *rows,
                              lk_real *x, ptrdiff_t ld);
void lk_feature_table_backward(lk_feature *f, const ptrdiff_t *shard_row, const lk_feature_rows *rows,
                               const lk_real *dx, ptrdiff_t ld, const lk_shard_product *also, const lk_grads *grads);
