/* Detection of loss spikes, and its settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "spike_impl.h"

static lk_config config;

static int set_up(void **state) {
  (void)state;
  return lk_config_init(&config) == LK_OK ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  lk_error_clear();
  lk_config_release(&config);
  return 0;
}

static void set(const char *assignment) { assert_int_equal(lk_config_override(&config, assignment), LK_OK); }

static void test_reads_policies(void **state) {
  (void)state;
  lk_spike spike;
  assert_int_equal(lk_spike_read(&spike, &config), LK_OK);
  assert_int_equal(spike.policy, LK_SPIKE_OFF); /* by default */
  set("train.spike=skip");
  assert_int_equal(lk_spike_read(&spike, &config), LK_OK);
  assert_int_equal(spike.policy, LK_SPIKE_SKIP);
  assert_int_equal(spike.back, 0);
  set("train.spike=rollback 20");
  set("train.spike_factor=1.5");
  set("train.spike_window=7");
  assert_int_equal(lk_spike_read(&spike, &config), LK_OK);
  assert_int_equal(spike.policy, LK_SPIKE_ROLLBACK);
  assert_int_equal(spike.back, 20);
  assert_true(spike.factor == 1.5);
  assert_int_equal(spike.window, 7);
}

static void test_refuses_nonsense(void **state) {
  (void)state;
  const char *bad[] = {"train.spike=on", "train.spike=rollback", "train.spike=rollback 0", "train.spike=rollback -3",
                       "train.spike=rollback 5 steps"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    lk_spike spike;
    set(bad[i]);
    assert_int_equal(lk_spike_read(&spike, &config), LK_USAGE);
    assert_non_null(strstr(lk_error_get()->text, "expected off, skip or rollback"));
    lk_error_clear();
  }
  assert_int_equal(lk_config_override(&config, "train.spike_factor=1"), LK_USAGE);
  lk_error_clear();
}

/* window 4: losses 1 2 3 4 have the mean 2.5; the next moves it by a quarter of its distance. */
static void test_mean_by_hand(void **state) {
  (void)state;
  const lk_spike spike = {.policy = LK_SPIKE_SKIP, .factor = 2, .window = 4};
  lk_state s = {0};
  for (int i = 1; i <= 4; i++) {
    assert_false(lk_spike_is(&spike, &s, 1e9)); /* before the window is full */
    lk_spike_learn(&spike, &s, i);
  }
  assert_true(fabs(s.spike_mean - 2.5) < 1e-12);
  assert_int_equal(s.spike_count, 4);
  assert_false(lk_spike_is(&spike, &s, 5));
  assert_true(lk_spike_is(&spike, &s, 5.0001));
  lk_spike_learn(&spike, &s, 4.5);
  assert_true(fabs(s.spike_mean - 3) < 1e-12);
}

static void test_off_sees_and_learns_nothing(void **state) {
  (void)state;
  const lk_spike spike = {.policy = LK_SPIKE_OFF, .factor = 2, .window = 1};
  lk_state s = {0};
  lk_spike_learn(&spike, &s, 1);
  assert_int_equal(s.spike_count, 0);
  assert_true(s.spike_mean == 0);
  assert_false(lk_spike_is(&spike, &s, 1e9));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {TEST(test_reads_policies), TEST(test_refuses_nonsense), TEST(test_mean_by_hand),
                                     TEST(test_off_sees_and_learns_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
