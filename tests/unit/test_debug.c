/* LOCKSTEP_DEBUG: parsed strictly, and each fault happens exactly once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "debug_impl.h"

static void test_reads_faults(void **state) {
  (void)state;
  lk_debug debug;
  assert_int_equal(lk_debug_read(&debug, NULL), LK_OK);
  assert_int_equal(debug.count, 0);
  assert_int_equal(lk_debug_read(&debug, "nan:rank=1,step=5;flip:rank=0,step=7"), LK_OK);
  assert_int_equal(debug.count, 2);
  assert_true(lk_debug_due(&debug, LK_FAULT_NAN, 1, 5));
  assert_true(lk_debug_due(&debug, LK_FAULT_FLIP, 0, 7));
  assert_false(lk_debug_due(&debug, LK_FAULT_NAN, 0, 5));
  assert_false(lk_debug_due(&debug, LK_FAULT_NAN, 1, 6));
  assert_false(lk_debug_due(&debug, LK_FAULT_STALL, 1, 5));
}

static void test_refuses_nonsense(void **state) {
  (void)state;
  const char *bad[] = {"nan",
                       "nan:rank=1",
                       "fly:rank=1,step=5",
                       "nan:rank=-1,step=5",
                       "nan:rank=1,step=0",
                       "nan:rank=1,step=5,",
                       "nan:rank=1,step=5x"};
  lk_debug debug;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(lk_debug_read(&debug, bad[i]), LK_USAGE);
    lk_error_clear();
  }
}

static void test_flips_the_least_bit(void **state) {
  (void)state;
  float value = 1;
  lk_debug_flip(&value);
  assert_true(value == nextafterf(1, 2));
  lk_debug_flip(&value);
  assert_true(value == 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_reads_faults), cmocka_unit_test(test_refuses_nonsense),
                                     cmocka_unit_test(test_flips_the_least_bit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
