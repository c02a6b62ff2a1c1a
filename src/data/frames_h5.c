#include "prepare_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/arena.h"

enum { BLOCK_BYTES = 16 << 20 }; /* frames read at once */

struct lk_frames_h5 {
  lk_h5 *h5;
  const char *path;
  ptrdiff_t rows, width, frames; /* rows, D, n */
  int64_t *offset;               /* [rows+1] */
  lk_strings label;              /* [rows] */
  float *block;                  /* frames [begin, begin + count) */
  size_t block_capacity;
  ptrdiff_t begin, count;
};

bool lk_frames_h5_suits(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot && (strcmp(dot, ".h5") == 0 || strcmp(dot, ".hdf5") == 0);
}

static lk_status read_shapes(lk_frames_h5 *file) {
  lk_type type;
  int dims;
  ptrdiff_t shape[LK_H5_DIMS];
  LK_TRY(lk_h5_shape(file->h5, "/frames", &type, &dims, shape));
  if (dims != 2 || shape[1] < 1)
    return LK_FAIL(LK_DATA, "%s: /frames has %d axes, expected 2: frames and their numbers", file->path, dims);
  file->frames = shape[0];
  file->width = shape[1];
  LK_TRY(lk_h5_shape(file->h5, "/offsets", &type, &dims, shape));
  if (dims != 1 || shape[0] < 2 || (type != LK_INT32 && type != LK_INT64))
    return LK_FAIL(LK_DATA, "%s: /offsets: expected whole numbers, one more than rows, at least 2", file->path);
  file->rows = shape[0] - 1;
  return LK_OK;
}

static lk_status read_offsets(lk_frames_h5 *file) {
  const int64_t *o;
  LK_TRY(lk_alloc(&file->offset, (size_t)file->rows + 1, sizeof *file->offset));
  LK_TRY(lk_h5_read(file->h5, "/offsets", LK_INT64, 0, file->rows + 1, file->offset));
  o = file->offset;
  if (o[0] != 0) return LK_FAIL(LK_DATA, "%s: /offsets row 0: %lld, expected 0", file->path, (long long)o[0]);
  for (ptrdiff_t i = 0; i < file->rows; i++)
    if (o[i + 1] < o[i] || o[i + 1] > file->frames)
      return LK_FAIL(LK_DATA, "%s: /offsets row %td: %lld, expected at least %lld and at most %td", file->path, i + 1,
                     (long long)o[i + 1], (long long)o[i], file->frames);
  if (o[file->rows] != file->frames)
    return LK_FAIL(LK_DATA, "%s: /offsets ends at %lld, but there are %td frames", file->path, (long long)o[file->rows],
                   file->frames);
  return LK_OK;
}

/* Whole numbers become their decimal text. */
static lk_status read_numbered_labels(lk_frames_h5 *file) {
  lk_status status;
  int64_t *number = NULL;
  char text[32];
  LK_TRY(lk_alloc(&number, (size_t)file->rows, sizeof *number));
  LK_GO(lk_h5_read(file->h5, "/labels", LK_INT64, 0, file->rows, number));
  for (ptrdiff_t i = 0; i < file->rows; i++) {
    const int size = snprintf(text, sizeof text, "%lld", (long long)number[i]);
    LK_GO(lk_strings_add(&file->label, text, (size_t)size, 0));
  }
done:
  free(number);
  return status;
}

