/* edit.h - edits of an HDF5 file as a stranger with HDF5's own tools would make them, directed by fuzzed bytes.
 *
 * Bytes flipped at random mostly find the bugs of libhdf5 1.10, which are many, are not ours, and in the program cost no
 * more than a child (damaged.c). Our own checks are behind them: so here libhdf5 writes a file that is in order, and only
 * what it says is wild: objects missing, moved, linked, of other types, shapes, chunks, filters, values. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct edit_bytes {
  const uint8_t *data;
  size_t size;
} edit_bytes;

/** The next byte, 0 at the end. */
static inline unsigned edit_byte(edit_bytes *bytes) {
  if (!bytes->size) return 0;
  bytes->size--;
  return *bytes->data++;
}

/** Write `base` [size] to path, edit it as the bytes say, and put a true digest in front. */
void edit_file(const char *path, const uint8_t *base, size_t size, edit_bytes *bytes);
