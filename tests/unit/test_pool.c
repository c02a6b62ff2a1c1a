/* One case solved by hand: shard 0 with lengths 3 and 1, shard 1 with length 2; width 3, of which 2 forward.
 *
 *   rows   0: seq 0 time 0   1: seq 1 time 0   2: seq 0 time 1   3: seq 0 time 2   |   4: seq 2 time 0   5: seq 2 time 1 */
#include "nn_fixture.h"

#include <math.h>

#include "layers.h"

enum { WIDTH = 3, HALF = 2, LD = 16, N = 6, B = 3 };

static const fixture_corpus corpus = {
    .S = 2, .sequences = 3, .shard_seq = {0, 2, 3}, .length = {3, 1, 2}, .id = {11, 12, 13}};
static const lk_real rows[N][WIDTH] = {{1, 5, -1}, {7, -8, 9}, {4, 5, -3}, {-2, 0, -2}, {0.5, -4, 3}, {0.5, -6, 8}};
static const lk_real given[B][WIDTH] = {{3, 6, 9}, {10, 20, 30}, {-4, -8, -16}};

typedef struct expectation {
  lk_pool pool;
  lk_real y[B][WIDTH], dx[N][WIDTH];
} expectation;

static const expectation by_hand[] = {
    {LK_POOL_LAST,
     {{-2, 0, -1}, {7, -8, 9}, {0.5, -6, 3}},
     {{0, 0, 9}, {10, 20, 30}, {0, 0, 0}, {3, 6, 0}, {0, 0, -16}, {-4, -8, 0}}},
    {LK_POOL_MEAN,
     {{1, (lk_real)10 / 3, -2}, {7, -8, 9}, {0.5, -5, 5.5}},
     {{1, 2, 3}, {10, 20, 30}, {1, 2, 3}, {1, 2, 3}, {-2, -4, -8}, {-2, -4, -8}}},
    {LK_POOL_MAX, /* 5 twice in column 1 of sequence 0, 0.5 twice in column 0 of sequence 2: the first */
     {{4, 5, -1}, {7, -8, 9}, {0.5, -4, 8}},
     {{0, 6, 9}, {10, 20, 30}, {3, 0, 0}, {0, 0, 0}, {-4, -8, 0}, {0, 0, -16}}},
};

static void cases_by_hand(void **state) {
  (void)state;
  fixture_rank k;
  fixture_rank_open(&k, &corpus, 0, 1, NULL);
  assert_int_equal(k.pack.N, N);
  for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
    const expectation *want = &by_hand[i];
    lk_real *x = fixture_alloc(N * LD), *y = fixture_alloc(B * LD), *dy = fixture_alloc(B * LD);
    lk_real *dx = fixture_alloc(N * LD);
    int32_t arg[B * WIDTH];
    for (int r = 0; r < N; r++) memcpy(x + r * LD, rows[r], sizeof rows[r]);
    for (int b = 0; b < B; b++) memcpy(dy + b * LD, given[b], sizeof given[b]);
    lk_pool_forward(want->pool, &k.pack, WIDTH, HALF, x, LD, y, LD, arg);
    lk_pool_backward(want->pool, &k.pack, WIDTH, HALF, dy, LD, arg, dx, LD);
    for (int b = 0; b < B; b++)
      for (int j = 0; j < LD; j++) assert_true(y[b * LD + j] == (j < WIDTH ? want->y[b][j] : 0));
    for (int r = 0; r < N; r++)
      for (int j = 0; j < LD; j++) assert_true(dx[r * LD + j] == (j < WIDTH ? want->dx[r][j] : 0));
    free(x);
    free(y);
    free(dy);
    free(dx);
  }
  fixture_rank_close(&k);
}

/* One direction: the last output is of the last time in all columns. */
static void last_of_one_direction(void **state) {
  (void)state;
  fixture_rank k;
  fixture_rank_open(&k, &corpus, 0, 1, NULL);
  lk_real y[B * WIDTH];
  lk_pool_forward(LK_POOL_LAST, &k.pack, WIDTH, WIDTH, &rows[0][0], WIDTH, y, WIDTH, NULL);
  assert_memory_equal(y, rows[3], sizeof rows[3]);
  assert_memory_equal(y + WIDTH, rows[1], sizeof rows[1]);
  assert_memory_equal(y + 2 * WIDTH, rows[5], sizeof rows[5]);
  fixture_rank_close(&k);
}

static void maximum_does_not_hide_a_nan(void **state) {
  (void)state;
  fixture_rank k;
  fixture_rank_open(&k, &corpus, 0, 1, NULL);
  for (int r = 0; r < N; r++) {
    lk_real x[N * WIDTH], y[B * WIDTH];
    int32_t arg[B * WIDTH];
    memcpy(x, rows, sizeof x);
    x[r * WIDTH] = (lk_real)NAN;
    lk_pool_forward(LK_POOL_MAX, &k.pack, WIDTH, HALF, x, WIDTH, y, WIDTH, arg);
    for (int b = 0; b < B; b++) assert_int_equal(isnan(y[b * WIDTH]) != 0, k.pack.seq[r] == b);
  }
  fixture_rank_close(&k);
}

static void names_stand_in_the_order_of_the_enum(void **state) {
  (void)state;
  size_t count;
  const char *const *names = lk_pool_names(&count);
  assert_int_equal(count, 3);
  assert_string_equal(names[LK_POOL_LAST], "last");
  assert_string_equal(names[LK_POOL_MEAN], "mean");
  assert_string_equal(names[LK_POOL_MAX], "max");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cases_by_hand),
      cmocka_unit_test(last_of_one_direction),
      cmocka_unit_test(maximum_does_not_hide_a_nan),
      cmocka_unit_test(names_stand_in_the_order_of_the_enum),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
