/* pairs.h - which class was taken for which: a confusion matrix of which only the cells that are not zero are kept, so
 * that 100,000 classes cost no more than the data has pairs. Not collective throughout. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "status.h"

typedef struct lk_pair {
  int32_t gold, found;
  int64_t count;
} lk_pair;

/* {0} is empty. */
typedef struct lk_pairs {
  lk_pair *slot; /* [capacity] a hash table; count 0: free */
  size_t capacity, used;
} lk_pairs;

/** LK_MEMORY. */
LK_CHECKED lk_status lk_pairs_add(lk_pairs *pairs, int32_t gold, int32_t found, int64_t count);
/** Take the pairs out, sorted by gold, then found: *list (the caller frees it) [*count]; `pairs` is empty then. */
void lk_pairs_take(lk_pairs *pairs, lk_pair **list, ptrdiff_t *count);
void lk_pairs_release(lk_pairs *pairs);
