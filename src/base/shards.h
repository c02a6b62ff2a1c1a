/* shards.h - shards of a batch, and the binary tree along which all sums are made.
 *
 * A run has S shards, whatever the number of ranks R <= S; rank r computes the contiguous block [r S/R, (r+1) S/R). Any
 * sum over a batch has one term for each shard. The terms are added along one fixed binary tree over the shard index:
 * node (level l, index k) covers shards [k 2^l, (k+1) 2^l) as far as they exist and is node(l-1, 2k) + node(l-1, 2k+1),
 * or the left one alone where the right one does not exist. So the bits depend on S and not on R.
 *
 *     S = 8, R = 3:   rank 0 | rank 1   | rank 2
 *                     0 1    | 2 3 4    | 5 6 7       the shards of a rank
 *                     (0 1)  | (2 3)(4) | (5)(6 7)    they are whole subtrees of the tree
 *
 * The gradient of a tensor is summed once a step, and each shard's gradient contains all its contributions before the
 * sum begins: two trees added at their roots would not give the same bits as one tree of added terms. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "real.h"

#define LK_MAX_SHARDS   4096
#define LK_MAX_SUBTREES 24
#define LK_TREE_LEVELS  13

typedef struct lk_range { /* indices begin .. end-1 */
  ptrdiff_t begin, end;
} lk_range;
static inline ptrdiff_t lk_range_size(lk_range range) { return range.end - range.begin; }

/* One of `count` ranks that divide a piece of work. */
typedef struct lk_part {
  int index, count;
} lk_part;
#define LK_WHOLE ((lk_part){0, 1})
/** The part's range of 0 .. n-1. Parts are of about equal size and are cut at multiples of `unit`. Not collective. */
lk_range lk_part_of(lk_part part, ptrdiff_t n, ptrdiff_t unit);

/* The rows of a tensor whose gradient has few non-zero rows, such as an embedding, in the flat vector of parameters.
 * Marks, a byte for each row of all such tensors in turn, tell which rows a step has touched. */
typedef struct lk_row_block {
  ptrdiff_t offset, rows, width;
} lk_row_block;

typedef struct lk_subtree {
  int first, count; /* shards [first, first+count), global index */
  int level;        /* of its root */
} lk_subtree;

typedef struct lk_shards {
  int total;        /* S */
  int first, count; /* this rank's block */
  int subtrees;
  lk_subtree subtree[LK_MAX_SUBTREES];
  bool rounded; /* partial gradients are rounded to bfloat16: lk_shards_round(). False as made */
} lk_shards;

/** Whether the gradient of a tree node with `count` shards is rounded to bfloat16 (parallel.wire). Any node below the
 *  root may be what a message carries, depending on how the shards are divided among ranks. So all of them are rounded,
 *  once each as soon as they are complete, whether or not they travel.               Not collective. */
static inline bool lk_shards_round(const lk_shards *shards, int count) {
  return shards->rounded && count < shards->total;
}

/** The shards of rank `rank` of `size`; size <= total <= LK_MAX_SHARDS.           Not collective. */
lk_shards lk_shards_make(int total, int rank, int size);
/** The same for any block [begin, end) of shards that is not empty.               Not collective. */
lk_shards lk_shards_block(int total, int begin, int end);
/** The rank that computes a shard.                                                Not collective. */
int lk_shards_owner(int total, int size, int shard);

/* A sum along the tree whose nodes arrive in order: a stack of partial sums, at most one for each level. The caller
 * keeps vectors of equal length in slots 0..LK_TREE_LEVELS-1; the functions tell which of them to add:
 *     lk_tree tree = lk_tree_start(shards->total, first);
 *     for each node in order { fill slot lk_tree_push(&tree, node);
 *         while (lk_tree_merge(&tree, &into, &from)) slot[into] += slot[from];  }
 * A node is one shard, or a subtree summed elsewhere. When all of a subtree has been pushed its sum is in slot 0. */
typedef struct lk_tree {
  int total, next; /* S; the first shard of the next node */
  int depth;       /* slots in use */
  lk_subtree node[LK_TREE_LEVELS + 1];
} lk_tree;

lk_tree lk_tree_start(int total, int first);
int lk_tree_push(lk_tree *tree, lk_subtree node);
/** true: the caller must now do slot *into += slot *from, and call again.          Not collective. */
int lk_tree_merge(lk_tree *tree, int *into, int *from);
/** How many shards the node on top of the stack has.                               Not collective. */
static inline int lk_tree_count(const lk_tree *tree) { return tree->node[tree->depth - 1].count; }
static inline lk_subtree lk_tree_shard(int shard) { return (lk_subtree){.first = shard, .count = 1, .level = 0}; }

/** The sum of S doubles along the tree.                                           Not collective. */
double lk_tree_sum(const double *value, int total);
