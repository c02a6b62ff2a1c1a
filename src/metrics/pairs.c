#include "pairs.h"

#include <stdlib.h>

#include "arena.h"

enum { FEWEST = 256 };

/* The slot of a pair, or the free one where it would stand. */
static lk_pair *find(const lk_pairs *pairs, int32_t gold, int32_t found) {
  const uint64_t key = (uint64_t)(uint32_t)gold << 32 | (uint32_t)found;
  size_t at = (size_t)(key * 0x9e3779b97f4a7c15ULL >> 20); /* the golden ratio spreads neighbours apart */
  for (;; at++) {
    lk_pair *slot = &pairs->slot[at & (pairs->capacity - 1)];
    if (slot->count == 0 || (slot->gold == gold && slot->found == found)) return slot;
  }
}

static lk_status grow(lk_pairs *pairs) {
  lk_pairs larger = {.capacity = pairs->capacity ? 2 * pairs->capacity : FEWEST, .used = pairs->used};
  LK_TRY(lk_alloc(&larger.slot, larger.capacity, sizeof *larger.slot));
  for (size_t i = 0; i < pairs->capacity; i++)
    if (pairs->slot[i].count) *find(&larger, pairs->slot[i].gold, pairs->slot[i].found) = pairs->slot[i];
  free(pairs->slot);
  *pairs = larger;
  return LK_OK;
}

lk_status lk_pairs_add(lk_pairs *pairs, int32_t gold, int32_t found, int64_t count) {
  if (2 * (pairs->used + 1) > pairs->capacity) LK_TRY(grow(pairs));
  lk_pair *slot = find(pairs, gold, found);
  if (slot->count == 0) {
    *slot = (lk_pair){.gold = gold, .found = found};
    pairs->used++;
  }
  slot->count += count;
  return LK_OK;
}

static int in_order(const void *a, const void *b) {
  const lk_pair *x = a, *y = b;
  if (x->gold != y->gold) return x->gold < y->gold ? -1 : 1;
  return (x->found > y->found) - (x->found < y->found);
}

void lk_pairs_take(lk_pairs *pairs, lk_pair **list, ptrdiff_t *count) {
  size_t n = 0;
  for (size_t i = 0; i < pairs->capacity; i++)
    if (pairs->slot[i].count) pairs->slot[n++] = pairs->slot[i];
  if (n > 0) qsort(pairs->slot, n, sizeof *pairs->slot, in_order);
  *list = pairs->slot;
  *count = (ptrdiff_t)n;
  *pairs = (lk_pairs){0};
}

void lk_pairs_release(lk_pairs *pairs) {
  free(pairs->slot);
  *pairs = (lk_pairs){0};
}
