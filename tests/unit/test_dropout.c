#include "nn_fixture.h"

#include <math.h>

#include "layers.h"

#define WIDTH 37 /* not a multiple of a block of random numbers */
#define LD    48

static const lk_mode training = {.training = 1, .seed = 9, .step = 4};

/* The mask of rank r of R as seen on ones: y [N, LD] of that rank. */
static lk_real *masks(fixture_rank *k, const fixture_corpus *c, int r, int R, lk_mode mode, int variational,
                      int layer) {
  fixture_rank_open(k, c, r, R, NULL);
  lk_real *x = fixture_alloc(k->pack.N * LD);
  for (ptrdiff_t i = 0; i < k->pack.N * LD; i++) x[i] = 1;
  lk_dropout(&k->pack, mode, 0.25, variational, layer, WIDTH, x, LD, x, LD);
  return x;
}

/* A (corpus row, time) has the same mask on any rank and beside any other rows. */
static void mask_does_not_depend_on_the_batch(void **state) {
  (void)state;
  fixture_corpus c = fixture_deal(8, 3, 9, 1);
  for (int variational = 0; variational < 2; variational++) {
    fixture_rank all;
    lk_real *want = masks(&all, &c, 0, 1, training, variational, 2);
    for (int r = 0; r < 3; r++) {
      fixture_rank part;
      lk_real *got = masks(&part, &c, r, 3, training, variational, 2);
      ptrdiff_t base = all.pack.shard_seq[part.shards.first];
      for (ptrdiff_t i = 0; i < part.pack.N; i++) {
        ptrdiff_t row = lk_pack_row(&all.pack, base + part.pack.seq[i], part.pack.time[i]);
        assert_memory_equal(got + i * LD, want + row * LD, WIDTH * sizeof *got);
      }
      free(got);
      fixture_rank_close(&part);
    }
    free(want);
    fixture_rank_close(&all);
  }
}

/* The number of rows whose masks agree. */
static double agreement(const lk_real *a, const lk_real *b, ptrdiff_t rows) {
  double same = 0;
  for (ptrdiff_t r = 0; r < rows; r++) same += memcmp(a + r * LD, b + r * LD, WIDTH * sizeof *a) == 0;
  return same / (double)rows;
}

static void masks_differ_by_step_layer_and_seed(void **state) {
  (void)state;
  fixture_corpus c = fixture_deal(8, 3, 9, 1);
  const lk_mode mode[4] = {training, training, {1, 9, 5}, {1, 10, 4}};
  const int layer[4] = {2, 3, 2, 2};
  fixture_rank k[4];
  lk_real *y[4];
  for (int i = 0; i < 4; i++) y[i] = masks(&k[i], &c, 0, 1, mode[i], 0, layer[i]);
  for (int i = 1; i < 4; i++) assert_true(agreement(y[0], y[i], k[0].pack.N) < 0.05);
  lk_real *first = y[0], *second = y[0] + LD; /* two sequences at time 0 */
  assert_true(agreement(first, second, 1) < 0.5);
  for (int i = 0; i < 4; i++) {
    free(y[i]);
    fixture_rank_close(&k[i]);
  }
}

static void variational_mask_is_one_for_all_times(void **state) {
  (void)state;
  fixture_corpus c = fixture_deal(4, 3, 9, 1);
  fixture_rank k;
  for (int variational = 0; variational < 2; variational++) {
    lk_real *y = masks(&k, &c, 0, 1, training, variational, 0);
    ptrdiff_t links = 0, same = 0;
    for (ptrdiff_t r = 0; r < k.pack.N; r++) {
      if (k.pack.later[r] < 0) continue;
      links++;
      same += memcmp(y + r * LD, y + k.pack.later[r] * LD, WIDTH * sizeof *y) == 0;
    }
    assert_true(links > 10);
    assert_int_equal(same, variational ? links : 0);
    free(y);
    fixture_rank_close(&k);
  }
}

/* Each unit is kept with probability 1 - rate and then divided by it: within five standard errors. */
static void share_and_scale(void **state) {
  (void)state;
  fixture_corpus c = fixture_deal(8, 4, 40, 3);
  fixture_rank k;
  fixture_rank_open(&k, &c, 0, 1, NULL);
  const double rates[] = {0.1, 0.5, 0.9};
  for (int i = 0; i < 3; i++) {
    double keep = 1 - rates[i], kept = 0, n = (double)(k.pack.N * WIDTH);
    lk_real *x = fixture_alloc(k.pack.N * LD), *y = fixture_alloc(k.pack.N * LD);
    fixture_rows(&k.pack, 5, WIDTH, x, LD);
    lk_dropout(&k.pack, training, rates[i], 0, 1, WIDTH, x, LD, y, LD);
    for (ptrdiff_t r = 0; r < k.pack.N; r++)
      for (ptrdiff_t u = 0; u < WIDTH; u++) {
        double in = (double)x[r * LD + u], out = (double)y[r * LD + u];
        if (out == 0) continue;
        kept++;
        assert_true(fabs(out - in / keep) <= 1e-6 * fabs(out));
      }
    assert_true(n > 5000 && fabs(kept / n - keep) < 5 * sqrt(keep * (1 - keep) / n));
    free(x);
    free(y);
  }
  fixture_rank_close(&k);
}

static void a_copy_where_nothing_is_dropped(void **state) {
  (void)state;
  fixture_corpus c = fixture_deal(2, 3, 9, 1);
  fixture_rank k;
  fixture_rank_open(&k, &c, 0, 1, NULL);
  lk_real *x = fixture_alloc(k.pack.N * LD), *y = fixture_alloc(k.pack.N * LD);
  fixture_rows(&k.pack, 5, WIDTH, x, LD);
  lk_mode still = training;
  still.training = 0;
  lk_dropout(&k.pack, still, 0.5, 0, 1, WIDTH, x, LD, y, LD);
  assert_true(agreement(x, y, k.pack.N) == 1);
  memset(y, 0, (size_t)(k.pack.N * LD) * sizeof *y);
  lk_dropout(&k.pack, training, 0, 0, 1, WIDTH, x, LD, y, LD);
  assert_true(agreement(x, y, k.pack.N) == 1);
  free(x);
  free(y);
  fixture_rank_close(&k);
}

/* Dropped values are zero, also where they were NaN; masking in place and into another array is the same. */
static void dropped_units_are_zero_even_of_a_nan(void **state) {
  (void)state;
  fixture_corpus c = fixture_deal(2, 3, 9, 1);
  fixture_rank k;
  lk_real *mask = masks(&k, &c, 0, 1, training, 0, 1);
  lk_real *x = fixture_alloc(k.pack.N * LD), *y = fixture_alloc(k.pack.N * LD);
  lk_dropout(&k.pack, training, 0.25, 0, 1, WIDTH, x, LD, y, LD);
  for (ptrdiff_t r = 0; r < k.pack.N; r++)
    for (ptrdiff_t u = 0; u < WIDTH; u++)
      assert_true(mask[r * LD + u] == 0 ? y[r * LD + u] == 0 : isnan(y[r * LD + u]));
  free(mask);
  free(x);
  free(y);
  fixture_rank_close(&k);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mask_does_not_depend_on_the_batch),     cmocka_unit_test(masks_differ_by_step_layer_and_seed),
      cmocka_unit_test(variational_mask_is_one_for_all_times), cmocka_unit_test(share_and_scale),
      cmocka_unit_test(a_copy_where_nothing_is_dropped),       cmocka_unit_test(dropped_units_are_zero_even_of_a_nan),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
