#include "h5.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "h5_apart_impl.h"
#include "h5_vlen_impl.h"
#include "arena.h"
#include "durable.h"
#include "version.h"
#include "work.h"

enum { READ_BLOCK = 1 << 20 };

static lk_status copy_text(char **to, const char *from) {
  LK_TRY(lk_alloc(to, strlen(from) + 1, 1));
  memcpy(*to, from, strlen(from));
  return LK_OK;
}

/* The digest covers everything after the user block, and the size of the file. */
static void end_digest(lk_hash *hash, uint64_t size, char digest[33]) {
  unsigned char bytes[8];
  for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(size >> (8 * i));
  lk_hash_update(hash, bytes, sizeof bytes);
  lk_hash_final(hash, digest);
}

void lk_h5_user_block(char block[LK_H5_BLOCK], const char *digest, uint64_t size) {
  memset(block, 0, LK_H5_BLOCK);
  snprintf(block, LK_H5_BLOCK, "lockstep xxh3-128 %s %" PRIu64 "\n", digest, size);
}

lk_status lk_h5_hash(const lk_h5_disk *disk, const char *path, bool tell, char digest[33]) {
  lk_status status = LK_OK;
  lk_hash *hash = NULL;
  void *block = NULL;
  LK_GO(lk_hash_create(&hash));
  if (disk->fd < 0) {
    lk_hash_update(hash, disk->bytes + LK_H5_BLOCK, (size_t)disk->size - LK_H5_BLOCK);
    end_digest(hash, disk->size, digest);
    goto done;
  }
  LK_GO(lk_alloc(&block, READ_BLOCK, 1));
  if (tell) lk_work_next("checking the digest", NULL, (double)disk->size);
  uint64_t at = LK_H5_BLOCK;
  for (size_t got = 1; got; at += got) {
    if (tell) lk_work_at((double)at);
    const int error = lk_read_at(disk->fd, block, READ_BLOCK, at, &got);
    if (error) LK_GO(LK_FAIL(LK_IO, "cannot read %s: %s", path, strerror(error)));
    lk_hash_update(hash, block, got);
  }
  end_digest(hash, at, digest);
done:
  free(block);
  lk_hash_destroy(&hash);
  return status;
}

lk_status lk_h5_new(lk_h5 **file, const char *path) {
  LK_TRY(lk_alloc(file, 1, sizeof **file));
  (*file)->id = H5I_INVALID_HID;
  (*file)->temp.fd = -1;
  lk_status status = copy_text(&(*file)->path, path);
  if (status == LK_OK) status = lk_alloc(&(*file)->disk, 1, sizeof *(*file)->disk);
  if (status == LK_OK) (*file)->disk->fd = -1;
  if (status == LK_OK) status = lk_alloc(&(*file)->table, 1, sizeof *(*file)->table);
  if (status != LK_OK) lk_h5_close(file);
  return status;
}

/* ---- writing ---- */

static hid_t create_hdf5(lk_h5_disk *disk, const char *path) {
  const hid_t access = lk_h5_access(disk, true);
  const hid_t create = access < 0 ? H5I_INVALID_HID : H5Pcreate(H5P_FILE_CREATE);
  hid_t id = H5I_INVALID_HID;
  if (create >= 0 && H5Pset_userblock(create, LK_H5_BLOCK) >= 0 && H5Pset_obj_track_times(create, false) >= 0)
    id = H5Fcreate(path, H5F_ACC_TRUNC, create, access);
  if (create >= 0) H5Pclose(create);
  if (access >= 0) H5Pclose(access);
  return id;
}

void lk_h5_library(size_t size, char *out) {
  unsigned version[3] = {0};
  if (H5get_libversion(&version[0], &version[1], &version[2]) < 0) version[0] = 0;
  (void)snprintf(out, size, "%u.%u.%u", version[0], version[1], version[2]);
}

