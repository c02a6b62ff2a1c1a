#include "byte_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "arena.h"
#include "work.h"

enum { BLOCK = 1 << 18 };

lk_status lk_byte_stream_open(lk_byte_stream *stream, const char *path) {
  *stream = (lk_byte_stream){.name = path};
  errno = 0;
  gzFile file = gzopen(path, "rbe"); /* files that are not compressed are read as they are */
  if (file == NULL) return LK_FAIL(LK_IO, "cannot open %s: %s", path, errno ? strerror(errno) : "out of memory");
  (void)gzbuffer(file, BLOCK);
  struct stat about;
  lk_work_next("reading vectors", NULL, stat(path, &about) == 0 ? (double)about.st_size : 0);
  stream->file = file;
  return LK_OK;
}

void lk_byte_stream_close(lk_byte_stream *stream) {
  if (stream->file) (void)gzclose_r(stream->file);
  free(stream->bytes);
  *stream = (lk_byte_stream){0};
}

static lk_status make_room(lk_byte_stream *s, size_t want) {
  const size_t ready = s->end - s->begin, need = want > BLOCK ? want : BLOCK;
  if (s->begin > 0) memmove(s->bytes, s->bytes + s->begin, ready);
  s->begin = 0;
  s->end = ready;
  if (s->capacity >= need) return LK_OK;
  size_t capacity = s->bytes ? s->capacity + 1 : 0;
  LK_TRY(lk_grow(&s->bytes, &capacity, need + 1, 1));
  s->capacity = capacity - 1;
  return LK_OK;
}

static lk_status failed(const lk_byte_stream *s) {
  int code = Z_OK;
  const char *why = gzerror(s->file, &code);
  if (code == Z_ERRNO) return LK_FAIL(LK_IO, "cannot read %s: %s", s->name, strerror(errno));
  if (code == Z_MEM_ERROR) return LK_FAIL(LK_MEMORY, "out of memory: gzip in %s", s->name);
  if (code == Z_BUF_ERROR)
    return LK_FAIL(LK_DATA, "%s: compressed with gzip, and cut off: its end is missing", s->name);
  return LK_FAIL(LK_DATA, "%s: compressed with gzip, and damaged: %s", s->name, why);
}

lk_status lk_byte_stream_fill(lk_byte_stream *s, size_t want) {
  if (s->end - s->begin >= want || s->over) return LK_OK;
  LK_TRY(make_room(s, want));
  while (s->end < want) {
    const int got = gzread(s->file, s->bytes + s->end, (unsigned)(s->capacity - s->end));
    int code = Z_OK;
    if (got >= 0) (void)gzerror(s->file, &code);
    if (got < 0 || code == Z_BUF_ERROR) return failed(s);
    s->end += (size_t)got;
    lk_work_at((double)gzoffset(s->file));
    if (got == 0) return s->over = true, LK_OK;
  }
  return LK_OK;
}

lk_status lk_byte_stream_line(lk_byte_stream *s, size_t most, char **line, size_t *size) {
  size_t ready, sought = 0;
  const char *end = NULL;
  *line = NULL;
  *size = 0;
  for (size_t want = 1; end == NULL; want = ready + 1) {
    LK_TRY(lk_byte_stream_fill(s, want));
    char *text = lk_byte_stream_ready(s, &ready);
    if (ready > sought) end = memchr(text + sought, '\n', ready - sought);
    if (end == NULL && ready < want) break; /* the end of the file */
    sought = ready;
    if (end == NULL && ready > most) break;
  }
  if (ready == 0) return LK_OK;
  char *text = lk_byte_stream_ready(s, &ready);
  const size_t length = end ? (size_t)(end - text) : ready;
  *line = text;
  *size = length > 0 && text[length - 1] == '\r' ? length - 1 : length;
  text[*size] = '\0';
  lk_byte_stream_skip(s, end ? length + 1 : length);
  return LK_OK;
}
