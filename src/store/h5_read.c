#include <stdlib.h>
#include <string.h>

#include "h5_apart_impl.h"
#include "h5_vlen_impl.h"
#include "arena.h"

enum { BLOCK = 1 << 20 };        /* bytes that are converted at a time */
enum { MOST_STRINGS = 1 << 24 }; /* in a list: a small file can state very many empty ones */

lk_status lk_h5_shape(const lk_h5 *file, const char *path, lk_type *type, int *dims, ptrdiff_t shape[LK_H5_DIMS]) {
  lk_h5_data *data;
  LK_TRY(lk_h5_open_data(file, path, &data));
  if (data->text) return LK_FAIL(LK_DATA, "%s: %s holds strings, not numbers", file->path, path);
  for (int i = 0; i < LK_H5_DIMS; i++) shape[i] = (ptrdiff_t)data->shape[i];
  *type = data->type;
  *dims = data->dims;
  return LK_OK;
}

/* How many rows of `row` elements are read at a time: about a block, at least one. */
static hsize_t block_rows(const lk_h5_data *data, hsize_t row, size_t size) {
  const hsize_t bytes = row * (size > data->size ? size : data->size);
  return bytes && bytes < BLOCK ? BLOCK / bytes : 1;
}

static lk_status read_converted(lk_h5_data *data, lk_type type, hsize_t row, hsize_t rows, unsigned char *out) {
  const size_t size = lk_h5_type_size(type);
  const hsize_t across = data->shape[1] * data->shape[2];
  const hsize_t most = block_rows(data, across, size);
  const size_t larger = size > data->size ? size : data->size;
  unsigned char *block = NULL;
  lk_status status = LK_OK;
  LK_TRY(lk_alloc(&block, (size_t)((rows < most ? rows : most) * across), larger));
  for (hsize_t done_rows = 0; done_rows < rows;) {
    const hsize_t count = rows - done_rows < most ? rows - done_rows : most;
    LK_GO(lk_h5_read_raw(data, row + done_rows, count, block));
    if (H5Tconvert(data->file_type, lk_h5_native_type(type), (size_t)(count * across), block, NULL, H5P_DEFAULT) < 0)
      LK_GO(lk_h5_fail(data->file, LK_DATA, "convert", data->path));
    memcpy(out + done_rows * across * size, block, (size_t)(count * across) * size);
    done_rows += count;
  }
done:
  free(block);
  return status;
}

lk_status lk_h5_read(const lk_h5 *file, const char *path, lk_type type, ptrdiff_t row, ptrdiff_t rows, void *out) {
  lk_h5_data *data;
  LK_ASSERT(row >= 0 && rows >= 0);
  if (file->sets) {
    LK_TRY(lk_h5_find_apart(file, path, &data));
    return lk_h5_read_apart(data, type, (hsize_t)row, (hsize_t)rows, out);
  }
  LK_TRY(lk_h5_open_data(file, path, &data));
  if (data->text) return LK_FAIL(LK_DATA, "%s: %s holds strings, not numbers", file->path, path);
  const bool same = H5Tequal(data->file_type, lk_h5_native_type(type)) > 0;
  if (same || !rows || !data->shape[1] || !data->shape[2] || (hsize_t)(row + rows) > data->shape[0])
    return lk_h5_read_raw(data, (hsize_t)row, (hsize_t)rows, out);
  return read_converted(data, type, (hsize_t)row, (hsize_t)rows, out);
}

/* ---- strings ---- */

static lk_status add_string(const lk_h5_data *data, lk_strings *strings, const char *text, size_t size, ptrdiff_t index,
                            int64_t number) {
  if (lk_utf8_valid(text, size) != size)
    return LK_FAIL(LK_DATA, "%s: %s row %td is not valid UTF-8", data->file->path, data->path, index);
  return lk_strings_add(strings, text, size, number);
}

static lk_status read_texts(lk_h5_data *data, lk_strings *strings, const int64_t *numbers) {
  const hsize_t rows = data->shape[0], most = block_rows(data, 1, 1);
  uint64_t left = data->file->disk->size; /* bytes of text of variable length: all rows may refer to the same */
  lk_status status = LK_OK;
  unsigned char *block = NULL;
  LK_TRY(lk_alloc(&block, (size_t)(rows < most ? rows : most) + 1, data->size));
  for (hsize_t row = 0; row < rows; row += most) {
    const hsize_t count = rows - row < most ? rows - row : most;
    LK_GO(lk_h5_read_raw(data, row, count, block));
    for (hsize_t i = 0; i < count; i++) {
      const char *text = (const char *)block + i * data->size;
      const ptrdiff_t index = (ptrdiff_t)(row + i);
      size_t size = data->size;
      if (data->vlen) LK_GO(lk_h5_variable_text(data->file, block + i * data->size, data->path, &text, &size));
      if (data->vlen && size > left)
        LK_GO(LK_FAIL(LK_DATA, "%s: %s refers to more text than the file has", data->file->path, data->path));
      left -= data->vlen ? size : 0;
      size = lk_h5_text_size(data->file_type, text, size);
      LK_GO(add_string(data, strings, text, size, index, numbers ? numbers[index] : 0));
    }
  }
done:
  free(block);
  return status;
}

/* The numbers that belong to the strings, where there are any; caller frees. */
static lk_status read_numbers(const lk_h5 *file, const char *path, ptrdiff_t count, int64_t **numbers) {
  lk_buffer name = {0};
  lk_status status = LK_OK;
  lk_type type = LK_INT32;
  int dims = 0;
  ptrdiff_t shape[LK_H5_DIMS] = {0};
  LK_GO(lk_buffer_printf(&name, "%s_count", path));
  if (!lk_h5_exists(file, name.data)) goto done;
  LK_GO(lk_h5_shape(file, name.data, &type, &dims, shape));
  if (dims != 1 || shape[0] != count)
    LK_GO(LK_FAIL(LK_DATA, "%s: %s has not one number for each of the %td strings", file->path, name.data, count));
  LK_GO(lk_alloc(numbers, (size_t)count + 1, sizeof **numbers));
  LK_GO(lk_h5_read(file, name.data, LK_INT64, 0, count, *numbers));
done:
  lk_buffer_release(&name);
  return status;
}

lk_status lk_h5_count_strings(const lk_h5 *file, const char *path, ptrdiff_t *count) {
  lk_h5_data *data;
  LK_TRY(lk_h5_open_data(file, path, &data));
  if (!data->text || data->shape[1] != 1 || data->shape[2] != 1)
    return LK_FAIL(LK_DATA, "%s: %s is not a list of strings", file->path, path);
  if (data->shape[0] > MOST_STRINGS)
    return LK_FAIL(LK_DATA, "%s: %s has more than %d strings", file->path, path, MOST_STRINGS);
  *count = (ptrdiff_t)data->shape[0];
  return LK_OK;
}

lk_status lk_h5_read_strings(const lk_h5 *file, const char *path, lk_strings *strings) {
  lk_h5_data *data;
  int64_t *numbers = NULL;
  lk_status status = LK_OK;
  ptrdiff_t count;
  LK_TRY(lk_h5_count_strings(file, path, &count));
  LK_GO(read_numbers(file, path, count, &numbers));
  LK_GO(lk_h5_open_data(file, path, &data)); /* the table may have closed it */
  status = read_texts(data, strings, numbers);
done:
  free(numbers);
  return status;
}
