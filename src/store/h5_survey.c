/* Make HDF5 parse, once, everything that reading a file may parse: links, object headers, attributes, the index of
 * every chunk. If HDF5 survives this in the child, reading in the parent is safe. Numbers and text of variable length
 * are not read: our own code decodes the chunks and the heap, with every size bounded (h5_chunk.c, h5_vlen.c). */
#include <stdlib.h>
#include <string.h>

#include "h5_vlen_impl.h"
#include "arena.h"

enum { OBJECTS = 20000, ATTRIBUTES = 256 };

typedef struct survey {
  const lk_h5 *file;
  ptrdiff_t objects; /* visited so far, each once for every link to it */
} survey;

/* Read an attribute as h5_find.c does; other kinds are never read. *starved is set where there is no memory for it. */
static herr_t look_at_attribute(hid_t object, const char *name, const H5A_info_t *info, void *starved) {
  const hid_t id = H5Aopen(object, name, H5P_DEFAULT);
  const hid_t space = id < 0 ? H5I_INVALID_HID : H5Aget_space(id);
  const hid_t type = space < 0 ? H5I_INVALID_HID : H5Aget_type(id);
  (void)info;
  herr_t result = type < 0 ? -1 : 0;
  const bool variable = type >= 0 && H5Tis_variable_str(type) > 0;
  const size_t size = variable ? LK_H5_REFERENCE : type < 0 ? 0 : H5Tget_size(type);
  lk_type nearest;
  const bool plain = type >= 0 && (lk_h5_known_type(type, &nearest) || H5Tget_class(type) == H5T_STRING);
  if (plain && size && size <= LK_H5_TEXT && H5Sget_simple_extent_npoints(space) == 1) {
    void *bytes = malloc(size);
    *(bool *)starved |= bytes == NULL;
    result = bytes ? H5Aread(id, variable ? lk_h5_reference_type() : type, bytes) : -1;
    free(bytes);
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  if (id >= 0) H5Aclose(id);
  return result;
}

static lk_status look_at_attributes(const lk_h5 *file, const char *path) {
  hid_t id = H5I_INVALID_HID;
  lk_status status = LK_OK;
  bool starved = false;
  LK_TRY(lk_h5_open_object(file, path, H5I_BADID, &id));
  const int count = H5Aget_num_attrs(id);
  if (count < 0) LK_GO(lk_h5_fail(file, LK_DATA, "read the attributes of", path));
  if (count > ATTRIBUTES)
    LK_GO(LK_FAIL(LK_DATA, "%s: %s has %d attributes, more than %d", file->path, path, count, ATTRIBUTES));
  if (H5Aiterate2(id, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, look_at_attribute, &starved) < 0)
    LK_GO(lk_h5_fail(file, starved ? LK_MEMORY : LK_DATA, "read the attributes of", path));
done:
  H5Oclose(id);
  return status;
}

/* Each chunk's entry in the index. */
static lk_status look_at_chunks(const lk_h5_data *data) {
  hsize_t at[LK_H5_DIMS], stored = 0;
  for (int i = 0; i < LK_H5_DIMS; i++)
    if (!data->shape[i]) return LK_OK;
  for (at[0] = 0; at[0] < data->shape[0]; at[0] += data->chunk[0])
    for (at[1] = 0; at[1] < data->shape[1]; at[1] += data->chunk[1])
      for (at[2] = 0; at[2] < data->shape[2]; at[2] += data->chunk[2])
        if (H5Dget_chunk_storage_size(data->id, at, &stored) < 0)
          return lk_h5_fail(data->file, LK_DATA, "find the chunks of", data->path);
  return LK_OK;
}

static lk_status look_at_data(const lk_h5 *file, const char *path) {
  lk_h5_data *data;
  LK_TRY(lk_h5_open_data(file, path, &data));
  return data->chunked ? look_at_chunks(data) : LK_OK;
}

static lk_status look_at_group(survey *s, const char *path, int depth);

/* Everything must be as we write it. */
static lk_status look_at(survey *s, const char *path, int depth) {
  const lk_h5 *file = s->file;
  const H5I_type_t type = lk_h5_find(file, path);
  if (++s->objects > OBJECTS)
    return LK_FAIL(LK_DATA, "%s: it has more than %d members, or cyclic links", file->path, OBJECTS);
  if (depth > LK_H5_DEPTH) return LK_FAIL(LK_DATA, "%s: %.60s... is nested too deeply", file->path, path);
  if (type == H5I_GROUP)
    LK_TRY(look_at_group(s, path, depth));
  else if (type == H5I_DATASET)
    LK_TRY(look_at_data(file, path));
  else
    LK_TRY(lk_h5_open_object(file, path, H5I_DATASET, &(hid_t){0}));
  return look_at_attributes(file, path);
}

static lk_status look_at_group(survey *s, const char *path, int depth) {
  lk_strings names = {0};
  lk_buffer member = {0};
  lk_status status = LK_OK;
  LK_GO(lk_h5_list(s->file, path, &names));
  for (ptrdiff_t i = 0; i < names.count; i++) {
    lk_buffer_truncate(&member, 0);
    LK_GO(lk_buffer_printf(&member, "%s/%s", depth ? path : "", lk_strings_get(&names, i)));
    LK_GO(look_at(s, member.data, depth + 1));
  }
done:
  lk_strings_release(&names);
  lk_buffer_release(&member);
  return status;
}

lk_status lk_h5_survey(const lk_h5 *file) {
  survey s = {.file = file};
  return look_at(&s, "/", 0);
}
