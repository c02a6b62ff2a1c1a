/* Reading data sets beside HDF5, which is not made for threads. Where the chunks are, HDF5 is asked beforehand: it reads
 * each of them through our driver, which notes position and size instead (HDF5's own answer, H5Dget_chunk_info(), counts
 * the user block in some versions only). Chunks are then read with pread() and decoded in h5_chunk.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "h5_apart_impl.h"
#include "arena.h"

lk_status lk_h5_apart(lk_h5 **apart, const lk_h5 *file, int together) {
  lk_h5 *made;
  lk_status status = LK_OK;
  *apart = NULL;
  LK_TRY(lk_h5_new(&made, file->path));
  LK_GO(lk_alloc(&made->sets, 1, sizeof *made->sets));
  made->sets->turns = together < LK_H5_TURNS ? together : LK_H5_TURNS;
  made->disk->fd = fcntl(file->disk->fd, F_DUPFD_CLOEXEC, 0);
  if (made->disk->fd < 0) LK_GO(LK_FAIL(LK_IO, "cannot open %s again: %s", file->path, strerror(errno)));
  made->disk->size = file->disk->size;
  made->disk->changed = file->disk->changed;
  memcpy(made->digest, file->digest, sizeof made->digest);
  *apart = made;
  made = NULL;
done:
  lk_h5_close(&made);
  return status;
}

/* HDF5 "reads" a chunk into `bytes` [size]. A chunk that the file does not have stays of size 0. */
static lk_status locate_chunk(const lk_h5_data *data, const hsize_t at[LK_H5_DIMS], lk_h5_place *place, void *bytes,
                              size_t size) {
  hsize_t stored = 0;
  uint32_t skipped = 0;
  if (H5Dget_chunk_storage_size(data->id, at, &stored) < 0 || stored == 0) return LK_OK;
  if (stored > size) return LK_OK; /* "missing" is said where it is read */
  data->file->disk->locating = place;
  const herr_t result = H5Dread_chunk(data->id, H5P_DEFAULT, at, &skipped, bytes);
  data->file->disk->locating = NULL;
  if (result < 0 || place->size != stored) return lk_h5_fail(data->file, LK_DATA, "locate a chunk of", data->path);
  place->skipped = skipped;
  return LK_OK;
}

static lk_status locate(lk_h5_data *data) {
  const size_t room = lk_h5_chunk_room(data);
  hsize_t chunks = 1, at[LK_H5_DIMS];
  void *bytes = NULL;
  lk_status status = LK_OK;
  for (int i = 0; i < LK_H5_DIMS; i++) chunks *= lk_h5_chunks_along(data, i);
  LK_GO(lk_alloc(&data->places, (size_t)chunks + 1, sizeof *data->places));
  LK_GO(lk_alloc(&bytes, room, 1));
  for (at[0] = 0; at[0] < data->shape[0]; at[0] += data->chunk[0])
    for (at[1] = 0; at[1] < data->shape[1]; at[1] += data->chunk[1])
      for (at[2] = 0; at[2] < data->shape[2]; at[2] += data->chunk[2])
        LK_GO(locate_chunk(data, at, &data->places[lk_h5_chunk_number(data, at)], bytes, room));
done:
  free(bytes);
  return status;
}

static lk_status read_whole(const lk_h5 *file, lk_h5_data *data, lk_type type) {
  const size_t count = (size_t)(data->shape[0] * data->shape[1] * data->shape[2]);
  LK_TRY(lk_alloc(&data->whole, count + 1, lk_h5_type_size(type)));
  return lk_h5_read(file, data->path, type, 0, (ptrdiff_t)data->shape[0], data->whole);
}

lk_status lk_h5_add_apart(lk_h5 *apart, const lk_h5 *file, const char *path, lk_type type) {
  struct lk_h5_sets *sets = apart->sets;
  lk_h5_data *data;
  LK_TRY(lk_grow(&sets->data, &sets->capacity, sets->count + 1, sizeof(lk_h5_data *)));
  LK_TRY(lk_h5_new_data(file, path, &data));
  sets->data[sets->count++] = data;
  if (data->text) return LK_FAIL(LK_DATA, "%s: %s holds strings, not numbers", file->path, path);
  const bool native = H5Tequal(data->file_type, lk_h5_native_type(type)) > 0;
  LK_TRY(data->chunked && native ? locate(data) : read_whole(file, data, type));
  lk_h5_leave_data(data);
  data->file = apart;
  data->size = lk_h5_type_size(type);
  data->type = type;
  return LK_OK;
}

lk_status lk_h5_check_same(lk_h5 *apart) {
  lk_h5_disk *disk = apart->disk;
  struct stat about;
  char digest[33];
  if (fstat(disk->fd, &about)) return LK_FAIL(LK_IO, "cannot read %s: %s", apart->path, strerror(errno));
  if ((uint64_t)about.st_size == disk->size && about.st_mtim.tv_sec == disk->changed.tv_sec &&
      about.st_mtim.tv_nsec == disk->changed.tv_nsec)
    return LK_OK;
  LK_TRY(lk_h5_hash(disk, apart->path, false, digest)); /* it may have been touched only */
  if (strcmp(digest, apart->digest) != 0)
    return LK_FAIL(LK_DATA, "%s was changed while it was being read", apart->path);
  disk->changed = about.st_mtim;
  return LK_OK;
}
