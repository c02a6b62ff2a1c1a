#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "arena.h"

enum { PIPE_SECONDS = 3 }; /* to wait for the first byte of a pipe */

static lk_status buffer_room(lk_buffer *buffer, size_t more) {
  if (more >= SIZE_MAX - buffer->size) return LK_FAIL(LK_MEMORY, "out of memory: %zu more bytes of text", more);
  return lk_grow(&buffer->data, &buffer->capacity, buffer->size + more + 1, 1);
}

lk_status lk_buffer_append(lk_buffer *buffer, const char *data, size_t size) {
  LK_TRY(buffer_room(buffer, size));
  if (size > 0) memcpy(buffer->data + buffer->size, data, size);
  buffer->size += size;
  buffer->data[buffer->size] = '\0';
  return LK_OK;
}

lk_status lk_buffer_printf(lk_buffer *buffer, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int size = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (size < 0) return LK_FAIL(LK_INTERNAL, "cannot format a text");
  LK_TRY(buffer_room(buffer, (size_t)size));
  va_start(args, format);
  (void)vsnprintf(buffer->data + buffer->size, (size_t)size + 1, format, args);
  va_end(args);
  buffer->size += (size_t)size;
  return LK_OK;
}

void lk_buffer_truncate(lk_buffer *buffer, size_t size) {
  LK_ASSERT(size <= buffer->size);
  buffer->size = size;
  if (buffer->data) buffer->data[size] = '\0';
}

void lk_buffer_release(lk_buffer *buffer) {
  free(buffer->data);
  *buffer = (lk_buffer){0};
}

/* Refuses what has no end: folders, devices other than terminals and /dev/null, and pipes without a writer. */
static lk_status check_kind(int file, const char *path) {
  struct stat facts;
  if (fstat(file, &facts)) return LK_FAIL(LK_IO, "cannot read '%s': %s", path, strerror(errno));
  if (S_ISDIR(facts.st_mode)) return LK_FAIL(LK_IO, "cannot read '%s': it is a folder", path);
  const bool null = S_ISCHR(facts.st_mode) && facts.st_rdev == makedev(1, 3);
  if (S_ISBLK(facts.st_mode) || (S_ISCHR(facts.st_mode) && !null && !isatty(file)))
    return LK_FAIL(LK_IO, "cannot read '%s': it is a device, not a file", path);
  struct pollfd wait = {.fd = file, .events = POLLIN};
  if (S_ISFIFO(facts.st_mode) && poll(&wait, 1, PIPE_SECONDS * 1000) == 0)
    return LK_FAIL(LK_IO, "cannot read '%s': it is a pipe, and nothing was written to it in %d seconds", path,
                   PIPE_SECONDS);
  return LK_OK;
}

static lk_status read_all(lk_buffer *buffer, int file, const char *path) {
  enum { CHUNK = 1 << 16 };
  struct stat facts;
  if (fstat(file, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size > 0)
    LK_TRY(buffer_room(buffer, (size_t)facts.st_size + 1)); /* one more, so that the end is found without growing */
  for (;;) {
    if (buffer->capacity - buffer->size < 2) LK_TRY(buffer_room(buffer, CHUNK));
    ssize_t got = read(file, buffer->data + buffer->size, buffer->capacity - buffer->size - 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return LK_FAIL(LK_IO, "cannot read '%s': %s", path, strerror(errno));
    buffer->size += (size_t)got;
    buffer->data[buffer->size] = '\0';
    if (got == 0) return LK_OK;
  }
}

lk_status lk_open_input(int *file, const char *path) {
  *file = STDIN_FILENO;
  if (strcmp(path, "-") == 0) return LK_OK;
  /* Without O_NONBLOCK, opening a pipe waits for a writer, for ever if there is none. */
  *file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (*file < 0) return LK_FAIL(LK_IO, "cannot read '%s': %s", path, strerror(errno));
  lk_status status = check_kind(*file, path);
  if (status == LK_OK && fcntl(*file, F_SETFL, 0))
    status = LK_FAIL(LK_IO, "cannot read '%s': %s", path, strerror(errno));
  if (status == LK_OK) return LK_OK;
  (void)close(*file);
  *file = -1;
  return status;
}

lk_status lk_buffer_read_file(lk_buffer *buffer, const char *path) {
  const size_t before = buffer->size;
  int file;
  LK_TRY(lk_open_input(&file, path));
  const lk_status status = read_all(buffer, file, file == STDIN_FILENO ? "standard input" : path);
  if (file != STDIN_FILENO) (void)close(file);
  if (status != LK_OK) lk_buffer_truncate(buffer, before);
  return status;
}
