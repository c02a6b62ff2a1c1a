#include <stdlib.h>
#include <string.h>

#include "h5_vlen_impl.h"
#include "arena.h"

/* Whether `part` exists as a hard link; *strange: it is a link of another kind. */
static bool follows(const lk_h5 *file, const char *part, bool *strange) {
  H5L_info_t info;
  if (H5Lexists(file->id, part, H5P_DEFAULT) <= 0) return false;
  if (H5Lget_info(file->id, part, &info, H5P_DEFAULT) < 0) return false;
  *strange = info.type != H5L_TYPE_HARD;
  return !*strange;
}

H5I_type_t lk_h5_find(const lk_h5 *file, const char *path) {
  char part[1024];
  const size_t size = strlen(path);
  int depth = 0;
  bool strange = false;
  if (path[0] != '/' || size >= sizeof part) return H5I_BADID;
  for (size_t i = 1; i <= size && size > 1; i++) {
    if (path[i] != '/' && path[i] != 0) continue;
    memcpy(part, path, i);
    part[i] = 0;
    if (++depth > LK_H5_DEPTH || !follows(file, part, &strange)) return strange ? H5I_UNINIT : H5I_BADID;
  }
  const hid_t id = H5Oopen(file->id, path, H5P_DEFAULT);
  if (id < 0) return H5I_BADID;
  const H5I_type_t type = H5Iget_type(id);
  H5Oclose(id);
  return type;
}

bool lk_h5_exists(const lk_h5 *file, const char *path) {
  const H5I_type_t type = lk_h5_find(file, path);
  return type == H5I_GROUP || type == H5I_DATASET;
}

bool lk_h5_is_group(const lk_h5 *file, const char *path) { return lk_h5_find(file, path) == H5I_GROUP; }

lk_status lk_h5_open_object(const lk_h5 *file, const char *path, H5I_type_t want, hid_t *id) {
  const H5I_type_t type = lk_h5_find(file, path);
  if (type == H5I_UNINIT)
    return LK_FAIL(LK_DATA, "%s: %s is or leads over a soft, external or foreign link, which is not followed",
                   file->path, path);
  if (type == H5I_BADID) {
    if (file->disk->error) return lk_h5_fail(file, LK_IO, "read", path);
    return LK_FAIL(LK_DATA, "%s: there is no %s", file->path, path);
  }
  if (want != H5I_BADID && type != want)
    return LK_FAIL(LK_DATA, "%s: %s is not a %s", file->path, path, want == H5I_GROUP ? "group" : "data set");
  *id = H5Oopen(file->id, path, H5P_DEFAULT);
  return *id < 0 ? lk_h5_fail(file, LK_DATA, "open", path) : LK_OK;
}

typedef struct member_walk {
  lk_strings *names;
  hsize_t left;
  lk_status status;
} member_walk;

