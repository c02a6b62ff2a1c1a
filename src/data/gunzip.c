/* gzip is read with zlib, because libarchive does not verify the checksum and length of a member. */
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "input_impl.h"
#include "arena.h"
#include "version.h"

enum { BLOCK = 1 << 18, GZIP = 16 + MAX_WBITS };

static void name_zlib(char text[LK_LIBRARY_TEXT]) { (void)snprintf(text, LK_LIBRARY_TEXT, "zlib %s", zlibVersion()); }
LK_LIBRARY(name_zlib)

typedef struct gunzip {
  lk_unpack *from;
  z_stream z;
  bool over; /* no bytes follow those of z.next_in */
  char text[BLOCK];
} gunzip;

/* Have a byte at z.next_in, unless there is none any more. */
static lk_status refill(gunzip *g) {
  const void *bytes = NULL;
  size_t size;
  if (g->z.avail_in > 0 || g->over) return LK_OK;
  LK_TRY(g->from->get(g->from->context, &bytes, &size));
  LK_ASSERT(size <= UINT32_MAX);
  g->z.next_in = (z_const Bytef *)bytes;
  g->z.avail_in = (uInt)size;
  g->over = size == 0;
  return LK_OK;
}

/* Decompress one member, up to its end. */
static lk_status inflate_member(gunzip *g) {
  const char *name = g->from->name;
  for (int code = Z_OK; code != Z_STREAM_END;) {
    LK_TRY(refill(g));
    g->z.next_out = (unsigned char *)g->text;
    g->z.avail_out = BLOCK;
    code = inflate(&g->z, Z_NO_FLUSH);
    LK_TRY(lk_unpack_put(g->from, g->text, BLOCK - g->z.avail_out));
    if (code == Z_MEM_ERROR) return LK_FAIL(LK_MEMORY, "out of memory: gzip in %s", name);
    if (code == Z_BUF_ERROR && g->over)
      return LK_FAIL(LK_DATA, "%s: compressed with gzip, and cut off: its end is missing", name);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
      return LK_FAIL(LK_DATA, "%s: compressed with gzip, and damaged: %s", name,
                     g->z.msg ? g->z.msg : "it cannot be read");
  }
  return LK_OK;
}

/* The next byte; -1 at the end. */
static lk_status next_byte(gunzip *g, int *byte) {
  LK_TRY(refill(g));
  *byte = g->over ? -1 : *g->z.next_in;
  if (g->over) return LK_OK;
  g->z.next_in++;
  g->z.avail_in--;
  return LK_OK;
}

/* Behind a member there may be another one, of which the magic number is read, or zero bytes to the end. */
static lk_status next_member(gunzip *g, bool *more) {
  int byte, second = -1;
  LK_TRY(next_byte(g, &byte));
  *more = byte == 0x1f;
  while (byte == 0) LK_TRY(next_byte(g, &byte));
  if (*more) LK_TRY(next_byte(g, &second));
  if (byte == -1 || second == 0x8b) return LK_OK;
  return LK_FAIL(LK_DATA, "%s: compressed with gzip, and damaged: other bytes follow its end", g->from->name);
}

/* Begin a member whose magic number was read already. */
static void begin_member(gunzip *g) {
  static const unsigned char magic[2] = {0x1f, 0x8b};
  z_const Bytef *next = g->z.next_in;
  const uInt left = g->z.avail_in;
  (void)inflateReset(&g->z);
  g->z.next_in = (z_const Bytef *)magic;
  g->z.avail_in = sizeof magic;
  g->z.next_out = (unsigned char *)g->text;
  g->z.avail_out = BLOCK;
  const int code = inflate(&g->z, Z_NO_FLUSH);
  LK_ASSERT((code == Z_OK || code == Z_BUF_ERROR) && g->z.avail_in == 0);
  g->z.next_in = next;
  g->z.avail_in = left;
}

static lk_status unpack(gunzip *g) {
  bool more;
  for (;;) {
    LK_TRY(next_member(g, &more));
    if (!more) return LK_OK;
    begin_member(g);
    LK_TRY(inflate_member(g));
  }
}

lk_status lk_input_gunzip(lk_unpack *from) {
  gunzip *g;
  LK_TRY(lk_alloc(&g, 1, sizeof *g));
  g->from = from;
  const bool began = inflateInit2(&g->z, GZIP) == Z_OK;
  const lk_status status = began ? unpack(g) : LK_FAIL(LK_MEMORY, "out of memory: gzip in %s", from->name);
  if (began) (void)inflateEnd(&g->z);
  free(g);
  return status;
}
