#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nettle/sha2.h>
#include <nettle/version.h>
#include <xxhash.h>

#include "arena.h"
#include "durable.h"
#include "store_impl.h"
#include "version.h"

struct lk_hash {
  XXH3_state_t *state;
};

static void name_nettle(char text[LK_LIBRARY_TEXT]) {
  (void)snprintf(text, LK_LIBRARY_TEXT, "nettle %d.%d", nettle_version_major(), nettle_version_minor());
}
LK_LIBRARY(name_nettle)

static void name_xxhash(char text[LK_LIBRARY_TEXT]) {
  const unsigned v = XXH_versionNumber();
  (void)snprintf(text, LK_LIBRARY_TEXT, "xxHash %u.%u.%u", v / 10000, v / 100 % 100, v % 100);
}
LK_LIBRARY(name_xxhash)

static void to_hex(const unsigned char *bytes, size_t count, char *out) {
  for (size_t i = 0; i < count; i++) {
    out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
    out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
  }
  out[2 * count] = 0;
}

static void xxh_to_hex(XXH128_hash_t hash, char out[33]) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  to_hex(canonical.digest, sizeof canonical.digest, out);
}

lk_status lk_hash_create(lk_hash **hash) {
  LK_TRY(lk_alloc(hash, 1, sizeof **hash));
  (*hash)->state = XXH3_createState(); /* allocated by xxHash, which needs its own alignment */
  if (!(*hash)->state) {
    lk_hash_destroy(hash);
    return LK_FAIL(LK_MEMORY, "out of memory for a digest");
  }
  XXH3_128bits_reset((*hash)->state);
  return LK_OK;
}

void lk_hash_update(lk_hash *hash, const void *bytes, size_t size) {
  if (size) XXH3_128bits_update(hash->state, bytes, size);
}

void lk_hash_final(const lk_hash *hash, char out[33]) { xxh_to_hex(XXH3_128bits_digest(hash->state), out); }

void lk_hash_destroy(lk_hash **hash) {
  if (!*hash) return;
  XXH3_freeState((*hash)->state);
  free(*hash);
  *hash = NULL;
}

uint64_t lk_hash_block(const void *bytes, size_t size) { return XXH3_64bits(bytes, size); }

void lk_digest(const void *bytes, size_t size, char out[33]) { xxh_to_hex(XXH3_128bits(bytes, size), out); }

void lk_sha256(const void *const *blocks, const size_t *sizes, size_t count, char out[65]) {
  struct sha256_ctx sha;
  unsigned char digest[SHA256_DIGEST_SIZE];
  sha256_init(&sha);
  for (size_t i = 0; i < count; i++) sha256_update(&sha, sizes[i], blocks[i]);
  sha256_digest(&sha, sizeof digest, digest);
  to_hex(digest, sizeof digest, out);
}

lk_status lk_digest_file(const char *path, char out[33]) {
  enum { BLOCK = 1 << 20 };
  lk_status status = LK_OK;
  lk_hash *hash = NULL;
  void *block = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return LK_FAIL(LK_IO, "cannot open %s: %s", path, strerror(errno));
  LK_GO(lk_hash_create(&hash));
  LK_GO(lk_alloc(&block, BLOCK, 1));
  for (;;) {
    ssize_t got = read(fd, block, BLOCK);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) LK_GO(LK_FAIL(LK_IO, "cannot read %s: %s", path, strerror(errno)));
    if (got == 0) break;
    lk_hash_update(hash, block, (size_t)got);
  }
  lk_hash_final(hash, out);
done:
  free(block);
  lk_hash_destroy(&hash);
  close(fd);
  return status;
}
