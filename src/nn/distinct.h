/* distinct.h - the distinct ids of a packed batch, determined separately for each shard.
 *
 * Rows that read the same id have the same input, so everything that depends on that input alone (the product with
 * W_ih and, in backward, the products with its gradient) is computed once per distinct id instead of once per row: a
 * batch of characters has thousands of rows and a few dozen distinct ids. A shard's distinct ids depend on that
 * shard alone and are numbered by first occurrence, so sums over them have the same bits on any number of ranks.
 *
 *     ids   7 3 7 | 3 3        id  7 3 | 3        row  0 1 0 | 2 2        shard_row  0 2 3
 *
 * If rows of the same id differ (because of dropout on the embedding), each row is treated as distinct, and `row` is
 * NULL. */
#pragma once
#include "pack.h"

typedef struct lk_distinct {
  ptrdiff_t n;                /* number of distinct ids: at most N */
  const int32_t *id;          /* [n] */
  const int32_t *row;         /* [N] index into id for each packed row; NULL: the row itself */
  const ptrdiff_t *shard_row; /* [shards+1] those of local shard s are shard_row[s] .. shard_row[s+1] */
  ptrdiff_t V;
  int32_t *ids, *rows, *place; /* [N], [N], [V] storage of id and row; last position of each id */
  ptrdiff_t *begin;            /* [shards+1] storage of shard_row */
} lk_distinct;

/** Lay out for at most N rows of ids below V.                                      Not collective. */
void lk_distinct_layout(lk_distinct *distinct, lk_arena *arena, ptrdiff_t V, ptrdiff_t N);
/** Find the distinct ids among ids [N].                                            Not collective. */
void lk_distinct_find(lk_distinct *distinct, const lk_pack *pack, const int32_t *ids);
/** Treat each row as distinct; ids and pack must stay valid while this is used.    Not collective. */
void lk_distinct_each(lk_distinct *distinct, const lk_pack *pack, const int32_t *ids);
