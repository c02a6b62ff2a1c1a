/* store_impl.h - temporary files that become visible when they are complete. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "hash.h"

/* A temporary file in the folder of its target; {.fd = -1}: none. */
typedef struct lk_temp {
  int fd;
  char *name, *path; /* of the temporary file; of the target */
} lk_temp;

/** Open a new temporary file for `path`. LK_IO, LK_MEMORY.                         Not collective. */
LK_CHECKED lk_status lk_temp_open(lk_temp *temp, const char *path);
/** Sync it and rename it to its target; on failure it is removed and the old file stays: LK_IO. Not collective. */
LK_CHECKED lk_status lk_temp_commit(lk_temp *temp);
/** Remove it, unless it was committed.                                             Not collective. */
void lk_temp_discard(lk_temp *temp);
/** Open a file that has no name, and whose room is free when it is closed, in a folder that ends with a slash (empty:
 *  the current one). LK_IO, LK_MEMORY.                                             Not collective. */
LK_CHECKED lk_status lk_temp_nameless(int *fd, const char *folder);

/** pwrite and pread of all bytes; 0, or errno. Reading: *got is less than size only at the end of the file. */
int lk_write_at(int fd, const void *bytes, size_t size, uint64_t at);
int lk_read_at(int fd, void *bytes, size_t size, uint64_t at, size_t *got);
