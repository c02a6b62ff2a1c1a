/* What a reader apart from HDF5 can read: rows of data sets whose chunks were located (h5_apart.c). */
#include <stdlib.h>
#include <string.h>

#include "h5_apart_impl.h"

void lk_h5_sets_destroy(struct lk_h5_sets **sets) {
  if (!*sets) return;
  for (size_t i = 0; i < (*sets)->count; i++) lk_h5_close_data(&(*sets)->data[i]);
  free((*sets)->data);
  free(*sets);
  *sets = NULL;
}

lk_status lk_h5_find_apart(const lk_h5 *file, const char *path, lk_h5_data **data) {
  struct lk_h5_sets *sets = file->sets;
  *data = sets->last;
  if (*data && strcmp((*data)->path, path) == 0) return LK_OK;
  for (size_t i = 0; i < sets->count; i++) {
    *data = sets->last = sets->data[i];
    if (strcmp((*data)->path, path) == 0) return LK_OK;
  }
  return LK_FAIL(LK_INTERNAL, "%s: %s is not read apart", file->path, path);
}

/* Decoded chunks are kept of few data sets: a corpus has many buckets, which are read one after the other. */
static void take_turn(struct lk_h5_sets *sets, lk_h5_data *data) {
  for (int i = 0; i < sets->turns; i++)
    if (sets->turn[i] == data) return;
  lk_h5_data **oldest = &sets->turn[sets->next];
  sets->next = (sets->next + 1) % sets->turns;
  if (*oldest) lk_h5_chunk_release(&(*oldest)->cache);
  *oldest = data;
}

lk_status lk_h5_read_apart(lk_h5_data *data, lk_type type, hsize_t row, hsize_t rows, void *out) {
  const size_t row_bytes = (size_t)(data->shape[1] * data->shape[2]) * data->size;
  LK_ASSERT(type == data->type);
  if (row > data->shape[0] || rows > data->shape[0] - row)
    return LK_FAIL(LK_DATA, "%s: %s has %llu rows; %llu from row %llu are too many", data->file->path, data->path,
                   (unsigned long long)data->shape[0], (unsigned long long)rows, (unsigned long long)row);
  if (rows == 0 || row_bytes == 0) return LK_OK;
  if (data->whole) {
    memcpy(out, data->whole + row * row_bytes, rows * row_bytes);
    return LK_OK;
  }
  take_turn(data->file->sets, data);
  return lk_h5_read_chunks(data, row, rows, out);
}

ptrdiff_t lk_h5_piece(const lk_h5 *apart, const char *path) {
  lk_h5_data *data;
  if (lk_h5_find_apart(apart, path, &data) != LK_OK) return 1;
  return (ptrdiff_t)(data->places ? data->chunk[0] : data->shape[0] > 0 ? data->shape[0] : 1);
}

size_t lk_h5_apart_bytes(const lk_h5 *apart) {
  const struct lk_h5_sets *sets = apart->sets;
  size_t largest = 0, places = 0;
  for (size_t i = 0; i < sets->count; i++) {
    const lk_h5_data *data = sets->data[i];
    if (!data->places) continue;
    const hsize_t last[LK_H5_DIMS] = {data->shape[0] ? data->shape[0] - 1 : 0, data->shape[1] - 1, data->shape[2] - 1};
    places += (lk_h5_chunk_number(data, last) + 1) * sizeof *data->places;
    if (lk_h5_chunk_room(data) > largest) largest = lk_h5_chunk_room(data);
  }
  return places + 2 * largest * (size_t)sets->turns;
}
