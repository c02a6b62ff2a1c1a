#include <stdlib.h>
#include <string.h>

#include "h5_impl.h"
#include "arena.h"

enum {
  CHUNK_BYTES = 128 << 10, /* target size */
  CHUNK_CUT = 1 << 20,     /* a row above this is cut along its second axis */
  COMPRESS_FROM = 512      /* bytes; below, the chunk's index costs more than deflate saves */
};

/* A creation list without time stamps. */
static hid_t plain_list(hid_t class) {
  const hid_t list = H5Pcreate(class);
  if (list >= 0 && H5Pset_obj_track_times(list, false) < 0) {
    H5Pclose(list);
    return H5I_INVALID_HID;
  }
  return list;
}

/* Create the groups of `path`; with `last`, `path` itself too. */
static lk_status make_groups(const lk_h5 *file, const char *path, bool last) {
  lk_status status = LK_OK;
  char *part = NULL;
  const size_t size = strlen(path);
  const hid_t list = plain_list(H5P_GROUP_CREATE);
  LK_ASSERT(path[0] == '/');
  LK_GO(lk_alloc(&part, size + 1, 1));
  for (size_t i = 1; i <= size; i++) {
    if (path[i] != '/' && !(last && i == size)) continue;
    memcpy(part, path, i);
    part[i] = 0;
    const htri_t there = H5Lexists(file->id, part, H5P_DEFAULT);
    if (there > 0) continue;
    const hid_t group = there < 0 ? H5I_INVALID_HID : H5Gcreate2(file->id, part, H5P_DEFAULT, list, H5P_DEFAULT);
    if (group < 0) LK_GO(lk_h5_fail(file, LK_INTERNAL, "make the group", part));
    H5Gclose(group);
  }
done:
  free(part);
  if (list >= 0) H5Pclose(list);
  return status;
}

/* Choose the rows of a chunk, and its columns where a single row is too large. */
static void choose_chunk(lk_h5_data *data, hsize_t rows) {
  hsize_t row_bytes = data->size;
  for (int i = 1; i < data->dims; i++) row_bytes *= data->shape[i] ? data->shape[i] : 1;
  data->chunk[0] = rows;
  for (int i = 1; i < LK_H5_DIMS; i++) data->chunk[i] = data->shape[i] ? data->shape[i] : 1;
  if (data->dims > 1 && row_bytes > CHUNK_CUT) {
    const hsize_t column = row_bytes / data->chunk[1];
    data->chunk[1] = column < CHUNK_CUT ? CHUNK_CUT / column : 1;
    row_bytes = column * data->chunk[1];
  }
  if (!data->chunk[0]) data->chunk[0] = row_bytes < CHUNK_BYTES ? CHUNK_BYTES / row_bytes : 1;
  /* HDF5 allows chunks up to 4 GiB, our reader much less. */
  while (data->chunk[0] > 1 && data->chunk[0] * row_bytes > LK_H5_CHUNK / 4) data->chunk[0] /= 2;
}

static hid_t creation_list(const lk_h5_data *data, int deflate) {
  const hid_t list = plain_list(H5P_DATASET_CREATE);
  if (list < 0 || !data->chunked) return list;
  bool good = H5Pset_chunk(list, data->dims, data->chunk) >= 0 && H5Pset_fill_time(list, H5D_FILL_TIME_ALLOC) >= 0;
  if (deflate > 0) {
    if (data->size > 1 && !data->text) good = good && H5Pset_shuffle(list) >= 0;
    good = good && H5Pset_deflate(list, (unsigned)deflate) >= 0;
  }
  if (good) return list;
  H5Pclose(list);
  return H5I_INVALID_HID;
}

static hid_t access_list(const lk_h5_data *data) {
  const hid_t list = H5Pcreate(H5P_DATASET_ACCESS);
  if (list < 0 || !data->chunked) return list;
  size_t bytes = data->size;
  for (int i = 0; i < data->dims; i++) bytes *= (size_t)data->chunk[i];
  /* A cache of one chunk: many data sets grow at the same time, and each is written sequentially. */
  if (H5Pset_chunk_cache(list, 11, bytes + 1, 1.0) >= 0) return list;
  H5Pclose(list);
  return H5I_INVALID_HID;
}

static lk_status set_note(lk_h5 *file, const char *path, const char *note) {
  return note ? lk_h5_set_text(file, path, "description", note) : LK_OK;
}

