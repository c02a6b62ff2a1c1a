/* loader_pairs.c - pairs: the two sequences of a row, each packed by its own length, and the mapping between the
 * packs. */
#include "arena.h"
#include "loader_impl.h"

lk_status lk_loader_reserve_pairs(lk_loader *loader) {
  const size_t rows = (size_t)loader->rows;
  loader->key = NULL; /* was an alias of the lengths; pairs have a separate sort key */
  LK_TRY(lk_alloc(&loader->key, rows, sizeof *loader->key));
  LK_TRY(lk_alloc(&loader->all.target_length, rows, sizeof *loader->all.target_length));
  if (!loader->ahead) LK_TRY(lk_alloc(&loader->all.target_offset, rows, sizeof *loader->all.target_offset));
  loader->has_references = true;
  for (int k = 0; k < loader->buckets; k++) loader->has_references &= loader->bucket[k].references != 0;
  return loader->has_references ? lk_alloc(&loader->all.reference, rows, sizeof *loader->all.reference) : LK_OK;
}

lk_status lk_loader_keep_target(lk_loader *loader, ptrdiff_t row, ptrdiff_t length) {
  lk_held *all = &loader->all;
  all->target_length[row] = (int32_t)(length - 1);
  if (loader->ahead) return LK_OK;
  all->target_offset[row] = loader->target_used;
  loader->target_used += length;
  return lk_grow(&all->target, &loader->target_capacity, (size_t)loader->target_used, sizeof *all->target);
}

lk_status lk_loader_keep_reference(lk_loader *loader, ptrdiff_t row, const lk_strings *references, ptrdiff_t at) {
  loader->all.reference[row] = (int32_t)loader->references.count;
  return lk_strings_add(&loader->references, lk_strings_get(references, at), lk_strings_size(references, at), 0);
}

/* Sort key: by the length of the source, then by that of the target. Lengths beyond the range of the key are treated
 * as equal. */
static int32_t key_of(int32_t source, int32_t target) {
  return (source < 0x7fff ? source : 0x7fff) << 16 | (target < 0xffff ? target : 0xffff);
}

lk_status lk_loader_finish_pairs(lk_loader *loader) {
  const size_t B = (size_t)loader->most.B;
  for (ptrdiff_t row = 0; row < loader->rows; row++)
    loader->key[row] = key_of(loader->all.length[row], loader->all.target_length[row]);
  LK_TRY(lk_alloc(&loader->places, 3 * B, sizeof *loader->places));
  return lk_alloc(&loader->source_row, B, sizeof *loader->source_row);
}

/* Add the rows that a step takes of one shard to both packs as sequences first, first + 1, ..., each pack sorted by
 * falling length. */
static void pick_shard(lk_loader *loader, lk_batch *batch, ptrdiff_t first, lk_taken taken) {
  const lk_held *held = loader->held;
  const ptrdiff_t n = taken.count;
  int32_t *place = loader->places, *scratch = place + n, *length = scratch + n;
  for (int side = 0; side < 2; side++) {
    const int32_t *all = (side == 0 ? held->length : held->target_length) + taken.base;
    int32_t *row = side == 0 ? loader->source_row : loader->picked;
    lk_pack *pack = side == 0 ? &batch->encoder_pack : &batch->pack;
    for (ptrdiff_t i = 0; i < n; i++) {
      place[i] = (int32_t)i;
      length[i] = all[taken.order ? taken.order[i] : i];
    }
    lk_sort_falling(place, scratch, n, length);
    for (ptrdiff_t i = 0; i < n; i++) {
      row[first + i] = (int32_t)taken.base + (taken.order ? taken.order[place[i]] : place[i]);
      pack->length[first + i] = length[place[i]];
      pack->id[first + i] = held->id[row[first + i]];
    }
    for (ptrdiff_t i = 0; side == 0 && i < n; i++) batch->partner[first + place[i]] = (int32_t)(first + i);
  }
  /* so far indexed by the order of the rows; now by target sequence */
  for (ptrdiff_t i = 0; i < n; i++) scratch[i] = batch->partner[first + place[i]];
  for (ptrdiff_t i = 0; i < n; i++) batch->partner[first + i] = scratch[i];
}

void lk_loader_pick_pairs(lk_loader *loader, int64_t step, lk_batch *batch) {
  ptrdiff_t b = 0;
  batch->pack.shard_seq[0] = batch->encoder_pack.shard_seq[0] = 0;
  for (int s = 0; s < loader->shards.count; s++) {
    const lk_taken taken = lk_loader_take(loader, step, s, b);
    pick_shard(loader, batch, b, taken);
    b += taken.count;
    batch->pack.shard_seq[s + 1] = batch->encoder_pack.shard_seq[s + 1] = b;
  }
  lk_pack_fill(&batch->encoder_pack);
  lk_pack_fill(&batch->pack);
}

void lk_loader_fill_pairs(const lk_loader *loader, lk_batch *batch) {
  const lk_pack *source = &batch->encoder_pack, *target = &batch->pack;
  const lk_held *held = loader->held;
  for (ptrdiff_t b = 0; b < source->B; b++) {
    const int32_t *from = held->source + held->offset[loader->source_row[b]];
    for (ptrdiff_t r = lk_pack_row(source, b, 0); r >= 0; r = source->later[r]) lk_batch_ids(batch)[r] = *from++;
  }
  for (ptrdiff_t b = 0; b < target->B; b++) {
    const ptrdiff_t row = loader->picked[b];
    const int32_t *from = held->target + held->target_offset[row];
    for (ptrdiff_t r = lk_pack_row(target, b, 0); r >= 0; r = target->later[r]) {
      batch->decoder_ids[r] = *from++;
      batch->target[r] = *from;
    }
    if (batch->references) batch->references[b] = lk_strings_get(&loader->references, held->reference[row]);
  }
}
