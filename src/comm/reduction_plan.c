/* Which rank adds what, from groups and shards alone: every rank comes to the same plan. */
#include <stdlib.h>

#include "reduction_impl.h"

static lk_run run_of(const lk_reduction *sum, int rank) {
  int first = rank, end = rank + 1, size = sum->comm->size, group = sum->group->of[rank];
  while (first > 0 && sum->group->of[first - 1] == group) first--;
  while (end < size && sum->group->of[end] == group) end++;
  lk_shards head = lk_shards_make(sum->shards, first, size), tail = lk_shards_make(sum->shards, end - 1, size);
  return (lk_run){first, end, lk_shards_block(sum->shards, head.first, tail.first + tail.count)};
}

/* The rank of a run that sends what rank `to` sums: they take turns. */
static int sender_of(const lk_run *run, int to) { return run->first + to % (run->end - run->first); }

static bool same_group(const lk_reduction *sum, int rank) {
  return sum->group->of[rank] == sum->group->of[sum->comm->rank];
}

static int member_of(const lk_reduction *sum, int rank) {
  for (int m = 0; m < sum->group->members; m++)
    if (sum->group->member[m].rank == rank) return m;
  return -1;
}

/* All terms in the order of the shards; with term NULL they are only counted. */
static int list_terms(const lk_reduction *sum, lk_term *term) {
  int n = 0, size = sum->comm->size;
  for (int r = 0, next; r < size; r = next) {
    lk_run run = run_of(sum, r);
    bool here = same_group(sum, r);
    next = here ? r + 1 : run.end;
    lk_shards shards = here ? lk_shards_make(sum->shards, r, size) : run.shards;
    for (int p = 0; p < shards.subtrees; p++, n++)
      if (term)
        term[n] = (lk_term){.node = shards.subtree[p],
                            .member = here ? member_of(sum, r) : -1,
                            .subtree = p,
                            .from = here ? r : sender_of(&run, sum->comm->rank)};
  }
  return n;
}

/* The additions that make one node of the tree from the terms that lie in it. */
static lk_status plan_node(const lk_reduction *sum, lk_subtree node, lk_sum_plan *plan) {
  int value[LK_TREE_LEVELS + 1] = {0};
  lk_tree tree = lk_tree_start(sum->shards, node.first);
  LK_TRY(lk_alloc(&plan->op, (size_t)sum->terms, sizeof *plan->op));
  for (int s = 0; s < sum->terms; s++) {
    const lk_subtree *have = &sum->term[s].node;
    if (have->first < node.first || have->first >= node.first + node.count) continue;
    value[lk_tree_push(&tree, *have)] = s;
    for (int into, from; lk_tree_merge(&tree, &into, &from);) {
      int slot = sum->terms + into; /* a slot of the tree and its temporary have the same number */
      plan->op[plan->ops++] = (lk_sum_op){.into = slot, .left = value[into], .right = value[from]};
      value[into] = slot;
    }
  }
  LK_ASSERT(tree.depth == 1 && tree.next == node.first + node.count);
  plan->value = value[0];
  return LK_OK;
}

static lk_status plan_destinations(lk_reduction *sum) {
  int rank = sum->comm->rank, size = sum->comm->size;
  LK_TRY(lk_alloc(&sum->destination, (size_t)size, sizeof *sum->destination));
  for (int d = 1; d < size; d++) { /* right neighbour first, so that not all ranks begin with the same destination */
    int to = (rank + d) % size;
    if (!same_group(sum, to) && sender_of(&sum->run, to) == rank) sum->destination[sum->destinations++] = to;
  }
  if (sum->destinations == 0) return LK_OK;
  for (int p = 0; p < sum->run.shards.subtrees; p++)
    LK_TRY(plan_node(sum, sum->run.shards.subtree[p], &sum->run_plan[p]));
  return LK_OK;
}

lk_reduction lk_reduction_of(lk_replicas *replicas, int shards) {
  return (lk_reduction){.comm = replicas->comm,
                        .group = &replicas->group,
                        .rows = &replicas->rows,
                        .sections = &replicas->sections,
                        .own = &replicas->own,
                        .P = replicas->P,
                        .shards = shards,
                        .half = replicas->wire == LK_WIRE_BF16,
                        .real = lk_wire_bytes(replicas->wire)};
}

lk_status lk_reduction_plan(lk_reduction *sum) {
  sum->run = run_of(sum, sum->comm->rank);
  sum->terms = list_terms(sum, NULL);
  LK_TRY(lk_alloc(&sum->term, (size_t)sum->terms, sizeof *sum->term));
  list_terms(sum, sum->term);
  for (int s = 0; s < sum->terms; s++) sum->received += sum->term[s].member < 0;
  LK_TRY(plan_node(sum, lk_shards_make(sum->shards, 0, 1).subtree[0], &sum->total));
  return plan_destinations(sum);
}

void lk_reduction_unplan(lk_reduction *sum) {
  for (int p = 0; p < LK_MAX_SUBTREES; p++) free(sum->run_plan[p].op);
  void *tables[] = {sum->term, sum->total.op, sum->destination};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) free(tables[i]);
}

void lk_reduction_cut(lk_reduction *sum) {
  const int size = sum->comm->size;
  const ptrdiff_t longest = lk_longest_range(sum->sections);
  ptrdiff_t subtrees = 0;
  for (int r = 0; r < size; r++) subtrees += lk_shards_make(sum->shards, r, size).subtrees;
  LK_ASSERT(subtrees > 0);
  ptrdiff_t bucket = sum->comm->bucket / subtrees / LK_SUM_BLOCK * LK_SUM_BLOCK;
  if (bucket < LK_SUM_BLOCK) bucket = LK_SUM_BLOCK;
  sum->bucket = bucket < longest ? bucket : lk_padded(longest);
  sum->buckets = lk_buckets_make(sum->sections, sum->bucket > 0 ? sum->bucket : LK_SUM_BLOCK, true);
  for (int i = 0; i < sum->rows->blocks; i++) {
    const lk_row_block *b = &sum->rows->block[i];
    const ptrdiff_t rows = sum->bucket / b->width + 2;
    sum->part_rows += rows < b->rows ? rows : b->rows;
  }
}
