/* feature_embedding.c - a learnt vector for each token: <name>.weight [V, E]. */
#include "feature_impl.h"

static lk_status declare(lk_feature *f, lk_params *params, const lk_config *config) {
  if (f->size < 1) return lk_config_error(config, f->key, "expected at least 1, found %td", f->size);
  f->width = f->size;
  return lk_embedding_declare(&f->table, params, f->name, f->column.values, f->width,
                              config->model.embedding_deviation);
}

void lk_feature_table_layout(lk_feature *f, lk_arena *arena, ptrdiff_t N, int training) {
  lk_embedding_layout(&f->table, arena, N, training);
}

void lk_feature_table_forward(lk_feature *f, const lk_params *params, ptrdiff_t n, const lk_feature_rows *rows,
                              lk_real *x, ptrdiff_t ld) {
  lk_embedding_forward(&f->table, params, n, rows->ids, x + f->offset, ld);
}

void lk_feature_table_backward(lk_feature *f, const ptrdiff_t *shard_row, const lk_feature_rows *rows,
                               const lk_real *dx, ptrdiff_t ld, const lk_shard_product *also, const lk_grads *grads) {
  lk_embedding_backward(&f->table, shard_row, rows->ids, dx + f->offset, ld, also, grads);
}

const lk_feature_kind lk_feature_embed = {
    .name = "embed",
    .help = "a learned vector",
    .reads = "model.embedding model.embedding_deviation model.input_dropout model.embedding_dropout",
    .tokens = 1,
    .declare = declare,
    .layout = lk_feature_table_layout,
    .forward = lk_feature_table_forward,
    .backward = lk_feature_table_backward};
