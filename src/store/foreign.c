#include "foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child_impl.h"
#include "foreign_impl.h"
#include "arena.h"
#include "clock.h"
#include "probe_impl.h"

/* Memory for offsets and labels is limited to so many bytes, or so many times the size of the file, since a small file
 * can announce very many. A row of frames is limited as in a corpus. */
#define ROOM    ((uint64_t)256 << 20)
#define EXPANDS 50
enum { MOST_ROW = 1 << 28, MOST_WIDTH = 1 << 20 };

struct lk_foreign {
  char *name; /* of the file, for messages */
  int fd;
  uint64_t most; /* bytes of offsets and labels */
  lk_child child;
  lk_foreign_head head;
  lk_foreign_info info;
  int64_t *offset;
  lk_strings label;
  float *block; /* frames [begin, end), and those received after them */
  size_t block_capacity;
  ptrdiff_t begin, end;
  unsigned char packet[LK_FOREIGN_PACKET];
};

/* ---- packets ---- */

/* False at the end of the pipe, or where nothing came for too long (*late). */
static bool read_fully(int pipe, void *bytes, size_t size, bool *late) {
  for (size_t done = 0; done < size;) {
    struct pollfd wait = {.fd = pipe, .events = POLLIN};
    const int ready = poll(&wait, 1, LK_PROBE_PATIENCE * 1000);
    *late = ready == 0;
    if (*late || (ready < 0 && errno != EINTR)) return false;
    const ssize_t got = ready > 0 ? read(pipe, (char *)bytes + done, size - done) : 0;
    if (ready > 0 && (got == 0 || (got < 0 && errno != EINTR))) return false;
    if (got > 0) done += (size_t)got;
  }
  return true;
}

static lk_status garbled(const lk_foreign *file) {
  return LK_FAIL(LK_DATA, "%s is refused: the child that reads it does not say what it should", file->name);
}

/* The error that the child reports. */
static lk_status take_failure(const lk_foreign *file, size_t size) {
  int32_t code = 0;
  if (size <= 4 || size >= LK_FOREIGN_PACKET) return garbled(file);
  memcpy(&code, file->packet, 4);
  if (code <= LK_OK || code > LK_STUCK) return garbled(file);
  return LK_FAIL((lk_status)code, "%.*s", (int)(size - 4), (const char *)file->packet + 4);
}

/* Read the next packet, which must be of this kind and hold whole units, into file->packet. */
static lk_status next_packet(lk_foreign *file, uint32_t kind, size_t unit, size_t *size) {
  lk_packet packet;
  bool late = false;
  const int pipe = file->child.pipe;
  if (pipe < 0) return garbled(file); /* it ended before */
  if (!read_fully(pipe, &packet, sizeof packet, &late)) goto failed;
  if (packet.size > LK_FOREIGN_PACKET) return garbled(file);
  if (!read_fully(pipe, file->packet, packet.size, &late)) goto failed;
  if (packet.kind == LK_PACKET_FAIL) return take_failure(file, packet.size);
  if (packet.kind != kind || packet.size == 0 || packet.size % unit) return garbled(file);
  *size = packet.size;
  return LK_OK;
failed:
  if (late) return LK_FAIL(LK_IO, "%s: nothing came of reading it for %d seconds", file->name, LK_PROBE_PATIENCE);
  return lk_child_verdict(lk_child_end(&file->child), file->name);
}

/* ---- what comes first ---- */

static lk_status read_head(lk_foreign *file, lk_foreign_head *head) {
  size_t size = 0;
  LK_TRY(next_packet(file, LK_PACKET_HEAD, sizeof *head, &size));
  if (size != sizeof *head) return garbled(file);
  memcpy(head, file->packet, sizeof *head);
  if (head->rows < 1 || head->width < 1 || head->width > MOST_WIDTH || head->frames < 0 ||
      head->frames > INT64_MAX / 4 / head->width)
    return garbled(file);
  return LK_OK;
}