void lk_h5_built_with(size_t size, char *out) {
  (void)snprintf(out, size, "%d.%d.%d", H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
}

static void name_hdf5(char text[LK_LIBRARY_TEXT]) {
  char version[32];
  lk_h5_library(sizeof version, version);
  (void)snprintf(text, LK_LIBRARY_TEXT, "HDF5 %s", version);
}
LK_LIBRARY(name_hdf5)

lk_status lk_h5_create(lk_h5 **file, const char *path, bool in_memory) {
  lk_h5 *made;
  *file = NULL;
  LK_TRY(lk_h5_new(&made, path));
  made->writing = true;
  lk_status status = LK_OK;
  if (!in_memory) LK_GO(lk_temp_open(&made->temp, path));
  made->disk->fd = made->temp.fd;
  made->id = create_hdf5(made->disk, path);
  if (made->id < 0) LK_GO(lk_h5_fail(made, LK_MEMORY, "begin", "/"));
  *file = made;
  return LK_OK;
done:
  lk_h5_close(&made);
  return status;
}

static void close_data(lk_h5 *file) {
  for (int i = 0; file->table && i < LK_H5_OPEN; i++) lk_h5_close_data(&file->table->data[i]);
  while (file->appended) {
    lk_h5_data *rest = file->appended->next;
    lk_h5_close_data(&file->appended);
    file->appended = rest;
  }
}

/* Let HDF5 write the rest and close the file; then fill in the user block. */
static lk_status finish(lk_h5 *file) {
  LK_ASSERT(file->writing && !file->closed);
  close_data(file);
  const herr_t closed = H5Fclose(file->id);
  file->closed = true;
  LK_TRY(lk_h5_disk_error(file));
  if (closed < 0 || file->disk->size <= LK_H5_BLOCK) return lk_h5_fail(file, LK_INTERNAL, "finish", "/");
  LK_TRY(lk_h5_hash(file->disk, file->path, false, file->digest));
  char block[LK_H5_BLOCK];
  lk_h5_user_block(block, file->digest, file->disk->size);
  if (file->disk->fd < 0) {
    memcpy(file->disk->bytes, block, LK_H5_BLOCK);
    return LK_OK;
  }
  const int error = lk_write_at(file->disk->fd, block, LK_H5_BLOCK, 0);
  return error ? LK_FAIL(LK_IO, "cannot write %s: %s", file->path, strerror(error)) : LK_OK;
}

lk_status lk_h5_commit(lk_h5 *file) {
  LK_TRY(finish(file));
  if (file->disk->fd < 0) return lk_durable_write(file->path, file->disk->bytes, (size_t)file->disk->size);
  file->disk->fd = -1; /* closed by the commit */
  return lk_temp_commit(&file->temp);
}

lk_status lk_h5_image(lk_h5 *file, void **bytes, size_t *size) {
  LK_ASSERT(file->disk->fd < 0);
  LK_TRY(finish(file));
  *bytes = file->disk->bytes;
  *size = (size_t)file->disk->size;
  file->disk->bytes = NULL;
  file->disk->capacity = 0;
  return LK_OK;
}

void lk_h5_close(lk_h5 **file) {
  lk_h5 *f = *file;
  if (!f) return;
  *file = NULL;
  close_data(f);
  if (f->id >= 0 && !f->closed) H5Fclose(f->id);
  if (f->disk && f->disk->fd >= 0 && !f->writing) close(f->disk->fd);
  lk_temp_discard(&f->temp);
  if (f->disk) free(f->disk->bytes);
  free(f->disk);
  free(f->table);
  lk_h5_coder_destroy(&f->coder);
  lk_h5_heap_destroy(&f->heap);
  lk_h5_sets_destroy(&f->sets);
  free(f->path);
  free(f);
}

bool lk_h5_may_hold(const lk_h5 *file, uint64_t bytes) { return bytes / LK_H5_INFLATES <= file->disk->size; }

const char *lk_h5_digest(const lk_h5 *file) { return file->digest; }

/* ---- reading ---- */

static lk_status find_base(lk_h5 *file) {
  hsize_t base = 0;
  const hid_t list = H5Fget_create_plist(file->id);
  const bool good = list >= 0 && H5Pget_userblock(list, &base) >= 0;
  if (list >= 0) H5Pclose(list);
  if (!good) return lk_h5_fail(file, LK_DATA, "read the superblock of", "/");
  file->base = base;
  return lk_h5_heap_create(&file->heap, file->disk->size);
}

lk_status lk_h5_start(lk_h5 *file) {
  const hid_t access = lk_h5_access(file->disk, false);
  if (access < 0) return LK_FAIL(LK_MEMORY, "out of memory for HDF5");
  file->id = H5Fopen(file->path, H5F_ACC_RDONLY, access);
  H5Pclose(access);
  if (file->id >= 0) return find_base(file);
  LK_TRY(lk_h5_disk_error(file));
  return LK_FAIL(LK_DATA, "%s is not an HDF5 file, or is damaged", file->path);
}

lk_status lk_h5_open_descriptor(lk_h5 **file, const char *path, int fd, bool foreign) {
  lk_h5 *made;
  struct stat about;
  *file = NULL;
  LK_TRY(lk_h5_new(&made, path));
  made->foreign = foreign;
  made->disk->fd = fd;
  lk_status status = fstat(fd, &about) ? LK_FAIL(LK_IO, "cannot read %s: %s", path, strerror(errno)) : LK_OK;
  if (status == LK_OK) {
    made->disk->size = (uint64_t)about.st_size;
    status = lk_h5_start(made);
  }
  if (status == LK_OK)
    *file = made;
  else
    lk_h5_close(&made);
  return status;
}
