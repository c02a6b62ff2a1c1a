/* plan_impl.h - which rows a step takes, as arithmetic.
 *
 * Nothing here knows files, memory or ranks: every function is pure, so every rank comes to the same plan and a test
 * can ask for all shards at once. Position q of an epoch belongs to shard q mod S; shard s has so many rows that its
 * own positions are filled exactly, whatever the buckets. Every function: Not collective. */
#pragma once
#include "corpus.h"
#include "rng.h"
#include "shards.h"

typedef struct lk_plan {
  int shards;      /* S */
  ptrdiff_t rows;  /* of the split, over all buckets */
  ptrdiff_t batch; /* of all shards together */
  ptrdiff_t pool;  /* batches; 0: the whole epoch */
  bool shuffle;
  lk_rng rng;
} lk_plan;

int64_t lk_plan_steps(const lk_plan *plan);
/** Number of rows that a shard owns. */
ptrdiff_t lk_plan_owned(const lk_plan *plan, int shard);
/** The rows of a bucket that a shard owns; `before` rows lie in the buckets before it. Blocks follow each other in shard
 *  order. What S does not divide goes to the shards whose turn it is, so that over all buckets no shard owns more than
 *  one row more than another. */
lk_range lk_plan_block(const lk_plan *plan, int shard, ptrdiff_t before, ptrdiff_t bucket_rows);
/** The places, in a shard's order of the epoch, that slot 0 .. steps-1 takes; empty where its share is none. */
lk_range lk_plan_rows(const lk_plan *plan, int shard, int64_t slot);
/** The most that a shard gives to a step. */
ptrdiff_t lk_plan_most_rows(const lk_plan *plan, int shard);
/** A shard's order of an epoch: out[i] < lk_plan_owned() is the number, within the shard, of its i-th row.
 *  in length [owned]   scratch [2 owned]: written over */
void lk_plan_order(const lk_plan *plan, int shard, int64_t epoch, const int32_t *length, int32_t *out,
                   int32_t *scratch);
/** The order in which the slots of an epoch are visited, one for all shards: out [steps]. */
void lk_plan_visits(const lk_plan *plan, int64_t epoch, int32_t *out);

/** Sort order[n] by falling key[order[i]]; equals keep their order. scratch [n]. */
void lk_sort_falling(int32_t *order, int32_t *scratch, ptrdiff_t n, const int32_t *key);

/** Lanes of a running text that a shard owns, of `lanes` in all. */
lk_range lk_plan_lanes(int shards, ptrdiff_t lanes, int shard);
/** Input positions of a lane in a text of `units`: the lanes together cover [0, units - 1) once. */
lk_range lk_plan_lane(ptrdiff_t units, ptrdiff_t lanes, ptrdiff_t lane);
