/* plan_impl.h - which rows a step takes, computed by pure functions.
 *
 * Nothing here depends on files, memory or ranks: every rank computes the same plan, and a test can evaluate all
 * shards at once. Position q of an epoch belongs to shard q mod S; shard s owns exactly as many rows as it has
 * positions, whatever the buckets. A slot is the batch of positions slot * batch .. (slot + 1) * batch - 1. Every
 * function: Not collective. */
#pragma once
#include "corpus.h"
#include "rng.h"
#include "shards.h"

typedef struct lk_plan {
  int shards;      /* number of shards S */
  ptrdiff_t rows;  /* rows of the split, over all buckets */
  ptrdiff_t batch; /* rows per step, over all shards */
  ptrdiff_t pool;  /* pool size in batches; 0: the whole epoch */
  bool shuffle;
  lk_rng rng;
} lk_plan;

int64_t lk_plan_steps(const lk_plan *plan);
/** Number of rows that a shard owns. */
ptrdiff_t lk_plan_owned(const lk_plan *plan, int shard);
/** The rows of a bucket that a shard owns; the buckets before it have `before` rows in total. Blocks follow each
 *  other in the order of shards. The remainder of the division by S is distributed in rotation, so that over all
 *  buckets no shard owns more than one row more than another. */
lk_range lk_plan_block(const lk_plan *plan, int shard, ptrdiff_t before, ptrdiff_t bucket_rows);
/** The range, in a shard's order of the epoch, of the rows that slot 0 .. steps-1 takes from it; possibly empty. */
lk_range lk_plan_rows(const lk_plan *plan, int shard, int64_t slot);
/** The largest number of rows that a step takes from a shard. */
ptrdiff_t lk_plan_most_rows(const lk_plan *plan, int shard);
/** A shard's order of an epoch: out[i] is the number, within the shard, of the row that comes at position i.
 *   in length [owned]   scratch [2 owned]: overwritten */
void lk_plan_order(const lk_plan *plan, int shard, int64_t epoch, const int32_t *length, int32_t *out,
                   int32_t *scratch);
/** The order in which the slots of an epoch are visited, the same for all shards: out [steps]. */
void lk_plan_visits(const lk_plan *plan, int64_t epoch, int32_t *out);

/** Stable sort of order[n] by falling key[order[i]]. scratch [n]. */
void lk_sort_falling(int32_t *order, int32_t *scratch, ptrdiff_t n, const int32_t *key);

/** The lanes of a running text that a shard owns, out of `lanes` in total. */
lk_range lk_plan_lanes(int shards, ptrdiff_t lanes, int shard);
/** Input positions of a lane in a text of `units` units: the lanes together cover [0, units - 1) exactly once. */
lk_range lk_plan_lane(ptrdiff_t units, ptrdiff_t lanes, ptrdiff_t lane);

/* The windows of truncated back-propagation, the same for all lanes of a running text (windows.c). */
typedef struct lk_windows {
  ptrdiff_t length; /* of the longest lane */
  ptrdiff_t unroll;
  bool random; /* lengths are drawn; else all but the last are `unroll` */
  lk_rng rng;
} lk_windows;

/** Their number, in every epoch. */
int64_t lk_windows_count(const lk_windows *windows);
/** A bound on their length. */
ptrdiff_t lk_windows_longest(const lk_windows *windows);
/** Where they begin: begin [count + 1], the last is `length`. scratch [count]. */
void lk_windows_place(const lk_windows *windows, int64_t epoch, int64_t *begin, int32_t *scratch);
