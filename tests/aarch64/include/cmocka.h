/* cmocka.h - as much of cmocka as tests/aarch64/run --kernels needs where no package of another architecture is. */
#pragma once
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
  const char *name;
  void (*run)(void **state);
};
#define cmocka_unit_test(function) \
  { #function, function }
#define assert_true(x)                  ((x) ? (void)0 : fail_msg("%s:%d: %s", __FILE__, __LINE__, #x))
#define assert_non_null(x)              assert_true((x) != NULL)
#define assert_int_equal(a, b)          assert_true((long long)(a) == (long long)(b))
#define assert_memory_equal(a, b, size) assert_true(memcmp(a, b, size) == 0)

static inline void fail_msg(const char *format, ...) {
  va_list list;
  va_start(list, format);
  vprintf(format, list);
  va_end(list);
  putchar('\n');
  exit(1);
}
#define print_message printf

static inline int run_tests(const struct CMUnitTest *test, size_t count) {
  for (size_t i = 0; i < count; i++) {
    test[i].run(NULL);
    printf("%s: ok\n", test[i].name);
  }
  return 0;
}
#define cmocka_run_group_tests(tests, setup, teardown) run_tests(tests, sizeof tests / sizeof *tests)
