/* The bounds of a batch: of each shard, since a batch may be computed in parts. */
#include "arena.h"
#include "batch_parts.h"
#include "loader_impl.h"

void lk_loader_measure(lk_loader *loader, int shard, const int32_t *lengths, ptrdiff_t *N, ptrdiff_t *T) {
  const ptrdiff_t first = loader->first[shard], owned = loader->first[shard + 1] - first;
  const ptrdiff_t share = lk_plan_most_rows(&loader->plan, loader->shards.first + shard);
  const int32_t *length = lengths + first;
  int32_t *order = loader->order + first;
  for (ptrdiff_t i = 0; i < owned; i++) order[i] = (int32_t)i;
  lk_sort_falling(order, loader->scratch, owned, length);
  *N = 0;
  for (ptrdiff_t i = 0; i < share; i++) *N += length[order[i]];
  *T = share > 0 ? length[order[0]] : 0;
}

lk_status lk_loader_reserve_bounds(lk_loader *loader) {
  return lk_alloc(&loader->shard_most, (size_t)loader->shards.count, sizeof *loader->shard_most);
}

static ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

/* What local shards first .. end-1 have together. */
static lk_bounds join(const lk_loader *loader, lk_range shards) {
  lk_bounds all = {0};
  for (ptrdiff_t s = shards.begin; s < shards.end; s++) {
    const lk_bounds *one = &loader->shard_most[s];
    all.B += one->B, all.N += one->N, all.source_N += one->source_N, all.characters += one->characters;
    all.T = larger(all.T, one->T), all.source_T = larger(all.source_T, one->source_T);
  }
  return all;
}

void lk_loader_join_bounds(lk_loader *loader) { loader->most = join(loader, (lk_range){0, loader->shards.count}); }

lk_bounds lk_loader_bounds(const lk_loader *loader, int parts) {
  lk_bounds most = {0};
  const int count = lk_batch_parts_count(&loader->shards, parts);
  for (int i = 0; i < count; i++) {
    const lk_bounds part = join(loader, lk_batch_part_shards(&loader->shards, count, i));
    most = (lk_bounds){.B = larger(most.B, part.B),
                       .N = larger(most.N, part.N),
                       .T = larger(most.T, part.T),
                       .source_N = larger(most.source_N, part.source_N),
                       .source_T = larger(most.source_T, part.source_T),
                       .characters = larger(most.characters, part.characters)};
  }
  return most;
}
