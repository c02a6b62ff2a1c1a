/* byte_stream.h - reads a file of any size, plain or compressed with gzip, without holding all of it.
 *
 * Not collective throughout. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

typedef struct lk_byte_stream {
  const char *name; /* the path, for messages; borrowed */
  void *file;
  char *bytes; /* [capacity + 1] those of [begin, end) are read and not used yet */
  size_t begin, end, capacity;
  uint64_t offset; /* of bytes[begin] in the contents */
  bool over;       /* nothing follows bytes[end] */
} lk_byte_stream;

/** LK_IO. */
LK_CHECKED lk_status lk_byte_stream_open(lk_byte_stream *stream, const char *path);
void lk_byte_stream_close(lk_byte_stream *stream);
/** Have at least `want` bytes ready, or all that are left. LK_IO; LK_DATA where compressed data is damaged or cut off. */
LK_CHECKED lk_status lk_byte_stream_fill(lk_byte_stream *stream, size_t want);
/** The bytes that are ready; their number in *size.                                */
static inline char *lk_byte_stream_ready(const lk_byte_stream *stream, size_t *size) {
  *size = stream->end - stream->begin;
  return stream->bytes + stream->begin;
}
static inline void lk_byte_stream_skip(lk_byte_stream *stream, size_t bytes) {
  stream->begin += bytes;
  stream->offset += bytes;
}
/** The next line without its end ("\n" or "\r\n"), with a NUL behind it, until the next call; *line NULL at the end of
 *  the file. *size is above `most` if the line is longer than that; not all of it is there then. */
LK_CHECKED lk_status lk_byte_stream_line(lk_byte_stream *stream, size_t most, char **line, size_t *size);
