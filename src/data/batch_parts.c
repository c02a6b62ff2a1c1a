#include "batch_parts.h"

#include "loader_impl.h"

void lk_batch_parts_layout(lk_batch_parts *parts, const lk_loader *loader, int wanted, lk_arena *arena) {
  const lk_bounds most = lk_loader_bounds(loader, wanted);
  lk_batch *part = &parts->part;
  *parts = (lk_batch_parts){.loader = loader, .count = lk_batch_parts_count(&loader->shards, wanted)};
  parts->shards = loader->shards;
  if (parts->count == 1) return;
  lk_pack_layout(&part->pack, arena, &parts->shards, most.B, most.N, most.T);
  if (loader->settings.view != LK_VIEW_PAIRS) return;
  lk_pack_layout(&part->encoder_pack, arena, &parts->shards, most.B, most.source_N, most.source_T);
  part->partner = lk_arena_ints(arena, most.B);
}

/* The sequences of these local shards of `whole`, as a pack of its own. */
static void fill(lk_pack *pack, const lk_pack *whole, lk_range of) {
  const ptrdiff_t first = whole->shard_seq[of.begin], B = whole->shard_seq[of.end] - first;
  for (ptrdiff_t s = of.begin; s <= of.end; s++) pack->shard_seq[s - of.begin] = whole->shard_seq[s] - first;
  for (ptrdiff_t b = 0; b < B; b++) {
    pack->length[b] = whole->length[first + b];
    pack->id[b] = whole->id[first + b];
  }
  lk_pack_fill(pack);
}

static void slice_inputs(const lk_loader *loader, const lk_inputs *whole, ptrdiff_t row, lk_inputs *part) {
  *part = *whole;
  for (int c = 0; c < part->count; c++) {
    lk_column *column = &part->column[c];
    if (column->ids) column->ids += row * loader->form[c].width;
    if (column->numbers) column->numbers += row * loader->form[c].width;
  }
}

const lk_batch *lk_batch_part(lk_batch_parts *parts, const lk_batch *whole, int i, int *first) {
  const lk_view view = parts->loader->settings.view;
  const lk_shards *shards = &parts->loader->shards;
  const lk_range of = lk_batch_part_shards(shards, parts->count, i);
  lk_batch *part = &parts->part;
  *first = (int)of.begin;
  if (parts->count == 1) return whole;
  parts->shards = lk_shards_block(shards->total, shards->first + (int)of.begin, shards->first + (int)of.end);
  parts->shards.rounded = shards->rounded;
  const ptrdiff_t seq = whole->pack.shard_seq[of.begin], row = whole->pack.shard_row[of.begin];
  fill(&part->pack, &whole->pack, of);
  part->target = whole->target + (view == LK_VIEW_CLASSIFY ? seq : row);
  part->lane = whole->lane ? whole->lane + seq : NULL;
  part->reset = whole->reset;
  part->rate_factor = whole->rate_factor;
  if (view == LK_VIEW_PAIRS) {
    fill(&part->encoder_pack, &whole->encoder_pack, of);
    part->decoder_ids = whole->decoder_ids + row;
    for (ptrdiff_t b = 0; b < part->pack.B; b++) part->partner[b] = whole->partner[seq + b] - (int32_t)seq;
    part->references = whole->references ? whole->references + seq : NULL;
  }
  const lk_pack *read = view == LK_VIEW_PAIRS ? &whole->encoder_pack : &whole->pack;
  slice_inputs(parts->loader, &whole->input, read->shard_row[of.begin], &part->input);
  part->tokens = part->pack.N + part->encoder_pack.N;
  return part;
}
