/* Expansion of "~", and absolute paths. */
#include "path.h"

#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void becomes(lk_status (*function)(const char *, lk_buffer *), const char *path, const char *expected) {
  lk_buffer out = {0};
  assert_int_equal(function(path, &out), LK_OK);
  assert_string_equal(out.data, expected);
  lk_buffer_release(&out);
}

static void homes(void **state) {
  (void)state;
  char expected[4096];
  setenv("HOME", "/home/me", 1);
  becomes(lk_path_expand, "~", "/home/me");
  becomes(lk_path_expand, "~/run", "/home/me/run");
  becomes(lk_path_expand, "run/~", "run/~");
  becomes(lk_path_expand, "./~x", "./~x");
  becomes(lk_path_expand, "", "");
  const struct passwd *me = getpwuid(getuid());
  if (me) {
    char name[64];
    (void)snprintf(name, sizeof name, "~%.50s/a", me->pw_name);
    (void)snprintf(expected, sizeof expected, "%s/a", me->pw_dir);
    becomes(lk_path_expand, name, expected);
    unsetenv("HOME");
    becomes(lk_path_expand, "~/a", expected);
  }
  lk_buffer out = {0};
  assert_int_equal(lk_path_expand("~nobody-of-this-name/a", &out), LK_USAGE);
  assert_non_null(strstr(lk_error_get()->text, "no user is called 'nobody-of-this-name'"));
  lk_error_clear();
  lk_buffer_release(&out);
}

static void whole_paths(void **state) {
  (void)state;
  assert_int_equal(chdir("/usr"), 0);
  becomes(lk_path_absolute, "/a/../b", "/a/../b");
  becomes(lk_path_absolute, "a/b", "/usr/a/b");
  becomes(lk_path_absolute, ".//./a", "/usr/a");
  becomes(lk_path_absolute, "../a", "/usr/../a");
  assert_int_equal(chdir("/"), 0);
  becomes(lk_path_absolute, "a", "/a");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(homes), cmocka_unit_test(whole_paths)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
