#include "pack.h"

#include "status.h"

static ptrdiff_t *take_counts(lk_arena *arena, ptrdiff_t n) {
  LK_ASSERT(n >= 0 && (size_t)n <= SIZE_MAX / sizeof(ptrdiff_t));
  return lk_arena_take(arena, (size_t)n * sizeof(ptrdiff_t));
}

void lk_pack_layout(lk_pack *pack, lk_arena *arena, const lk_shards *shards, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T) {
  LK_ASSERT(B >= 0 && N >= 0 && T >= 0 && B <= INT32_MAX && N <= INT32_MAX - B);
  *pack = (lk_pack){.shards = shards, .B = B, .N = N, .T = T, .B_most = B, .N_most = N, .T_most = T};
  pack->shard_seq = take_counts(arena, shards->count + 1);
  pack->shard_row = take_counts(arena, shards->count + 1);
  pack->length = lk_arena_ints(arena, B);
  pack->home = lk_arena_ints(arena, B);
  pack->seq = lk_arena_ints(arena, N);
  pack->time = lk_arena_ints(arena, N);
  pack->earlier = lk_arena_ints(arena, N);
  pack->later = lk_arena_ints(arena, N);
  pack->order = lk_arena_ints(arena, N);
  pack->start = lk_arena_ints(arena, N);
  pack->step = take_counts(arena, T + 1);
  pack->linked = take_counts(arena, T);
  pack->cursor = take_counts(arena, 2 * T);
  pack->id = lk_arena_take(arena, (size_t)B * sizeof(uint32_t));
}

/* B, N, T and the first row of each shard, from the lengths; checks what the caller set. */
static void measure(lk_pack *pack) {
  ptrdiff_t N = 0, T = 0;
  LK_ASSERT(pack->shard_seq[0] == 0);
  for (int s = 0; s < pack->shards->count; s++) {
    pack->shard_row[s] = N;
    LK_ASSERT(pack->shard_seq[s] <= pack->shard_seq[s + 1] && pack->shard_seq[s + 1] <= pack->B_most);
    for (ptrdiff_t b = pack->shard_seq[s]; b < pack->shard_seq[s + 1]; b++) {
      LK_ASSERT(pack->length[b] >= 1 && (b == pack->shard_seq[s] || pack->length[b] <= pack->length[b - 1]));
      if (pack->length[b] > T) T = pack->length[b];
      N += pack->length[b];
      pack->home[b] = s;
    }
  }
  LK_ASSERT(N <= pack->N_most && T <= pack->T_most);
  pack->shard_row[pack->shards->count] = N;
  pack->B = pack->shard_seq[pack->shards->count];
  pack->N = N;
  pack->T = T;
}

/* The rows of one shard, and its part of step[t+1] and linked[t]. */
static void fill_shard(lk_pack *pack, int s) {
  const ptrdiff_t first = pack->shard_seq[s], base = pack->shard_row[s];
  ptrdiff_t row = base, before = 0, running = pack->shard_seq[s + 1] - first;
  for (ptrdiff_t t = 0; running > 0; t++) {
    ptrdiff_t after = running; /* sequences that have a row at t+1 */
    while (after > 0 && pack->length[first + after - 1] <= t + 1) after--;
    pack->start[base + t] = (int32_t)row;
    pack->step[t + 1] += running;
    pack->linked[t] += after;
    for (ptrdiff_t j = 0; j < running; j++, row++) {
      pack->seq[row] = (int32_t)(first + j);
      pack->time[row] = (int32_t)t;
      pack->earlier[row] = t > 0 ? (int32_t)(row - before) : -1;
      pack->later[row] = j < after ? (int32_t)(row + running) : -1;
    }
    before = running;
    running = after;
  }
}

/* Rows sorted by time; in each time those with a later row first; within both by shard and row. */
static void fill_order(lk_pack *pack) {
  ptrdiff_t *with = pack->cursor, *without = pack->cursor + pack->T;
  for (ptrdiff_t t = 0; t < pack->T; t++) {
    pack->step[t + 1] += pack->step[t];
    with[t] = pack->step[t];
    without[t] = pack->step[t] + pack->linked[t];
  }
  for (ptrdiff_t row = 0; row < pack->N; row++) {
    ptrdiff_t *next = pack->later[row] >= 0 ? with : without;
    pack->order[next[pack->time[row]]++] = (int32_t)row;
  }
}

void lk_pack_fill(lk_pack *pack) {
  measure(pack);
  pack->step[0] = 0;
  for (ptrdiff_t t = 0; t < pack->T; t++) pack->step[t + 1] = pack->linked[t] = 0;
  for (int s = 0; s < pack->shards->count; s++) fill_shard(pack, s);
  fill_order(pack);
}

ptrdiff_t lk_pack_row(const lk_pack *pack, ptrdiff_t b, ptrdiff_t t) {
  LK_ASSERT(b >= 0 && b < pack->B && t >= 0 && t < pack->length[b]);
  int32_t s = pack->home[b];
  return pack->start[pack->shard_row[s] + t] + (b - pack->shard_seq[s]);
}
