#include "shards.h"

#include "status.h"

lk_range lk_part_of(lk_part part, ptrdiff_t n, ptrdiff_t unit) {
  LK_ASSERT(part.index >= 0 && part.index < part.count && n >= 0 && unit > 0);
  const ptrdiff_t groups = (n + unit - 1) / unit;
  const ptrdiff_t begin = groups * part.index / part.count * unit, end = groups * (part.index + 1) / part.count * unit;
  return (lk_range){begin < n ? begin : n, end < n ? end : n};
}

static int block_first(int total, int rank, int size) { return (int)((int64_t)rank * total / size); }

/* Whether the node with this first shard and level is a left child without a right sibling: then its parent is the same
 * sum. The root has no parent. */
static int only_child(int total, int first, int level) {
  int width = 1 << level;
  return width < total && (first >> level) % 2 == 0 && first + width >= total;
}

static lk_subtree promote(int total, lk_subtree node) {
  while (only_child(total, node.first, node.level)) node.level++;
  return node;
}

/* The largest node that begins at `first` and ends by `end`. */
static lk_subtree largest_subtree(int total, int first, int end) {
  lk_subtree subtree = promote(total, lk_tree_shard(first));
  for (;;) {
    int width = 1 << (subtree.level + 1);
    int stop = first + width < total ? first + width : total;
    if (width / 2 >= total || first % width != 0 || stop > end) return subtree;
    subtree.level++;
    subtree.count = stop - first;
    subtree = promote(total, subtree);
  }
}

lk_shards lk_shards_make(int total, int rank, int size) {
  LK_ASSERT(total >= 1 && total <= LK_MAX_SHARDS && size >= 1 && size <= total && rank >= 0 && rank < size);
  return lk_shards_block(total, block_first(total, rank, size), block_first(total, rank + 1, size));
}

lk_shards lk_shards_block(int total, int begin, int end) {
  LK_ASSERT(total >= 1 && total <= LK_MAX_SHARDS && begin >= 0 && begin < end && end <= total);
  lk_shards shards = {.total = total, .first = begin, .count = end - begin};
  for (int first = shards.first; first < end; first += shards.subtree[shards.subtrees++].count) {
    LK_ASSERT(shards.subtrees < LK_MAX_SUBTREES);
    shards.subtree[shards.subtrees] = largest_subtree(total, first, end);
  }
  return shards;
}

/* The r with floor(r S/R) <= shard < floor((r+1) S/R), that is ceil((shard+1) R/S) - 1. */
int lk_shards_owner(int total, int size, int shard) {
  LK_ASSERT(shard >= 0 && shard < total && size >= 1 && size <= total);
  return (int)((((int64_t)shard + 1) * size - 1) / total);
}

lk_tree lk_tree_start(int total, int first) {
  LK_ASSERT(total >= 1 && total <= LK_MAX_SHARDS && first >= 0 && first < total);
  return (lk_tree){.total = total, .next = first};
}

int lk_tree_push(lk_tree *tree, lk_subtree node) {
  LK_ASSERT(node.first == tree->next && node.count >= 1 && node.first + node.count <= tree->total);
  LK_ASSERT(tree->depth < LK_TREE_LEVELS);
  tree->next += node.count;
  tree->node[tree->depth] = promote(tree->total, node);
  return tree->depth++;
}

int lk_tree_merge(lk_tree *tree, int *into, int *from) {
  if (tree->depth < 2) return 0;
  lk_subtree *left = &tree->node[tree->depth - 2], *right = &tree->node[tree->depth - 1];
  if (left->level != right->level || (left->first >> left->level) % 2 != 0) return 0;
  LK_ASSERT(left->first + left->count == right->first);
  left->count += right->count;
  left->level++;
  *left = promote(tree->total, *left);
  tree->depth--;
  *into = tree->depth - 1;
  *from = tree->depth;
  return 1;
}

double lk_tree_sum(const double *value, int total) {
  double slot[LK_TREE_LEVELS];
  lk_tree tree = lk_tree_start(total, 0);
  for (int shard = 0; shard < total; shard++) {
    slot[lk_tree_push(&tree, lk_tree_shard(shard))] = value[shard];
    for (int into, from; lk_tree_merge(&tree, &into, &from);) slot[into] += slot[from];
  }
  LK_ASSERT(tree.depth == 1);
  return slot[0];
}
