/* Chunks are decoded here, not by HDF5: its deflate filter inflates without a limit, and HDF5 1.10 does not check that
 * the result fills the chunk before it copies rows from it. Whole chunks of ids are encoded here too, which is faster:
 * two or three of the four bytes of an id are zero in the whole chunk, and deflate's output for so many zeros is
 * computed once. */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "h5_apart_impl.h"
#include "arena.h"

static lk_status damaged(const lk_h5_data *data, const char *why) {
  return LK_FAIL(LK_DATA, "%s: %s is damaged: %s", data->file->path, data->path, why);
}

/* One's complement addition: the carry is added again. Only zero gives zero. */
static uint64_t fold(uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

/* Fletcher's checksum as in HDF5: over big-endian 16-bit words, an odd last byte padded with zero. */
static uint32_t fletcher32(const unsigned char *bytes, size_t size) {
  uint64_t low = 0, high = 0;
  for (size_t i = 0; i < size; i += 2) {
    low += (uint32_t)bytes[i] << 8 | (i + 1 < size ? bytes[i + 1] : 0u);
    high += low;
    if (i % 512 == 0) low = fold(low), high = fold(high);
  }
  return (uint32_t)(fold(high) << 16 | fold(low));
}

static uint32_t little_endian(const unsigned char *b) {
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void unshuffle(const unsigned char *from, unsigned char *to, size_t size, size_t element) {
  const size_t count = size / element;
  if (element == 4) { /* ids and frames: nearly all data */
    const unsigned char *b0 = from, *b1 = b0 + count, *b2 = b1 + count, *b3 = b2 + count;
    for (size_t i = 0; i < count; i++)
      to[4 * i] = b0[i], to[4 * i + 1] = b1[i], to[4 * i + 2] = b2[i], to[4 * i + 3] = b3[i];
    memcpy(to + count * 4, from + count * 4, size - count * 4);
    return;
  }
  for (size_t b = 0; b < element; b++)
    for (size_t i = 0; i < count; i++) to[i * element + b] = from[b * count + i];
  memcpy(to + count * element, from + count * element, size - count * element);
}

static void swap(lk_h5_chunk *chunk) {
  unsigned char *bytes = chunk->bytes;
  chunk->bytes = chunk->spare;
  chunk->spare = bytes;
}

/* Undo filter i on *size bytes. */
static lk_status undo(lk_h5_data *data, int i, size_t *size) {
  lk_h5_chunk *chunk = &data->cache;
  switch (data->filter[i]) {
    case H5Z_FILTER_DEFLATE: {
      uLongf got = chunk->room;
      if (uncompress(chunk->spare, &got, chunk->bytes, *size) != Z_OK) return damaged(data, "a chunk does not inflate");
      *size = got;
      swap(chunk);
      return LK_OK;
    }
    case H5Z_FILTER_SHUFFLE:
      if (data->shuffle <= 1) return LK_OK;
      unshuffle(chunk->bytes, chunk->spare, *size, data->shuffle);
      swap(chunk);
      return LK_OK;
    default:
      if (*size < 4) return damaged(data, "a chunk is cut off");
      *size -= 4;
      if (fletcher32(chunk->bytes, *size) != little_endian(chunk->bytes + *size))
        return damaged(data, "a chunk does not agree with its checksum");
      return LK_OK;
  }
}

/* The bytes of a chunk as they are in the file, by HDF5. */
static lk_status read_stored(const lk_h5_data *data, const hsize_t at[LK_H5_DIMS], hsize_t *stored, uint32_t *skipped) {
  if (H5Dget_chunk_storage_size(data->id, at, stored) < 0 || *stored == 0) {
    if (data->file->disk->error) return lk_h5_fail(data->file, LK_IO, "read", data->path);
    return damaged(data, "a chunk is missing");
  }
  if (*stored > data->cache.room) return damaged(data, "a chunk is longer than it can be");
  if (H5Dread_chunk(data->id, H5P_DEFAULT, at, skipped, data->cache.bytes) < 0)
    return lk_h5_fail(data->file, LK_DATA, "read a chunk of", data->path);
  return LK_OK;
}

hsize_t lk_h5_chunks_along(const lk_h5_data *data, int axis) {
  return (data->shape[axis] + data->chunk[axis] - 1) / data->chunk[axis];
}

size_t lk_h5_chunk_number(const lk_h5_data *data, const hsize_t at[LK_H5_DIMS]) {
  hsize_t number = 0;
  for (int i = 0; i < LK_H5_DIMS; i++) number = number * lk_h5_chunks_along(data, i) + at[i] / data->chunk[i];
  return (size_t)number;
}

/* The same without HDF5, of a data set whose chunks were located (h5_apart.c). */
static lk_status read_placed(const lk_h5_data *data, const hsize_t at[LK_H5_DIMS], hsize_t *stored, uint32_t *skipped) {
  const lk_h5_place *place = &data->places[lk_h5_chunk_number(data, at)];
  size_t got = 0;
  if (place->size == 0) return damaged(data, "a chunk is missing");
  if (place->size > data->cache.room) return damaged(data, "a chunk is longer than it can be");
  const int error = lk_read_at(data->file->disk->fd, data->cache.bytes, place->size, place->at, &got);
  if (error) return LK_FAIL(LK_IO, "cannot read %s: %s", data->file->path, strerror(error));
  if (got < place->size) return LK_FAIL(LK_DATA, "%s was cut off while it was being read", data->file->path);
  *stored = place->size;
  *skipped = place->skipped;
  return LK_OK;
}

/* Load the chunk that begins at `at` into the cache. */
static lk_status load(lk_h5_data *data, const hsize_t at[LK_H5_DIMS]) {
  lk_h5_chunk *chunk = &data->cache;
  hsize_t stored = 0;
  uint32_t skipped = 0;
  if (chunk->valid && memcmp(chunk->at, at, sizeof chunk->at) == 0) return LK_OK;
  chunk->valid = false;
  if (!chunk->room) {
    const size_t room = lk_h5_chunk_room(data);
    LK_TRY(lk_alloc(&chunk->bytes, room, 1));
    LK_TRY(lk_alloc(&chunk->spare, room, 1));
    chunk->room = room;
  }
  if (data->places)
    LK_TRY(read_placed(data, at, &stored, &skipped));
  else
    LK_TRY(read_stored(data, at, &stored, &skipped));
  size_t size = (size_t)stored;
  for (int i = data->filters - 1; i >= 0; i--)
    if (!(skipped >> i & 1)) LK_TRY(undo(data, i, &size));
  if (size != data->chunk_bytes) return damaged(data, "a chunk has the wrong size");
  memcpy(chunk->at, at, sizeof chunk->at);
  chunk->valid = true;
  return LK_OK;
}

/* Copy what the loaded chunk has of rows [row, row + rows) into out [rows, shape[1], shape[2]]. */
static void copy(const lk_h5_data *data, hsize_t row, hsize_t rows, unsigned char *out) {
  hsize_t from[LK_H5_DIMS], to[LK_H5_DIMS];
  const hsize_t *at = data->cache.at, *chunk = data->chunk, *shape = data->shape;
  for (int i = 0; i < LK_H5_DIMS; i++) {
    from[i] = at[i];
    to[i] = at[i] + chunk[i] < shape[i] ? at[i] + chunk[i] : shape[i];
  }
  if (from[0] < row) from[0] = row;
  if (to[0] > row + rows) to[0] = row + rows;
  /* Runs: along axis 2, along axes 1 and 2 where the chunk spans axis 2, all of it where it spans both. */
  const bool one = chunk[2] == shape[2], both = one && chunk[1] == shape[1];
  const size_t run = (size_t)((both ? to[0] - from[0] : 1) * (one ? to[1] - from[1] : 1) * (to[2] - from[2]));
  for (hsize_t i = from[0]; i < to[0]; i += both ? to[0] - from[0] : 1)
    for (hsize_t j = from[1]; j < to[1]; j += one ? to[1] - from[1] : 1) {
      const hsize_t here = ((i - at[0]) * chunk[1] + (j - at[1])) * chunk[2];
      const hsize_t there = ((i - row) * shape[1] + j) * shape[2] + from[2];
      memcpy(out + there * data->size, data->cache.bytes + here * data->size, run * data->size);
    }
}

lk_status lk_h5_read_chunks(lk_h5_data *data, hsize_t row, hsize_t rows, unsigned char *out) {
  hsize_t at[LK_H5_DIMS];
  for (at[0] = row - row % data->chunk[0]; at[0] < row + rows; at[0] += data->chunk[0])
    for (at[1] = 0; at[1] < data->shape[1]; at[1] += data->chunk[1])
      for (at[2] = 0; at[2] < data->shape[2]; at[2] += data->chunk[2]) {
        LK_TRY(load(data, at));
        copy(data, row, rows, out);
      }
  return LK_OK;
}

/* ---- coding ---- */

struct lk_h5_coder {
  z_stream stream; /* raw deflate: header and checksum are ours */
  bool ready;
  unsigned char *plane, *out; /* [room], [bound] */
  size_t room, bound;
  unsigned char zeros[1024]; /* deflated: `zeros_size` bytes for a plane of `zeros_count` */
  size_t zeros_size, zeros_count;
};

void lk_h5_coder_destroy(lk_h5_coder **coder) {
  if (!*coder) return;
  if ((*coder)->ready) deflateEnd(&(*coder)->stream);
  free((*coder)->plane);
  free((*coder)->out);
  free(*coder);
  *coder = NULL;
}

/* Deflate one plane into a block that ends at a byte boundary and does not refer to earlier data. */
static size_t code_plane(lk_h5_coder *coder, size_t count, unsigned char *out, size_t room) {
  z_stream *stream = &coder->stream;
  if (deflateReset(stream) != Z_OK) return 0;
  stream->next_in = coder->plane;
  stream->avail_in = (uInt)count;
  stream->next_out = out;
  stream->avail_out = (uInt)room;
  const bool good = deflate(stream, Z_FULL_FLUSH) == Z_OK && stream->avail_in == 0 && stream->avail_out > 0;
  return good ? room - stream->avail_out : 0;
}

static lk_status prepare(lk_h5_coder **coder, size_t count, int level) {
  if (!*coder) LK_TRY(lk_alloc(coder, 1, sizeof **coder));
  lk_h5_coder *c = *coder;
  if (!c->ready) c->ready = deflateInit2(&c->stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  if (!c->ready) return LK_FAIL(LK_MEMORY, "out of memory for deflate");
  if (c->room < count) {
    free(c->plane);
    free(c->out);
    c->room = 0;
    c->out = NULL; /* in case the next line fails */
    LK_TRY(lk_alloc(&c->plane, count, 1));
    c->bound = 4 * (count + count / 8 + 256);
    LK_TRY(lk_alloc(&c->out, c->bound, 1));
    c->room = count;
  }
  if (c->zeros_count == count) return LK_OK;
  memset(c->plane, 0, count);
  c->zeros_size = code_plane(c, count, c->zeros, sizeof c->zeros);
  c->zeros_count = c->zeros_size ? count : 0;
  return LK_OK;
}

/* Append the block for byte `b` of all values; 0 where there is no room. */
static size_t put_plane(lk_h5_coder *c, const uint32_t *values, size_t count, int b, size_t used, uLong *adler) {
  for (size_t i = 0; i < count; i++) c->plane[i] = (unsigned char)(values[i] >> (8 * b));
  *adler = adler32(*adler, c->plane, (uInt)count);
  return code_plane(c, count, c->out + used, c->bound - used);
}

static size_t put_zeros(lk_h5_coder *c, size_t count, size_t used, uLong *adler) {
  const uLong zeros = (uLong)(count % 65521) << 16 | 1; /* Adler-32 of so many zeros */
  if (!c->zeros_size || c->bound - used < c->zeros_size) return 0;
  memcpy(c->out + used, c->zeros, c->zeros_size);
  *adler = adler32_combine(*adler, zeros, (z_off_t)count);
  return c->zeros_size;
}

lk_status lk_h5_code(lk_h5_coder **coder, const uint32_t *values, size_t count, int level, const void **out,
                     size_t *size) {
  uint32_t seen = 0;
  uLong adler = adler32(0, NULL, 0);
  LK_TRY(prepare(coder, count, level));
  lk_h5_coder *c = *coder;
  for (size_t i = 0; i < count; i++) seen |= values[i];
  size_t used = 2;
  memcpy(c->out, "\x78\x01", 2); /* zlib, window of 32 KiB, fast */
  for (int b = 0; b < 4; b++) {
    const bool zero = !(seen >> (8 * b) & 255) && c->zeros_count == count;
    const size_t piece = zero ? put_zeros(c, count, used, &adler) : put_plane(c, values, count, b, used, &adler);
    if (!piece || c->bound - used - piece < 6) return LK_FAIL(LK_INTERNAL, "deflate gave more than its bound");
    used += piece;
  }
  const unsigned char end[6] = {3,
                                0,
                                (unsigned char)(adler >> 24),
                                (unsigned char)(adler >> 16),
                                (unsigned char)(adler >> 8),
                                (unsigned char)adler}; /* an empty last block */
  memcpy(c->out + used, end, sizeof end);
  *out = c->out;
  *size = used + sizeof end;
  return LK_OK;
}