/* Create the data set that *data describes, of `type` in the file. */
static lk_status create_data(lk_h5 *file, lk_h5_data *data, hid_t type, bool grows, int deflate, const char *note) {
  hsize_t most[LK_H5_DIMS];
  LK_TRY(make_groups(file, data->path, false));
  memcpy(most, data->shape, sizeof most);
  if (grows) most[0] = H5S_UNLIMITED;
  const hid_t space = data->dims ? H5Screate_simple(data->dims, data->shape, most) : H5Screate(H5S_SCALAR);
  const hid_t create = creation_list(data, deflate);
  const hid_t access = access_list(data);
  if (space >= 0 && create >= 0 && access >= 0)
    data->id = H5Dcreate2(file->id, data->path, type, space, H5P_DEFAULT, create, access);
  if (space >= 0) H5Sclose(space);
  if (create >= 0) H5Pclose(create);
  if (access >= 0) H5Pclose(access);
  if (data->id < 0) return lk_h5_fail(file, LK_INTERNAL, "make", data->path);
  return set_note(file, data->path, note);
}

static lk_status describe(lk_h5_data **out, const lk_h5 *file, const char *path, size_t size, int dims,
                          const ptrdiff_t shape[]) {
  LK_ASSERT(dims >= 0 && dims <= LK_H5_DIMS && file->writing && !file->closed);
  LK_TRY(lk_alloc(out, 1, sizeof **out));
  lk_h5_data *data = *out;
  data->id = data->file_type = H5I_INVALID_HID;
  data->file = file;
  data->size = size;
  data->dims = dims;
  for (int i = 0; i < LK_H5_DIMS; i++) {
    data->shape[i] = i < dims ? (hsize_t)shape[i] : 1;
    LK_ASSERT(i >= dims || shape[i] >= 0);
  }
  const lk_status status = lk_alloc(&data->path, strlen(path) + 1, 1);
  if (status != LK_OK) {
    lk_h5_close_data(out);
    return status;
  }
  memcpy(data->path, path, strlen(path));
  return LK_OK;
}

/* HDF5 may report success although the driver had an error. */
static lk_status check_write(const lk_h5 *file, herr_t result, const char *path) {
  return result < 0 || file->disk->error ? lk_h5_fail(file, LK_INTERNAL, "write", path) : LK_OK;
}

static lk_status write_rows(const lk_h5_data *data, hid_t native, hsize_t row, hsize_t rows, const void *bytes) {
  const hsize_t from[LK_H5_DIMS] = {row, 0, 0}, count[LK_H5_DIMS] = {rows, data->shape[1], data->shape[2]};
  const hid_t space = H5Dget_space(data->id);
  const hid_t memory = data->dims ? H5Screate_simple(data->dims, count, NULL) : H5Screate(H5S_SCALAR);
  herr_t result = space < 0 || memory < 0 ? -1 : 0;
  if (result >= 0 && data->dims) result = H5Sselect_hyperslab(space, H5S_SELECT_SET, from, NULL, count, NULL);
  if (result >= 0) result = H5Dwrite(data->id, native, memory, space, H5P_DEFAULT, bytes);
  if (space >= 0) H5Sclose(space);
  if (memory >= 0) H5Sclose(memory);
  return check_write(data->file, result, data->path);
}

/* Choose chunks and compression where requested and useful. Returns the bytes of all elements. */
static hsize_t choose_layout(lk_h5_data *data, int deflate) {
  hsize_t total = data->size;
  for (int i = 0; i < data->dims; i++) total *= data->shape[i];
  data->chunked = deflate > 0 && data->dims > 0 && total >= COMPRESS_FROM;
  if (!data->chunked) return total;
  choose_chunk(data, 0);
  if (data->chunk[0] > data->shape[0]) data->chunk[0] = data->shape[0];
  return total;
}

static lk_status write_whole(lk_h5_data *data, lk_h5 *file, lk_type type, const void *bytes, int deflate,
                             const char *note) {
  const hsize_t total = choose_layout(data, deflate);
  LK_TRY(create_data(file, data, lk_h5_file_type(type), false, deflate, note));
  return total ? write_rows(data, lk_h5_native_type(type), 0, data->shape[0], bytes) : LK_OK;
}

lk_status lk_h5_write(lk_h5 *file, const char *path, lk_type type, int dims, const ptrdiff_t shape[], const void *data,
                      int deflate, const char *note) {
  lk_h5_data *made;
  LK_TRY(describe(&made, file, path, lk_h5_type_size(type), dims, shape));
  const lk_status status = write_whole(made, file, type, data, deflate, note);
  lk_h5_close_data(&made);
  return status;
}

static lk_h5_data *find_appended(const lk_h5 *file, const char *path) {
  for (lk_h5_data *data = file->appended; data; data = data->next)
    if (strcmp(data->path, path) == 0) return data;
  return NULL;
}

