/* store_impl.h - what the sources of store/ share: a running digest, and files that are not visible yet. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* XXH3-128 in pieces. */
typedef struct lk_hash lk_hash;
LK_CHECKED lk_status lk_hash_create(lk_hash **hash);
void lk_hash_update(lk_hash *hash, const void *bytes, size_t size);
void lk_hash_final(const lk_hash *hash, char out[33]);
void lk_hash_destroy(lk_hash **hash);

/* A file under a passing name beside its target; {.fd = -1} is none. */
typedef struct lk_temp {
  int fd;
  char *name, *path; /* the passing name, the target */
} lk_temp;

/** Open a new file beside `path`. LK_IO, LK_MEMORY.                                Not collective. */
LK_CHECKED lk_status lk_temp_open(lk_temp *temp, const char *path);
/** All of it on disk under its name, or removed and the old one untouched: LK_IO.  Not collective. */
LK_CHECKED lk_status lk_temp_commit(lk_temp *temp);
/** Remove it, unless it was committed.                                             Not collective. */
void lk_temp_discard(lk_temp *temp);

/** pwrite and pread of all bytes; 0, or errno. Reading: *got is less than size only at the end of the file. */
int lk_write_at(int fd, const void *bytes, size_t size, uint64_t at);
int lk_read_at(int fd, void *bytes, size_t size, uint64_t at, size_t *got);
