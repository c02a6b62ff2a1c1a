/* edit.h - edits a valid file through the HDF5 library, directed by the fuzzed bytes.
 *
 * Random bit flips mostly find bugs of libhdf5 1.10, of which there are many; in the program they only crash the
 * child process that parses the file first (damaged.c). Our own checks come after HDF5's parser. To reach them,
 * libhdf5 writes well-formed files with unexpected contents: objects missing, moved or linked, other types, shapes,
 * chunks, filters and values. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct edit_bytes {
  const uint8_t *data;
  size_t size;
} edit_bytes;

/** The next byte; 0 at the end. */
static inline unsigned edit_byte(edit_bytes *bytes) {
  if (!bytes->size) return 0;
  bytes->size--;
  return *bytes->data++;
}

/** Write `base` [size] to path, edit it as directed by the bytes, and update the digest. */
void edit_file(const char *path, const uint8_t *base, size_t size, edit_bytes *bytes);
