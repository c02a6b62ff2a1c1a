/* Counts of (expected, predicted) classes: against a matrix, with many classes, and by hand. */
#include "pairs.h"

#include "data_fixture.h"
#include "rng.h"

static void test_as_a_matrix(void **state) {
  (void)state;
  enum { K = 37, ROUNDS = 20000 };
  static int64_t matrix[K][K];
  lk_pairs pairs = {0};
  lk_pair *list;
  ptrdiff_t n, at = 0;
  lk_rng rng = lk_rng_make(4, LK_PURPOSE_SAMPLE);
  for (uint32_t i = 0; i < ROUNDS; i++) {
    const double u = lk_rng_uniform(rng, i, 0, 0, 0), v = lk_rng_uniform(rng, i, 1, 0, 0);
    const int32_t gold = (int32_t)(u * K), found = (int32_t)(v * v * v * K);
    matrix[gold][found] += 1 + i % 3;
    assert_int_equal(lk_pairs_add(&pairs, gold, found, 1 + i % 3), LK_OK);
  }
  lk_pairs_take(&pairs, &list, &n);
  for (int32_t gold = 0; gold < K; gold++)
    for (int32_t found = 0; found < K; found++) {
      if (matrix[gold][found] == 0) continue;
      assert_true(at < n);
      assert_int_equal(list[at].gold, gold);
      assert_int_equal(list[at].found, found);
      assert_int_equal(list[at++].count, matrix[gold][found]);
    }
  assert_int_equal(at, n);
  free(list);
  lk_pairs_release(&pairs);
}

static void test_many_classes(void **state) {
  (void)state;
  enum { K = 100000 };
  lk_pairs pairs = {0};
  lk_pair *list;
  ptrdiff_t n;
  for (int round = 0; round < 2; round++)
    for (int32_t i = 0; i < K; i++) assert_int_equal(lk_pairs_add(&pairs, i, K - i, 1), LK_OK);
  assert_true(pairs.capacity <= 4 * K * sizeof(char) * 2);
  lk_pairs_take(&pairs, &list, &n);
  assert_int_equal(n, K);
  for (int32_t i = 0; i < K; i++) assert_true(list[i].gold == i && list[i].found == K - i && list[i].count == 2);
  free(list);
}

static void test_empty(void **state) {
  (void)state;
  lk_pairs pairs = {0};
  lk_pair *list;
  ptrdiff_t n = -1;
  lk_pairs_take(&pairs, &list, &n);
  assert_int_equal(n, 0);
  free(list);
  lk_pairs_release(&pairs);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_as_a_matrix),
      cmocka_unit_test(test_many_classes),
      cmocka_unit_test(test_empty),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
