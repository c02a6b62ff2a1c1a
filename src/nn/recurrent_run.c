/* Forward and backward through time: selects the rows of each step. The arithmetic of a step is in the cell. */
#include "cell.h"

#include <string.h>

#include "cell_impl.h"

static void zero_reals(lk_real *x, ptrdiff_t n) { memset(x, 0, (size_t)n * sizeof *x); }

/* Initial states: zeros, or those set by the caller, whose padding is set to zero. */
static void start_states(lk_real *states, const lk_recurrent *l, ptrdiff_t B, int initial) {
  if (!initial) zero_reals(states, B * l->Hp);
  for (ptrdiff_t b = 0; b < B; b++) zero_reals(states + b * l->Hp + l->H, l->Hp - l->H);
}

static lk_real *state_at(const lk_recurrent *l, const lk_pack *pack, lk_real *const of[2], int i, ptrdiff_t row) {
  const ptrdiff_t gates = l->cell->gates, ahead = l->cell->first + i - l->cell->states;
  if (ahead < 0) return of[l->cell->first + i] + row * l->Hp;
  return l->gates + ((row - pack->B) * gates + gates - l->cell->ahead + ahead) * l->Hp;
}

lk_real *lk_recurrent_state(const lk_recurrent *l, const lk_pack *pack, int i, ptrdiff_t row) {
  return state_at(l, pack, (lk_real *const[]){l->h, l->c}, i, row);
}

lk_real *lk_recurrent_state_gradient(const lk_recurrent *l, const lk_pack *pack, int i, ptrdiff_t row) {
  return state_at(l, pack, (lk_real *const[]){l->dh, l->dc}, i, row);
}

/* The parts of gates that initial states have. */
static void start_ahead(const lk_recurrent *l, const lk_pack *pack, int initial) {
  const ptrdiff_t set = initial ? l->H : 0, rest = l->Hp - set;
  for (int i = l->cell->states - l->cell->first; i < lk_cell_states(l->cell->name); i++)
    for (ptrdiff_t b = 0; b < pack->B; b++) zero_reals(lk_recurrent_state(l, pack, i, b) + set, rest);
}

void lk_recurrent_begin(lk_recurrent *l, const lk_pack *pack, int initial) {
  for (ptrdiff_t r = 0; r < pack->N; r++) l->from[r] = (int32_t)lk_pack_before(pack, r, l->backward);
  start_states(l->h, l, pack->B, initial && l->cell->first == 0);
  if (l->c) start_states(l->c, l, pack->B, initial);
  if (l->h_words) lk_kernels_get()->round(pack->B * l->Hp, l->h, l->h_words);
  start_ahead(l, pack, initial);
}

/* The distinct ids whose input parts the rows share; NULL: each row has its own input. */
static const lk_distinct *shared_ids(const lk_recurrent *l, lk_rows in) {
  LK_ASSERT(in.distinct == NULL || l->distinct);
  return in.distinct && in.distinct->row ? in.distinct : NULL;
}

/* gates of these rows = rows pick[r] of a table. */
static void copy_gates(lk_recurrent *l, ptrdiff_t n, const int32_t *rows, const lk_real *table, const int32_t *pick,
                       ptrdiff_t limit) {
  const ptrdiff_t width = l->cell->gates * l->Hp;
  for (ptrdiff_t i = 0; i < n; i++) {
    const ptrdiff_t r = rows ? rows[i] : i;
    LK_ASSERT(pick[r] >= 0 && pick[r] < limit);
    memcpy(l->gates + r * width, table + pick[r] * width, (size_t)width * sizeof *l->gates);
  }
}

