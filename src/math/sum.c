#include <string.h>

#include "bf16.h"
#include "kernels.h"
#include "status.h"

/* Reals of one partial block. With 8 shards a rank holds four of them at a time: 1 MB, the L2 of a core. */
enum { BLOCK = 65536, FEWEST_ROWS = 12, TILES = 24, MOST_ROWS = 504 };

ptrdiff_t lk_sum_block(ptrdiff_t K) {
  const ptrdiff_t rows = BLOCK / (K > 0 ? K : 1) / TILES * TILES; /* whole tiles of lk_kernels.outer */
  return rows < FEWEST_ROWS ? FEWEST_ROWS : rows > MOST_ROWS ? MOST_ROWS : rows;
}

ptrdiff_t lk_sum_scratch(ptrdiff_t K) {
  ptrdiff_t most = BLOCK; /* for smaller K too: a block of fewer columns may hold more reals */
  if (MOST_ROWS * K < most) most = MOST_ROWS * K;
  if (FEWEST_ROWS * K > most) most = FEWEST_ROWS * K;
  return LK_TREE_LEVELS * lk_padded(most);
}

typedef struct sum_of {
  const lk_shards *shards;
  lk_shard_gradient *gradient;
  const void *context;
  lk_real *slots; /* [LK_TREE_LEVELS][stride] */
  ptrdiff_t stride, K, ldw;
} sum_of;

void lk_sum_round(const lk_shards *shards, int count, ptrdiff_t n, lk_real *x) {
  if (!lk_shards_round(shards, count)) return;
  for (ptrdiff_t i = 0; i < n; i++) x[i] = (lk_real)lk_bf16_round((float)x[i]);
}

/* Rows [m0, m1) of one subtree: its shards in order, added along the tree. */
static void sum_block(const sum_of *s, lk_subtree subtree, ptrdiff_t m0, ptrdiff_t m1, lk_real *dw) {
  const ptrdiff_t size = (m1 - m0) * s->K;
  lk_tree tree = lk_tree_start(s->shards->total, subtree.first);
  for (int shard = subtree.first; shard < subtree.first + subtree.count; shard++) {
    const int slot = lk_tree_push(&tree, lk_tree_shard(shard));
    s->gradient(s->context, shard - s->shards->first, m0, m1, s->slots + slot * s->stride);
    lk_sum_round(s->shards, 1, size, s->slots + slot * s->stride);
    for (int into, from; lk_tree_merge(&tree, &into, &from);) {
      lk_kernels_get()->add(size, s->slots + from * s->stride, s->slots + into * s->stride);
      lk_sum_round(s->shards, lk_tree_count(&tree), size, s->slots + into * s->stride);
    }
  }
  LK_ASSERT(tree.depth == 1);
  for (ptrdiff_t m = m0; m < m1; m++) memcpy(dw + m * s->ldw, s->slots + (m - m0) * s->K, (size_t)s->K * sizeof *dw);
}

void lk_sum_shards(const lk_shards *shards, ptrdiff_t M, ptrdiff_t K, lk_shard_gradient *gradient, const void *context,
                   lk_real *const *dw, ptrdiff_t ldw, lk_real *scratch) {
  const ptrdiff_t rows = lk_sum_block(K);
  const sum_of s = {.shards = shards,
                    .gradient = gradient,
                    .context = context,
                    .slots = scratch,
                    .stride = lk_padded(rows * K),
                    .K = K,
                    .ldw = ldw};
  for (int p = 0; p < shards->subtrees; p++) {
    const lk_subtree subtree = shards->subtree[p];
    if (subtree.count == 1 && ldw == K) { /* one shard, nothing to add: written to its place directly */
      gradient(context, subtree.first - shards->first, 0, M, dw[p]);
      lk_sum_round(shards, 1, M * K, dw[p]);
    } else {
      for (ptrdiff_t m = 0; m < M; m += rows) sum_block(&s, subtree, m, m + rows < M ? m + rows : M, dw[p]);
    }
  }
}

void lk_shard_product_block(const void *context, int s, ptrdiff_t m0, ptrdiff_t m1, lk_real *block) {
  const lk_shard_product *c = context;
  const ptrdiff_t first = c->shard_row[s], rows = c->shard_row[s + 1] - first;
  /* A shard without rows has a gradient too: zeros. */
  lk_kernels_get()->outer(rows, m1 - m0, c->K, c->dy + first * c->ldy + m0, c->ldy, c->x + first * c->ldx, c->ldx,
                          block);
}

void lk_shard_columns_block(const void *context, int s, ptrdiff_t m0, ptrdiff_t m1, lk_real *block) {
  const lk_shard_columns *c = context;
  const lk_kernels *kernels = lk_kernels_get();
  memset(block, 0, (size_t)(m1 - m0) * sizeof *block);
  for (ptrdiff_t r = c->shard_row[s]; r < c->shard_row[s + 1]; r++)
    kernels->add(m1 - m0, c->dy + r * c->ldy + m0, block);
}
