#include "stdin_impl.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "input.h"

enum { CHUNK = 64 << 10 };

/* Whether read() would return at once: with data, the end of the input or an error. */
static bool is_ready(bool wait) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, wait ? -1 : 0) != 0;
}

/* Read the bytes that are there. *more is false where there are none: at the end, or without `wait` none yet. */
static lk_status fill(lk_stdin *in, bool wait, bool *more) {
  *more = false;
  if (in->ended || (!wait && !is_ready(false))) return LK_OK;
  memmove(in->bytes.data, in->bytes.data + in->at, in->bytes.size - in->at);
  in->bytes.size -= in->at;
  in->searched -= in->at;
  in->at = 0;
  LK_TRY(lk_grow(&in->bytes.data, &in->bytes.capacity, in->bytes.size + CHUNK, 1));
  for (;;) {
    const ssize_t got = read(STDIN_FILENO, in->bytes.data + in->bytes.size, in->bytes.capacity - in->bytes.size);
    if (got > 0) in->bytes.size += (size_t)got;
    in->ended = got == 0;
    *more = got > 0;
    if (got >= 0) return LK_OK;
    if (errno != EINTR && errno != EAGAIN) return LK_FAIL(LK_IO, LK_STDIN_NAME ": %s", strerror(errno));
    if (errno == EAGAIN && !wait) return LK_OK;
    if (errno == EAGAIN) (void)is_ready(true); /* another process has set the pipe to non-blocking */
  }
}

/* Look at the first bytes; compressed input is read to its end and decompressed. */
static lk_status recognise(lk_stdin *in) {
  in->known = true;
  if (!lk_input_compressed(in->bytes.data, in->bytes.size))
    return lk_input_check(in->bytes.data, in->bytes.size, LK_STDIN_NAME);
  for (bool more = true; more;) LK_TRY(fill(in, true, &more));
  LK_TRY(lk_input_unwrap(&in->bytes, LK_STDIN_NAME));
  in->at = in->searched = 0;
  in->unwrapped = true;
  return lk_grow(&in->bytes.data, &in->bytes.capacity, in->bytes.size + 1, 1);
}

lk_status lk_stdin_next(lk_stdin *in, bool wait, const char **line, size_t *size, bool *got) {
  const char *end = NULL;
  *got = false;
  if (!in->bytes.data) LK_TRY(lk_grow(&in->bytes.data, &in->bytes.capacity, CHUNK, 1));
  for (bool more = true; more;) {
    end = memchr(in->bytes.data + in->searched, '\n', in->bytes.size - in->searched);
    if (end) break;
    in->searched = in->bytes.size;
    if (in->bytes.size - in->at > LK_STDIN_MOST)
      return LK_FAIL(LK_DATA, LK_STDIN_NAME ":%lld:1: a line of more than %zu MiB", (long long)in->lines + 1,
                     LK_STDIN_MOST >> 20);
    LK_TRY(fill(in, wait, &more));
    if (more && !in->known) LK_TRY(recognise(in));
  }
  if (!end && (!in->ended || in->at == in->bytes.size)) return LK_OK;
  *line = in->bytes.data + in->at;
  *size = end ? (size_t)(end + 1 - *line) : in->bytes.size - in->at;
  in->at = in->searched = in->at + *size;
  in->lines++;
  *got = true;
  return LK_OK;
}

double lk_stdin_done(const lk_stdin *in, double *all) {
  struct stat about;
  *all = in->unwrapped ? (double)in->bytes.size : 0;
  if (in->unwrapped) return (double)in->at;
  const off_t position = lseek(STDIN_FILENO, 0, SEEK_CUR);
  if (position < 0 || fstat(STDIN_FILENO, &about) != 0 || !S_ISREG(about.st_mode)) return 0;
  *all = (double)about.st_size;
  return (double)position - (double)(in->bytes.size - in->at);
}

size_t lk_stdin_trim(const char *line, size_t size) {
  if (size > 0 && line[size - 1] == '\n') size--;
  while (size > 0 && line[size - 1] == '\r') size--;
  return size;
}

lk_status lk_stdin_check(const char *line, size_t size, int64_t number) {
  const size_t valid = lk_utf8_valid(line, size);
  const char *nul = memchr(line, 0, valid);
  const size_t at = nul ? (size_t)(nul - line) : valid;
  if (at == size) return LK_OK;
  char what[400] = "a NUL byte in the text";
  if (!nul) lk_input_say_invalid(what, sizeof what, line, size, valid, lk_utf8_mark(line, size) > 0, LK_STDIN_NAME);
  return LK_FAIL(LK_DATA, LK_STDIN_NAME ":%lld:%zu: %s", (long long)number, lk_utf8_count(line, at) + 1, what);
}

void lk_stdin_release(lk_stdin *in) {
  lk_buffer_release(&in->bytes);
  *in = (lk_stdin){0};
}
