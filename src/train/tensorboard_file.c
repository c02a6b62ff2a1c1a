#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tensorboard_impl.h"

/* Bit by bit: a record has a few hundred bytes, and one is written every hundred steps. */
uint32_t lk_crc32c(const void *bytes, size_t size) {
  const unsigned char *byte = bytes;
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < size; i++) {
    crc ^= byte[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0); /* the polynomial, reflected */
  }
  return ~crc;
}

static lk_status put_number(lk_buffer *to, uint64_t value, size_t size) {
  char bytes[8];
  for (size_t i = 0; i < size; i++) bytes[i] = (char)(value >> (8 * i) & 0xff);
  return lk_buffer_append(to, bytes, size);
}

static lk_status put_checksum(lk_buffer *to, const void *bytes, size_t size) {
  const uint32_t crc = lk_crc32c(bytes, size);
  return put_number(to, (crc >> 15 | crc << 17) + 0xa282ead8u, 4);
}

lk_status lk_tfrecord_append(lk_buffer *to, const void *bytes, size_t size) {
  LK_TRY(put_number(to, size, 8));
  LK_TRY(put_checksum(to, to->data + to->size - 8, 8));
  LK_TRY(lk_buffer_append(to, bytes, size));
  return put_checksum(to, bytes, size);
}

static const char start[] = "events.out.tfevents.";

/* The largest time in the names of such files in `folder`; -1: there are none. */
static long long newest(const char *folder) {
  long long most = -1;
  DIR *list = opendir(folder);
  for (const struct dirent *entry; list && (entry = readdir(list));) {
    if (strncmp(entry->d_name, start, sizeof start - 1) != 0) continue;
    const char *digits = entry->d_name + sizeof start - 1;
    if (strspn(digits, "0123456789") > 10) continue; /* no time */
    const long long seconds = strtoll(digits, NULL, 10);
    if (seconds > most) most = seconds;
  }
  if (list) closedir(list);
  return most;
}

lk_status lk_events_path(const char *folder, lk_buffer *path) {
  char host[256] = "";
  const long long now = (long long)time(NULL), last = newest(folder);
  if (gethostname(host, sizeof host - 1) != 0 || host[0] == 0) memcpy(host, "host", sizeof "host");
  return lk_buffer_printf(path, "%s/%s%010lld.%s", folder, start, now > last ? now : last + 1, host);
}

lk_status lk_events_write(const char *path, const lk_buffer *first, const lk_buffer *records) {
  struct stat before = {0};
  FILE *file = fopen(path, "a");
  bool good = file && fstat(fileno(file), &before) == 0;
  if (good && before.st_size == 0) good = fwrite(first->data, 1, first->size, file) == first->size;
  if (good) good = fwrite(records->data, 1, records->size, file) == records->size;
  if (good) good = fflush(file) == 0;
  int error = good ? 0 : errno;
  if (file && fclose(file) != 0 && !error) error = errno;
  if (!error) return LK_OK;
  if (file) (void)!truncate(path, before.st_size);
  return LK_FAIL(LK_IO, "cannot write %s: %s", path, strerror(error));
}