static lk_status too_many(const lk_foreign *file, const char *what) {
  return LK_FAIL(LK_DATA, "%s is refused: its %s take more than %llu MiB, %d times the size of the file", file->name,
                 what, (unsigned long long)(file->most >> 20), EXPANDS);
}

/* keep: false where they were read before and are only skipped. */
static lk_status read_offsets(lk_foreign *file, bool keep) {
  const int64_t count = file->head.rows + 1;
  size_t size = 0, capacity = 0;
  if ((uint64_t)count > file->most / sizeof *file->offset) return too_many(file, "offsets");
  for (int64_t done = 0; done < count; done += (int64_t)(size / sizeof *file->offset)) {
    LK_TRY(next_packet(file, LK_PACKET_OFFSETS, sizeof *file->offset, &size));
    if ((int64_t)(size / sizeof *file->offset) > count - done) return garbled(file);
    if (!keep) continue;
    LK_TRY(lk_grow(&file->offset, &capacity, (size_t)done + size / sizeof *file->offset, sizeof *file->offset));
    memcpy(file->offset + done, file->packet, size);
  }
  return LK_OK;
}

static lk_status take_labels(lk_foreign *file, size_t size, bool keep, int64_t *done) {
  uint32_t bytes;
  for (size_t at = 0; at < size; at += bytes, ++*done) {
    if (size - at < sizeof bytes || *done == file->head.rows) return garbled(file);
    memcpy(&bytes, file->packet + at, sizeof bytes);
    at += sizeof bytes;
    if (bytes > size - at) return garbled(file);
    if (!keep) continue;
    const char *text = (const char *)file->packet + at;
    if (lk_utf8_valid(text, bytes) < bytes || memchr(text, 0, bytes)) return garbled(file);
    LK_TRY(lk_strings_add(&file->label, text, bytes, 0));
  }
  return LK_OK;
}

static lk_status read_labels(lk_foreign *file, bool keep) {
  uint64_t taken = 0;
  size_t size = 0;
  for (int64_t done = 0; done < file->head.rows;) {
    LK_TRY(next_packet(file, LK_PACKET_LABELS, 1, &size));
    taken += size;
    if (taken > file->most) return too_many(file, "labels");
    LK_TRY(take_labels(file, size, keep, &done));
  }
  return LK_OK;
}

static lk_status check_offsets(const lk_foreign *file) {
  const int64_t *o = file->offset;
  const char *name = file->name;
  if (o[0] != 0) return LK_FAIL(LK_DATA, "%s: /offsets row 0: %lld, expected 0", name, (long long)o[0]);
  for (int64_t i = 0; i < file->head.rows; i++)
    if (o[i + 1] < o[i] || o[i + 1] > file->head.frames)
      return LK_FAIL(LK_DATA, "%s: /offsets row %lld: %lld, expected at least %lld and at most %lld", name,
                     (long long)i + 1, (long long)o[i + 1], (long long)o[i], (long long)file->head.frames);
  if (o[file->head.rows] != file->head.frames)
    return LK_FAIL(LK_DATA, "%s: /offsets ends at %lld, but there are %lld frames", name, (long long)o[file->head.rows],
                   (long long)file->head.frames);
  return LK_OK;
}

/* Start a child and read up to the first frame. */
static lk_status start(lk_foreign *file, bool first) {
  lk_foreign_head head;
  int error = 0;
  (void)lk_child_end(&file->child);
  file->begin = file->end = 0;
  LK_TRY(lk_child_start(&file->child, lk_probe_name, file->fd, "frames", file->name, &error));
  if (error) return LK_FAIL(LK_IO, "%s: no process can be started to read it: %s", file->name, strerror(error));
  LK_TRY(read_head(file, &head));
  if (!first && memcmp(&head, &file->head, sizeof head) != 0)
    return LK_FAIL(LK_DATA, "%s was changed while it was read", file->name);
  file->head = head;
  LK_TRY(read_offsets(file, first));
  return read_labels(file, first);
}

