#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5_apart_impl.h"
#include "h5_vlen_impl.h"
#include "arena.h"

static lk_status refuse(const lk_h5_data *data, const char *why) {
  return LK_FAIL(LK_DATA, "%s: %s is refused: %s", data->file->path, data->path, why);
}

/* In foreign files any number that HDF5 can convert is accepted: half precision, unusual widths, booleans and other
 * enumerations (h5py's bool is one of FALSE and TRUE). */
static bool foreign_type(lk_h5_data *data) {
  const hid_t type = data->file_type;
  if (!data->file->foreign) return false;
  if (H5Tget_class(type) == H5T_ENUM) {
    data->names = type;
    data->file_type = H5Tget_super(type); /* their numbers */
    data->type = LK_INT64;
    return data->file_type >= 0 && H5Tget_class(data->file_type) == H5T_INTEGER && data->size <= 8;
  }
  const bool real = H5Tget_class(type) == H5T_FLOAT;
  data->type = !real ? LK_INT64 : data->size <= 4 ? LK_FLOAT32 : LK_FLOAT64;
  return (real && data->size <= 16) || (H5Tget_class(type) == H5T_INTEGER && data->size <= 8);
}

static lk_status check_type(lk_h5_data *data) {
  data->file_type = H5Dget_type(data->id);
  if (data->file_type < 0) return lk_h5_fail(data->file, LK_DATA, "read the type of", data->path);
  data->size = H5Tget_size(data->file_type);
  if (H5Tget_class(data->file_type) != H5T_STRING) {
    if (lk_h5_known_type(data->file_type, &data->type) || foreign_type(data)) return LK_OK;
    return refuse(data, "it is of none of float32, float64, 8 to 64 bit integers, strings");
  }
  data->type = LK_UINT8;
  data->text = true;
  data->vlen = H5Tis_variable_str(data->file_type) != 0;
  /* We write none, and HDF5 converts the fill value of one, which it has in its heap, where we ask for the layout. */
  if (data->vlen && !data->file->foreign) return refuse(data, "its strings are of variable length");
  if (data->vlen) data->size = LK_H5_REFERENCE;
  if (!data->vlen && (data->size == 0 || data->size > LK_H5_TEXT)) return refuse(data, "its strings are too long");
  return LK_OK;
}

static lk_status check_shape(lk_h5_data *data) {
  const hid_t space = H5Dget_space(data->id);
  const H5S_class_t class = space < 0 ? H5S_NO_CLASS : H5Sget_simple_extent_type(space);
  const int dims = class == H5S_SIMPLE ? H5Sget_simple_extent_ndims(space) : 0;
  bool good = class == H5S_SCALAR || (class == H5S_SIMPLE && dims >= 1 && dims <= LK_H5_DIMS);
  for (int i = 0; i < LK_H5_DIMS; i++) data->shape[i] = 1;
  if (good && dims) good = H5Sget_simple_extent_dims(space, data->shape, NULL) == dims;
  if (space >= 0) H5Sclose(space);
  data->dims = dims;
  return good ? LK_OK : refuse(data, "it has not 0 to 3 axes");
}

/* Common filters, by their numbers in The HDF Group's registry. */
static const char *filter_name(H5Z_filter_t filter, char number[32]) {
  static const struct {
    H5Z_filter_t filter;
    const char *name;
  } known[] = {{H5Z_FILTER_SZIP, "szip"},
               {H5Z_FILTER_NBIT, "nbit"},
               {H5Z_FILTER_SCALEOFFSET, "scaleoffset"},
               {307, "bzip2"},
               {32000, "lzf"},
               {32001, "blosc"},
               {32004, "lz4"},
               {32008, "bitshuffle"},
               {32013, "zfp"},
               {32015, "zstd"},
               {32017, "sz"},
               {32026, "blosc2"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].filter == filter) return known[i].name;
  snprintf(number, 32, "number %d", (int)filter);
  return number;
}

static lk_status refuse_filter(const lk_h5_data *data, H5Z_filter_t filter) {
  char number[32];
  if (!data->file->foreign) return refuse(data, "its filters are not shuffle, deflate and fletcher32");
  return LK_FAIL(LK_DATA,
                 "%s: %s is compressed with %s, which is not read (gzip is): h5repack -f GZIP=4 %s NEW.h5, where that "
                 "filter is installed",
                 data->file->path, data->path, filter_name(filter, number), data->file->path);
}

