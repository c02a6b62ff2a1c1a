/* The figures of the progress line, with a simulated clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "meter_impl.h"

static lk_meter meter;
static double now;

/* Steps of so many seconds each, 100 tokens and 50 units with this loss a unit. */
static void go(int steps, double seconds, double loss) {
  for (int i = 0; i < steps; i++) lk_meter_step(&meter, now += seconds, 100, 50 * loss, 50);
}

static int set_up(void **state) {
  (void)state;
  lk_meter_start(&meter, now = 1000);
  return 0;
}

static void before_the_first_step(void **state) {
  (void)state;
  assert_true(lk_meter_tokens(&meter) == 0 && lk_meter_step_seconds(&meter) == 0 && isnan(lk_meter_loss(&meter)));
}

/* There are figures from the first step on, and they are means. */
static void first_steps(void **state) {
  (void)state;
  go(1, 0.5, 4);
  assert_float_equal(lk_meter_tokens(&meter), 200, 1e-9);
  assert_float_equal(lk_meter_step_seconds(&meter), 0.5, 1e-9);
  assert_float_equal(lk_meter_loss(&meter), 4, 1e-9);
  go(3, 0.5, 0); /* one batch without loss does not make it 0 */
  assert_float_equal(lk_meter_loss(&meter), 1, 1e-9);
}

/* Steps older than the window do not count. */
static void a_window_of_seconds(void **state) {
  (void)state;
  go(1000, 0.1, 8);
  assert_float_equal(lk_meter_step_seconds(&meter), 0.1, 1e-6);
  go(2, 0.1, 0);
  assert_true(lk_meter_loss(&meter) > 7 && lk_meter_loss(&meter) < 7.5); /* 2 of 20 to 24 steps */
  go(110, 0.2, 2);                                                       /* 22 seconds at half the speed */
  assert_float_equal(lk_meter_step_seconds(&meter), 0.2, 1e-6);
  assert_float_equal(lk_meter_tokens(&meter), 500, 1e-6);
  assert_float_equal(lk_meter_loss(&meter), 2, 1e-9);
}

/* Very short steps: the marks still cover the whole window, and little more. */
static void short_steps(void **state) {
  (void)state;
  go(200000, 0.0001, 8);
  go(10000, 0.0001, 4); /* 1 of 2.0 to 2.4 seconds */
  assert_true(lk_meter_loss(&meter) >= 6 - 1e-9 && lk_meter_loss(&meter) < 6.4);
  assert_float_equal(lk_meter_tokens(&meter), 1e6, 1);
}

/* Steps longer than the window: the rate is that of the last one, the loss the mean of 20. */
static void long_steps(void **state) {
  (void)state;
  go(200, 30, 8);
  go(10, 15, 4);
  assert_float_equal(lk_meter_step_seconds(&meter), 15, 1e-6);
  assert_float_equal(lk_meter_loss(&meter), 6, 1e-9);
}

/* The time of an evaluation counts neither in the speed nor in the time of a step. */
static void pauses(void **state) {
  (void)state;
  go(100, 0.1, 8);
  now += 60;
  lk_meter_pause(&meter, 60);
  go(5, 0.1, 8);
  assert_float_equal(lk_meter_step_seconds(&meter), 0.1, 1e-6);
  assert_float_equal(lk_meter_tokens(&meter), 1000, 1e-6);
}

/* Steps that were not applied take time, and have no loss. */
static void skipped_steps(void **state) {
  (void)state;
  go(5, 0.5, 3);
  lk_meter_step(&meter, now += 0.5, 100, NAN, 0);
  assert_float_equal(lk_meter_loss(&meter), 3, 1e-9);
  assert_float_equal(lk_meter_tokens(&meter), 200, 1e-9);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(before_the_first_step, set_up),
                                     cmocka_unit_test_setup(first_steps, set_up),
                                     cmocka_unit_test_setup(a_window_of_seconds, set_up),
                                     cmocka_unit_test_setup(short_steps, set_up),
                                     cmocka_unit_test_setup(long_steps, set_up),
                                     cmocka_unit_test_setup(pauses, set_up),
                                     cmocka_unit_test_setup(skipped_steps, set_up)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
