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

static herr_t find_no_space(unsigned n, const H5E_error2_t *error, void *found) {
  (void)n;
  *(bool *)found |= error->min_num == H5E_NOSPACE || error->min_num == H5E_CANTALLOC;
  return 0;
}

/* Whether the last call of HDF5 failed because an allocation did: then it says nothing about the file. */
static bool no_memory(void) {
  bool found = false;
  return H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, find_no_space, &found) >= 0 && found;
}

lk_status lk_h5_fail(const lk_h5 *file, lk_status code, const char *what, const char *object) {
  LK_TRY(lk_h5_disk_error(file));
  if (code == LK_MEMORY || (code == LK_DATA && no_memory()))
    return LK_FAIL(LK_MEMORY, "%s: out of memory to %s %s", file->path, what, object);
  return LK_FAIL(code, "%s: cannot %s %s", file->path, what, object);
}