static lk_status check_filters(lk_h5_data *data, hid_t list) {
  data->filters = H5Pget_nfilters(list);
  if (data->filters < 0 || data->filters > LK_H5_FILTERS) return refuse(data, "it has too many filters");
  for (int i = 0; i < data->filters; i++) {
    unsigned flags = 0, value[8] = {0};
    size_t values = 8;
    data->filter[i] = H5Pget_filter2(list, (unsigned)i, &flags, &values, value, 0, NULL, NULL);
    if (data->filter[i] == H5Z_FILTER_SHUFFLE) {
      data->shuffle = values >= 1 ? value[0] : 0;
      if (data->vlen && data->shuffle == 0)
        data->shuffle = 1; /* HDF5 tells the filter no size, which then does nothing */
      if (data->shuffle == 0 || data->shuffle > LK_H5_TEXT) return refuse(data, "its shuffle filter is garbled");
    } else if (data->filter[i] != H5Z_FILTER_DEFLATE && data->filter[i] != H5Z_FILTER_FLETCHER32) {
      return refuse_filter(data, data->filter[i]);
    }
    for (int j = 0; j < i; j++)
      if (data->filter[j] == data->filter[i]) return refuse(data, "it has a filter twice");
  }
  return LK_OK;
}

static lk_status check_layout(lk_h5_data *data, hid_t list) {
  const H5D_layout_t layout = H5Pget_layout(list);
  if (H5Pget_external_count(list) != 0) return refuse(data, "its numbers are in another file");
  if (layout == H5D_VIRTUAL) return refuse(data, "it is a virtual data set");
  if (layout == H5D_COMPACT || layout == H5D_CONTIGUOUS) return LK_OK;
  if (layout != H5D_CHUNKED) return refuse(data, "its layout is unknown");
  data->chunked = true;
  for (int i = 0; i < LK_H5_DIMS; i++) data->chunk[i] = 1;
  unsigned options = 0;
  if (data->dims == 0 || H5Pget_chunk(list, LK_H5_DIMS, data->chunk) != data->dims)
    return refuse(data, "its chunks have another number of axes");
  if (H5Pget_chunk_opts(list, &options) < 0 || options) return refuse(data, "its edge chunks are stored differently");
  hsize_t bytes = data->size;
  for (int i = 0; i < data->dims; i++) {
    if (!data->chunk[i] || data->chunk[i] > LK_H5_CHUNK / bytes) return refuse(data, "its chunks are over 64 MiB");
    bytes *= data->chunk[i];
  }
  data->chunk_bytes = (size_t)bytes;
  return check_filters(data, list);
}

/* Check that the file can hold as much as the shape states, before memory is allocated for it. */
static lk_status check_storage(const lk_h5_data *data) {
  static const char too_much[] = "its shape states more than the file holds";
  const uint64_t file = data->file->disk->size;
  const hsize_t stored = H5Dget_storage_size(data->id);
  hsize_t most = stored, total = data->size;
  if (stored > file) return refuse(data, "it says it is larger than the file");
  for (int i = 0; i < data->filters; i++)
    if (data->filter[i] == H5Z_FILTER_DEFLATE && stored < (hsize_t)INT64_MAX / LK_H5_INFLATES) most *= LK_H5_INFLATES;
  for (int i = 0; i < LK_H5_DIMS; i++)
    if (data->shape[i] == 0) return LK_OK;
  for (int i = 0; i < LK_H5_DIMS; i++) {
    if (data->shape[i] > most / total) return refuse(data, too_much);
    total *= data->shape[i];
  }
  if (data->chunked && data->chunk_bytes > most) return refuse(data, too_much);
  if (data->chunked || H5Dget_offset(data->id) == HADDR_UNDEF) return LK_OK; /* compact: inside the header */
  const haddr_t at = H5Dget_offset(data->id);
  return at > file || total > file - at ? refuse(data, "it lies outside the file") : LK_OK;
}