/* The last gate of row r of `to` = row r of x, for rows[i] of n. */
static void copy_inputs(const lk_recurrent *l, ptrdiff_t n, const int32_t *rows, lk_rows in, lk_real *to) {
  const ptrdiff_t gates = l->cell->gates;
  for (ptrdiff_t i = 0; i < n; i++) {
    const ptrdiff_t r = rows ? rows[i] : i;
    lk_real *gate = to + (r * gates + gates - 1) * l->Hp;
    memcpy(gate, in.x + r * in.ld, (size_t)l->H * sizeof *to);
    zero_reals(gate + l->H, l->Hp - l->H);
  }
}

void lk_recurrent_input(lk_recurrent *l, ptrdiff_t n, const int32_t *rows, lk_rows in) {
  const ptrdiff_t width = l->cell->gates * l->Hp;
  if (l->onehot) {
    copy_gates(l, n, rows, l->column, in.ids, l->I);
    return;
  }
  lk_product product = {
      .n = n, .x = in.x, .ldx = in.ld, .in = rows, .y = l->gates, .ldy = width, .out = rows, .bias = l->bias};
  const lk_distinct *distinct = shared_ids(l, in);
  if (distinct) product.n = distinct->n, product.in = product.out = NULL, product.y = l->table;
  lk_kernels_get()->product(&l->ih, &product);
  if (l->copies) copy_inputs(l, product.n, product.out, in, product.y);
  if (distinct) copy_gates(l, n, rows, l->table, distinct->row, distinct->n);
}

void lk_recurrent_feed(lk_recurrent *l, ptrdiff_t n, const int32_t *rows, const lk_real *x, ptrdiff_t ld) {
  const ptrdiff_t width = l->cell->gates * l->Hp;
  const lk_product product = {
      .n = n, .x = x, .ldx = ld, .in = rows, .y = l->gates, .ldy = width, .out = rows, .add = 1};
  lk_kernels_get()->product(&l->feed, &product);
}

void lk_recurrent_step(lk_recurrent *l, const lk_pack *pack, ptrdiff_t t, int initial) {
  const ptrdiff_t n = pack->step[t + 1] - pack->step[t];
  /* Rows whose previous state is zero need no product with W_hh; the rule depends only on the row, so the bits do
   * not depend on the batch. Rows with a predecessor come first in the list. */
  const ptrdiff_t linked = initial ? n : l->backward ? pack->linked[t] : t > 0 ? n : 0;
  lk_cell_step step = {.n = linked, .row = pack->order + pack->step[t], .offset = pack->B, .product = 1};
  l->cell->forward(l, &step);
  step = (lk_cell_step){.n = n - linked, .row = step.row + linked, .offset = pack->B};
  l->cell->forward(l, &step);
}

void lk_recurrent_forward(lk_recurrent *l, const lk_params *params, const lk_pack *pack, lk_rows in, int initial) {
  LK_ASSERT(l->F == 0);
  lk_recurrent_begin(l, pack, initial);
  lk_recurrent_input(l, pack->N, NULL, in);
  for (ptrdiff_t k = 0; k < pack->T; k++) {
    lk_recurrent_step(l, pack, l->backward ? pack->T - 1 - k : k, initial);
    lk_params_pass(params);
  }
}

void lk_recurrent_back_begin(lk_recurrent *l, const lk_pack *pack, int final_dc) {
  if (l->dc && !final_dc) zero_reals(l->dc, (pack->B + pack->N) * l->Hp);
  l->dinput = l->gates;
}

void lk_recurrent_back_step(lk_recurrent *l, const lk_pack *pack, ptrdiff_t t) {
  const ptrdiff_t n = pack->step[t + 1] - pack->step[t];
  /* rows that have a successor in the direction of the layer */
  const ptrdiff_t linked = l->backward ? (t > 0 ? n : 0) : pack->linked[t];
  lk_cell_step step = {.n = linked, .row = pack->order + pack->step[t], .offset = pack->B, .product = 1};
  step.after = l->backward ? pack->earlier : pack->later;
  l->cell->backward(l, &step);
  step = (lk_cell_step){.n = n - linked, .row = step.row + linked, .offset = pack->B};
  l->cell->backward(l, &step);
}

