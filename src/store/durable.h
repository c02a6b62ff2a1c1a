/* durable.h - bytes that are on the disk, whole, or not there at all. Every function: Not collective. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "status.h"

/** Write bytes to `path`: temporary file beside it, write, fsync, rename, fsync of the folder. A failed fsync means the
 *  file is garbage: it is removed and the old one stays. LK_IO with path and reason. */
LK_CHECKED lk_status lk_durable_write(const char *path, const void *bytes, size_t size);
/** Point the link `path` at `target` (a name in the same folder or below) by rename: it always points somewhere. */
LK_CHECKED lk_status lk_durable_link(const char *path, const char *target);
/** Make a folder and its parents. */
LK_CHECKED lk_status lk_durable_folder(const char *path);
/** Remove what killed writers left: all temporary files of ours in the folder, where there is one. For the folder's only
 *  writer, before it writes. LK_IO. */
LK_CHECKED lk_status lk_durable_clean(const char *folder);

/** From now on SIGINT, SIGTERM and SIGHUP, where nobody handles or ignores them, remove the file that is being written
 *  before they end the process. For a program that writes one file at a time, in one thread. */
void lk_durable_guard(void);

/** Bytes that this process has handed to the disk so far: whether a writer gets on.  Thread-safe. */
uint64_t lk_durable_written(void);

/** XXH3-128 of bytes as 32 hex digits. */
void lk_digest(const void *bytes, size_t size, char out[33]);
/** SHA-256 of several blocks, one after the other, as 64 hex digits. */
void lk_sha256(const void *const *blocks, const size_t *sizes, size_t count, char out[65]);
/** Digest of a file's bytes. LK_IO. */
LK_CHECKED lk_status lk_digest_file(const char *path, char out[33]);
