#include "plan_impl.h"

#include <string.h>

#include "status.h"

/* Third word of the random generator's counter, one for each use; strata add their number. */
enum { SHUFFLE_ROWS = 0, SHUFFLE_STEPS = 1, SHUFFLE_STRATUM = 2 };

/* How many of the first `positions` positions belong to a shard: those with q = s, s + S, s + 2S, ... */
static ptrdiff_t dealt(const lk_plan *plan, int shard, ptrdiff_t positions) {
  return (positions + plan->shards - 1 - shard) / plan->shards;
}

static ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

int64_t lk_plan_steps(const lk_plan *plan) { return plan->rows / plan->batch + (plan->rows % plan->batch != 0); }

ptrdiff_t lk_plan_owned(const lk_plan *plan, int shard) { return dealt(plan, shard, plan->rows); }

/* Number of the bucket's rows that shards 0 .. shard-1 own. Each shard owns bucket_rows / S; the remaining rows go
 * to consecutive shards, starting at before % S. */
static ptrdiff_t owned_below(const lk_plan *plan, int shard, ptrdiff_t before, ptrdiff_t bucket_rows) {
  const ptrdiff_t S = plan->shards, rest = bucket_rows % S, first = before % S, wrapped = first + rest - S;
  ptrdiff_t extra = smaller(shard, first + rest) - smaller(shard, first);
  if (wrapped > 0) extra += smaller(shard, wrapped);
  return bucket_rows / S * shard + extra;
}

lk_range lk_plan_block(const lk_plan *plan, int shard, ptrdiff_t before, ptrdiff_t bucket_rows) {
  return (lk_range){owned_below(plan, shard, before, bucket_rows), owned_below(plan, shard + 1, before, bucket_rows)};
}

/* First position of slot `slot`, at most the number of rows. */
static ptrdiff_t slot_begin(const lk_plan *plan, int64_t slot) {
  return slot >= lk_plan_steps(plan) ? plan->rows : (ptrdiff_t)slot * plan->batch;
}

lk_range lk_plan_rows(const lk_plan *plan, int shard, int64_t slot) {
  LK_ASSERT(slot >= 0 && slot < lk_plan_steps(plan));
  return (lk_range){dealt(plan, shard, slot_begin(plan, slot)), dealt(plan, shard, slot_begin(plan, slot + 1))};
}

ptrdiff_t lk_plan_most_rows(const lk_plan *plan, int shard) {
  const int64_t steps = lk_plan_steps(plan);
  ptrdiff_t most = 0;
  for (int64_t slot = 0; slot < steps && slot < plan->shards; slot++) { /* shares repeat after S steps */
    ptrdiff_t share = lk_range_size(lk_plan_rows(plan, shard, slot));
    if (share > most) most = share;
  }
  return most;
}

static void merge(const int32_t *from, int32_t *to, ptrdiff_t middle, ptrdiff_t end, const int32_t *key) {
  ptrdiff_t left = 0, right = middle;
  for (ptrdiff_t i = 0; i < end; i++) {
    int take_left = right >= end || (left < middle && key[from[left]] >= key[from[right]]);
    to[i] = from[take_left ? left++ : right++];
  }
}

void lk_sort_falling(int32_t *order, int32_t *scratch, ptrdiff_t n, const int32_t *key) {
  int32_t *from = order, *to = scratch;
  for (ptrdiff_t width = 1; width < n; width *= 2) {
    for (ptrdiff_t i = 0; i < n; i += 2 * width)
      merge(from + i, to + i, smaller(width, n - i), smaller(2 * width, n - i), key);
    int32_t *swap = from;
    from = to;
    to = swap;
  }
  if (from != order) memcpy(order, from, (size_t)n * sizeof *order);
}

/* floor(total part / parts), computed without overflow. */
static ptrdiff_t portion(ptrdiff_t total, ptrdiff_t part, ptrdiff_t parts) {
  return total / parts * part + total % parts * part / parts;
}

