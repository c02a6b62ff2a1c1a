/* exp, tanh and sigmoid of every instruction set over every float of their working range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

static const char *const isas[] = {"portable", "avx2", "avx512"};
enum { BLOCK = 4096 };

static bool choose(const char *isa) {
  bool has = lk_kernels_select(isa) == LK_OK;
  lk_error_clear();
  return has;
}

static float of_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static uint32_t to_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* |y - truth| in units in the last place of a normal float result. */
static double ulps(float y, double truth) {
  uint64_t bits, unit;
  double per_ulp;
  memcpy(&bits, &truth, sizeof bits);
  int exponent = (int)(bits >> 52 & 0x7ff) - 1022; /* as frexp() has it, which would take most of the time */
  if (exponent < -125) exponent = -125;
  unit = (uint64_t)(1023 + 24 - exponent) << 52;
  memcpy(&per_ulp, &unit, sizeof per_ulp);
  return fabs((double)y - truth) * per_ulp;
}

/* A double sigmoid and the like: the truth to 1e-15 of it. */
static double true_exp(double x) { return exp(x); }
static double true_tanh(double x) { return tanh(x); }
static double true_sigmoid(double x) { return 1 / (1 + exp(-x)); }

typedef void array_function(ptrdiff_t n, const lk_real *x, lk_real *y);

enum { ISAS = sizeof isas / sizeof *isas };

typedef struct sweep {
  const char *what;
  size_t f; /* its place in lk_kernels */
  double (*truth)(double);
  float low, high; /* it stays inside */
} sweep;

static array_function *function_of(const lk_kernels *k, size_t place) {
  array_function *f;
  memcpy(&f, (const char *)k + place, sizeof f);
  return f;
}

static void sweep_block(const sweep *s, array_function *f, ptrdiff_t n, const lk_real *x, const double *truth,
                        double *worst) {
  static lk_real y[BLOCK];
  f(n, x, y);
  for (ptrdiff_t i = 0; i < n; i++) {
    const double error = ulps(y[i], truth[i]);
    if (!(y[i] >= s->low && y[i] <= s->high))
      fail_msg("%s(%a) = %a is out of range", s->what, (double)x[i], (double)y[i]);
    if (!(error <= *worst)) *worst = error;
  }
}

/* Every `step`-th float from `from` to `to`, both of the same sign, in order of magnitude, with all instruction sets of
 * this CPU. */
static void check(const sweep *s, float from, float to, uint32_t step, double most) {
  static lk_real x[BLOCK];
  static double truth[BLOCK];
  array_function *f[ISAS] = {0};
  double worst[ISAS] = {0};
  for (size_t i = 0; i < ISAS; i++)
    if (choose(isas[i])) f[i] = function_of(lk_kernels_get(), s->f);
  const uint32_t end = to_bits(to);
  for (uint32_t bits = to_bits(from); bits <= end;) {
    ptrdiff_t n = 0;
    for (; n < BLOCK && bits <= end; n++, bits += step) x[n] = of_bits(bits), truth[n] = s->truth((double)x[n]);
    for (size_t i = 0; i < ISAS; i++)
      if (f[i]) sweep_block(s, f[i], n, x, truth, &worst[i]);
  }
  for (size_t i = 0; i < ISAS; i++) {
    if (!(worst[i] <= most))
      fail_msg("%s, %s: %.3f ulp on [%g, %g], should be at most %.3f", isas[i], s->what, worst[i], (double)from,
               (double)to, most);
    if (f[i])
      print_message("%-8s %-8s [%9.3g, %9.3g]  %.3f ulp\n", isas[i], s->what, (double)from, (double)to, worst[i]);
  }
}

/* In the working range every float where LOCKSTEP_TEST_EVERY_FLOAT is set (unit.vector.every), else one in so many; one
 * in so many too where the functions are the identity or constant but for the last bit. */
static uint32_t near_step(void) { return getenv("LOCKSTEP_TEST_EVERY_FLOAT") ? 1 : 41; }
enum { FAR_STEP = 1009 };

static void test_exp(void **state) {
  (void)state;
  const sweep s = {"exp", offsetof(lk_kernels, exp), true_exp, 0, FLT_MAX};
  for (int sign = 1; sign >= -1; sign -= 2) {
    const float f = (float)sign, end = sign > 0 ? 88.0f : -87.0f;
    check(&s, f * FLT_MIN, f * 0x1p-24f, FAR_STEP, 1.0);
    check(&s, f * 0x1p-24f, end, near_step(), 1.0);
  }
}

static void test_tanh(void **state) {
  (void)state;
  const sweep s = {"tanh", offsetof(lk_kernels, tanh), true_tanh, -1, 1};
  for (int sign = 1; sign >= -1; sign -= 2) {
    const float f = (float)sign;
    check(&s, f * FLT_MIN, f * 0x1p-13f, FAR_STEP, 2.5);
    check(&s, f * 0x1p-13f, f * 10, near_step(), 2.5);
    check(&s, f * 10, f * FLT_MAX, FAR_STEP, 2.5);
  }
}

