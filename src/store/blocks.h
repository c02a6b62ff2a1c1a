/* blocks.h - bytes of a file that are read block by block, as often as wanted, and are the same each time.
 *
 * The digest of each block is kept from its first reading on (8 bytes for 256 KiB), and a block that is read again must
 * have it: so whatever was checked once needs no second check, although others may write to the file. A spool is for
 * bytes that cannot be read twice where they come from: a file without a name, which is gone when the process ends.
 *
 * Ownership: several lk_blocks may lie in one spool, which must outlive them. A file given by its path is open only
 * while it is being read, so that there may be any number of them. Every function: Not collective. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

typedef struct lk_spool {
  int fd; /* -1: none yet */
  uint64_t size;
  const char *beside; /* it is made in $TMPDIR, or where that is not set in the folder of this file; borrowed */
} lk_spool;

/** Append. `name` is what the bytes come from, for messages. LK_IO, with advice where there is no room. */
LK_CHECKED lk_status lk_spool_append(lk_spool *spool, const char *name, const void *bytes, size_t size);
/** Read what was appended from `at` on. LK_IO. */
LK_CHECKED lk_status lk_spool_read(const lk_spool *spool, uint64_t at, void *bytes, size_t size);
/** LK_IO if its folder has no room for so many more bytes. */
LK_CHECKED lk_status lk_spool_check(const lk_spool *spool, const char *name, uint64_t size);
void lk_spool_close(lk_spool *spool);

typedef struct lk_blocks {
  const char *name;  /* for messages; borrowed */
  const char *path;  /* of the file, borrowed; NULL: `fd` belongs to others and stays open */
  int fd;            /* -1: it has a path, and is not open now */
  uint64_t at, size; /* the bytes are those from `at` on */
  size_t block;      /* bytes of a block; the last one may have fewer */
  uint64_t *digest;  /* [known] of the blocks that were read so far */
  size_t capacity;
  ptrdiff_t known;
} lk_blocks;

/** The first `size` bytes of the file `path`; or `size` bytes of an open file from `at` on. */
void lk_blocks_of_path(lk_blocks *blocks, const char *path, const char *name, uint64_t size);
void lk_blocks_of_file(lk_blocks *blocks, int fd, const char *name, uint64_t at, uint64_t size);
/** Read block `index` into `to`, which has room for blocks->block bytes; *size is 0 behind the last one. The first time
 *  all blocks must be read in their order. LK_IO; LK_DATA where it is not what it was, or the file has become longer. */
LK_CHECKED lk_status lk_blocks_read(lk_blocks *blocks, ptrdiff_t index, void *to, size_t *size);
void lk_blocks_close(lk_blocks *blocks);
