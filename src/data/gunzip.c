/* gzip is read with zlib, because libarchive does not verify the checksum and length of a member. */
#include <string.h>
#include <zlib.h>

#include "input_impl.h"
#include "arena.h"

enum { BLOCK = 1 << 18, GZIP = 16 + MAX_WBITS };

/* Decompress one member, which begins at z->next_in. */
static lk_status inflate_member(z_stream *z, lk_buffer *text, const char *end, size_t *left, size_t size, size_t most,
                                const char *name) {
  for (int code = Z_OK; code != Z_STREAM_END;) {
    const size_t rest = (size_t)(end - (const char *)z->next_in);
    if (z->avail_in == 0) z->avail_in = rest < BLOCK ? (uInt)rest : BLOCK;
    LK_TRY(lk_grow(&text->data, &text->capacity, text->size + BLOCK + 1, 1));
    z->next_out = (unsigned char *)text->data + text->size;
    z->avail_out = BLOCK;
    code = inflate(z, Z_NO_FLUSH);
    const size_t got = BLOCK - z->avail_out;
    if (got > *left) return lk_input_too_large(name, size, most);
    *left -= got;
    text->size += got;
    text->data[text->size] = '\0';
    if (code == Z_MEM_ERROR) return LK_FAIL(LK_MEMORY, "out of memory: gzip in %s", name);
    if (code == Z_BUF_ERROR && (const char *)z->next_in == end)
      return LK_FAIL(LK_DATA, "%s: compressed with gzip, and cut off: its end is missing", name);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
      return LK_FAIL(LK_DATA, "%s: compressed with gzip, and damaged: %s", name, z->msg ? z->msg : "it cannot be read");
  }
  return LK_OK;
}

/* A file may consist of several members, with zero bytes after the last one. */
static bool at_end(const char *at, const char *end) {
  while (at < end && *at == 0) at++;
  return at == end;
}

lk_status lk_input_gunzip(lk_buffer *text, const char *bytes, size_t size, size_t most, const char *name) {
  const char *end = bytes + size;
  size_t left = most;
  z_stream z = {0};
  lk_status status = LK_OK;
  if (inflateInit2(&z, GZIP) != Z_OK) return LK_FAIL(LK_MEMORY, "out of memory: gzip in %s", name);
  z.next_in = (z_const Bytef *)bytes;
  do {
    if (end - (const char *)z.next_in < 2 || memcmp(z.next_in, "\x1f\x8b", 2) != 0)
      LK_GO(LK_FAIL(LK_DATA, "%s: compressed with gzip, and damaged: other bytes follow its end", name));
    inflateReset(&z);
    z.avail_in = 0;
    LK_GO(inflate_member(&z, text, end, &left, size, most, name));
  } while (!at_end((const char *)z.next_in, end));
done:
  inflateEnd(&z);
  return status;
}