static void test_sigmoid(void **state) {
  (void)state;
  const sweep s = {"sigmoid", offsetof(lk_kernels, sigmoid), true_sigmoid, 0, 1};
  for (int sign = 1; sign >= -1; sign -= 2) {
    const float f = (float)sign, end = sign > 0 ? 18.0f : -87.0f;
    check(&s, f * FLT_MIN, f * 0x1p-24f, FAR_STEP, 2.5);
    check(&s, f * 0x1p-24f, end, near_step(), 2.5);
  }
  check(&s, 18.0f, FLT_MAX, FAR_STEP, 2.5);
  const sweep tail = {"sigmoid", offsetof(lk_kernels, sigmoid), true_sigmoid, 0, 1.7e-38f};
  check(&tail, -87.0f, -FLT_MAX, FAR_STEP, 8388608); /* flushed to zero: below the smallest normal float */
}

static lk_real one(array_function *f, float x) {
  lk_real y;
  f(1, &x, &y);
  return y;
}

static void test_ends(void **state) {
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    if (!choose(isas[i])) continue;
    const lk_kernels *k = lk_kernels_get();
    assert_true(one(k->exp, 0.0f) == 1 && one(k->exp, -0.0f) == 1);
    assert_true(one(k->exp, 88.8f) == INFINITY && one(k->exp, FLT_MAX) == INFINITY &&
                one(k->exp, INFINITY) == INFINITY);
    assert_true(one(k->exp, 88.72f) < INFINITY);
    assert_true(one(k->exp, -104.1f) == 0 && one(k->exp, -FLT_MAX) == 0 && one(k->exp, -INFINITY) == 0);
    assert_true(one(k->tanh, INFINITY) == 1 && one(k->tanh, -INFINITY) == -1 && one(k->tanh, 9.02f) == 1);
    assert_true(one(k->tanh, 0.0f) == 0 && signbit(one(k->tanh, -0.0f)));
    assert_true(one(k->sigmoid, INFINITY) == 1 && one(k->sigmoid, -INFINITY) == 0 && one(k->sigmoid, 17.4f) == 1);
    assert_true(one(k->sigmoid, 0.0f) == 0.5f);
    const float nan = of_bits(0x7fc00000);
    assert_true(isnan(one(k->exp, nan)) && isnan(one(k->tanh, nan)) && isnan(one(k->sigmoid, nan)));
  }
}

static void test_tanh_of_tiny_numbers_is_the_number(void **state) {
  (void)state;
  for (size_t i = 0; i < 3; i++)
    if (choose(isas[i]))
      for (float x = FLT_MIN; x < 0x1p-26f; x *= 1.37f) {
        assert_true(one(lk_kernels_get()->tanh, x) == x);
        assert_true(one(lk_kernels_get()->tanh, -x) == -x);
      }
}

/* Where they saturate the functions do not decrease. */
static void test_monotone_at_the_ends(void **state) {
  (void)state;
  const struct { float from, to; } ends[] = {{0.5f, 10.5f}, {14.0f, 18.0f}};
  for (size_t i = 0; i < 3; i++) {
    if (!choose(isas[i])) continue;
    array_function *f[] = {lk_kernels_get()->tanh, lk_kernels_get()->sigmoid};
    for (int j = 0; j < 2; j++) {
      lk_real before = 0;
      for (uint32_t bits = to_bits(ends[j].from); bits <= to_bits(ends[j].to); bits += near_step()) {
        const lk_real y = one(f[j], of_bits(bits));
        if (!(y >= before)) fail_msg("%s: f(%a) falls", isas[i], (double)of_bits(bits));
        before = y;
      }
      assert_true(before == 1);
    }
  }
}

/* An element's bits do not depend on its position or its neighbours. */
static void test_position_changes_nothing(void **state) {
  (void)state;
  enum { N = 77 };
  lk_real x[N], y[N];
  for (size_t isa = 0; isa < 3; isa++) {
    if (!choose(isas[isa])) continue;
    array_function *f[] = {lk_kernels_get()->exp, lk_kernels_get()->tanh, lk_kernels_get()->sigmoid};
    for (int i = 0; i < N; i++) x[i] = (lk_real)(i - 38) * 0.173f;
    for (int j = 0; j < 3; j++)
      for (ptrdiff_t n = 1; n <= N; n++) {
        for (int i = 0; i < N; i++) y[i] = -7;
        f[j](n, x, y);
        for (ptrdiff_t i = 0; i < n; i++) assert_true(y[i] == one(f[j], x[i]));
        for (ptrdiff_t i = n; i < N; i++) assert_true(y[i] == -7);
      }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_exp),
      cmocka_unit_test(test_tanh),
      cmocka_unit_test(test_sigmoid),
      cmocka_unit_test(test_ends),
      cmocka_unit_test(test_tanh_of_tiny_numbers_is_the_number),
      cmocka_unit_test(test_monotone_at_the_ends),
      cmocka_unit_test(test_position_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
