/* Errors of an HDF5 file as statuses. */
#include <errno.h>
#include <string.h>

#include "h5_impl.h"

const char *lk_h5_path(const lk_h5 *file) { return file->path; }

lk_status lk_h5_disk_error(const lk_h5 *file) {
  const int error = file->disk->error;
  if (!error) return LK_OK;
  if (error == ENOMEM && file->disk->fd < 0) return LK_FAIL(LK_MEMORY, "out of memory for the image of %s", file->path);
  return LK_FAIL(LK_IO, "cannot %s %s: %s", file->writing ? "write" : "read", file->path, strerror(error));
}

lk_status lk_h5_fail(const lk_h5 *file, lk_status code, const char *what, const char *object) {
  LK_TRY(lk_h5_disk_error(file));
  return LK_FAIL(code, "%s: cannot %s %s", file->path, what, object);
}