/* Range, in a shard's order, of the rows of pool p. */
static lk_range pool_range(const lk_plan *plan, int shard, int64_t p) {
  const int64_t steps = lk_plan_steps(plan), begin = p * plan->pool;
  const int64_t end = plan->pool < steps - begin ? begin + plan->pool : steps;
  return (lk_range){dealt(plan, shard, slot_begin(plan, begin)), dealt(plan, shard, slot_begin(plan, end))};
}

/* Distribute a shard's rows, sorted by falling length, over the pools. The rows are divided into strata of one row
 * per pool, and each stratum is distributed at random. A pool that is smaller than the others (the last) takes no
 * row from some strata, evenly spaced. Thus all pools on all shards have the same distribution of lengths, and each
 * pool is sorted already.
 *  in sorted [owned]   out pooled [owned]   lot [owned]: scratch */
static void deal_into_pools(const lk_plan *plan, int shard, int64_t epoch, const int32_t *sorted, int32_t *pooled,
                            int32_t *lot) {
  const int64_t pools = (lk_plan_steps(plan) + plan->pool - 1) / plan->pool;
  ptrdiff_t strata = 0, used = 0;
  for (int64_t p = 0; p < pools; p++) {
    const ptrdiff_t size = lk_range_size(pool_range(plan, shard, p));
    if (size > strata) strata = size;
  }
  for (ptrdiff_t j = 0; j < strata; j++) {
    ptrdiff_t taking = 0, drawn = 0;
    for (int pass = 0; pass < 2; pass++) { /* first count the pools that take a row, then assign the rows */
      for (int64_t p = 0; p < pools; p++) {
        const lk_range pool = pool_range(plan, shard, p);
        const ptrdiff_t at = portion(lk_range_size(pool), j, strata);
        if (portion(lk_range_size(pool), j + 1, strata) == at) continue;
        if (pass == 0)
          taking++;
        else
          pooled[pool.begin + at] = sorted[used + lot[drawn++]];
      }
      if (pass == 0)
        lk_rng_permutation(plan->rng, (uint32_t)epoch, (uint32_t)shard, SHUFFLE_STRATUM + (uint32_t)j, lot, taking);
    }
    used += taking;
  }
  LK_ASSERT(used == lk_plan_owned(plan, shard));
}

void lk_plan_order(const lk_plan *plan, int shard, int64_t epoch, const int32_t *length, int32_t *out,
                   int32_t *scratch) {
  const ptrdiff_t owned = lk_plan_owned(plan, shard);
  if (plan->shuffle) /* so that rows of equal length come in a new order */
    lk_rng_permutation(plan->rng, (uint32_t)epoch, (uint32_t)shard, SHUFFLE_ROWS, out, owned);
  else
    for (ptrdiff_t i = 0; i < owned; i++) out[i] = (int32_t)i;
  lk_sort_falling(out, scratch, owned, length);
  if (!plan->shuffle || plan->pool < 1 || plan->pool >= lk_plan_steps(plan)) return;
  deal_into_pools(plan, shard, epoch, out, scratch, scratch + owned);
  memcpy(out, scratch, (size_t)owned * sizeof *out);
}

void lk_plan_visits(const lk_plan *plan, int64_t epoch, int32_t *out) {
  const ptrdiff_t steps = (ptrdiff_t)lk_plan_steps(plan);
  if (plan->shuffle)
    lk_rng_permutation(plan->rng, (uint32_t)epoch, 0, SHUFFLE_STEPS, out, steps);
  else
    for (ptrdiff_t i = 0; i < steps; i++) out[i] = (int32_t)i;
}

lk_range lk_plan_lanes(int shards, ptrdiff_t lanes, int shard) {
  return (lk_range){portion(lanes, shard, shards), portion(lanes, shard + 1, shards)};
}

lk_range lk_plan_lane(ptrdiff_t units, ptrdiff_t lanes, ptrdiff_t lane) {
  return (lk_range){portion(units - 1, lane, lanes), portion(units - 1, lane + 1, lanes)};
}