static herr_t add_member(hid_t group, const char *name, const H5L_info_t *info, void *data) {
  (void)group, (void)info;
  member_walk *walk = data;
  if (!walk->left) return 1; /* more members than the group states: a cycle in a damaged file */
  walk->left--;
  walk->status = lk_strings_add(walk->names, name, strlen(name), 0);
  return walk->status == LK_OK ? 0 : 1;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Append the names, sorted by their bytes. */
static lk_status add_sorted(lk_strings *to, const lk_strings *names) {
  const char **order = NULL;
  lk_status status = LK_OK;
  LK_TRY(lk_alloc(&order, (size_t)names->count + 1, sizeof *order));
  for (ptrdiff_t i = 0; i < names->count; i++) order[i] = lk_strings_get(names, i);
  qsort(order, (size_t)names->count, sizeof *order, by_bytes);
  for (ptrdiff_t i = 0; i < names->count; i++) LK_GO(lk_strings_add(to, order[i], strlen(order[i]), 0));
done:
  free(order);
  return status;
}

lk_status lk_h5_list(const lk_h5 *file, const char *group, lk_strings *names) {
  hid_t id = H5I_INVALID_HID;
  H5G_info_t info;
  lk_strings found = {0};
  LK_TRY(lk_h5_open_object(file, group, H5I_GROUP, &id));
  lk_status status = LK_OK;
  if (H5Gget_info(id, &info) < 0) LK_GO(lk_h5_fail(file, LK_DATA, "read", group));
  if (info.nlinks > LK_H5_MEMBERS) LK_GO(LK_FAIL(LK_DATA, "%s: %s has too many members", file->path, group));
  member_walk walk = {&found, info.nlinks, LK_OK};
  /* Not sorted by name: for that HDF5 1.10 builds a table, and in damaged files frees entries that it never filled. */
  const herr_t result = H5Literate(id, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, add_member, &walk);
  LK_GO(walk.status);
  if (result != 0) LK_GO(lk_h5_fail(file, LK_DATA, "list", group));
  LK_GO(add_sorted(names, &found));
done:
  lk_strings_release(&found);
  H5Oclose(id);
  return status;
}

/* ---- attributes ---- */

/* An attribute of one element; *size its bytes. */
static lk_status open_attribute(const lk_h5 *file, const char *object, const char *name, hid_t *id, hid_t *type) {
  hid_t holder = H5I_INVALID_HID;
  LK_TRY(lk_h5_open_object(file, object, H5I_BADID, &holder));
  lk_status status = LK_OK;
  *id = *type = H5I_INVALID_HID;
  if (H5Aexists(holder, name) <= 0) LK_GO(LK_FAIL(LK_DATA, "%s: %s has no attribute \"%s\"", file->path, object, name));
  *id = H5Aopen(holder, name, H5P_DEFAULT);
  const hid_t space = *id < 0 ? H5I_INVALID_HID : H5Aget_space(*id);
  const bool single = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
  if (space >= 0) H5Sclose(space);
  *type = single ? H5Aget_type(*id) : H5I_INVALID_HID;
  if (*type < 0) LK_GO(LK_FAIL(LK_DATA, "%s: attribute \"%s\" of %s is not one value", file->path, name, object));
done:
  H5Oclose(holder);
  if (status != LK_OK && *id >= 0) H5Aclose(*id);
  return status;
}

bool lk_h5_has_attribute(const lk_h5 *file, const char *object, const char *name) {
  hid_t holder = H5I_INVALID_HID;
  if (lk_h5_open_object(file, object, H5I_BADID, &holder) != LK_OK) {
    lk_error_clear();
    return false;
  }
  const bool there = H5Aexists(holder, name) > 0;
  H5Oclose(holder);
  return there;
}

static lk_status wrong_attribute(const lk_h5 *file, const char *object, const char *name, const char *want) {
  return LK_FAIL(LK_DATA, "%s: attribute \"%s\" of %s is not %s", file->path, name, object, want);
}

lk_status lk_h5_get_text(const lk_h5 *file, const char *object, const char *name, lk_buffer *out) {
  hid_t id, type;
  unsigned char *bytes = NULL;
  LK_TRY(open_attribute(file, object, name, &id, &type));
  lk_status status = LK_OK;
  const bool variable = H5Tis_variable_str(type) > 0;
  const char *text;
  size_t size = variable ? LK_H5_REFERENCE : H5Tget_size(type);
  if (H5Tget_class(type) != H5T_STRING || size == 0 || size > LK_H5_TEXT || size > file->disk->size)
    LK_GO(wrong_attribute(file, object, name, "text"));
  LK_GO(lk_alloc(&bytes, size + 1, 1));
  if (H5Aread(id, variable ? lk_h5_reference_type() : type, bytes) < 0)
    LK_GO(lk_h5_fail(file, LK_DATA, "read an attribute of", object));
  if (variable)
    LK_GO(lk_h5_variable_text(file, bytes, object, &text, &size));
  else
    text = (const char *)bytes;
  size = lk_h5_text_size(type, text, size);
  if (lk_utf8_valid(text, size) != size) LK_GO(wrong_attribute(file, object, name, "UTF-8 text"));
  LK_GO(lk_buffer_append(out, text, size));
done:
  free(bytes);
  H5Tclose(type);
  H5Aclose(id);
  return status;
}

static lk_status get_number(const lk_h5 *file, const char *object, const char *name, bool real, void *value) {
  hid_t id, type;
  LK_TRY(open_attribute(file, object, name, &id, &type));
  lk_status status = LK_OK;
  lk_type nearest = LK_FLOAT64;
  const bool known = lk_h5_known_type(type, &nearest);
  if (!known || (!real && (nearest == LK_FLOAT32 || nearest == LK_FLOAT64)))
    LK_GO(wrong_attribute(file, object, name, real ? "a number" : "an integer"));
  if (H5Aread(id, real ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64, value) < 0)
    LK_GO(lk_h5_fail(file, LK_DATA, "read an attribute of", object));
done:
  H5Tclose(type);
  H5Aclose(id);
  return status;
}

lk_status lk_h5_get_int(const lk_h5 *file, const char *object, const char *name, int64_t *value) {
  int64_t got = 0;
  LK_TRY(get_number(file, object, name, false, &got));
  *value = got;
  return LK_OK;
}

lk_status lk_h5_get_real(const lk_h5 *file, const char *object, const char *name, double *value) {
  double got = 0;
  LK_TRY(get_number(file, object, name, true, &got));
  *value = got;
  return LK_OK;
}
