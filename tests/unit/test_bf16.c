/* Rounding to bfloat16: cases by hand, and numbers of every magnitude against the definition: the nearest one, of two as
 * near the even one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "bf16.h"

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static void test_by_hand(void **state) {
  const float cases[][2] = {{1, 1},
                            {0x1.01p0F, 0x1.00p0F}, /* in the middle: to the even one, below */
                            {0x1.03p0F, 0x1.04p0F}, /* and above */
                            {0x1.010002p0F, 0x1.02p0F},
                            {-0x1.010002p0F, -0x1.02p0F},
                            {0x1.ffp0F, 2}, /* to the next power of two */
                            {0.0F, 0.0F},
                            {-0.0F, -0.0F},
                            {0x1.fep127F, 0x1.fep127F}, /* the largest */
                            {0x1.feffp127F, 0x1.fep127F},
                            {0x1.ffp127F, INFINITY}, /* beyond it */
                            {-0x1.fffffep127F, -INFINITY},
                            {INFINITY, INFINITY},
                            {-INFINITY, -INFINITY}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(bits_of(lk_bf16_round(cases[i][0])), bits_of(cases[i][1]));
  /* NaN stays NaN, also one whose bits are all in the half that goes, or whose rounding would carry into the sign */
  assert_true(isnan(lk_bf16_round(NAN)) && isnan(lk_bf16_round(float_of(0x7f800001))) &&
              isnan(lk_bf16_round(float_of(0x7fffffff))) && isnan(lk_bf16_round(float_of(0xffffffff))));
  assert_true(bits_of(lk_bf16_widen(LK_BF16_MINUS_ZERO)) == bits_of(-0.0F));
}

static void test_nearest(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 0x7f7f0000; i += 4099) { /* every kind of last bits, and of exponents */
    const float x = float_of(i), low = float_of(i & 0xffff0000), high = float_of((i & 0xffff0000) + 0x10000);
    const double down = (double)x - (double)low, up = (double)high - (double)x;
    const float expected = down < up || (down == up && (bits_of(low) >> 16) % 2 == 0) ? low : high;
    if (lk_bf16_round(x) != expected || lk_bf16_round(-x) != -expected) fail_msg("%a: %a", (double)x, (double)expected);
    if (lk_bf16_round(expected) != expected) fail_msg("%a does not stay", (double)expected);
  }
}

static void test_vectors(void **state) {
  enum { N = 1003 };
  float x[N], wide[N], round[N];
  uint16_t narrow[N];
  (void)state;
  for (int i = 0; i < N; i++) x[i] = round[i] = float_of((uint32_t)i * 4280423U);
  lk_bf16_narrow_all(N, x, narrow);
  lk_bf16_widen_all(N, narrow, wide);
  lk_bf16_round_all(N, round);
  assert_memory_equal(wide, round, sizeof wide);
  for (int i = 0; i < N; i++) assert_int_equal(bits_of(round[i]), bits_of(lk_bf16_round(x[i])));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_by_hand),
      cmocka_unit_test(test_nearest),
      cmocka_unit_test(test_vectors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