static lk_status check(lk_h5_data *data) {
  LK_TRY(lk_h5_open_object(data->file, data->path, H5I_DATASET, &data->id));
  LK_TRY(check_type(data));
  LK_TRY(check_shape(data));
  const hid_t list = H5Dget_create_plist(data->id);
  if (list < 0) return lk_h5_fail(data->file, LK_DATA, "read the layout of", data->path);
  const lk_status status = check_layout(data, list);
  H5Pclose(list);
  LK_TRY(status);
  return check_storage(data);
}

lk_status lk_h5_new_data(const lk_h5 *file, const char *path, lk_h5_data **out) {
  LK_TRY(lk_alloc(out, 1, sizeof **out));
  (*out)->id = (*out)->file_type = (*out)->names = H5I_INVALID_HID;
  (*out)->file = file;
  lk_status status = lk_alloc(&(*out)->path, strlen(path) + 1, 1);
  if (status == LK_OK) {
    memcpy((*out)->path, path, strlen(path));
    status = check(*out);
  }
  if (status != LK_OK) lk_h5_close_data(out);
  return status;
}

lk_status lk_h5_open_data(const lk_h5 *file, const char *path, lk_h5_data **data) {
  lk_h5_table *table = file->table;
  for (int i = 0; i < LK_H5_OPEN; i++) {
    if (!table->data[i] || strcmp(table->data[i]->path, path) != 0) continue;
    *data = table->data[i];
    return LK_OK;
  }
  lk_h5_data *opened;
  LK_TRY(lk_h5_new_data(file, path, &opened));
  lk_h5_data **place = &table->data[table->next];
  table->next = (table->next + 1) % LK_H5_OPEN;
  lk_h5_close_data(place);
  *data = *place = opened;
  return LK_OK;
}

void lk_h5_leave_data(lk_h5_data *d) {
  if (d->id >= 0) H5Dclose(d->id);
  if (d->file_type >= 0) H5Tclose(d->file_type);
  if (d->names >= 0) H5Tclose(d->names);
  d->id = d->file_type = d->names = H5I_INVALID_HID;
}

void lk_h5_chunk_release(lk_h5_chunk *chunk) {
  free(chunk->bytes);
  free(chunk->spare);
  *chunk = (lk_h5_chunk){0};
}

void lk_h5_close_data(lk_h5_data **data) {
  lk_h5_data *d = *data;
  if (!d) return;
  *data = NULL;
  lk_h5_leave_data(d);
  lk_h5_chunk_release(&d->cache);
  free(d->places);
  free(d->whole);
  free(d->path);
  free(d);
}

lk_status lk_h5_read_raw(lk_h5_data *data, hsize_t row, hsize_t rows, void *out) {
  if (row > data->shape[0] || rows > data->shape[0] - row)
    return LK_FAIL(LK_DATA, "%s: %s has %llu rows; %llu from row %llu are too many", data->file->path, data->path,
                   (unsigned long long)data->shape[0], (unsigned long long)rows, (unsigned long long)row);
  for (int i = 1; i < LK_H5_DIMS; i++)
    if (!data->shape[i]) return LK_OK;
  if (!rows) return LK_OK;
  if (data->chunked) return lk_h5_read_chunks(data, row, rows, out);
  const hsize_t from[LK_H5_DIMS] = {row, 0, 0}, count[LK_H5_DIMS] = {rows, data->shape[1], data->shape[2]};
  const hid_t space = H5Dget_space(data->id);
  const hid_t memory = data->dims ? H5Screate_simple(data->dims, count, NULL) : H5Screate(H5S_SCALAR);
  bool good = space >= 0 && memory >= 0;
  if (good && data->dims) good = H5Sselect_hyperslab(space, H5S_SELECT_SET, from, NULL, count, NULL) >= 0;
  const hid_t type = data->vlen ? lk_h5_reference_type() : data->file_type;
  if (good) good = H5Dread(data->id, type, memory, space, H5P_DEFAULT, out) >= 0;
  if (space >= 0) H5Sclose(space);
  if (memory >= 0) H5Sclose(memory);
  return good ? LK_OK : lk_h5_fail(data->file, LK_DATA, "read", data->path);
}
