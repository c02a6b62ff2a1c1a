#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch_impl.h"

static void begin_again(lk_tail *tail, const struct stat *about) {
  tail->device = about->st_dev, tail->inode = about->st_ino;
  tail->read = 0;
  lk_buffer_truncate(&tail->text, 0);
  tail->taken = 0;
}

static lk_status read_on(lk_tail *tail, int fd) {
  char piece[65536];
  for (;;) {
    const ssize_t got = pread(fd, piece, sizeof piece, tail->read);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return LK_OK; /* the end, or trouble of a network: the next look tries again */
    LK_TRY(lk_buffer_append(&tail->text, piece, (size_t)got));
    tail->read += got;
  }
}

lk_status lk_tail_read(lk_tail *tail, const char *path, bool *anew) {
  struct stat about;
  *anew = false;
  if (tail->taken > 0) {
    memmove(tail->text.data, tail->text.data + tail->taken, tail->text.size - tail->taken);
    lk_buffer_truncate(&tail->text, tail->text.size - tail->taken);
    tail->taken = 0;
  }
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
    if (fd >= 0) (void)close(fd);
    return LK_OK;
  }
  if (about.st_dev != tail->device || about.st_ino != tail->inode || about.st_size < tail->read)
    begin_again(tail, &about), *anew = true;
  const lk_status status = read_on(tail, fd);
  (void)close(fd);
  return status;
}

bool lk_tail_line(lk_tail *tail, const char **line, size_t *size) {
  if (tail->taken == tail->text.size) return false;
  const char *begin = tail->text.data + tail->taken, *end = memchr(begin, '\n', tail->text.size - tail->taken);
  if (!end) return false;
  *line = begin;
  *size = (size_t)(end - begin);
  tail->taken += *size + 1;
  return true;
}

void lk_tail_release(lk_tail *tail) { lk_buffer_release(&tail->text); }
