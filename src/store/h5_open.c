/* Opening a file of ours: digest and superblock are checked, and a child parses it, before HDF5 reads a byte here. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "h5_impl.h"
#include "probe_impl.h"

/* Whether the file `name` exists in a folder; *out is its path. */
static bool is_there(const char *folder, int size, const char *name, lk_buffer *out) {
  lk_buffer_truncate(out, 0);
  return lk_buffer_printf(out, "%.*s/%s", size, folder, name) == LK_OK && access(out->data, F_OK) == 0;
}

/* LK_IO where no file is called `path` but another one is probably meant: for a run's folder its best or last model,
 * for best.h5 of a run without validation last.h5. */
static lk_status explain_path(const char *path) {
  static const char best[] = "/best.h5";
  struct stat about;
  lk_buffer other = {0};
  lk_status status = LK_OK;
  const size_t size = strlen(path), tail = sizeof best - 1;
  const bool missing = stat(path, &about) != 0;
  if (missing && size >= tail && strcmp(path + size - tail, best) == 0 &&
      is_there(path, (int)(size - tail), "last.h5", &other))
    status = LK_FAIL(LK_IO, "%s: that run has no best.h5, as nothing was validated: use %s", path, other.data);
  else if (!missing && S_ISDIR(about.st_mode) &&
           (is_there(path, (int)size, "best.h5", &other) || is_there(path, (int)size, "last.h5", &other)))
    status = LK_FAIL(LK_IO, "%s is a folder: expected a model, such as %s", path, other.data);
  lk_buffer_release(&other);
  return status;
}

static lk_status open_disk(lk_h5 *file) {
  struct stat about;
  lk_h5_disk *disk = file->disk;
  disk->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* opening a pipe must not block */
  if (disk->fd < 0 || fstat(disk->fd, &about)) return LK_FAIL(LK_IO, "cannot open %s: %s", file->path, strerror(errno));
  if (S_ISDIR(about.st_mode)) return LK_FAIL(LK_IO, "cannot open %s: it is a folder", file->path);
  if (!S_ISREG(about.st_mode)) return LK_FAIL(LK_IO, "cannot open %s: it is not a regular file", file->path);
  disk->size = (uint64_t)about.st_size;
  disk->changed = about.st_mtim;
  return LK_OK;
}

static const char begin[] = "lockstep xxh3-128 ";

bool lk_h5_is_ours(const char *path) {
  char block[sizeof begin] = {0};
  lk_h5_disk disk = {0};
  lk_h5 file = {.path = (char *)path, .disk = &disk};
  size_t got = 0;
  const bool ours = open_disk(&file) == LK_OK && lk_read_at(disk.fd, block, sizeof begin - 1, 0, &got) == 0 &&
                    strcmp(block, begin) == 0;
  if (disk.fd > 0) (void)close(disk.fd);
  return ours;
}

/* The user block says digest and size. */
static lk_status read_block(lk_h5 *file) {
  char block[LK_H5_BLOCK + 1] = {0}, expected[LK_H5_BLOCK];
  size_t got = 0;
  const int error = lk_read_at(file->disk->fd, block, LK_H5_BLOCK, 0, &got);
  if (error) return LK_FAIL(LK_IO, "cannot read %s: %s", file->path, strerror(error));
  if (strncmp(block, begin, sizeof begin - 1) != 0) {
    const bool hdf5 = memcmp(block, "\x89HDF\r\n\x1a\n", 8) == 0;
    return LK_FAIL(LK_DATA, "%s is not a Lockstep file: %s", file->path,
                   hdf5 ? "an HDF5 file without a digest in front" : "it does not begin with a digest line");
  }
  uint64_t size = 0;
  if (sscanf(block + sizeof begin - 1, "%32[0-9a-f] %" SCNu64, file->digest, &size) == 2) {
    lk_h5_user_block(expected, file->digest, size);
    if (got == LK_H5_BLOCK && memcmp(block, expected, LK_H5_BLOCK) == 0 && size == file->disk->size) return LK_OK;
    if (size != file->disk->size)
      return LK_FAIL(LK_DATA, "%s is damaged: it has %" PRIu64 " bytes, %" PRIu64 " were written", file->path,
                     file->disk->size, size);
  }
  return LK_FAIL(LK_DATA, "%s is damaged: its digest line is garbled", file->path);
}

static lk_status verify_digest(const lk_h5 *file) {
  char digest[33];
  LK_TRY(lk_h5_hash(file->disk, file->path, true, digest));
  if (strcmp(digest, file->digest) != 0)
    return LK_FAIL(LK_DATA, "%s is damaged: its bytes do not agree with its digest", file->path);
  return LK_OK;
}

/* Compare the superblock with the one that we write, before HDF5 opens the file: extensions of it have effects before
 * the survey, such as loading metadata from a cache image. */
static lk_status check_superblock(const lk_h5 *file) {
  static const unsigned char ours[] =
      "\x89HDF\r\n\x1a\n"                 /* signature */
      "\2\10\10\0"                        /* version, bytes of an address and of a length, flags */
      "\0\2\0\0\0\0\0\0"                  /* the base address: LK_H5_BLOCK */
      "\377\377\377\377\377\377\377\377"; /* of the extension: none */
  unsigned char found[sizeof ours - 1] = {0};
  size_t got = 0;
  const int error = lk_read_at(file->disk->fd, found, sizeof found, LK_H5_BLOCK, &got);
  if (error) return LK_FAIL(LK_IO, "cannot read %s: %s", file->path, strerror(error));
  if (got == sizeof found && memcmp(found, ours, sizeof found) == 0) return LK_OK;
  return LK_FAIL(LK_DATA, "%s is refused: its superblock is not one that Lockstep writes", file->path);
}

lk_status lk_h5_open(lk_h5 **file, const char *path, bool verify) {
  lk_h5 *made;
  lk_status status = LK_OK;
  *file = NULL;
  LK_TRY(explain_path(path));
  LK_TRY(lk_h5_new(&made, path));
  LK_GO(open_disk(made));
  LK_GO(read_block(made));
  if (verify) LK_GO(verify_digest(made));
  LK_GO(check_superblock(made));
  if (verify) LK_GO(lk_probe_file(made->disk->fd, path));
  LK_GO(lk_h5_start(made));
  *file = made;
  return LK_OK;
done:
  lk_h5_close(&made);
  return status;
}
