/* Packed batches: the example of pack.h, and random shapes against a direct implementation of the definitions. */
#include "pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rng.h"

static void bind(lk_pack *pack, lk_arena *arena, const lk_shards *shards, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T) {
  *arena = (lk_arena){0};
  lk_pack_layout(pack, arena, shards, B, N, T);
  assert_int_equal(lk_arena_reserve(arena), LK_OK);
  memset(arena->base, 0x77, arena->reserved); /* memory is not zeroed between batches */
  lk_pack_layout(pack, arena, shards, B, N, T);
}

static void example_of_the_header(void **state) {
  (void)state;
  const lk_shards shards = lk_shards_make(2, 0, 1);
  lk_arena arena;
  lk_pack pack;
  bind(&pack, &arena, &shards, 8, 20, 5);
  memcpy(pack.shard_seq, (ptrdiff_t[]){0, 3, 5}, 3 * sizeof(ptrdiff_t));
  memcpy(pack.length, (int32_t[]){3, 2, 2, 2, 1}, 5 * sizeof(int32_t));
  lk_pack_fill(&pack);
  assert_true(pack.B == 5 && pack.N == 10 && pack.T == 3);
  assert_memory_equal(pack.shard_row, ((ptrdiff_t[]){0, 7, 10}), 3 * sizeof(ptrdiff_t));
  assert_memory_equal(pack.seq, ((int32_t[]){0, 1, 2, 0, 1, 2, 0, 3, 4, 3}), 40);
  assert_memory_equal(pack.time, ((int32_t[]){0, 0, 0, 1, 1, 1, 2, 0, 0, 1}), 40);
  assert_memory_equal(pack.earlier, ((int32_t[]){-1, -1, -1, 0, 1, 2, 3, -1, -1, 7}), 40);
  assert_memory_equal(pack.later, ((int32_t[]){3, 4, 5, 6, -1, -1, -1, 9, -1, -1}), 40);
  assert_memory_equal(pack.order, ((int32_t[]){0, 1, 2, 7, 8, 3, 4, 5, 9, 6}), 40);
  assert_memory_equal(pack.step, ((ptrdiff_t[]){0, 5, 9, 10}), 4 * sizeof(ptrdiff_t));
  assert_memory_equal(pack.linked, ((ptrdiff_t[]){4, 1, 0}), 3 * sizeof(ptrdiff_t));
  assert_int_equal(lk_pack_row(&pack, 3, 1), 9);
  assert_int_equal(lk_pack_before(&pack, 6, 0), 5 + 3);
  assert_int_equal(lk_pack_before(&pack, 2, 0), 2); /* the initial state of sequence 2 */
  assert_int_equal(lk_pack_before(&pack, 8, 1), 4);
  assert_int_equal(lk_pack_before(&pack, 0, 1), 5 + 3);
  lk_arena_release(&arena);
}

/* Row of (b, t) counted one by one: shard by shard, time by time, sequence by sequence. */
static ptrdiff_t slow_row(const lk_pack *pack, ptrdiff_t b, ptrdiff_t t) {
  ptrdiff_t row = 0;
  for (int s = 0; s < pack->shards->count; s++)
    for (ptrdiff_t time = 0; time < pack->T; time++)
      for (ptrdiff_t q = pack->shard_seq[s]; q < pack->shard_seq[s + 1]; q++) {
        if (pack->length[q] <= time) continue;
        if (q == b && time == t) return row;
        row++;
      }
  return -1;
}

static void check_rows(const lk_pack *pack) {
  ptrdiff_t rows = 0;
  for (ptrdiff_t b = 0; b < pack->B; b++)
    for (ptrdiff_t t = 0; t < pack->length[b]; t++, rows++) {
      const ptrdiff_t row = slow_row(pack, b, t);
      assert_int_equal(lk_pack_row(pack, b, t), row);
      assert_int_equal(pack->seq[row], b);
      assert_int_equal(pack->time[row], t);
      assert_int_equal(pack->earlier[row], t > 0 ? slow_row(pack, b, t - 1) : -1);
      assert_int_equal(pack->later[row], t + 1 < pack->length[b] ? slow_row(pack, b, t + 1) : -1);
      assert_int_equal(lk_pack_before(pack, row, 0), t > 0 ? pack->B + slow_row(pack, b, t - 1) : b);
    }
  assert_int_equal(rows, pack->N);
}

/* order: by time; with a later row before without; by row inside both. */
static void check_order(const lk_pack *pack) {
  ptrdiff_t at = 0;
  assert_int_equal(pack->step[0], 0);
  for (ptrdiff_t t = 0; t < pack->T; t++) {
    for (int last = 0; last < 2; last++) {
      for (ptrdiff_t row = 0; row < pack->N; row++)
        if (pack->time[row] == t && (pack->later[row] < 0) == (last == 1)) assert_int_equal(pack->order[at++], row);
      if (last == 0) assert_int_equal(pack->linked[t], at - pack->step[t]);
    }
    assert_int_equal(pack->step[t + 1], at);
  }
  assert_int_equal(at, pack->N);
}

static int falling(const void *a, const void *b) { return *(const int32_t *)b - *(const int32_t *)a; }

static void random_shapes(void **state) {
  (void)state;
  enum { MOST_B = 24, MOST_T = 9 };
  const lk_rng rng = lk_rng_make(2, LK_PURPOSE_SHUFFLE);
  const lk_shards shards = lk_shards_make(16, 1, 3); /* five local shards, not the first */
  assert_int_equal(shards.count, 5);
  lk_arena arena;
  lk_pack pack;
  bind(&pack, &arena, &shards, MOST_B, MOST_B * MOST_T, MOST_T);
  int empty_shards = 0, empty_batches = 0;
  for (uint32_t trial = 0; trial < 300; trial++) {
    ptrdiff_t T = 0, N = 0;
    pack.shard_seq[0] = 0;
    for (uint32_t s = 0; s < 5; s++) {
      ptrdiff_t count = (ptrdiff_t)(lk_rng_uniform(rng, trial, s, 0, 0) * (trial % 40 == 0 ? 0.9 : 4.99));
      ptrdiff_t first = pack.shard_seq[s];
      empty_shards += count == 0;
      for (ptrdiff_t i = 0; i < count; i++) {
        int32_t length = 1 + (int32_t)(lk_rng_uniform(rng, trial, s, 1, (uint32_t)i) * MOST_T);
        pack.length[first + i] = length;
        if (length > T) T = length;
        N += length;
      }
      qsort(pack.length + first, (size_t)count, sizeof *pack.length, falling);
      pack.shard_seq[s + 1] = first + count;
    }
    lk_pack_fill(&pack);
    assert_true(pack.B == pack.shard_seq[5] && pack.N == N && pack.T == T);
    empty_batches += N == 0;
    check_rows(&pack);
    check_order(&pack);
  }
  assert_true(empty_shards > 50 && empty_batches > 0); /* both cases occurred */
  lk_arena_release(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(example_of_the_header),
      cmocka_unit_test(random_shapes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