static void multiply_back(const lk_recurrent *l, const lk_packed *w, const lk_real *dy, ptrdiff_t n,
                          const int32_t *rows, lk_real *dx, ptrdiff_t lddx, int add) {
  LK_ASSERT(!l->onehot);
  const lk_product product = {
      .n = n, .x = dy, .ldx = l->cell->gates * l->Hp, .in = rows, .y = dx, .ldy = lddx, .out = rows, .add = add};
  lk_kernels_get()->product(w, &product);
}

void lk_recurrent_back_input(lk_recurrent *l, ptrdiff_t n, const int32_t *rows, lk_real *dx, ptrdiff_t lddx, int add) {
  const ptrdiff_t gates = l->cell->gates;
  multiply_back(l, &l->ih_transposed, l->dinput, n, rows, dx, lddx, add);
  for (ptrdiff_t i = 0; i < n && l->copies; i++) {
    const ptrdiff_t r = rows ? rows[i] : i;
    lk_kernels_get()->add(l->H, l->dinput + (r * gates + gates - 1) * l->Hp, dx + r * lddx);
  }
}

void lk_recurrent_back_feed(lk_recurrent *l, ptrdiff_t n, const int32_t *rows, lk_real *dx, ptrdiff_t lddx) {
  multiply_back(l, &l->feed_transposed, l->gates, n, rows, dx, lddx, 0);
}

/* Add the gradient with respect to the initial states that comes through W_hh; initial states are the first B rows. */
static void backward_to_initial(lk_recurrent *l, const lk_pack *pack) {
  for (ptrdiff_t b = 0; b < pack->B; b++)
    l->first[b] = (int32_t)lk_pack_row(pack, b, l->backward ? pack->length[b] - 1 : 0);
  const lk_cell_step step = {.n = pack->B, .after = l->first, .product = 1, .states_only = 1};
  l->cell->backward(l, &step);
}

/* ---- gradients of the tensors: one gate at a time, because gates are padded and the tensors are not ---- */

/* A shard's gradient for one-hot input: each column of W_ih receives the gradients of the rows that read its id. */
typedef struct shard_ids {
  const ptrdiff_t *shard_row;
  const lk_real *dy;
  ptrdiff_t ldy, V;
  const int32_t *ids;
} shard_ids;

static void shard_ids_block(const void *context, int s, ptrdiff_t m0, ptrdiff_t m1, lk_real *block) {
  const shard_ids *c = context;
  zero_reals(block, (m1 - m0) * c->V);
  for (ptrdiff_t r = c->shard_row[s]; r < c->shard_row[s + 1]; r++)
    for (ptrdiff_t m = m0; m < m1; m++) block[(m - m0) * c->V + c->ids[r]] += c->dy[r * c->ldy + m];
}

/* The gradients with respect to one gate's recurrent part: the gate's own, or those the cell keeps separate (GRU). */
static const lk_real *recurrent_part(const lk_recurrent *l, ptrdiff_t g, ptrdiff_t *ld) {
  const int separate = l->cell->separate && g == l->cell->gates - 1;
  *ld = separate ? l->Hp : l->cell->gates * l->Hp;
  return separate ? l->tape : l->gates + g * l->Hp;
}

