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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows_of_the_first_steps)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
