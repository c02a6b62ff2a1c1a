/* log, exp, power and cosine against libm in long double, and their bits against those of the first machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "fixed_math.h"
#include "rng.h"

static double uniform(uint32_t stream, uint32_t i) {
  return lk_rng_uniform(lk_rng_make(5, LK_PURPOSE_SAMPLE), stream, i, 0, 0);
}

/* |y - truth| in units in the last place of the truth. */
static double ulps(double y, long double truth) {
  const double near = fabs((double)truth);
  return (double)(fabsl((long double)y - truth) / (long double)(nextafter(near, INFINITY) - near));
}

static void test_log(void **state) {
  (void)state;
  double worst = 0;
  for (uint32_t i = 0; i < 200000; i++) {
    const double u = uniform(1, i), x = i % 3 == 0 ? u : i % 3 == 1 ? 0.5 + u : ldexp(1 + u, (int)(i % 2000) - 1000);
    worst = fmax(worst, ulps(lk_fixed_log(x), logl((long double)x)));
  }
  print_message("log: %.3f units in the last place\n", worst);
  assert_true(worst < 1);
  assert_true(lk_fixed_log(1) == 0 && lk_fixed_log(0) == -INFINITY && lk_fixed_log(INFINITY) == INFINITY);
  assert_true(isnan(lk_fixed_log(-1)) && isnan(lk_fixed_log(NAN)));
}

static void test_exp(void **state) {
  (void)state;
  double worst = 0;
  for (uint32_t i = 0; i < 200000; i++) {
    const double u = uniform(2, i), x = i % 2 ? 2 * u - 1 : 1400 * u - 700;
    worst = fmax(worst, ulps(lk_fixed_exp(x), expl((long double)x)));
  }
  print_message("exp: %.3f units in the last place\n", worst);
  assert_true(worst < 1);
  assert_true(lk_fixed_exp(0) == 1 && lk_fixed_exp(-1e9) == 0 && lk_fixed_exp(1e9) == INFINITY);
  assert_true(lk_fixed_exp(-INFINITY) == 0 && lk_fixed_exp(INFINITY) == INFINITY && isnan(lk_fixed_exp(NAN)));
}

static void test_power(void **state) {
  (void)state;
  double worst = 0;
  static const double base[] = {0.9, 0.99, 0.999, 0.9999, 0.5, 0.8, 1.5};
  for (size_t b = 0; b < sizeof base / sizeof *base; b++)
    for (int n = 1; n < 890; n += 3) /* below 2^-900 it is 0 */
      worst = fmax(worst, ulps(lk_fixed_power(base[b], n), powl((long double)base[b], (long double)n)));
  print_message("whole powers: %.3f units in the last place\n", worst);
  assert_true(worst < 0.51);
  for (uint32_t i = 0; i < 10000; i++) {
    const double x = 0.1 + uniform(3, i), y = 10 * uniform(4, i) - 5;
    assert_true(ulps(lk_fixed_power(x, y), powl((long double)x, (long double)y)) <= 2 + 2 * fabs(y * log(x)));
  }
  assert_true(lk_fixed_power(0.999, 100000000) == 0 && lk_fixed_power(1.5, 1e9) == INFINITY);
  assert_true(lk_fixed_power(0, 0) == 1 && lk_fixed_power(0, 2) == 0 && lk_fixed_power(2, -2) == 0.25);
  assert_true(lk_fixed_power(1, 0.3) == 1 && isnan(lk_fixed_power(-1, 0.5)));
}

static void test_cosine(void **state) {
  (void)state;
  const long double two_pi = 6.283185307179586476925286766559L;
  double worst = 0;
  for (uint32_t i = 0; i < 200000; i++) {
    const double u = uniform(6, i), t = i % 2 ? u : 0.25 + (u - 0.5) * 0x1p-20;
    /* near a zero the truth is the sine of the distance to it, which is exact */
    const long double truth = i % 2 ? cosl(two_pi * (long double)t) : sinl(two_pi * (0.25L - (long double)t));
    if (fabsl(truth) > 1e-3L || i % 2 == 0) worst = fmax(worst, ulps(lk_fixed_cos_turns(t), truth));
  }
  print_message("cosine: %.3f units in the last place\n", worst);
  assert_true(worst < 2.5);
  assert_true(lk_fixed_cos_turns(0) == 1 && lk_fixed_cos_turns(0.5) == -1 && lk_fixed_cos_turns(0.25) == 0);
  assert_true(lk_fixed_cos_turns(-0.125) == lk_fixed_cos_turns(1.125) && isnan(lk_fixed_cos_turns(NAN)));
}

/* A digest of many results, which is the same on every machine and with every compiler. */
static void test_bits(void **state) {
  (void)state;
  uint64_t digest = 14695981039346656037ULL;
  for (uint32_t i = 0; i < 50000; i++) {
    const double u = uniform(7, i);
    const double results[] = {lk_fixed_log(u), lk_fixed_exp(20 * u - 10), lk_fixed_power(u, 3.5), lk_fixed_cos_turns(u),
                              lk_fixed_power(0.9 + 0.1 * u, i % 500)};
    for (size_t k = 0; k < sizeof results / sizeof *results; k++) {
      uint64_t bits;
      memcpy(&bits, &results[k], sizeof bits);
      digest = (digest ^ bits) * 1099511628211ULL;
    }
  }
  assert_true(digest == 0xf7231d4c7d13a3ffULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_log),    cmocka_unit_test(test_exp),  cmocka_unit_test(test_power),
      cmocka_unit_test(test_cosine), cmocka_unit_test(test_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
