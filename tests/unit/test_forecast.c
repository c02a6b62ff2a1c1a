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
  assert_near(f.wait, f.link);
  assert_near(f.step, f.compute + f.wait);
  assert_near(f.tokens, 2 * 100 / f.step);

  spec.wire = LK_WIRE_BF16;
  assert_int_equal(lk_forecast_make(&f, &spec), LK_OK);
  assert_near(f.bytes, 2 * 1024 * 2);
  assert_near(f.compute, 0.01 + 0.003 + 0.002 / 2 + 3 * 1024 * 1e-6); /* as many are rounded, and widened */
}

/* Two sections of 2,048 reals: values and gradients of each take 4.096 ms. */
static void sections_travel_meanwhile(void **state) {
  (void)state;
  lk_trial trial = trial_of_one_host();
  lk_forecast_spec spec = {.share = &trial, .hosts = 2, .ranks = 1, .shards = 2, .link = {1e6, 0}};
  lk_forecast f;
  trial.spec = (lk_replicas_spec){.P = 4096, .cut = {2048}, .cuts = 1};
  assert_int_equal(lk_forecast_make(&f, &spec), LK_OK);
  assert_near(f.link, 4 * 0.004096);
  assert_near(f.wait, 2 * 0.004096); /* nothing is told: values are not waited for, gradients are final at the end */

  trial.needed = (lk_moments){2, {{2048, 0.001, 1}, {4096, 0.003, 1}}}; /* the second 5.192 ms too early */
  assert_int_equal(lk_forecast_make(&f, &spec), LK_OK);
  assert_near(f.wait, 0.008192 - 0.003 + 0.008192);

  trial.final = (lk_moments){2, {{2048, 0.006, 1}, {0, 0.0095, 1}}}; /* with that delay at 11.192 and 14.692 ms */
  assert_int_equal(lk_forecast_make(&f, &spec), LK_OK);
  assert_near(f.wait, 0.011192 + 2 * 0.004096 - 0.010);

  trial.final.moment[0].seconds = 0.001; /* the link is still sending values then */
  assert_int_equal(lk_forecast_make(&f, &spec), LK_OK);
  assert_near(f.wait, 0.014692 + 0.004096 - 0.010);

  spec.link.latency = 1e-3; /* a message of each kind, which the bytes share; and two for losses and norm */
  trial.needed.count = 0;
  trial.final.count = 0;
  assert_int_equal(lk_forecast_make(&f, &spec), LK_OK);
  assert_near(f.link, 0.016384 + 0.004);
  assert_near(f.wait, 0.008192 + 0.001 + 0.002);
}

static void one_host_is_what_was_measured(void **state) {
  (void)state;
  const lk_trial trial = trial_of_one_host();
  lk_forecast f;
  assert_int_equal(
      lk_forecast_make(&f, &(lk_forecast_spec){.share = &trial, .hosts = 1, .ranks = 1, .shards = 1, .link = {1, 1}}),
      LK_OK);
  assert_true(f.bytes == 0 && f.link == 0 && f.wait == 0);
  assert_near(f.step, 0.015);
  assert_near(f.tokens, 100 / 0.015);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(two_hosts), cmocka_unit_test(sections_travel_meanwhile),
                                     cmocka_unit_test(one_host_is_what_was_measured)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
