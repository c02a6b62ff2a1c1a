/* Numbers in settings: what is accepted, what is refused, and suggestions. */
#include "number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_is_read(void **state) {
  (void)state;
  double real = 7;
  int64_t whole = 7;
  assert_true(lk_number_real("-1.5e-3", &real) && real == -0.0015);
  assert_true(lk_number_real("+.5", &real) && real == 0.5);
  assert_true(lk_number_real("0e-999", &real) && real == 0);
  assert_true(lk_number_whole("1e6", &whole) && whole == 1000000);
  assert_true(lk_number_whole("-9223372036854775808", &whole) && whole == INT64_MIN);
  assert_true(lk_number_whole("9007199254740993", &whole) && whole == 9007199254740993); /* no double has this value */
  real = 7, whole = 7;
  const char *neither[] = {"", " 1", "1 ", "0x1", "inf", "nan", "1e400", "1_000", "1,5", "1e", ".", "-", "10k"};
  for (size_t i = 0; i < sizeof neither / sizeof *neither; i++) {
    assert_false(lk_number_real(neither[i], &real));
    assert_false(lk_number_whole(neither[i], &whole));
  }
  assert_false(lk_number_real("1e-400", &real));
  assert_false(lk_number_whole("1.5", &whole));
  assert_false(lk_number_whole("9223372036854775808", &whole));
  assert_false(lk_number_whole("1e17", &whole)); /* its neighbours read as the same double */
  assert_true(real == 7 && whole == 7);
}

static void what_was_meant(void **state) {
  (void)state;
  const struct {
    const char *text, *unit;
    double value;
  } meant[] = {{"50%", "", 0.5},        {"7 %", "", 0.07},         {"10k", "steps", 10000}, {"1.5M", "", 1500000},
               {"1,5", "", 1.5},        {"0,001", "", 0.001},      {"1,000", "", 1000},     {"1,000,000", "", 1e6},
               {"1,000.5", "", 1000.5}, {"1_000", "", 1000},       {" 4 ", "", 4},          {"5 steps", "steps", 5},
               {"2h", "minutes", 120},  {"30s", "minutes", 0.5},   {"90m", "minutes", 90},  {"5 min", "seconds", 300},
               {"-1,5", "", -1.5},      {"1 day", "minutes", 1440}};
  double value;
  for (size_t i = 0; i < sizeof meant / sizeof *meant; i++) {
    assert_true(lk_number_guess(meant[i].text, meant[i].unit, &value));
    assert_true(value == meant[i].value);
  }
  const char *nothing[] = {"", "7", "1e9", "inf", "2h", "1,00,0", "1,2,3", "5 epochs", "x", "%", "1.2.3", "1e-400"};
  for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
    assert_false(lk_number_guess(nothing[i], "steps", &value));
}

static void why_not(void **state) {
  (void)state;
  assert_string_equal(lk_number_why_not("-.inf"), ", which is not finite");
  assert_string_equal(lk_number_why_not("1e400"), ", which is not finite");
  assert_string_equal(lk_number_why_not("0.1e-400"), ", which is too close to 0");
  const char *nothing[] = {"", "x", "0", "0e-400", "3", "1e9x"};
  for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) assert_string_equal(lk_number_why_not(nothing[i]), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_read), cmocka_unit_test(what_was_meant),
                                     cmocka_unit_test(why_not)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
