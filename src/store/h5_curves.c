/* What other programs read of our files, and we do not: dimension scales, and what is plotted against what.
 * The dimension scales are written here rather than by HDF5's high-level library, which Lockstep does not need
 * otherwise. */
#include <stdlib.h>
#include <string.h>

#include "h5_impl.h"
#include "arena.h"

lk_status lk_h5_show(lk_h5 *file, const char *group, const char *nx_class, const char *member) {
  LK_TRY(lk_h5_set_text(file, group, "NX_class", nx_class));
  return lk_h5_set_text(file, group, "default", member);
}

/* ---- dimension scales ---- */

static lk_status refer(const lk_h5 *file, const char *path, hobj_ref_t *reference) {
  return H5Rcreate(reference, file->id, path, H5R_OBJECT, -1) < 0 ? lk_h5_fail(file, LK_INTERNAL, "refer to", path)
                                                                  : LK_OK;
}

/* DIMENSION_LIST of a data set of one axis: for each axis a list of its scales. */
static lk_status set_axis(lk_h5 *file, const char *path, hobj_ref_t scale) {
  const hvl_t list = {1, &scale};
  const hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ);
  const lk_status status = type < 0 ? lk_h5_fail(file, LK_MEMORY, "describe", path)
                                    : lk_h5_set_attribute(file, path, "DIMENSION_LIST", 1, type, type, &list);
  if (type >= 0) H5Tclose(type);
  return status;
}

/* Where a scale is used: the data set, and which of its axes. */
typedef struct scale_use {
  hobj_ref_t data;
  int32_t axis, unused;
} scale_use;

static lk_status set_uses(lk_h5 *file, const char *path, hsize_t count, const scale_use *uses) {
  const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof *uses);
  const bool good = type >= 0 && H5Tinsert(type, "dataset", offsetof(scale_use, data), H5T_STD_REF_OBJ) >= 0 &&
                    H5Tinsert(type, "dimension", offsetof(scale_use, axis), H5T_STD_I32LE) >= 0;
  const lk_status status = good ? lk_h5_set_attribute(file, path, "REFERENCE_LIST", count, type, type, uses)
                                : lk_h5_fail(file, LK_MEMORY, "describe", path);
  if (type >= 0) H5Tclose(type);
  return status;
}

/* Make paths[0] the scale of the others. */
static lk_status link_scale(lk_h5 *file, const lk_strings *paths, const char *name) {
  lk_status status = LK_OK;
  hobj_ref_t scale;
  scale_use *uses = NULL;
  const char *axis = lk_strings_get(paths, 0);
  LK_TRY(refer(file, axis, &scale));
  LK_TRY(lk_alloc(&uses, (size_t)paths->count, sizeof *uses));
  for (ptrdiff_t i = 1; i < paths->count; i++) {
    LK_GO(refer(file, lk_strings_get(paths, i), &uses[i - 1].data));
    LK_GO(set_axis(file, lk_strings_get(paths, i), scale));
  }
  /* of fixed length: libhdf5_hl looks for these */
  LK_GO(lk_h5_set_fixed(file, axis, "CLASS", "DIMENSION_SCALE"));
  LK_GO(lk_h5_set_fixed(file, axis, "NAME", name));
  if (paths->count > 1) LK_GO(set_uses(file, axis, (hsize_t)paths->count - 1, uses));
done:
  free(uses);
  return status;
}

/* ---- curves ---- */

/* One data set for each column; their paths are appended to `paths`. */
static lk_status write_columns(lk_h5 *file, const char *path, const lk_h5_curve *curves, int columns, ptrdiff_t rows,
                               const double *table, lk_strings *paths) {
  lk_status status = LK_OK;
  double *column = NULL;
  lk_buffer name = {0};
  LK_TRY(lk_alloc(&column, (size_t)rows + 1, sizeof *column));
  for (int c = 0; c < columns; c++) {
    for (ptrdiff_t i = 0; i < rows; i++) column[i] = table[i * columns + c];
    lk_buffer_truncate(&name, 0);
    LK_GO(lk_buffer_printf(&name, "%s/%s", path, curves[c].name));
    LK_GO(lk_strings_add(paths, name.data, name.size, 0));
    LK_GO(lk_h5_write(file, name.data, LK_FLOAT64, 1, &rows, column, 4, NULL));
    LK_GO(lk_h5_set_text(file, name.data, "units", curves[c].units));
  }
done:
  free(column);
  lk_buffer_release(&name);
  return status;
}

lk_status lk_h5_write_curves(lk_h5 *file, const char *path, const lk_h5_curve *curves, int columns, int shown,
                             ptrdiff_t rows, const double *table, const char *note) {
  lk_strings paths = {0};
  lk_status status = LK_OK;
  LK_GO(write_columns(file, path, curves, columns, rows, table, &paths));
  LK_GO(link_scale(file, &paths, curves[0].name));
  LK_GO(lk_h5_set_text(file, path, "NX_class", "NXdata"));
  LK_GO(lk_h5_set_text(file, path, "signal", curves[shown].name));
  LK_GO(lk_h5_set_strings(file, path, "axes", 1, &curves[0].name));
  LK_GO(lk_h5_set_text(file, path, "description", note));
done:
  lk_strings_release(&paths);
  return status;
}
