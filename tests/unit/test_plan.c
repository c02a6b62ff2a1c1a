/* The batch plan: pure arithmetic, tested for many shapes. */
#include "plan_impl.h"

#include <math.h>

#include "data_fixture.h"

static lk_plan plan_of(int shards, ptrdiff_t rows, ptrdiff_t batch, ptrdiff_t pool, bool shuffle) {
  return (lk_plan){.shards = shards,
                   .rows = rows,
                   .batch = batch,
                   .pool = pool,
                   .shuffle = shuffle,
                   .rng = lk_rng_make(7, LK_PURPOSE_SHUFFLE)};
}

static const struct {
  int shards;
  ptrdiff_t rows, batch;
} shapes[] = {{8, 1000, 32}, {8, 1003, 20}, {8, 5, 4}, {8, 5, 100}, {1, 17, 5}, {3, 100, 1}, {7, 6, 6}, {16, 999, 50}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* A bucket's blocks are adjacent and cover it; over all buckets a shard owns as many rows as its positions need. */
static void blocks_cover_the_buckets(void **state) {
  (void)state;
  const ptrdiff_t bucket[] = {3, 0, 17, 1, 64, 5, 5, 9, 1000, 2};
  for (int S = 1; S <= 20; S++) {
    ptrdiff_t before = 0, owned[20] = {0};
    lk_plan plan = plan_of(S, 1106, 32, 0, true);
    for (size_t k = 0; k < sizeof bucket / sizeof *bucket; before += bucket[k++]) {
      ptrdiff_t end = 0;
      for (int s = 0; s < S; s++) {
        const lk_range block = lk_plan_block(&plan, s, before, bucket[k]);
        assert_int_equal(block.begin, end);
        assert_true(lk_range_size(block) == bucket[k] / S || lk_range_size(block) == bucket[k] / S + 1);
        owned[s] += lk_range_size(block);
        end = block.end;
      }
      assert_int_equal(end, bucket[k]);
    }
    assert_int_equal(before, plan.rows);
    for (int s = 0; s < S; s++) assert_int_equal(owned[s], lk_plan_owned(&plan, s));
  }
}

/* A step takes `batch` rows over all shards, the last one the rest; shards differ by one row at most. */
static void shares_fill_the_steps(void **state) {
  (void)state;
  for (int i = 0; i < SHAPES; i++) {
    const lk_plan plan = plan_of(shapes[i].shards, shapes[i].rows, shapes[i].batch, 0, true);
    const int64_t steps = lk_plan_steps(&plan);
    ptrdiff_t *next = calloc((size_t)plan.shards, sizeof *next), *most = calloc((size_t)plan.shards, sizeof *most);
    assert_int_equal(steps, (plan.rows + plan.batch - 1) / plan.batch);
    for (int64_t slot = 0; slot < steps; slot++) {
      ptrdiff_t taken = 0, low = PTRDIFF_MAX, high = 0;
      for (int s = 0; s < plan.shards; s++) {
        const lk_range share = lk_plan_rows(&plan, s, slot);
        const ptrdiff_t size = lk_range_size(share);
        assert_int_equal(share.begin, next[s]);
        next[s] = share.end;
        taken += size;
        if (size < low) low = size;
        if (size > high) high = size;
        if (size > most[s]) most[s] = size;
      }
      assert_true(high - low <= 1);
      assert_int_equal(taken, slot + 1 < steps ? plan.batch : plan.rows - slot * plan.batch);
    }
    for (int s = 0; s < plan.shards; s++) {
      assert_int_equal(next[s], lk_plan_owned(&plan, s));
      assert_int_equal(most[s], lk_plan_most_rows(&plan, s));
    }
    free(next);
    free(most);
  }
}

static void sorting_is_stable(void **state) {
  (void)state;
  enum { N = 1000 };
  int32_t key[N] = {0}, order[N], scratch[N];
  for (int n = 0; n <= N; n = n < 20 ? n + 1 : n * 3 / 2) {
    for (int i = 0; i < n; i++) {
      key[i] = (int32_t)((unsigned)i * 2654435761u >> 27);
      order[i] = i;
    }
    lk_sort_falling(order, scratch, n, key);
    for (int i = 1; i < n; i++)
      assert_true(key[order[i - 1]] > key[order[i]] || (key[order[i - 1]] == key[order[i]] && order[i - 1] < order[i]));
  }
}

enum { ROWS = 1003, SHARD = 3 };

static ptrdiff_t order_of(const lk_plan *plan, int64_t epoch, int32_t *out, int32_t *length) {
  int32_t scratch[2 * ROWS];
  const ptrdiff_t owned = lk_plan_owned(plan, SHARD);
  for (ptrdiff_t i = 0; i < owned; i++) length[i] = (int32_t)(i * 7919 % 61) + 1;
  lk_plan_order(plan, SHARD, epoch, length, out, scratch);
  return owned;
}

static void orders_are_permutations_sorted_inside_pools(void **state) {
  (void)state;
  const ptrdiff_t pools[] = {0, 1, 4, 1000};
  int32_t order[ROWS], again[ROWS], length[ROWS];
  for (int p = 0; p < 4; p++) {
    const lk_plan plan = plan_of(8, ROWS, 20, pools[p], true);
    const int64_t steps = lk_plan_steps(&plan);
    bool seen[ROWS] = {false};
    const ptrdiff_t owned = order_of(&plan, 2, order, length);
    for (ptrdiff_t i = 0; i < owned; i++) {
      assert_true(order[i] >= 0 && order[i] < owned && !seen[order[i]]);
      seen[order[i]] = true;
    }
    for (int64_t slot = 0; slot < steps; slot++) {
      const lk_range share = lk_plan_rows(&plan, SHARD, slot);
      const bool begins_pool = slot == 0 || (pools[p] > 0 && slot % pools[p] == 0);
      for (ptrdiff_t i = share.begin + (begins_pool ? 1 : 0); i < share.end; i++)
        assert_true(length[order[i - 1]] >= length[order[i]]);
    }
    (void)order_of(&plan, 2, again, length);
    assert_memory_equal(order, again, (size_t)owned * sizeof *order);
    (void)order_of(&plan, 3, again, length);
    assert_memory_not_equal(order, again, (size_t)owned * sizeof *order);
  }
}

/* Every shuffle window has rows of all lengths: their sums differ less than by chance. */
static void pools_are_alike_in_length(void **state) {
  (void)state;
  int32_t order[ROWS], length[ROWS];
  const lk_plan plan = plan_of(8, ROWS, 20, 4, true);
  const int64_t steps = lk_plan_steps(&plan);
  (void)order_of(&plan, 1, order, length);
  double low = 1e9, high = 0;
  for (int64_t slot = 0; slot + 4 <= steps; slot += 4) {
    const ptrdiff_t begin = lk_plan_rows(&plan, SHARD, slot).begin, end = lk_plan_rows(&plan, SHARD, slot + 3).end;
    double sum = 0;
    for (ptrdiff_t i = begin; i < end; i++) sum += length[order[i]];
    const double mean = sum / (double)(end - begin);
    if (mean < low) low = mean;
    if (mean > high) high = mean;
  }
  assert_true(low > 28 && high < 34); /* lengths are even over 1 .. 61 */
}

static void without_shuffling_all_is_by_length(void **state) {
  (void)state;
  int32_t order[ROWS], length[ROWS], visits[ROWS];
  const lk_plan plan = plan_of(8, ROWS, 20, 4, false);
  const ptrdiff_t owned = order_of(&plan, 5, order, length);
  for (ptrdiff_t i = 1; i < owned; i++)
    assert_true(length[order[i - 1]] > length[order[i]] ||
                (length[order[i - 1]] == length[order[i]] && order[i - 1] < order[i]));
  lk_plan_visits(&plan, 5, visits);
  for (int i = 0; i < lk_plan_steps(&plan); i++) assert_int_equal(visits[i], i);
}

static void steps_are_visited_in_a_new_order_each_epoch(void **state) {
  (void)state;
  const lk_plan plan = plan_of(8, ROWS, 20, 0, true);
  const int64_t steps = lk_plan_steps(&plan);
  int32_t visits[ROWS], other[ROWS];
  bool seen[ROWS] = {false};
  lk_plan_visits(&plan, 0, visits);
  lk_plan_visits(&plan, 1, other);
  assert_memory_not_equal(visits, other, (size_t)steps * sizeof *visits);
  for (int64_t i = 0; i < steps; i++) {
    assert_true(visits[i] >= 0 && visits[i] < steps && !seen[visits[i]]);
    seen[visits[i]] = true;
  }
}

static void lanes_cover_a_text_once(void **state) {
  (void)state;
  const ptrdiff_t units[] = {2, 3, 100, 1003, 9973};
  for (int u = 0; u < 5; u++)
    for (ptrdiff_t lanes = 1; lanes < units[u] && lanes <= 50; lanes++) {
      ptrdiff_t end = 0, lane_end = 0;
      for (ptrdiff_t l = 0; l < lanes; l++) {
        const lk_range lane = lk_plan_lane(units[u], lanes, l);
        assert_int_equal(lane.begin, end);
        assert_int_equal(lane.begin, (units[u] - 1) * l / lanes);
        assert_true(lk_range_size(lane) >= 1);
        end = lane.end;
      }
      assert_int_equal(end, units[u] - 1);
      for (int s = 0; s < 8; s++) {
        const lk_range mine = lk_plan_lanes(8, lanes, s);
        assert_int_equal(mine.begin, lane_end);
        lane_end = mine.end;
      }
      assert_int_equal(lane_end, lanes);
    }
}

/* Windows of equal length, and of lengths drawn as in AWD-LSTM. */
static void windows_follow_each_other(void **state) {
  (void)state;
  enum { LENGTH = 70000, MOST = 1100 };
  int64_t begin[MOST + 1], other[MOST + 1];
  int32_t scratch[MOST];
  const lk_windows equal = {.length = 103, .unroll = 10};
  assert_int_equal(lk_windows_count(&equal), 11);
  lk_windows_place(&equal, 0, begin, scratch);
  for (int k = 0; k < 11; k++) assert_int_equal(begin[k], 10 * k);
  assert_int_equal(begin[11], 103);

  lk_windows drawn = {.length = LENGTH, .unroll = 70, .random = true, .rng = lk_rng_make(3, LK_PURPOSE_WINDOW)};
  const int64_t count = lk_windows_count(&drawn);
  assert_true(count >= 1025 && count <= MOST);
  lk_windows_place(&drawn, 4, begin, scratch);
  assert_true(begin[0] == 0 && begin[count] == LENGTH);
  int few = 0;
  double sum = 0, square = 0;
  for (int64_t k = 0; k < count; k++) {
    const double length = (double)(begin[k + 1] - begin[k]);
    if (length < 50)
      few++;
    else
      sum += length, square += length * length;
  }
  const double n = (double)(count - few), mean = sum / n;
  assert_int_equal(few, count / 20);
  assert_true(fabs(mean - 70) < 1 && fabs(sqrt(square / n - mean * mean) - 4.8) < 0.6);
  lk_windows_place(&drawn, 4, other, scratch);
  assert_memory_equal(begin, other, (size_t)(count + 1) * sizeof *begin);
  lk_windows_place(&drawn, 5, other, scratch);
  assert_memory_not_equal(begin, other, (size_t)(count + 1) * sizeof *begin);
}

/* No window is empty or longer than the bound, however short the text. */
static void windows_have_bounds(void **state) {
  (void)state;
  int64_t begin[400];
  int32_t scratch[400];
  for (ptrdiff_t unroll = 1; unroll < 30; unroll++)
    for (ptrdiff_t length = 1; length < 300; length += length < 20 ? 1 : 23) {
      lk_windows w = {.length = length, .unroll = unroll, .random = true, .rng = lk_rng_make(8, LK_PURPOSE_WINDOW)};
      const int64_t count = lk_windows_count(&w);
      for (int64_t epoch = 0; epoch < 40; epoch++) {
        lk_windows_place(&w, epoch, begin, scratch);
        assert_true(begin[0] == 0 && begin[count] == length);
        for (int64_t k = 0; k < count; k++) {
          assert_true(begin[k + 1] > begin[k]);
          assert_true(begin[k + 1] - begin[k] <= lk_windows_longest(&w));
        }
      }
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(windows_follow_each_other),
                                     cmocka_unit_test(windows_have_bounds),
                                     cmocka_unit_test(blocks_cover_the_buckets),
                                     cmocka_unit_test(shares_fill_the_steps),
                                     cmocka_unit_test(sorting_is_stable),
                                     cmocka_unit_test(orders_are_permutations_sorted_inside_pools),
                                     cmocka_unit_test(pools_are_alike_in_length),
                                     cmocka_unit_test(without_shuffling_all_is_by_length),
                                     cmocka_unit_test(steps_are_visited_in_a_new_order_each_epoch),
                                     cmocka_unit_test(lanes_cover_a_text_once)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
