/* ranges.h - the ranges, in rising order, that a rank owns of a vector which the ranks divide among them.
 *
 * An own vector of the rank, such as a moment of the optimizer, holds the elements of these ranges one after the other:
 *
 *   the vector   0 ....[  a  )........[ b )....       an own one   |  a  | b | */
#pragma once
#include "shards.h"

enum { LK_MOST_RANGES = 16 };

typedef struct lk_ranges {
  int count;
  lk_range at[LK_MOST_RANGES]; /* they may be empty */
} lk_ranges;

/** Where range i lies in an own vector; i = count: its end, {n, n}.               Not collective. */
static inline lk_range lk_ranges_own(const lk_ranges *ranges, int i) {
  ptrdiff_t begin = 0;
  for (int k = 0; k < i; k++) begin += lk_range_size(ranges->at[k]);
  return (lk_range){begin, begin + (i < ranges->count ? lk_range_size(ranges->at[i]) : 0)};
}

/** The length n of an own vector.                                                Not collective. */
static inline ptrdiff_t lk_ranges_size(const lk_ranges *ranges) { return lk_ranges_own(ranges, ranges->count).begin; }
