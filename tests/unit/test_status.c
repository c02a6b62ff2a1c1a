/* The record of the first failure, exit codes, and how an assertion ends the job. */
#include "status.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int clear(void **state) {
  (void)state;
  lk_error_clear();
  return 0;
}

static void first_failure_is_kept(void **state) {
  (void)state;
  assert_int_equal(lk_error_get()->code, LK_OK);
  assert_string_equal(lk_error_get()->text, "");
  assert_int_equal(LK_FAIL(LK_DATA, "line %d\nbad\x1b[31m", 7), LK_DATA);
  assert_int_equal(LK_FAIL(LK_IO, "later"), LK_IO);
  const lk_error *error = lk_error_get();
  assert_int_equal(error->code, LK_DATA);
  assert_string_equal(error->text, "line 7 bad [31m");
  assert_non_null(strstr(error->file, "test_status.c"));
  assert_true(error->line > 0);
  lk_error_clear();
  assert_int_equal(lk_error_get()->code, LK_OK);
  assert_int_equal(LK_FAIL(LK_IO, "again"), LK_IO);
  assert_string_equal(lk_error_get()->text, "again");
}

static void long_text_is_cut(void **state) {
  (void)state;
  char words[3000];
  memset(words, 'x', sizeof words - 1);
  words[sizeof words - 1] = '\0';
  assert_int_equal(LK_FAIL(LK_USAGE, "%s", words), LK_USAGE);
  assert_int_equal(strlen(lk_error_get()->text), sizeof lk_error_get()->text - 1);
}

static void *fail_often(void *number) {
  for (int i = 0; i < 1000; i++)
    if (LK_FAIL(LK_DATA, "%d %d %d", *(int *)number, *(int *)number, *(int *)number) != LK_DATA) abort();
  return NULL;
}

static void threads_leave_one_whole_record(void **state) {
  (void)state;
  pthread_t thread[4];
  int number[4] = {1, 2, 3, 4};
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&thread[i], NULL, fail_often, &number[i]), 0);
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
  int a, b, c;
  assert_int_equal(sscanf(lk_error_get()->text, "%d %d %d", &a, &b, &c), 3);
  assert_true(a == b && b == c && a >= 1 && a <= 4);
}

static void exit_codes(void **state) {
  (void)state;
  const struct {
    lk_status status;
    int code;
  } expected[] = {{LK_OK, 0},      {LK_USAGE, 64}, {LK_DATA, 65},    {LK_NEWER, 65}, {LK_INTERNAL, 70},
                  {LK_MEMORY, 70}, {LK_IO, 74},    {LK_STOPPED, 75}, {LK_STUCK, 76}, {LK_UNWELL, 78}};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    assert_int_equal(lk_status_exit_code(expected[i].status), expected[i].code);
    assert_true(strlen(lk_status_words(expected[i].status)) > 0);
  }
  assert_int_equal(lk_status_exit_code((lk_status)99), 70);
  assert_string_equal(lk_status_words(LK_MEMORY), "out of memory");
}

static int owner_cleans_up(int *cleaned) {
  lk_status status = LK_OK;
  LK_GO(LK_FAIL(LK_IO, "no"));
  *cleaned = -100;
done:
  ++*cleaned;
  return (int)status;
}

static lk_status passes_on(lk_status code) {
  LK_TRY(code);
  return LK_STUCK;
}

static void macros(void **state) {
  (void)state;
  int cleaned = 0;
  assert_int_equal(owner_cleans_up(&cleaned), LK_IO);
  assert_int_equal(cleaned, 1);
  assert_int_equal(passes_on(LK_DATA), LK_DATA);
  assert_int_equal(passes_on(LK_OK), LK_STUCK);
}

static void leave_with_42(void) { _exit(42); }
static void come_back(void) {}

/* Run an assertion in a child; its output goes to `said`. */
static int child_asserts(int truth, void (*end_job)(void), char said[512]) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    (void)dup2(ends[1], STDERR_FILENO);
    lk_assert_install(3, end_job);
    LK_ASSERT(truth == 1);
    _exit(0);
  }
  close(ends[1]);
  ssize_t got = read(ends[0], said, 511);
  said[got > 0 ? got : 0] = '\0';
  close(ends[0]);
  int how = 0;
  assert_int_equal(waitpid(child, &how, 0), child);
  return how;
}

static void assertion_ends_the_job(void **state) {
  (void)state;
  char said[512];
  int how = child_asserts(1, leave_with_42, said);
  assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
  assert_string_equal(said, "");

  how = child_asserts(0, leave_with_42, said);
  assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 42);
  assert_int_equal(strncmp(said, "rank 3: ", 8), 0);
  assert_non_null(strstr(said, "test_status.c:"));
  assert_non_null(strstr(said, ": assertion failed: truth == 1\n"));

  how = child_asserts(0, come_back, said); /* even if the installed function returns */
  assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT);
  how = child_asserts(0, NULL, said);
  assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(first_failure_is_kept, clear),
      cmocka_unit_test_setup(long_text_is_cut, clear),
      cmocka_unit_test_setup(threads_leave_one_whole_record, clear),
      cmocka_unit_test(exit_codes),
      cmocka_unit_test_setup(macros, clear),
      cmocka_unit_test(assertion_ends_the_job),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
