/* Who adds what: from the groups, alike on every rank. */
#include <stdlib.h>

#include "reducer_impl.h"

static lk_run run_of(const lk_reducer *reducer, int rank) {
  int first = rank, end = rank + 1, size = reducer->comm->size, group = reducer->group[rank];
  while (first > 0 && reducer->group[first - 1] == group) first--;
  while (end < size && reducer->group[end] == group) end++;
  lk_shards head = lk_shards_make(reducer->shards, first, size), tail = lk_shards_make(reducer->shards, end - 1, size);
  return (lk_run){first, end, lk_shards_block(reducer->shards, head.first, tail.first + tail.count)};
}

/* The member of a run whose turn it is to send what rank `to` sums. */
static int sender_of(const lk_run *run, int to) { return run->first + to % (run->end - run->first); }

static bool same_group(const lk_reducer *reducer, int rank) {
  return reducer->group[rank] == reducer->group[reducer->comm->rank];
}

static int member_of(const lk_reducer *reducer, int rank) {
  for (int m = 0; m < reducer->members; m++)
    if (reducer->member[m].rank == rank) return m;
  return -1;
}

/* In the order of the shards; a first call, with source NULL, counts. */
static int list_sources(const lk_reducer *reducer, lk_term *source) {
  int n = 0, size = reducer->comm->size;
  for (int r = 0, next; r < size; r = next) {
    lk_run run = run_of(reducer, r);
    bool here = same_group(reducer, r);
    next = here ? r + 1 : run.end;
    lk_shards shards = here ? lk_shards_make(reducer->shards, r, size) : run.shards;
    for (int p = 0; p < shards.subtrees; p++, n++)
      if (source)
        source[n] = (lk_term){.node = shards.subtree[p],
                              .member = here ? member_of(reducer, r) : -1,
                              .subtree = p,
                              .from = here ? r : sender_of(&run, reducer->comm->rank)};
  }
  return n;
}

/* The additions that make one node of the sources that lie in it. */
static lk_status plan_node(const lk_reducer *reducer, lk_subtree node, lk_sum_plan *plan) {
  int value[LK_TREE_LEVELS + 1] = {0};
  lk_tree tree = lk_tree_start(reducer->shards, node.first);
  LK_TRY(lk_alloc(&plan->op, (size_t)reducer->sources, sizeof *plan->op));
  for (int s = 0; s < reducer->sources; s++) {
    const lk_subtree *have = &reducer->source[s].node;
    if (have->first < node.first || have->first >= node.first + node.count) continue;
    value[lk_tree_push(&tree, *have)] = s;
    for (int into, from; lk_tree_merge(&tree, &into, &from);) {
      int sum = reducer->sources + into; /* a slot of the tree and its temporary have the same number */
      plan->op[plan->ops++] = (lk_sum_op){.into = sum, .left = value[into], .right = value[from]};
      value[into] = sum;
    }
  }
  LK_ASSERT(tree.depth == 1 && tree.next == node.first + node.count);
  plan->value = value[0];
  return LK_OK;
}

static lk_status plan_destinations(lk_reducer *reducer) {
  int rank = reducer->comm->rank, size = reducer->comm->size;
  LK_TRY(lk_alloc(&reducer->destination, (size_t)size, sizeof *reducer->destination));
  for (int d = 1; d < size; d++) { /* the right neighbour first, so that no rank is everyone's first */
    int to = (rank + d) % size;
    if (!same_group(reducer, to) && sender_of(&reducer->run, to) == rank)
      reducer->destination[reducer->destinations++] = to;
  }
  if (reducer->destinations == 0) return LK_OK;
  for (int p = 0; p < reducer->run.shards.subtrees; p++)
    LK_TRY(plan_node(reducer, reducer->run.shards.subtree[p], &reducer->run_plan[p]));
  return LK_OK;
}

/* What the first `at` reals cost the rank that owns them, by the memory that is moved: rows that few steps touch are
 * hardly summed, and updated or not. */
static ptrdiff_t cost_before(const lk_reducer_spec *spec, ptrdiff_t at) {
  enum { DENSE = 8, UPDATED = 6, RESTING = 1 };
  ptrdiff_t cost = DENSE * at;
  for (int i = 0; i < spec->block_count && at > spec->blocks[i].offset; i++) {
    const lk_row_block *b = &spec->blocks[i];
    const ptrdiff_t size = b->rows * b->width, inside = at - b->offset;
    cost -= (inside < size ? inside : size) * (DENSE - (spec->rows_rest ? RESTING : UPDATED));
  }
  return cost;
}

/* The first block of LK_RANGE_BLOCK reals before which part/parts of all cost lie. */
static ptrdiff_t cut_at(const lk_reducer_spec *spec, ptrdiff_t part, ptrdiff_t parts) {
  const ptrdiff_t P = spec->P, share = cost_before(spec, P) / parts * part;
  ptrdiff_t low = 0, high = (P + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK;
  if (part == parts) return P;
  while (low < high) {
    const ptrdiff_t middle = (low + high) / 2;
    if (cost_before(spec, middle * LK_RANGE_BLOCK) < share)
      low = middle + 1;
    else
      high = middle;
  }
  return low * LK_RANGE_BLOCK < P ? low * LK_RANGE_BLOCK : P;
}

lk_range lk_reducer_cut(const lk_reducer_spec *spec, int rank, int size) {
  LK_ASSERT(spec->P >= 0 && spec->P % LK_LANES == 0 && size > 0 && rank >= 0 && rank < size);
  return (lk_range){.begin = cut_at(spec, rank, size), .end = cut_at(spec, rank + 1, size)};
}

/* The rank of group `group` that takes slice `slice` for all of it. */
static int taker_of(const lk_reducer *reducer, int group, int slice) {
  int count = 0, turn;
  for (int r = 0; r < reducer->comm->size; r++) count += reducer->group[r] == group;
  LK_ASSERT(count > 0);
  turn = slice % count;
  for (int r = 0;; r++)
    if (reducer->group[r] == group && turn-- == 0) return r;
}

static lk_status plan_shares(lk_reducer *reducer) {
  int rank = reducer->comm->rank, size = reducer->comm->size;
  LK_TRY(lk_alloc(&reducer->share_to, (size_t)size, sizeof *reducer->share_to));
  LK_TRY(lk_alloc(&reducer->share_from, (size_t)size, sizeof *reducer->share_from));
  for (int d = 1; d < size; d++) {
    int r = (rank + d) % size;
    if (same_group(reducer, r)) continue;
    if (reducer->group[r] == r) reducer->share_to[reducer->share_tos++] = taker_of(reducer, r, rank);
    if (taker_of(reducer, reducer->group[rank], r) == rank) reducer->share_from[reducer->share_froms++] = r;
  }
  return LK_OK;
}

lk_status lk_reducer_plan(lk_reducer *reducer) {
  reducer->run = run_of(reducer, reducer->comm->rank);
  reducer->sources = list_sources(reducer, NULL);
  LK_TRY(lk_alloc(&reducer->source, (size_t)reducer->sources, sizeof *reducer->source));
  list_sources(reducer, reducer->source);
  for (int s = 0; s < reducer->sources; s++) reducer->received_sources += reducer->source[s].member < 0;
  LK_TRY(plan_node(reducer, lk_shards_make(reducer->shards, 0, 1).subtree[0], &reducer->total));
  LK_TRY(plan_destinations(reducer));
  return plan_shares(reducer);
}
