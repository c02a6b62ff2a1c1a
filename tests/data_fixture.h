/* data_fixture.h - input files in a scratch folder of their own, for the tests of readers and formats. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <unistd.h>

#include <cmocka.h>

#include "corpus.h"
#include "status.h"

static char folder[64];

static inline int make_folder(void **state) {
  (void)state;
  strcpy(folder, "/tmp/lockstep-test-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

/* "<folder>/<name>", in one of a few static buffers used in turn. */
static inline const char *path_of(const char *name) {
  static char path[8][512];
  static int turn;
  turn = (turn + 1) % 8;
  (void)snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
  return path[turn];
}

static inline const char *write_bytes(const char *name, const char *bytes, size_t size) {
  const char *path = path_of(name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
  return path;
}

static inline const char *write_text(const char *name, const char *text) {
  return write_bytes(name, text, strlen(text));
}

/* Remove all files of the folder but those whose names start with `keep` (or none); how many were removed. */
static inline int clear_folder(const char *keep) {
  DIR *dir = opendir(folder);
  int removed = 0;
  assert_non_null(dir);
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (entry->d_name[0] == '.' && (!entry->d_name[1] || strcmp(entry->d_name, "..") == 0)) continue;
    if (keep && strncmp(entry->d_name, keep, strlen(keep)) == 0) continue;
    assert_int_equal(unlink(path_of(entry->d_name)), 0);
    removed++;
  }
  (void)closedir(dir);
  return removed;
}

static inline int remove_folder(void **state) {
  (void)state;
  (void)clear_folder(NULL);
  return rmdir(folder);
}

/* The call must fail with this code and exactly these words, in which %s stands for the folder. */
static inline void assert_fails(lk_status status, lk_status code, const char *words) {
  char expected[1200] = "";
  const char *mark = strstr(words, "%s");
  if (mark)
    (void)snprintf(expected, sizeof expected, "%.*s%s%s", (int)(mark - words), words, folder, mark + 2);
  else
    (void)snprintf(expected, sizeof expected, "%s", words);
  assert_string_equal(status == LK_OK ? "(done)" : lk_error_get()->text, expected);
  assert_int_equal(status, code);
  lk_error_clear();
}

/* A vocabulary of `count` units, w0, w1 ... for the prefix w; specials: the first of them are the special ones. */
static inline lk_strings many(const char *prefix, int count, bool specials) {
  static const char *const special[] = {"<pad>", "<sos>", "<eos>", "<unk>"};
  lk_strings strings = {0};
  char text[32];
  for (int i = 0; i < count; i++) {
    const int size = snprintf(text, sizeof text, "%s%d", prefix, i);
    if (specials && i < LK_SPECIALS)
      assert_int_equal(lk_strings_add(&strings, special[i], 5, 0), LK_OK);
    else
      assert_int_equal(lk_strings_add(&strings, text, (size_t)size, count - i), LK_OK);
  }
  return strings;
}
