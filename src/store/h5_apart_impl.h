/* h5_apart_impl.h - chunks that are read without HDF5. Every function: Not collective. */
#pragma once
#include "h5_apart.h"
#include "h5_impl.h"

/* Where a chunk is in the file, and which of its filters were not applied. */
struct lk_h5_place {
  uint64_t at;
  uint32_t size, skipped; /* size 0: there is none */
};

#define LK_H5_TURNS 12

/* The data sets that can be read. */
struct lk_h5_sets {
  lk_h5_data **data;
  size_t count, capacity;
  lk_h5_data *last;              /* found */
  lk_h5_data *turn[LK_H5_TURNS]; /* [turns] those that keep a decoded chunk */
  int next, turns;
};

/** Bytes that a chunk of a data set has at most, as it is stored: deflate may expand data a little. */
static inline size_t lk_h5_chunk_room(const lk_h5_data *data) {
  return data->chunk_bytes + data->chunk_bytes / 8 + 4096;
}
/** Free the memory of a chunk, which may be loaded again. */
void lk_h5_chunk_release(lk_h5_chunk *chunk);
/** How many chunks there are along an axis; index of the chunk that begins at `at`. */
hsize_t lk_h5_chunks_along(const lk_h5_data *data, int axis);
size_t lk_h5_chunk_number(const lk_h5_data *data, const hsize_t at[LK_H5_DIMS]);
/** The data set at `path`; LK_INTERNAL where it was not added. */
LK_CHECKED lk_status lk_h5_find_apart(const lk_h5 *file, const char *path, lk_h5_data **data);
/** Its rows; uses nothing of HDF5. LK_DATA, LK_IO. */
LK_CHECKED lk_status lk_h5_read_apart(lk_h5_data *data, lk_type type, hsize_t row, hsize_t rows, void *out);
void lk_h5_sets_destroy(struct lk_h5_sets **sets);
