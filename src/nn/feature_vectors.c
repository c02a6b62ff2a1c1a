/* feature_vectors.c - vectors of words that came with the corpus (prepare --vectors), [rows, D].
 *
 *   frozen   the numbers as they are, which are no parameters; the vectors of what has none are trained:
 *            vectors.missing [2, D], of <sos>, <eos> and <pad>, and of words without a vector, zeros at first
 *   tuned    vectors.weight [rows, D] is trained; the numbers are what it starts from */
#include "feature_impl.h"
#include "nn_impl.h"

/* ---- frozen ---- */

static lk_status declare_frozen(lk_feature *f, lk_params *params, const lk_config *config) {
  const ptrdiff_t D = f->column.vectors->width;
  if (f->column.vectors->values == NULL)
    return lk_config_error(config, f->key,
                           "the corpus has the words of its vectors, but not the vectors themselves, since it was "
                           "prepared --like a model that trained its own: prepare it with --vectors");
  const lk_param missing = {.name = "vectors.missing",
                            .note = "of no word, and of a word without a vector",
                            .dims = 2,
                            .shape = {LK_VECTOR_FIRST, D},
                            .init = {LK_INIT_CONSTANT, 0},
                            .decay = 1};
  f->width = D;
  f->table = (lk_embedding){.V = LK_VECTOR_FIRST, .E = D};
  return lk_params_add(params, &missing, &f->table.weight);
}

static void layout_frozen(lk_feature *f, lk_arena *arena, ptrdiff_t N, int training) {
  (void)N;
  if (training) f->table.scratch = lk_arena_reals(arena, lk_sum_scratch(f->width));
}

static void forward_frozen(lk_feature *f, const lk_params *params, ptrdiff_t n, const lk_feature_rows *rows, lk_real *x,
                           ptrdiff_t ld) {
  const lk_vectors *v = f->column.vectors;
  const lk_real *missing = lk_params_value(params, f->table.weight);
  for (ptrdiff_t r = 0; r < n; r++) {
    const int32_t row = rows->ids[r];
    lk_real *to = x + r * ld + f->offset;
    LK_ASSERT(row >= 0 && row < v->rows);
    if (row < LK_VECTOR_FIRST) copy_row(to, missing + row * v->width, v->width);
    for (ptrdiff_t i = 0; row >= LK_VECTOR_FIRST && i < v->width; i++) to[i] = (lk_real)v->values[row * v->width + i];
  }
}

typedef struct scatter {
  const ptrdiff_t *shard_row;
  const int32_t *ids;
  const lk_real *dx; /* of this feature's columns */
  ptrdiff_t ld, width;
} scatter;

/* The rows of a shard, in order, that have no vector. */
static void missing_gradient(const void *context, int shard, ptrdiff_t m0, ptrdiff_t m1, lk_real *block) {
  const scatter *s = context;
  memset(block, 0, (size_t)((m1 - m0) * s->width) * sizeof *block);
  for (ptrdiff_t r = s->shard_row[shard]; r < s->shard_row[shard + 1]; r++) {
    if (s->ids[r] < m0 || s->ids[r] >= m1) continue;
    lk_real *to = block + (s->ids[r] - m0) * s->width;
    for (ptrdiff_t i = 0; i < s->width; i++) to[i] += s->dx[r * s->ld + i];
  }
}

static void backward_frozen(lk_feature *f, const ptrdiff_t *shard_row, const lk_feature_rows *rows, const lk_real *dx,
                            ptrdiff_t ld, const lk_shard_product *also, const lk_grads *grads) {
  const scatter s = {shard_row, rows->ids, dx + f->offset, ld, f->width};
  lk_real *to[LK_MAX_SUBTREES];
  (void)also;
  lk_grads_of(grads, f->table.weight, to);
  lk_sum_shards(grads->shards, LK_VECTOR_FIRST, f->width, missing_gradient, &s, to, f->width, f->table.scratch);
}

const lk_feature_kind lk_feature_frozen = {.name = "frozen",
                                           .tokens = 1,
                                           .declare = declare_frozen,
                                           .layout = layout_frozen,
                                           .forward = forward_frozen,
                                           .backward = backward_frozen};

/* ---- tuned ---- */

static lk_status declare_tuned(lk_feature *f, lk_params *params, const lk_config *config) {
  const lk_vectors *v = f->column.vectors;
  const lk_param weight = {.name = "vectors.weight",
                           .note = "rows,D",
                           .dims = 2,
                           .shape = {v->rows, v->width},
                           .init = {LK_INIT_CONSTANT, 0},
                           .values = v->values,
                           .decay = 1,
                           .sparse = 1};
  (void)config;
  f->width = v->width;
  f->table = (lk_embedding){.V = v->rows, .E = v->width};
  return lk_params_add(params, &weight, &f->table.weight);
}

const lk_feature_kind lk_feature_tuned = {.name = "tuned",
                                          .tokens = 1,
                                          .declare = declare_tuned,
                                          .layout = lk_feature_table_layout,
                                          .forward = lk_feature_table_forward,
                                          .backward = lk_feature_table_backward};