static void input_gradients(const lk_recurrent *l, const lk_pack *pack, lk_rows in, ptrdiff_t g,
                            const lk_grads *grads) {
  const lk_real *dy = l->dinput + g * l->Hp;
  const ptrdiff_t ldy = l->cell->gates * l->Hp, read = l->I - l->F;
  const ptrdiff_t *shard_row = in.distinct ? in.distinct->shard_row : pack->shard_row;
  lk_real *to[LK_MAX_SUBTREES];
  lk_grads_at(grads, l->weight_ih, g * l->H * l->I, to);
  if (l->onehot) {
    const shard_ids gradient = {.shard_row = shard_row, .dy = dy, .ldy = ldy, .V = l->I, .ids = in.ids};
    lk_sum_shards(grads->shards, l->H, l->I, shard_ids_block, &gradient, to, l->I, l->scratch);
  } else {
    lk_shard_product gradient = {.shard_row = shard_row, .dy = dy, .ldy = ldy, .x = in.x, .ldx = in.ld, .K = read};
    lk_sum_shards(grads->shards, l->H, read, lk_shard_product_block, &gradient, to, l->I, l->scratch);
  }
  if (l->F) {
    const lk_shard_product gradient = {
        .shard_row = pack->shard_row, .dy = l->gates + g * l->Hp, .ldy = ldy, .x = in.fed, .ldx = in.ldfed, .K = l->F};
    for (int p = 0; p < grads->shards->subtrees; p++) to[p] += read;
    lk_sum_shards(grads->shards, l->H, l->F, lk_shard_product_block, &gradient, to, l->I, l->scratch);
  }
}

static void input_bias_gradients(const lk_recurrent *l, const lk_pack *pack, lk_rows in, ptrdiff_t g,
                                 const lk_grads *grads) {
  if (g >= l->cell->biases) return;
  const lk_shard_columns columns = {.shard_row = in.distinct ? in.distinct->shard_row : pack->shard_row,
                                    .dy = l->dinput + g * l->Hp,
                                    .ldy = l->cell->gates * l->Hp};
  lk_real *to[LK_MAX_SUBTREES];
  lk_grads_at(grads, l->bias_ih, g * l->H, to);
  lk_sum_shards(grads->shards, l->H, 1, lk_shard_columns_block, &columns, to, 1, l->scratch);
}

static void recurrent_gradients(const lk_recurrent *l, const lk_pack *pack, ptrdiff_t g, const lk_grads *grads) {
  lk_shard_product gradient = {.shard_row = pack->shard_row, .x = l->before, .ldx = l->Hp, .K = l->H};
  gradient.dy = recurrent_part(l, g, &gradient.ldy);
  lk_real *to[LK_MAX_SUBTREES];
  lk_grads_at(grads, l->weight_hh, g * l->H * l->H, to);
  lk_sum_shards(grads->shards, l->H, l->H, lk_shard_product_block, &gradient, to, l->H, l->scratch);
  if (lk_recurrent_drops(l)) lk_recurrent_drop_gradient(l, g, grads->shards->subtrees, to);
  if (l->bias_hh < 0) return;
  lk_grads_at(grads, l->bias_hh, g * l->H, to);
  if (gradient.dy == l->tape) {
    const lk_shard_columns columns = {.shard_row = pack->shard_row, .dy = gradient.dy, .ldy = gradient.ldy};
    lk_sum_shards(grads->shards, l->H, 1, lk_shard_columns_block, &columns, to, 1, l->scratch);
    return;
  }
  lk_real *same[LK_MAX_SUBTREES]; /* both biases have the same gradient */
  lk_grads_at(grads, l->bias_ih, g * l->H, same);
  for (int p = 0; p < grads->shards->subtrees; p++) memcpy(to[p], same[p], (size_t)l->H * sizeof *to[p]);
}

/* A shard's gradient of weight_c for one gate: the sum over its rows, in their order, of dy c0. */
typedef struct shard_states {
  const ptrdiff_t *shard_row;
  const lk_real *dy, *before;
  ptrdiff_t ldy, ld;
} shard_states;

static void shard_states_block(const void *context, int s, ptrdiff_t m0, ptrdiff_t m1, lk_real *block) {
  const shard_states *c = context;
  zero_reals(block, m1 - m0);
  for (ptrdiff_t r = c->shard_row[s]; r < c->shard_row[s + 1]; r++)
    for (ptrdiff_t m = m0; m < m1; m++) block[m - m0] += c->dy[r * c->ldy + m] * c->before[r * c->ld + m];
}

