/* words.h - the words of a packed batch, each once a shard.
 *
 * Rows that read the same word have the same input, so what is made of that input alone (its product with W_ih, and
 * backward the products with the gradients by it) is made once for each word, not for each row: a batch of characters
 * has thousands of rows and some dozens of words. A shard's words depend on that shard alone, in the order in which its
 * rows bring them, so that sums over them have the same bits on any number of ranks.
 *
 *     ids   7 3 7 | 3 3        id  7 3 | 3        row  0 1 0 | 2 2        shard_row  0 2 3
 *
 * Where rows of one word differ (a mask on the embedding) each row is a word of its own, and `row` is NULL. */
#pragma once
#include "pack.h"

typedef struct lk_distinct {
  ptrdiff_t n;                /* words: at most N */
  const int32_t *id;          /* [n] */
  const int32_t *row;         /* [N] which word each packed row reads; NULL: the row's own number */
  const ptrdiff_t *shard_row; /* [shards+1] words of local shard s: shard_row[s] .. shard_row[s+1] */
  ptrdiff_t V;
  int32_t *ids, *rows, *place; /* [N], [N], [V] behind id and row; where each id was put last */
  ptrdiff_t *begin;            /* [shards+1] behind shard_row */
} lk_distinct;

/** For at most N rows of ids below V.                                              Not collective. */
void lk_distinct_layout(lk_distinct *distinct, lk_arena *arena, ptrdiff_t V, ptrdiff_t N);
/** Of ids [N].                                                                    Not collective. */
void lk_distinct_find(lk_distinct *distinct, const lk_pack *pack, const int32_t *ids);
/** Each row a word of its own; ids and pack must outlive their use here.           Not collective. */
void lk_distinct_each(lk_distinct *distinct, const lk_pack *pack, const int32_t *ids);