static lk_status begin_append(lk_h5 *file, const char *path, lk_type type, int dims, const ptrdiff_t shape[],
                              ptrdiff_t chunk, int deflate, const char *note) {
  lk_h5_data *made;
  LK_ASSERT(dims >= 1 && chunk >= 1);
  LK_TRY(describe(&made, file, path, lk_h5_type_size(type), dims, shape));
  made->shape[0] = 0;
  made->chunked = true;
  choose_chunk(made, (hsize_t)chunk);
  const lk_status status = create_data(file, made, lk_h5_file_type(type), true, deflate, note);
  if (status != LK_OK) {
    lk_h5_close_data(&made);
    return status;
  }
  made->next = file->appended;
  file->appended = made;
  return LK_OK;
}

/* Write whole chunks of 32-bit numbers that begin at a chunk boundary: *done rows are written, HDF5 writes the rest. */
static lk_status write_chunks(lk_h5 *file, const lk_h5_data *data, hsize_t row, hsize_t rows, const uint32_t *values,
                              int deflate, hsize_t *done) {
  const size_t across = (size_t)(data->shape[1] * data->shape[2]), count = (size_t)data->chunk[0] * across;
  *done = 0;
  if (deflate <= 0 || data->size != 4 || row % data->chunk[0] || data->chunk[1] != data->shape[1] ||
      data->chunk[2] != data->shape[2] || H5Tequal(H5T_NATIVE_INT32, H5T_STD_I32LE) <= 0)
    return LK_OK;
  for (; rows - *done >= data->chunk[0]; *done += data->chunk[0]) {
    const hsize_t at[LK_H5_DIMS] = {row + *done, 0, 0};
    const void *bytes;
    size_t size;
    LK_TRY(lk_h5_code(&file->coder, values + *done * across, count, deflate, &bytes, &size));
    LK_TRY(check_write(file, H5Dwrite_chunk(data->id, H5P_DEFAULT, 0, at, size, bytes), data->path));
  }
  return LK_OK;
}

lk_status lk_h5_append(lk_h5 *file, const char *path, lk_type type, int dims, const ptrdiff_t shape[], const void *data,
                       ptrdiff_t chunk, int deflate, const char *note) {
  lk_h5_data *grown = find_appended(file, path);
  if (!grown) {
    LK_TRY(begin_append(file, path, type, dims, shape, chunk, deflate, note));
    grown = file->appended;
  }
  LK_ASSERT(grown->dims == dims && grown->size == lk_h5_type_size(type) && shape[0] >= 0);
  for (int i = 1; i < dims; i++) LK_ASSERT((hsize_t)shape[i] == grown->shape[i]);
  if (!shape[0]) return LK_OK;
  const hsize_t row = grown->shape[0];
  grown->shape[0] += (hsize_t)shape[0];
  if (H5Dset_extent(grown->id, grown->shape) < 0) return lk_h5_fail(file, LK_INTERNAL, "grow", path);
  hsize_t done = 0;
  LK_TRY(write_chunks(file, grown, row, (hsize_t)shape[0], data, deflate, &done));
  if (done == (hsize_t)shape[0]) return LK_OK;
  const size_t row_bytes = grown->size * (size_t)(grown->shape[1] * grown->shape[2]);
  return write_rows(grown, lk_h5_native_type(type), row + done, (hsize_t)shape[0] - done,
                    (const char *)data + done * row_bytes);
}

/* ---- strings and attributes ---- */

static hid_t text_type(size_t size) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  if (type >= 0 && H5Tset_size(type, size) >= 0 && H5Tset_strpad(type, H5T_STR_NULLTERM) >= 0 &&
      H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
    return type;
  if (type >= 0) H5Tclose(type);
  return H5I_INVALID_HID;
}

/* A chunk at a time: one long string widens all of them, which deflate compresses, but memory would hold. */
static lk_status write_padded(const lk_h5_data *data, hid_t type, const lk_h5_strings *strings) {
  lk_status status = LK_OK;
  char *block = NULL;
  const hsize_t most = data->chunked ? data->chunk[0] : data->shape[0];
  LK_TRY(lk_alloc(&block, (size_t)most + 1, data->size));
  for (hsize_t row = 0; row < data->shape[0]; row += most) {
    const hsize_t rows = data->shape[0] - row < most ? data->shape[0] - row : most;
    memset(block, 0, (size_t)rows * data->size);
    for (hsize_t i = 0; i < rows; i++) {
      const char *text;
      size_t size;
      LK_GO(strings->next(strings->context, &text, &size));
      LK_ASSERT(size < data->size);
      memcpy(block + i * data->size, text, size);
    }
    LK_GO(write_rows(data, type, row, rows, block));
  }
done:
  free(block);
  return status;
}

