#include "head.h"

#include "choices.h"
#include "head_kind.h"
#include "nn_impl.h"

/* The table of heads: one line each. */
#define HEADS(X) \
  X(softmax)     \
  X(hinge)       \
  X(crf)         \
  X(adaptive)

#define DECLARE(name) extern const lk_head_kind lk_head_##name;
#define ADDRESS(name) &lk_head_##name,
HEADS(DECLARE)
static const lk_head_kind *const kinds[] = {HEADS(ADDRESS)};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Evaluation and search never hold more scores than this at once, however many outputs there are. */
static const ptrdiff_t most_scores = (ptrdiff_t)4 << 20, fewest_rows = 64;

/* Reals in a block of the gradient: it and its part of the weight stay in L2 while they are used. A block is some whole
 * tiles (TILES outputs) of lk_kernels.outer wide; more than MOST outputs at a time make nothing faster. */
enum { BLOCK = 96 * 1024, TILES = 48, MOST = 480 };

static lk_choice head_choice(size_t i) {
  return i < KINDS ? (lk_choice){kinds[i]->name, kinds[i]->help, kinds[i]->reads} : (lk_choice){0};
}
LK_CHOICES("model.output", head_choice)

lk_status lk_head_find(const lk_config *config, const lk_head_kind **kind) {
  size_t index;
  LK_TRY(lk_config_choice(config, "model.output", &index));
  *kind = kinds[index];
  return LK_OK;
}

lk_status lk_head_declare(lk_head *h, lk_params *params, const lk_config *config, ptrdiff_t I, ptrdiff_t O, int tied) {
  *h = (lk_head){.O = O, .smoothing = config->train.smoothing, .ld = lk_padded(O)};
  LK_TRY(lk_head_find(config, &h->kind));
  if (!h->kind->declare) return lk_dense_declare(&h->dense, params, "output", I, O, tied);
  return h->kind->declare(h, params, config, I, O, tied);
}

void lk_head_layout_weights(lk_head *h, lk_arena *weights, int training) {
  lk_dense_layout_weights(&h->dense, weights, training);
  for (int i = 0; i < h->owns; i++) lk_dense_layout_weights(&h->own[i], weights, training);
}

static ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

/* Outputs of the narrowest block: whole tiles, and where the kernels can begin a part of a sum. */
static ptrdiff_t least_block(void) { return TILES % lk_kernels_get()->part == 0 ? TILES : 2 * TILES; }

/* Units that are scored at once: all of a training batch, for the gradient is made from their scores; else as many as
 * the bound allows, but all where the kind asks for whole sequences. */
static ptrdiff_t rows_of(const lk_head *h, ptrdiff_t units, ptrdiff_t train_units) {
  const ptrdiff_t fit = larger(most_scores / h->ld, fewest_rows);
  return larger(train_units, units < fit || h->kind->whole ? units : fit);
}

void lk_head_layout(lk_head *h, lk_arena *arena, ptrdiff_t units, ptrdiff_t train_units, int training) {
  h->rows = rows_of(h, units, train_units);
  h->scores = lk_arena_reals(arena, h->rows * h->ld);
  h->loss = lk_arena_take(arena, (size_t)units * sizeof *h->loss);
  h->best = lk_arena_ints(arena, units);
  lk_dense_layout(&h->dense, arena, training);
  for (int i = 0; i < h->owns; i++) lk_dense_layout(&h->own[i], arena, training);
  if (h->kind->layout) h->kind->layout(h, arena, h->rows, training);
  if (!training) return;
  h->block = lk_arena_reals(arena, larger(train_units * least_block(), BLOCK));
  h->kept = lk_arena_take(arena, (size_t)train_units * h->kind->kept);
}

void lk_head_pack(lk_head *h, const lk_params *params, int training, lk_part part) {
  lk_dense_pack(&h->dense, params, training, part);
  for (int i = 0; i < h->owns; i++) lk_dense_pack(&h->own[i], params, training, part);
}

/* Score units first, first + 1, ...: as many as there is room for. They are a batch of their own for the kind. */
static lk_units score(lk_head *h, const lk_params *params, const lk_units *u, ptrdiff_t first) {
  const ptrdiff_t left = u->n - first;
  lk_units part = *u;
  LK_ASSERT(first >= 0 && left >= 0 && (!h->kind->whole || (first == 0 && left <= h->rows)));
  part.n = left < h->rows ? left : h->rows;
  if (u->target) part.target += first;
  if (u->rows)
    part.rows += first;
  else
    part.x += first * u->ldx;
  const lk_product product = {.n = part.n,
                              .x = part.x,
                              .ldx = part.ldx,
                              .in = part.rows,
                              .y = h->scores,
                              .ldy = h->ld,
                              .bias = lk_params_value(params, h->dense.bias)};
  lk_kernels_get()->product(&h->dense.w, &product);
  for (int i = 0; i < h->tensors; i++) h->value[i] = lk_params_value(params, h->tensor[i]);
  for (int k = 0; k < h->joins; k++) (void)score(h->joined[k].head, h->joined[k].params, &h->joined[k].units, 0);
  if (h->joins > 0) lk_head_average(h, params, part.n);
  return part;
}

void lk_head_loss(lk_head *h, const lk_params *params, const lk_units *u) {
  LK_ASSERT(u->n <= h->rows);
  const lk_units all = score(h, params, u, 0);
  h->kind->loss(h, &all, h->loss);
}

