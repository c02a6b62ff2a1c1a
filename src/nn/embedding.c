#include "layers.h"

#include <math.h>
#include <stdio.h>

#include "nn_impl.h"

#define DIGIT_BITS 11
#define DIGITS     (1 << DIGIT_BITS)

lk_status lk_embedding_declare(lk_embedding *e, lk_params *params, const char *name, ptrdiff_t V, ptrdiff_t E,
                               double deviation) {
  *e = (lk_embedding){.V = V, .E = E};
  /* by default rows have norm about 1, so that logits have a reasonable size when the output weights are tied */
  lk_init init = {LK_INIT_NORMAL, deviation > 0 ? deviation : 1 / sqrt((double)E)};
  lk_param weight = {.note = "V,E", .dims = 2, .shape = {V, E}, .init = init, .decay = 1, .sparse = 1};
  (void)snprintf(weight.name, sizeof weight.name, "%s.weight", name);
  return lk_params_add(params, &weight, &e->weight);
}

void lk_embedding_layout(lk_embedding *e, lk_arena *arena, ptrdiff_t N, int training) {
  if (!training) return;
  e->sorted = lk_arena_ints(arena, N);
  e->spare = lk_arena_ints(arena, N);
  ptrdiff_t nodes = LK_TREE_LEVELS * lk_padded(e->E), sums = lk_sum_scratch(e->E);
  e->scratch = lk_arena_reals(arena, nodes > sums ? nodes : sums);
}

void lk_embedding_forward(const lk_embedding *e, const lk_params *params, ptrdiff_t n, const int32_t *ids, lk_real *x,
                          ptrdiff_t ldx) {
  const lk_real *table = lk_params_value(params, e->weight);
  for (ptrdiff_t r = 0; r < n; r++) {
    LK_ASSERT(ids[r] >= 0 && ids[r] < e->V);
    copy_row(x + r * ldx, table + ids[r] * e->E, e->E);
  }
}

void lk_embedding_drop(const lk_embedding *e, lk_mode mode, double rate, ptrdiff_t n, const int32_t *ids, lk_real *x,
                       ptrdiff_t ldx) {
  if (!mode.training || !(rate > 0)) return;
  const lk_rng rng = lk_rng_make(mode.seed, LK_PURPOSE_TYPE);
  const lk_real scale = (lk_real)(1 / (1 - rate));
  for (ptrdiff_t r = 0; r < n; r++) {
    const int dropped = lk_rng_uniform(rng, mode.step, (uint32_t)ids[r], (uint32_t)e->weight, 0) < rate;
    for (ptrdiff_t u = 0; u < e->E; u++) x[r * ldx + u] = dropped ? 0 : x[r * ldx + u] * scale;
  }
}

/* Inputs of the backward pass. */
typedef struct scatter {
  const lk_embedding *e;
  const lk_shards *shards;
  const ptrdiff_t *shard_row;
  const int32_t *ids;
  const lk_real *dx;
  ptrdiff_t lddx;
  const lk_shard_product *also;
} scatter;

/* One pass of a stable radix sort, by the digit of the ids at bit `shift`. */
static void sort_digit(const int32_t *ids, int shift, const int32_t *from, int32_t *to, ptrdiff_t n) {
  int32_t start[DIGITS + 1] = {0};
  for (ptrdiff_t i = 0; i < n; i++) start[((ids[from[i]] >> shift) & (DIGITS - 1)) + 1]++;
  for (int d = 0; d < DIGITS; d++) start[d + 1] += start[d];
  for (ptrdiff_t i = 0; i < n; i++) to[start[(ids[from[i]] >> shift) & (DIGITS - 1)]++] = from[i];
}

/* e->sorted[begin, end) = these rows, sorted by id, then by row. */
static void sort_rows(const scatter *s, ptrdiff_t begin, ptrdiff_t end) {
  int32_t *from = s->e->sorted + begin, *to = s->e->spare + begin;
  ptrdiff_t n = end - begin;
  for (ptrdiff_t i = 0; i < n; i++) from[i] = (int32_t)(begin + i);
  for (int shift = 0; shift < 31 && (s->e->V - 1) >> shift > 0; shift += DIGIT_BITS) {
    sort_digit(s->ids, shift, from, to, n);
    int32_t *swap = from;
    from = to;
    to = swap;
  }
  if (from != s->e->sorted + begin) memcpy(s->e->sorted + begin, from, (size_t)n * sizeof *from);
}

/* Index of the first of the ascending rows[0, n) that is not less than `row`. */
static ptrdiff_t lower_bound(const int32_t *rows, ptrdiff_t n, ptrdiff_t row) {
  ptrdiff_t low = 0;
  while (n > 0) {
    ptrdiff_t half = n / 2;
    if (rows[low + half] < row) {
      low += half + 1;
      n -= half + 1;
    } else {
      n = half;
    }
  }
  return low;
}

static void add_row(lk_real *to, const lk_real *from, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) to[i] += from[i];
}