static lk_status read_labels(lk_frames_h5 *file) {
  lk_type type;
  int dims;
  ptrdiff_t shape[LK_H5_DIMS];
  if (!lk_h5_exists(file->h5, "/labels")) return LK_FAIL(LK_DATA, "%s: there is no /labels", file->path);
  if (lk_h5_shape(file->h5, "/labels", &type, &dims, shape) != LK_OK) {
    lk_error_clear(); /* no numbers: then they are strings, or what is said next is why not */
    LK_TRY(lk_h5_read_strings(file->h5, "/labels", &file->label));
    shape[0] = file->label.count;
  } else if (dims != 1 || type == LK_FLOAT32 || type == LK_FLOAT64) {
    return LK_FAIL(LK_DATA, "%s: /labels: expected one whole number or string a row", file->path);
  } else if (shape[0] == file->rows) {
    LK_TRY(read_numbered_labels(file));
  }
  if (shape[0] != file->rows)
    return LK_FAIL(LK_DATA, "%s: /labels has %td rows, expected %td", file->path, shape[0], file->rows);
  for (ptrdiff_t i = 0; i < file->rows; i++) {
    const size_t size = lk_strings_size(&file->label, i);
    if (size == 0 || lk_utf8_valid(lk_strings_get(&file->label, i), size) < size)
      return LK_FAIL(LK_DATA, "%s: /labels row %td: %s", file->path, i, size == 0 ? "empty" : "not valid UTF-8");
  }
  return LK_OK;
}

lk_status lk_frames_h5_open(lk_frames_h5 **file, const char *path) {
  lk_status status;
  lk_frames_h5 *made = NULL;
  LK_TRY(lk_alloc(&made, 1, sizeof *made));
  made->path = path;
  LK_GO(lk_h5_open(&made->h5, path, false, true));
  LK_GO(read_shapes(made));
  LK_GO(read_offsets(made));
  LK_GO(read_labels(made));
  *file = made;
  return LK_OK;
done:
  lk_frames_h5_close(&made);
  return status;
}

void lk_frames_h5_close(lk_frames_h5 **file) {
  if (!*file) return;
  lk_h5_close(&(*file)->h5);
  lk_strings_release(&(*file)->label);
  free((*file)->offset);
  free((*file)->block);
  free(*file);
  *file = NULL;
}

ptrdiff_t lk_frames_h5_rows(const lk_frames_h5 *file) { return file->rows; }
ptrdiff_t lk_frames_h5_width(const lk_frames_h5 *file) { return file->width; }
size_t lk_frames_h5_bytes(const lk_frames_h5 *file) {
  return (size_t)file->frames * (size_t)file->width * sizeof(float);
}

/* Have frames [begin, end) in the block, and as many more as fit. */
static lk_status fetch(lk_frames_h5 *file, ptrdiff_t begin, ptrdiff_t end) {
  if (begin >= file->begin && end <= file->begin + file->count) return LK_OK;
  ptrdiff_t count = BLOCK_BYTES / ((ptrdiff_t)sizeof(float) * file->width) + 1;
  if (count < end - begin) count = end - begin;
  if (count > file->frames - begin) count = file->frames - begin;
  file->count = 0;
  LK_TRY(lk_grow(&file->block, &file->block_capacity, (size_t)count * (size_t)file->width, sizeof *file->block));
  LK_TRY(lk_h5_read(file->h5, "/frames", LK_FLOAT32, begin, count, file->block));
  file->begin = begin;
  file->count = count;
  return LK_OK;
}

lk_status lk_frames_h5_row(lk_frames_h5 *file, ptrdiff_t row, float **frames, size_t *capacity, ptrdiff_t *length,
                           const char **label, size_t *label_size) {
  const ptrdiff_t begin = file->offset[row], end = file->offset[row + 1];
  if (end > begin) LK_TRY(fetch(file, begin, end));
  const size_t count = (size_t)(end - begin) * (size_t)file->width;
  const float *from = file->block + (begin - file->begin) * file->width;
  for (size_t i = 0; i < count; i++)
    if (!isfinite(from[i]))
      return LK_FAIL(LK_DATA, "%s: /frames row %td column %td: %s, expected a finite number", file->path,
                     begin + (ptrdiff_t)i / file->width, (ptrdiff_t)i % file->width,
                     isnan(from[i]) ? "NaN" : "infinity");
  LK_TRY(lk_grow(frames, capacity, count, sizeof **frames));
  if (count > 0) memcpy(*frames, from, count * sizeof *from);
  *length = end - begin;
  *label = lk_strings_get(&file->label, row);
  *label_size = lk_strings_size(&file->label, row);
  return LK_OK;
}
