#include "prepare_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "durable.h"
#include "foreign.h"
#include "input.h"

struct lk_frames_h5 {
  lk_foreign *file;
  const char *name; /* name for messages */
  const lk_foreign_info *info;
};

/* HDF5 needs a file that can be seeked, so standard input works if it is redirected from a file, but not from a
 * pipe. */
static const char *file_of(const char *path) { return strcmp(path, "-") == 0 ? "/dev/stdin" : path; }

bool lk_frames_h5_suits(const char *path) { return lk_input_is_hdf5(file_of(path)); }

static lk_status check_labels(const lk_frames_h5 *file) {
  for (ptrdiff_t i = 0; i < file->info->rows; i++)
    if (lk_strings_size(file->info->label, i) == 0)
      return LK_FAIL(LK_DATA, "%s: /labels row %td: empty", file->name, i);
  return LK_OK;
}

lk_status lk_frames_h5_open(lk_frames_h5 **file, const char *path, char digest[33]) {
  lk_status status;
  lk_frames_h5 *made = NULL;
  LK_TRY(lk_alloc(&made, 1, sizeof *made));
  made->name = strcmp(path, "-") == 0 ? "<stdin>" : path;
  LK_GO(lk_foreign_open(&made->file, file_of(path), made->name));
  made->info = lk_foreign_about(made->file);
  LK_GO(check_labels(made));
  LK_GO(lk_digest_file(file_of(path), digest));
  *file = made;
  return LK_OK;
done:
  lk_frames_h5_close(&made);
  return status;
}

void lk_frames_h5_close(lk_frames_h5 **file) {
  if (!*file) return;
  lk_foreign_close(&(*file)->file);
  free(*file);
  *file = NULL;
}

ptrdiff_t lk_frames_h5_rows(const lk_frames_h5 *file) { return file->info->rows; }
ptrdiff_t lk_frames_h5_width(const lk_frames_h5 *file) { return file->info->width; }
const char *lk_frames_h5_name(const lk_frames_h5 *file) { return file->name; }
size_t lk_frames_h5_bytes(const lk_frames_h5 *file) {
  return (size_t)file->info->frames * (size_t)file->info->width * sizeof(float);
}

lk_status lk_frames_h5_row(lk_frames_h5 *file, ptrdiff_t row, float **frames, size_t *capacity, ptrdiff_t *length,
                           const char **label, size_t *label_size) {
  const float *from;
  LK_TRY(lk_foreign_row(file->file, row, &from, length));
  const ptrdiff_t width = file->info->width, begin = (ptrdiff_t)file->info->offset[row];
  const size_t count = (size_t)*length * (size_t)width;
  for (size_t i = 0; i < count; i++)
    if (!isfinite(from[i]))
      return LK_FAIL(LK_DATA, "%s: /frames row %td column %td: %s, expected a finite number", file->name,
                     begin + (ptrdiff_t)i / width, (ptrdiff_t)i % width, isnan(from[i]) ? "NaN" : "infinity");
  LK_TRY(lk_grow(frames, capacity, count, sizeof **frames));
  if (count > 0) memcpy(*frames, from, count * sizeof *from);
  *label = lk_strings_get(file->info->label, row);
  *label_size = lk_strings_size(file->info->label, row);
  return LK_OK;
}
