#include "lockstep/loader.h"
#include "plan_impl.h"

/* Both passes over the arena go through here: sizes and pointers cannot disagree. */
typedef struct layout {
  lk_batch *batch;
  int32_t *order, *scratch, *key;
} layout;

static void lay_out(layout *l, lk_arena *arena, const lk_shards *one, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T) {
  *l->batch = (lk_batch){0};
  lk_pack_layout(&l->batch->pack, arena, one, B, N, T);
  l->batch->source = lk_arena_ints(arena, N);
  l->order = lk_arena_ints(arena, B);
  l->scratch = lk_arena_ints(arena, B);
  l->key = lk_arena_ints(arena, B);
}

lk_status lk_batch_from_ids(lk_batch *batch, lk_arena *arena, const lk_shards *one, ptrdiff_t count,
                            const int32_t *const *ids, const ptrdiff_t *length, ptrdiff_t *perm) {
  LK_ASSERT(one->count == 1 && count >= 0 && count <= INT32_MAX);
  ptrdiff_t N = 0, T = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    LK_ASSERT(length[i] >= 1);
    if (length[i] > INT32_MAX - count - N)
      return LK_FAIL(LK_MEMORY, "%td sequences hold more units than fit into one batch", count);
    N += length[i];
    if (length[i] > T) T = length[i];
  }
  layout l = {.batch = batch};
  lk_arena plan = {0};
  lay_out(&l, &plan, one, count, N, T);
  arena->used = plan.used;
  LK_TRY(lk_arena_reserve(arena));
  lay_out(&l, arena, one, count, N, T);

  lk_pack *pack = &batch->pack;
  for (ptrdiff_t i = 0; i < count; i++) {
    l.order[i] = (int32_t)i;
    l.key[i] = (int32_t)length[i];
  }
  lk_sort_falling(l.order, l.scratch, count, l.key);
  pack->shard_seq[0] = 0;
  pack->shard_seq[1] = count;
  for (ptrdiff_t b = 0; b < count; b++) {
    perm[b] = l.order[b];
    pack->length[b] = l.key[l.order[b]];
    pack->id[b] = (uint32_t)l.order[b];
  }
  lk_pack_fill(pack);
  for (ptrdiff_t b = 0; b < count; b++) {
    const int32_t *from = ids[perm[b]];
    for (ptrdiff_t r = lk_pack_row(pack, b, 0); r >= 0; r = pack->later[r]) batch->source[r] = *from++;
  }
  batch->tokens = N;
  return LK_OK;
}
