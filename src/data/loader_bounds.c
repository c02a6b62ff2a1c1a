/* The bounds of a batch. */
#include "loader_impl.h"

void lk_loader_measure(lk_loader *loader, const int32_t *lengths, ptrdiff_t *B, ptrdiff_t *N, ptrdiff_t *T) {
  *B = *N = *T = 0;
  for (int s = 0; s < loader->shards.count; s++) {
    const ptrdiff_t first = loader->first[s], owned = loader->first[s + 1] - first;
    const ptrdiff_t share = lk_plan_most_rows(&loader->plan, loader->shards.first + s);
    const int32_t *length = lengths + first;
    int32_t *order = loader->order + first;
    for (ptrdiff_t i = 0; i < owned; i++) order[i] = (int32_t)i;
    lk_sort_falling(order, loader->scratch, owned, length);
    for (ptrdiff_t i = 0; i < share; i++) *N += length[order[i]];
    *B += share;
    if (share > 0 && length[order[0]] > *T) *T = length[order[0]];
  }
}
