#include "distinct.h"

void lk_distinct_layout(lk_distinct *w, lk_arena *arena, ptrdiff_t V, ptrdiff_t N) {
  *w = (lk_distinct){.V = V};
  w->ids = lk_arena_ints(arena, N);
  w->rows = lk_arena_ints(arena, N);
  w->place = lk_arena_ints(arena, V);
  w->begin = lk_arena_take(arena, sizeof(ptrdiff_t) * (LK_MAX_SHARDS + 1));
}

/* A set of integers that needs no clearing (Briggs & Torczon 1993): place[id] is valid only if it points into this
 * shard's entries and the entry there holds the id. */
void lk_distinct_find(lk_distinct *w, const lk_pack *pack, const int32_t *ids) {
  ptrdiff_t n = 0;
  for (int s = 0; s < pack->shards->count; s++) {
    const ptrdiff_t first = w->begin[s] = n;
    for (ptrdiff_t r = pack->shard_row[s]; r < pack->shard_row[s + 1]; r++) {
      const int32_t id = ids[r];
      LK_ASSERT(id >= 0 && id < w->V);
      ptrdiff_t at = w->place[id];
      if (at < first || at >= n || w->ids[at] != id) {
        at = n++;
        w->place[id] = (int32_t)at;
        w->ids[at] = id;
      }
      w->rows[r] = (int32_t)at;
    }
  }
  w->begin[pack->shards->count] = n;
  w->n = n;
  w->id = w->ids, w->row = w->rows, w->shard_row = w->begin;
}

void lk_distinct_each(lk_distinct *w, const lk_pack *pack, const int32_t *ids) {
  w->n = pack->N;
  w->id = ids, w->row = NULL, w->shard_row = pack->shard_row;
}