/* sum [E] = the value, for one id, of the tree node at `level` that begins at shard `first`; rows[n], n > 0, are the
 * rows of dx in that node with this id. A child without such rows contributes +0.0, which still turns -0.0 of its
 * sibling into +0.0; thus the bits equal those of the dense sum over all V rows. */
static void sum_node(const scatter *s, int level, int first, const int32_t *rows, ptrdiff_t n, lk_real *sum) {
  ptrdiff_t E = s->e->E;
  if (level == 0) {
    memset(sum, 0, (size_t)E * sizeof *sum);
    for (ptrdiff_t i = 0; i < n; i++) add_row(sum, s->dx + rows[i] * s->lddx, E);
    lk_sum_round(s->shards, 1, E, sum);
    return;
  }
  int middle = first + (1 << (level - 1));
  if (middle >= s->shards->total) {
    sum_node(s, level - 1, first, rows, n, sum);
    return;
  }
  ptrdiff_t left = lower_bound(rows, n, s->shard_row[middle - s->shards->first]);
  if (left > 0) sum_node(s, level - 1, first, rows, left, sum);
  if (left == 0) sum_node(s, level - 1, middle, rows, n, sum);
  if (left > 0 && left < n) {
    lk_real *right = s->e->scratch + (level - 1) * lk_padded(E);
    sum_node(s, level - 1, middle, rows + left, n - left, right);
    add_row(sum, right, E);
    lk_sum_round(s->shards, 1 << level, E, sum); /* the root: at least the total */
  } else {                                       /* rounded already, and stays what it is but for the sign of a zero */
    for (ptrdiff_t i = 0; i < E; i++) sum[i] += 0;
  }
}

/* Set all rows to zero: if they are marked, only the rows that the previous step touched. */
static void clear_rows(const lk_embedding *e, lk_real *dw, uint8_t *touched) {
  size_t row = (size_t)e->E * sizeof *dw;
  if (touched == NULL) {
    memset(dw, 0, (size_t)e->V * row);
    return;
  }
  for (ptrdiff_t v = 0; v < e->V; v++)
    if (touched[v]) memset(dw + v * e->E, 0, row);
  memset(touched, 0, (size_t)e->V);
}

/* Gradient of one subtree: zero, except for the ids that occur in the subtree's rows. */
static void sum_subtree(const scatter *s, lk_subtree subtree, lk_real *dw, uint8_t *touched) {
  const lk_embedding *e = s->e;
  int local = subtree.first - s->shards->first;
  ptrdiff_t begin = s->shard_row[local], end = s->shard_row[local + subtree.count];
  clear_rows(e, dw, touched);
  sort_rows(s, begin, end);
  for (ptrdiff_t i = begin, next; i < end; i = next) {
    int32_t id = s->ids[e->sorted[i]];
    for (next = i + 1; next < end && s->ids[e->sorted[next]] == id;) next++;
    sum_node(s, subtree.level, subtree.first, e->sorted + i, next - i, dw + id * e->E);
    if (touched) touched[id] = 1;
  }
}

/* A shard's gradient of a tied table, for ids [m0, m1): the product of the output layer, plus the shard's rows in
 * order. */
static void tied_gradient(const void *context, int shard, ptrdiff_t m0, ptrdiff_t m1, lk_real *block) {
  const scatter *s = context;
  lk_shard_product_block(s->also, shard, m0, m1, block);
  ptrdiff_t low = s->shard_row[shard], end = s->shard_row[shard + 1];
  for (ptrdiff_t high = end; low < high;) { /* binary search for the first row whose id is at least m0 */
    ptrdiff_t half = low + (high - low) / 2;
    if (s->ids[s->e->sorted[half]] < m0)
      low = half + 1;
    else
      high = half;
  }
  for (; low < end && s->ids[s->e->sorted[low]] < m1; low++) {
    ptrdiff_t row = s->e->sorted[low];
    add_row(block + (s->ids[row] - m0) * s->e->E, s->dx + row * s->lddx, s->e->E);
  }
}

void lk_embedding_backward(const lk_embedding *e, const ptrdiff_t *shard_row, const int32_t *ids, const lk_real *dx,
                           ptrdiff_t lddx, const lk_shard_product *also, const lk_grads *grads) {
  scatter s = {e, grads->shards, shard_row, ids, dx, lddx, also};
  lk_real *to[LK_MAX_SUBTREES];
  uint8_t *touched[LK_MAX_SUBTREES];
  lk_grads_of(grads, e->weight, to);
  lk_grads_touched(grads, e->weight, touched);
  if (also == NULL) {
    for (int p = 0; p < grads->shards->subtrees; p++) sum_subtree(&s, grads->shards->subtree[p], to[p], touched[p]);
    return;
  }
  for (int p = 0; p < grads->shards->subtrees; p++)
    if (touched[p]) memset(touched[p], 1, (size_t)e->V);
  LK_ASSERT(also->K == e->E);
  for (int i = 0; i < grads->shards->count; i++) sort_rows(&s, shard_row[i], shard_row[i + 1]);
  lk_sum_shards(grads->shards, e->V, e->E, tied_gradient, &s, to, e->E, e->scratch);
}
