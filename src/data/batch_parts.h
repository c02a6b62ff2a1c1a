/* batch_parts.h - a batch in parts, which a net computes one after the other, so that it needs memory for one of them.
 *
 * A part is a block of the shards of a rank, and a batch like any other: its arrays are slices of the whole batch's, as
 * the sequences and rows of a shard are contiguous; only its packs are filled anew. What a task makes of a shard
 * depends on that shard alone, so the parts together give what the whole batch gives. Every function: Not collective. */
#pragma once
#include "loader.h"

typedef struct lk_batch_parts {
  const lk_loader *loader;
  int count;        /* 1: the whole batch is the part */
  lk_shards shards; /* of the part at hand */
  lk_batch part;
} lk_batch_parts;

/** How many parts these shards make where so many are wanted: a shard is not divided. */
static inline int lk_batch_parts_count(const lk_shards *shards, int wanted) {
  return wanted < shards->count ? wanted : shards->count;
}
/** The local shards of part i of `count`. */
static inline lk_range lk_batch_part_shards(const lk_shards *shards, int count, int i) {
  return lk_part_of((lk_part){i, count}, shards->count, 1);
}
/** Lay out the packs of parts of a loader's batches. */
void lk_batch_parts_layout(lk_batch_parts *parts, const lk_loader *loader, int wanted, lk_arena *arena);
/** Make part i of `whole`, a batch of that loader, and set parts->shards to its shards; valid until the next call.
 *  *first: its first local shard. */
const lk_batch *lk_batch_part(lk_batch_parts *parts, const lk_batch *whole, int i, int *first);