static lk_status open_file(lk_foreign *file, const char *path) {
  struct stat about;
  file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file->fd < 0 || fstat(file->fd, &about)) return LK_FAIL(LK_IO, "cannot open %s: %s", file->name, strerror(errno));
  if (!S_ISREG(about.st_mode)) return LK_FAIL(LK_IO, "cannot open %s: it is not a regular file", file->name);
  file->most = (uint64_t)about.st_size > ROOM / EXPANDS ? (uint64_t)about.st_size * EXPANDS : ROOM;
  return LK_OK;
}

lk_status lk_foreign_open(lk_foreign **file, const char *path, const char *name) {
  lk_foreign *made;
  lk_status status = LK_OK;
  *file = NULL;
  LK_TRY(lk_alloc(&made, 1, sizeof *made));
  made->fd = made->child.pipe = -1;
  LK_GO(lk_alloc(&made->name, strlen(name) + 1, 1));
  memcpy(made->name, name, strlen(name));
  LK_GO(open_file(made, path));
  LK_GO(start(made, true));
  LK_GO(check_offsets(made));
  made->info = (lk_foreign_info){.rows = (ptrdiff_t)made->head.rows,
                                 .width = (ptrdiff_t)made->head.width,
                                 .frames = (ptrdiff_t)made->head.frames,
                                 .offset = made->offset,
                                 .label = &made->label};
  *file = made;
  return LK_OK;
done:
  lk_foreign_close(&made);
  return status;
}

void lk_foreign_close(lk_foreign **file) {
  lk_foreign *f = *file;
  if (!f) return;
  *file = NULL;
  (void)lk_child_end(&f->child);
  if (f->fd >= 0) close(f->fd);
  lk_strings_release(&f->label);
  free(f->offset);
  free(f->block);
  free(f->name);
  free(f);
}

const lk_foreign_info *lk_foreign_about(const lk_foreign *file) { return &file->info; }

/* ---- frames ---- */

/* Drop the numbers before `begin`. */
static void forget(lk_foreign *file, ptrdiff_t begin) {
  const ptrdiff_t gone = (begin < file->end ? begin : file->end) - file->begin, kept = file->end - file->begin - gone;
  if (kept > 0 && gone > 0) memmove(file->block, file->block + gone, (size_t)kept * sizeof *file->block);
  file->begin += gone;
}

/* Numbers [begin, end) of all frames into the block. */
static lk_status fetch(lk_foreign *file, ptrdiff_t begin, ptrdiff_t end) {
  if (begin < file->begin) LK_TRY(start(file, false));
  if (end > file->end) forget(file, begin);
  while (file->end < end) {
    size_t size = 0;
    LK_TRY(next_packet(file, LK_PACKET_FRAMES, sizeof *file->block, &size));
    const ptrdiff_t count = (ptrdiff_t)(size / sizeof *file->block), have = file->end - file->begin;
    if (count > file->info.frames * file->info.width - file->end) return garbled(file);
    if (file->end + count <= begin) { /* of rows that are skipped */
      file->begin = file->end += count;
      continue;
    }
    LK_TRY(lk_grow(&file->block, &file->block_capacity, (size_t)(have + count), sizeof *file->block));
    memcpy(file->block + have, file->packet, size);
    file->end += count;
  }
  return LK_OK;
}

lk_status lk_foreign_row(lk_foreign *file, ptrdiff_t row, const float **frames, ptrdiff_t *length) {
  const ptrdiff_t width = file->info.width, begin = (ptrdiff_t)file->offset[row] * width;
  const ptrdiff_t end = (ptrdiff_t)file->offset[row + 1] * width;
  if (end - begin > MOST_ROW / (ptrdiff_t)sizeof **frames)
    return LK_FAIL(LK_DATA, "%s: row %td has %lld frames of %td numbers, more than %d MiB", file->name, row,
                   (long long)(file->offset[row + 1] - file->offset[row]), width, MOST_ROW >> 20);
  if (end > begin) LK_TRY(fetch(file, begin, end));
  *frames = file->block ? file->block + (end > begin ? begin - file->begin : 0) : NULL;
  *length = (end - begin) / width;
  return LK_OK;
}
