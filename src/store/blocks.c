#include "blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "arena.h"
#include "store_impl.h"
#include "text.h"

enum { BLOCK = 256 << 10 };

/* ---- spools ---- */

static lk_status folder_of(const lk_spool *spool, lk_buffer *folder) {
  const char *temporary = getenv("TMPDIR"), *slash = strrchr(spool->beside, '/');
  if (temporary && *temporary) return lk_buffer_printf(folder, "%s/", temporary);
  return lk_buffer_append(folder, spool->beside, slash ? (size_t)(slash + 1 - spool->beside) : 0);
}

static lk_status no_room(const lk_spool *spool, const char *name, uint64_t size) {
  lk_buffer folder = {0};
  LK_TRY(folder_of(spool, &folder));
  const lk_status status = LK_FAIL(
      LK_IO,
      "%s: no room in %s for its text (%.1f MiB so far), which is kept in a file there as it is read more than once: "
      "TMPDIR=FOLDER names another folder, and a file that is not compressed is read where it is",
      name, folder.size > 0 ? folder.data : "./", (double)size / 1048576.0);
  lk_buffer_release(&folder);
  return status;
}

static lk_status make_spool(lk_spool *spool) {
  lk_buffer folder = {0};
  LK_TRY(folder_of(spool, &folder));
  const lk_status status = lk_temp_nameless(&spool->fd, folder.data);
  lk_buffer_release(&folder);
  return status;
}

lk_status lk_spool_check(const lk_spool *spool, const char *name, uint64_t size) {
  struct statvfs about;
  lk_buffer folder = {0};
  LK_TRY(folder_of(spool, &folder));
  const bool known = statvfs(folder.size > 0 ? folder.data : ".", &about) == 0 && about.f_blocks > 0;
  lk_buffer_release(&folder);
  return known && (double)about.f_bavail * (double)about.f_frsize < (double)size ? no_room(spool, name, size) : LK_OK;
}

lk_status lk_spool_append(lk_spool *spool, const char *name, const void *bytes, size_t size) {
  if (spool->fd < 0) LK_TRY(make_spool(spool));
  const int error = lk_write_at(spool->fd, bytes, size, spool->size);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) return no_room(spool, name, spool->size);
  if (error) return LK_FAIL(LK_IO, "%s: cannot keep its text in a temporary file: %s", name, strerror(error));
  spool->size += size;
  return LK_OK;
}

lk_status lk_spool_read(const lk_spool *spool, uint64_t at, void *bytes, size_t size) {
  size_t got = 0;
  const int error = lk_read_at(spool->fd, bytes, size, at, &got);
  if (!error && got == size) return LK_OK;
  return LK_FAIL(LK_IO, "cannot read what was put into a temporary file: %s",
                 error ? strerror(error) : "it is shorter");
}

void lk_spool_close(lk_spool *spool) {
  if (spool->fd >= 0) (void)close(spool->fd);
  *spool = (lk_spool){.fd = -1};
}

/* ---- blocks ---- */

/* LOCKSTEP_DEBUG=blocks:bytes=7 (CONTRIBUTING.md) makes tests meet the ends of blocks. */
static size_t block_bytes(void) {
  const char *debug = getenv("LOCKSTEP_DEBUG");
  size_t bytes = 0;
  const bool given = debug && sscanf(debug, "blocks:bytes=%zu", &bytes) == 1 && bytes > 0 && bytes < BLOCK;
  return given ? bytes : BLOCK;
}

void lk_blocks_of_file(lk_blocks *blocks, int fd, const char *name, uint64_t at, uint64_t size) {
  *blocks = (lk_blocks){.name = name, .fd = fd, .at = at, .size = size, .block = block_bytes()};
}

void lk_blocks_of_path(lk_blocks *blocks, const char *path, const char *name, uint64_t size) {
  lk_blocks_of_file(blocks, -1, name, 0, size);
  blocks->path = path;
}

static lk_status changed(const lk_blocks *b) {
  return LK_FAIL(LK_DATA,
                 "%s: it was changed while it was read; it is read more than once, and has to stay as it is until then",
                 b->name);
}

static lk_status open_path(lk_blocks *b) {
  b->fd = open(b->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (b->fd < 0) return LK_FAIL(LK_IO, "cannot read '%s': %s", b->name, strerror(errno));
  (void)posix_fadvise(b->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  return LK_OK;
}

/* Whether bytes were appended, which the program that writes them would miss in the corpus. */
static bool has_grown(const lk_blocks *b) {
  struct stat about;
  return b->path && fstat(b->fd, &about) == 0 && (uint64_t)about.st_size != b->at + b->size;
}

static lk_status verify(lk_blocks *b, ptrdiff_t index, const void *bytes, size_t size) {
  const uint64_t digest = lk_hash_block(bytes, size);
  LK_ASSERT(index <= b->known);
  if (index < b->known) return digest == b->digest[index] ? LK_OK : changed(b);
  LK_TRY(lk_grow(&b->digest, &b->capacity, (size_t)index + 1, sizeof *b->digest));
  b->digest[b->known++] = digest;
  return LK_OK;
}

static void rest(lk_blocks *b) {
  if (b->path && b->fd >= 0) (void)close(b->fd);
  if (b->path) b->fd = -1;
}

lk_status lk_blocks_read(lk_blocks *b, ptrdiff_t index, void *to, size_t *size) {
  const uint64_t begin = (uint64_t)index * b->block;
  size_t got = 0;
  *size = 0;
  if (begin >= b->size) return LK_OK;
  const size_t want = b->size - begin < b->block ? (size_t)(b->size - begin) : b->block;
  if (b->fd < 0) LK_TRY(open_path(b));
  const int error = lk_read_at(b->fd, to, want, b->at + begin, &got);
  if (error) return LK_FAIL(LK_IO, "cannot read '%s': %s", b->name, strerror(error));
  const bool last = begin + want == b->size;
  if (got < want || (last && has_grown(b))) return changed(b);
  LK_TRY(verify(b, index, to, want));
  if (last) rest(b);
  *size = want;
  return LK_OK;
}

void lk_blocks_close(lk_blocks *blocks) {
  rest(blocks);
  free(blocks->digest);
  *blocks = (lk_blocks){.fd = -1};
}