/* How many outputs are one block, for n units. The bits of the result do not depend on it. */
static ptrdiff_t block_of(const lk_head *h, ptrdiff_t n) {
  const ptrdiff_t least = least_block(), fit = BLOCK / (n > 0 ? n : 1) / least * least, most = fit < MOST ? fit : MOST;
  return n * h->ld <= BLOCK ? h->dense.O : larger(most, least);
}

/* The next outputs after `part`, at most so many; false: there are none. */
static bool next_part(const lk_head *h, ptrdiff_t most, lk_range *part) {
  part->begin = part->end;
  part->end = part->begin + most < h->dense.O ? part->begin + most : h->dense.O;
  return part->begin < part->end;
}

/* Where gradients travel, those of the weights are all made first, so that they are on their way while dx is. */
void lk_head_backward(lk_head *h, const lk_units *u, lk_real *dx, ptrdiff_t lddx, const lk_grads *grads) {
  const ptrdiff_t *shard = lk_units_of_shards(u);
  const ptrdiff_t most = block_of(h, u->n);
  const bool travel = grads->tell && !h->dense.tied && !h->kind->backward;
  const bool in_place = h->dense.tied || most == h->dense.O || travel;
  const int shards = grads->shards->count;
  LK_ASSERT(u->n == shard[shards]);
  for (lk_range part = {0, 0}; next_part(h, most, &part);) {
    lk_real *dy = in_place ? h->scores + part.begin : h->block;
    const ptrdiff_t lddy = in_place ? h->ld : lk_padded(part.end - part.begin);
    h->kind->gradient(h, u, part, dy, lddy);
    lk_dense_backward_weights(&h->dense, part, shard, u->x, u->ldx, dy, lddy, grads);
    if (!travel) lk_dense_backward_input(&h->dense, part, shard, shards, dy, lddy, dx, lddx);
  }
  if (travel) lk_grads_final(grads, h->dense.weight);
  for (lk_range part = {0, 0}; travel && next_part(h, most, &part); lk_grads_pass(grads))
    lk_dense_backward_input(&h->dense, part, shard, shards, h->scores + part.begin, h->ld, dx, lddx);
  if (h->kind->backward) h->kind->backward(h, u, dx, lddx, grads);
}

lk_shard_product lk_head_tied(const lk_head *h, const lk_units *u) {
  return (lk_shard_product){lk_units_of_shards(u), .dy = h->scores, .x = u->x,
                            .ldy = h->ld,          .ldx = u->ldx,   .K = h->dense.I};
}

void lk_head_evaluate(lk_head *h, const lk_params *params, const lk_units *u) {
  for (ptrdiff_t first = 0, n; first < u->n; first += n) {
    const lk_units part = score(h, params, u, first);
    h->kind->measure(h, &part, h->loss + first, h->best + first);
    n = part.n;
  }
}

double lk_head_shard_loss(const lk_head *h, const lk_units *u, int s, int64_t *units) {
  const ptrdiff_t *shard = lk_units_of_shards(u);
  double sum = 0;
  for (ptrdiff_t i = shard[s]; i < shard[s + 1]; i++) {
    sum += h->loss[i]; /* 0 where it has no target, but for a kind whose loss is that of a whole sequence */
    *units += u->target[i] >= 0;
  }
  return sum;
}

void lk_head_answer(lk_head *h, const lk_params *params, const lk_units *u, double *log_p) {
  LK_ASSERT(!log_p || lk_head_has_probabilities(h));
  for (ptrdiff_t first = 0, n; first < u->n; first += n) {
    const lk_units part = score(h, params, u, first);
    h->kind->answer(h, &part, h->best + first, log_p ? log_p + first : NULL);
    n = part.n;
  }
}

bool lk_head_has_probabilities(const lk_head *h) { return h->kind->log_probability != NULL; }

bool lk_head_has_norms(const lk_head *h) { return h->kind->norm != NULL; }

bool lk_head_is_whole(const lk_head *h) { return h->kind->whole; }

void lk_head_log_probability(lk_head *h, const lk_params *params, const lk_units *u, double *log_p) {
  for (ptrdiff_t first = 0, n; first < u->n; first += n) {
    const lk_units part = score(h, params, u, first);
    h->kind->log_probability(h, &part, log_p + first);
    n = part.n;
  }
}

static void copy_rows(lk_real *to, ptrdiff_t ldto, const lk_head *h, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) copy_row(to + i * ldto, h->scores + i * h->ld, h->O);
}

void lk_head_lattice(lk_head *h, const lk_params *params, const lk_units *u, const lk_lattice *to) {
  for (ptrdiff_t first = 0, n; first < u->n; first += n) {
    const lk_units part = score(h, params, u, first);
    n = part.n;
    copy_rows(to->score + first * to->ld, to->ld, h, n);
    h->kind->log_z(h, &part, to->log_z + first);
    if (!to->marginal) continue;
    h->kind->marginals(h, &part);
    copy_rows(to->marginal + first * to->ld, to->ld, h, n);
  }
}

lk_next lk_head_next(lk_head *h, const lk_params *params, const lk_units *u, ptrdiff_t first) {
  const lk_units part = score(h, params, u, first);
  return h->kind->next ? h->kind->next(h, &part) : (lk_next){.n = part.n, .ld = h->ld, .score = h->scores};
}

void lk_head_norms(const lk_head *h, lk_next next, double *norm) { h->kind->norm(h, next.n, norm); }
