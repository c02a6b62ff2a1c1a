/* Which rows of embeddings so many steps touch, by the first step that touched each. */
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void rows_of_the_first_steps(void **state) {
  (void)state;
  enum { ROWS = 5 };
  uint8_t first_use[ROWS] = {0, 3, LK_TRIAL_UNUSED, 254, 1}, marks[ROWS];
  const lk_trial trial = {.rows = ROWS, .first_use = first_use};
  static const struct {
    int steps;
    uint8_t marks[ROWS];
  } cases[] = {{1, {1, 0, 0, 0, 0}}, {2, {1, 0, 0, 0, 1}}, {4, {1, 1, 0, 0, 1}}, {4096, {1, 1, 0, 1, 1}}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lk_trial_rows(&trial, cases[i].steps, marks);
    assert_memory_equal(marks, cases[i].marks, ROWS);
  }
}

/* Two steps in two parts each. */
static void moments_are_means_of_first_times(void **state) {
  (void)state;
  lk_moments m = {0};
  lk_moments_note(&m, 100, 1, 0);
  lk_moments_note(&m, 300, 2, 0);
  lk_moments_note(&m, 100, 5, 0);
  lk_moments_note(&m, 300, 6, 0);
  lk_moments_note(&m, 100, 2, 1);
  lk_moments_note(&m, 300, 4, 1);
  lk_moments_note(&m, 100, 9, 1);
  assert_int_equal(m.count, 2);
  assert_true(m.moment[0].at == 100 && m.moment[0].seconds == 1.5);
  assert_true(m.moment[1].at == 300 && m.moment[1].seconds == 3);
  for (int i = 0; i < 2 * LK_MOST_MOMENTS; i++) lk_moments_note(&m, 1000 + i, 1, 1);
  assert_int_equal(m.count, LK_MOST_MOMENTS);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows_of_the_first_steps),
                                     cmocka_unit_test(moments_are_means_of_first_times)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
