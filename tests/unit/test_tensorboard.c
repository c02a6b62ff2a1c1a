/* Event files: the checksum, the records, the names, and a file that is cut where a record could not be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include "tensorboard_impl.h"

/* RFC 3720, appendix B.4. */
static void checksums(void **state) {
  (void)state;
  unsigned char bytes[48];
  memset(bytes, 0, 32);
  assert_int_equal(lk_crc32c(bytes, 32), 0x8a9136aa);
  memset(bytes, 0xff, 32);
  assert_int_equal(lk_crc32c(bytes, 32), 0x62a8ab43);
  for (int i = 0; i < 32; i++) bytes[i] = (unsigned char)i;
  assert_int_equal(lk_crc32c(bytes, 32), 0x46dd794e);
  for (int i = 0; i < 32; i++) bytes[i] = (unsigned char)(31 - i);
  assert_int_equal(lk_crc32c(bytes, 32), 0x113fdb5c);
  static const unsigned char command[48] = {
      0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};
  assert_int_equal(lk_crc32c(command, 48), 0xd9963a56);
  assert_int_equal(lk_crc32c("123456789", 9), 0xe3069283); /* the check value of the catalogue of CRCs */
  assert_int_equal(lk_crc32c("", 0), 0);
}

/* Of the bytes "abc": sizes and places; the checksums are masked. */
static void records(void **state) {
  (void)state;
  lk_buffer to = {0};
  assert_int_equal(lk_tfrecord_append(&to, "abc", 3), LK_OK);
  assert_int_equal(to.size, 8 + 4 + 3 + 4);
  assert_memory_equal(to.data, "\3\0\0\0\0\0\0\0", 8);
  assert_memory_equal(to.data + 12, "abc", 3);
  uint32_t masked = 0;
  memcpy(&masked, to.data + 15, 4);
  masked -= 0xa282ead8u;
  assert_int_equal(masked >> 17 | masked << 15, lk_crc32c("abc", 3));
  lk_buffer_release(&to);
}

static char folder[] = "events-XXXXXX";

static void touch(const char *name) {
  char path[300];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fclose(file);
}

/* A new name comes after the others, whatever the clock says; what only looks like a time is ignored. */
static void names(void **state) {
  (void)state;
  lk_buffer path = {0};
  char want[80];
  touch("events.out.tfevents.99999999999.x");
  touch("events.out.tfevents.x");
  assert_int_equal(lk_events_path(folder, &path), LK_OK);
  const size_t skip = strlen(folder) + strlen("/events.out.tfevents.");
  assert_true(strspn(path.data + skip, "0123456789") == 10 && path.data[skip + 10] == '.' && path.data[skip + 11]);
  touch("events.out.tfevents.9000000000.x");
  lk_buffer_truncate(&path, 0);
  assert_int_equal(lk_events_path(folder, &path), LK_OK);
  snprintf(want, sizeof want, "%s/events.out.tfevents.9000000001.", folder);
  assert_memory_equal(path.data, want, strlen(want));
  lk_buffer_release(&path);
}

/* `first` begins a new or empty file alone. Beyond a limit nothing of the records is left. */
static void appending(void **state) {
  (void)state;
  char path[64], long_text[600] = "", text[64] = "";
  snprintf(path, sizeof path, "%s/file", folder);
  memset(long_text, 'x', sizeof long_text - 1);
  const lk_buffer first = {.data = (char[]){"one "}, .size = 4}, more = {.data = (char[]){"two "}, .size = 4};
  const lk_buffer large = {.data = long_text, .size = sizeof long_text - 1};
  assert_int_equal(lk_events_write(path, &first, &more), LK_OK);
  assert_int_equal(lk_events_write(path, &first, &more), LK_OK);
  struct rlimit old, limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  limit = (struct rlimit){100, old.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  const lk_status status = lk_events_write(path, &first, &large);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
  assert_int_equal(status, LK_IO);
  assert_non_null(strstr(lk_error_get()->text, path));
  assert_int_equal(lk_events_write(path, &first, &more), LK_OK);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_int_equal(fread(text, 1, sizeof text - 1, file), 16);
  fclose(file);
  assert_string_equal(text, "one two two two ");
  assert_int_equal(lk_events_write("no/such/folder", &first, &more), LK_IO);
}

static int set_up(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  DIR *list = opendir(folder);
  for (const struct dirent *entry; list && (entry = readdir(list));)
    if (entry->d_name[0] != '.') (void)!unlinkat(dirfd(list), entry->d_name, 0);
  if (list) closedir(list);
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(checksums), cmocka_unit_test(records), cmocka_unit_test(names),
                                     cmocka_unit_test(appending)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
