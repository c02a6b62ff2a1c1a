/* A step on several hosts, computed by hand from what a trial measured on one. */
#include "forecast.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "status.h"

/* 2,048 reals; each of two hosts owns and sends half of them, in one message each way. */
static lk_trial trial_of_one_host(void) {
  lk_trial trial = {.shards = 1, .steps = 10, .tokens = 100, .move_seconds = 1e-6, .spec = {.P = 2048}};
  trial.seconds[LK_TIME_NET] = 0.01;
  trial.seconds[LK_TIME_SUM] = 0.003;
  trial.seconds[LK_TIME_UPDATE] = 0.002;
  return trial;
}

static void assert_near(double x, double y) { assert_true(x > y * (1 - 1e-12) && x < y * (1 + 1e-12)); }

static void two_hosts(void **state) {
  (void)state;
  const lk_trial trial = trial_of_one_host();
  lk_forecast_spec spec = {.share = &trial, .hosts = 2, .ranks = 1, .shards = 2, .link = {1e6, 1e-3}};
  lk_forecast f;
  assert_int_equal(lk_forecast_make(&f, &spec), LK_OK);
  assert_near(f.bytes, 2 * 1024 * 4);
  assert_near(f.link, 8192 / 1e6 + 4 * 1e-3); /* gradients, values, losses, norm: four messages that wait */
  assert_near(f.compute, 0.01 + 0.003 + 0.002 / 2 + 1024 * 1e-6); /* half the update; 1,024 reals are added */
  assert_near(f.step, f.compute + f.link);
  assert_near(f.tokens, 2 * 100 / f.step);

  spec.wire = LK_WIRE_BF16;
  assert_int_equal(lk_forecast_make(&f, &spec), LK_OK);
  assert_near(f.bytes, 2 * 1024 * 2);
  assert_near(f.compute, 0.01 + 0.003 + 0.002 / 2 + 3 * 1024 * 1e-6); /* as many are rounded, and widened */
}

static void one_host_is_what_was_measured(void **state) {
  (void)state;
  const lk_trial trial = trial_of_one_host();
  lk_forecast f;
  assert_int_equal(
      lk_forecast_make(&f, &(lk_forecast_spec){.share = &trial, .hosts = 1, .ranks = 1, .shards = 1, .link = {1, 1}}),
      LK_OK);
  assert_true(f.bytes == 0 && f.link == 0);
  assert_near(f.step, 0.015);
  assert_near(f.tokens, 100 / 0.015);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(two_hosts), cmocka_unit_test(one_host_is_what_was_measured)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
