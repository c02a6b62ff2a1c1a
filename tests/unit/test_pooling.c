/* One case solved by hand: shard 0 with lengths 3 and 1, shard 1 with length 2; width 3, of which 2 forward.
 *
 *   rows   0: seq 0 time 0   1: seq 1 time 0   2: seq 0 time 1   3: seq 0 time 2   |   4: seq 2 time 0   5: seq 2 time 1 */
#include "nn_fixture.h"

#include <math.h>

#include "pooling.h"

enum { WIDTH = 3, HALF = 2, LD = 16, N = 6, B = 3 };

static const fixture_corpus corpus = {
    .S = 2, .sequences = 3, .shard_seq = {0, 2, 3}, .length = {3, 1, 2}, .id = {11, 12, 13}};
static const lk_real rows[N][WIDTH] = {{1, 5, -1}, {7, -8, 9}, {4, 5, -3}, {-2, 0, -2}, {0.5, -4, 3}, {0.5, -6, 8}};
static const lk_real given[B][WIDTH] = {{3, 6, 9}, {10, 20, 30}, {-4, -8, -16}};

typedef struct expectation {
  lk_pooling_kind kind;
  lk_real y[B][WIDTH], dx[N][WIDTH];
} expectation;

static const expectation by_hand[] = {
    {LK_POOLING_LAST,
     {{-2, 0, -1}, {7, -8, 9}, {0.5, -6, 3}},
     {{0, 0, 9}, {10, 20, 30}, {0, 0, 0}, {3, 6, 0}, {0, 0, -16}, {-4, -8, 0}}},
    {LK_POOLING_MEAN,
     {{1, (lk_real)10 / 3, -2}, {7, -8, 9}, {0.5, -5, 5.5}},
     {{1, 2, 3}, {10, 20, 30}, {1, 2, 3}, {1, 2, 3}, {-2, -4, -8}, {-2, -4, -8}}},
    {LK_POOLING_MAX, /* 5 twice in column 1 of sequence 0, 0.5 twice in column 0 of sequence 2: the first */
     {{4, 5, -1}, {7, -8, 9}, {0.5, -4, 8}},
     {{0, 6, 9}, {10, 20, 30}, {3, 0, 0}, {0, 0, 0}, {-4, -8, 0}, {0, 0, -16}}},
};

/* A layer as model.pooling names it, with room for B sequences. */
static void open_layer(lk_pooling *p, lk_arena *arena, const char *setting, int directions) {
  lk_config config;
  assert_int_equal(lk_config_init(&config), LK_OK);
  assert_int_equal(lk_config_override(&config, setting), LK_OK);
  assert_int_equal(lk_pooling_declare(p, &config, WIDTH, directions), LK_OK);
  lk_config_release(&config);
  *arena = (lk_arena){0};
  lk_pooling_layout(p, arena, B, 1);
  assert_int_equal(lk_arena_reserve(arena), LK_OK);
  fixture_poison(arena);
  lk_pooling_layout(p, arena, B, 1);
  assert_int_equal(p->ld, LD);
}

static const char *const settings[] = {"model.pooling=last", "model.pooling=mean", "model.pooling=max"};

static void cases_by_hand(void **state) {
  (void)state;
  fixture_rank k;
  fixture_rank_open(&k, &corpus, 0, 1, NULL);
  assert_int_equal(k.pack.N, N);
  for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
    const expectation *want = &by_hand[i];
    lk_pooling p;
    lk_arena arena;
    open_layer(&p, &arena, settings[i], 1);
    assert_int_equal(p.kind, want->kind);
    p.half = HALF;
    lk_real *x = fixture_alloc(N * LD), *dx = fixture_alloc(N * LD);
    for (int r = 0; r < N; r++) memcpy(x + r * LD, rows[r], sizeof rows[r]);
    for (int b = 0; b < B; b++) memcpy(p.dy + b * LD, given[b], sizeof given[b]);
    lk_pooling_forward(&p, &k.pack, x, LD);
    lk_pooling_backward(&p, &k.pack, dx, LD);
    for (int b = 0; b < B; b++)
      for (int j = 0; j < LD; j++) assert_true(p.y[b * LD + j] == (j < WIDTH ? want->y[b][j] : 0));
    for (int r = 0; r < N; r++)
      for (int j = 0; j < LD; j++) assert_true(dx[r * LD + j] == (j < WIDTH ? want->dx[r][j] : 0));
    free(x);
    free(dx);
    lk_arena_release(&arena);
  }
  fixture_rank_close(&k);
}

/* One direction: the last output is of the last time in all columns. */
static void last_of_one_direction(void **state) {
  (void)state;
  fixture_rank k;
  lk_pooling p;
  lk_arena arena;
  fixture_rank_open(&k, &corpus, 0, 1, NULL);
  open_layer(&p, &arena, settings[0], 1);
  lk_pooling_forward(&p, &k.pack, &rows[0][0], WIDTH);
  assert_memory_equal(p.y, rows[3], sizeof rows[3]);
  assert_memory_equal(p.y + LD, rows[1], sizeof rows[1]);
  assert_memory_equal(p.y + 2 * LD, rows[5], sizeof rows[5]);
  lk_arena_release(&arena);
  fixture_rank_close(&k);
}

static void maximum_does_not_hide_a_nan(void **state) {
  (void)state;
  fixture_rank k;
  lk_pooling p;
  lk_arena arena;
  fixture_rank_open(&k, &corpus, 0, 1, NULL);
  open_layer(&p, &arena, settings[2], 1);
  for (int r = 0; r < N; r++) {
    lk_real x[N * WIDTH];
    memcpy(x, rows, sizeof x);
    x[r * WIDTH] = (lk_real)NAN;
    lk_pooling_forward(&p, &k.pack, x, WIDTH);
    for (int b = 0; b < B; b++) assert_int_equal(isnan(p.y[b * LD]) != 0, k.pack.seq[r] == b);
  }
  lk_arena_release(&arena);
  fixture_rank_close(&k);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cases_by_hand),
      cmocka_unit_test(last_of_one_direction),
      cmocka_unit_test(maximum_does_not_hide_a_nan),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