static void vector_gradients(const lk_recurrent *l, const lk_pack *pack, ptrdiff_t g, const lk_grads *grads) {
  const shard_states gradient = {.shard_row = pack->shard_row,
                                 .dy = l->gates + g * l->Hp,
                                 .ldy = l->cell->gates * l->Hp,
                                 .before = l->before,
                                 .ld = l->Hp};
  lk_real *to[LK_MAX_SUBTREES];
  lk_grads_at(grads, l->weight_c, g * l->H, to);
  lk_sum_shards(grads->shards, l->H, 1, shard_states_block, &gradient, to, 1, l->scratch);
}

/* table = for each distinct id the sum of its rows' gradients, in the order of the rows. */
static void sum_distinct(lk_recurrent *l, const lk_pack *pack, const lk_distinct *distinct) {
  const ptrdiff_t width = l->cell->gates * l->Hp;
  const lk_kernels *kernels = lk_kernels_get();
  ptrdiff_t seen = 0;
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    const lk_real *from = l->gates + r * width;
    lk_real *to = l->table + distinct->row[r] * width;
    if (distinct->row[r] == seen) { /* first occurrence: distinct ids are numbered in this order */
      memcpy(to, from, (size_t)width * sizeof *to);
      seen++;
    } else {
      kernels->add(width, from, to);
    }
  }
  l->dinput = l->table;
}

/* before = the previous h of each row, times what the kept weights were multiplied by; c for weights of c. */
static void gather_before(lk_recurrent *l, const lk_pack *pack) {
  const lk_real scale = lk_recurrent_drops(l) ? lk_recurrent_scale(l) : 1, *states = l->cell->vectors ? l->c : l->h;
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    lk_real *to = l->before + r * l->Hp;
    memcpy(to, states + l->from[r] * l->Hp, (size_t)l->Hp * sizeof *to);
    for (ptrdiff_t u = 0; u < l->Hp && scale != 1; u++) to[u] *= scale;
  }
}

void lk_recurrent_back_end(lk_recurrent *l, const lk_pack *pack, lk_rows in, int initial, const lk_grads *grads) {
  const lk_distinct *distinct = shared_ids(l, in);
  LK_ASSERT(l->F == 0 || in.fed);
  if (initial && l->cell->recurrent) backward_to_initial(l, pack);
  if (distinct) sum_distinct(l, pack, distinct);
  if (l->before) gather_before(l, pack);
  /* from the last tensor to the first, so that those behind are final */
  for (ptrdiff_t g = 0; g < lk_recurrent_products(l); g++) {
    input_bias_gradients(l, pack, in, g, grads);
    if (l->cell->recurrent) recurrent_gradients(l, pack, g, grads);
    if (g < l->cell->vectors) vector_gradients(l, pack, g, grads);
    lk_grads_pass(grads);
  }
  lk_grads_final(grads, l->weight_ih + 1);
  for (ptrdiff_t g = 0; g < lk_recurrent_products(l); g++) {
    input_gradients(l, pack, in, g, grads);
    lk_grads_pass(grads);
  }
  lk_grads_final(grads, l->weight_ih);
}

void lk_recurrent_backward(lk_recurrent *l, const lk_pack *pack, lk_rows in, int initial, int final_dc, lk_real *dx,
                           ptrdiff_t lddx, int add, const lk_grads *grads) {
  lk_recurrent_back_begin(l, pack, final_dc);
  for (ptrdiff_t k = 0; k < pack->T; k++) {
    lk_recurrent_back_step(l, pack, l->backward ? k : pack->T - 1 - k);
    lk_grads_pass(grads);
  }
  lk_recurrent_back_end(l, pack, in, initial, grads);
  if (dx) lk_recurrent_back_input(l, in.distinct ? in.distinct->n : pack->N, NULL, dx, lddx, add);
}
