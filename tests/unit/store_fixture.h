/* store_fixture.h - what the tests of store/ share: a scratch folder, bytes of files, the text of the last failure. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "status.h"
#include "text.h"

#define OK(call) assert_true_status((call), __FILE__, __LINE__)

static inline void assert_true_status(lk_status status, const char *file, int line) {
  if (status == LK_OK) return;
  print_error("%s:%d: %s\n", file, line, lk_error_get()->text);
  _assert_true(0, "status is LK_OK", file, line);
}

/* The call fails with `code` and a line that holds `words`. */
#define FAILS(code, words, call) assert_fails((call), (code), (words), __FILE__, __LINE__)

static inline void assert_fails(lk_status status, lk_status code, const char *words, const char *file, int line) {
  char text[1024] = "";
  snprintf(text, sizeof text, "%s", lk_error_get()->text);
  lk_error_clear();
  if (status != code) print_error("%s:%d: %s: %s\n", file, line, lk_status_words(status), text);
  if (!strstr(text, words)) print_error("%s:%d: \"%s\" is not in \"%s\"\n", file, line, words, text);
  _assert_true(status == code, "the status is the expected one", file, line);
  _assert_true(strstr(text, words) != NULL, "the text says what is wrong", file, line);
  _assert_true(strchr(text, '\n') == NULL, "the text is one line", file, line);
}

/* Every test runs in an empty folder of its own, which goes with it. */
static inline int enter_scratch(void **state) {
  char *folder = strdup("/tmp/lockstep-test-XXXXXX");
  if (!mkdtemp(folder) || chdir(folder)) return -1;
  *state = folder;
  return 0;
}

static inline int leave_scratch(void **state) {
  char command[256];
  snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
  free(*state);
  return chdir("/") || system(command) ? -1 : 0;
}

static inline char *read_all(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(*size + 1);
  assert_int_equal(fread(bytes, 1, *size, file), *size);
  fclose(file);
  return bytes;
}

static inline void write_all(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

/* Numbers that repeat from run to run. */
static inline uint32_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*state >> 33);
}

/* Names in the folder, "." and ".." left out. */
static inline int count_files(const char *folder) {
  char command[512];
  int count = -1;
  snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder);
  FILE *pipe = popen(command, "r");
  assert_non_null(pipe);
  assert_int_equal(fscanf(pipe, "%d", &count), 1);
  pclose(pipe);
  return count;
}