lk_status lk_h5_write_strings_from(lk_h5 *file, const char *path, const lk_h5_strings *strings, const char *note) {
  lk_status status = LK_OK;
  lk_h5_data *made = NULL;
  const size_t width = strings->longest + 1; /* and a NUL, so that h5dump shows no padding */
  if (width > LK_H5_TEXT) return LK_FAIL(LK_DATA, "a string of %s has %zu bytes; 16 MiB is the most", path, width);
  const hid_t type = text_type(width);
  if (type < 0) return lk_h5_fail(file, LK_MEMORY, "make", path);
  LK_GO(describe(&made, file, path, width, 1, &strings->count));
  made->text = true;
  choose_layout(made, 4);
  LK_GO(create_data(file, made, type, false, 4, note));
  LK_GO(write_padded(made, type, strings));
done:
  H5Tclose(type);
  lk_h5_close_data(&made);
  return status;
}

/* Gives strings that are in memory, one after the other. */
typedef struct in_memory {
  const lk_strings *strings;
  ptrdiff_t next;
} in_memory;

static lk_status next_of(void *context, const char **text, size_t *size) {
  in_memory *m = context;
  *text = lk_strings_get(m->strings, m->next);
  *size = lk_strings_size(m->strings, m->next++);
  return LK_OK;
}

lk_status lk_h5_write_strings(lk_h5 *file, const char *path, const lk_strings *strings, const char *note) {
  in_memory m = {.strings = strings};
  lk_h5_strings all = {.count = strings->count, .context = &m, .next = next_of};
  for (ptrdiff_t i = 0; i < strings->count; i++) {
    const size_t size = lk_strings_size(strings, i);
    if (memchr(lk_strings_get(strings, i), 0, size))
      return LK_FAIL(LK_DATA, "string %td of %s holds a NUL character, which HDF5 cannot store", i, path);
    if (size > all.longest) all.longest = size;
  }
  return lk_h5_write_strings_from(file, path, &all, note);
}

lk_status lk_h5_set_attribute(lk_h5 *file, const char *object, const char *name, hsize_t count, hid_t file_type,
                              hid_t type, const void *value) {
  if (H5Oexists_by_name(file->id, object, H5P_DEFAULT) <= 0) LK_TRY(make_groups(file, object, true));
  const hid_t space = count ? H5Screate_simple(1, &count, NULL) : H5Screate(H5S_SCALAR);
  if (H5Aexists_by_name(file->id, object, name, H5P_DEFAULT) > 0)
    H5Adelete_by_name(file->id, object, name, H5P_DEFAULT);
  const hid_t id = H5Acreate_by_name(file->id, object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const herr_t result = id < 0 ? -1 : H5Awrite(id, type, value);
  if (id >= 0) H5Aclose(id);
  if (space >= 0) H5Sclose(space);
  return check_write(file, result, object);
}

lk_status lk_h5_set_fixed(lk_h5 *file, const char *object, const char *name, const char *text) {
  const hid_t type = text_type(strlen(text) + 1);
  if (type < 0) return lk_h5_fail(file, LK_MEMORY, "write", object);
  const lk_status status = lk_h5_set_attribute(file, object, name, 0, type, type, text);
  H5Tclose(type);
  return status;
}

lk_status lk_h5_set_int(lk_h5 *file, const char *object, const char *name, int64_t value) {
  return lk_h5_set_attribute(file, object, name, 0, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}

lk_status lk_h5_set_real(lk_h5 *file, const char *object, const char *name, double value) {
  return lk_h5_set_attribute(file, object, name, 0, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

lk_status lk_h5_set_strings(lk_h5 *file, const char *object, const char *name, hsize_t count,
                            const char *const *strings) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  lk_status status = LK_OK;
  if (type < 0 || H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)
    status = lk_h5_fail(file, LK_MEMORY, "describe", object);
  else
    status = lk_h5_set_attribute(file, object, name, count, type, type, strings);
  if (type >= 0) H5Tclose(type);
  return status;
}

lk_status lk_h5_set_text(lk_h5 *file, const char *object, const char *name, const char *text) {
  if (strlen(text) > LK_H5_TEXT) return LK_FAIL(LK_DATA, "attribute %s of %s is longer than 16 MiB", name, object);
  return lk_h5_set_strings(file, object, name, 0, &text);
}
