/* durable.h - files that are completely on the disk or not at all. Every function: Not collective. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "status.h"

/** Write bytes to `path`: into a temporary file in the same folder, fsync, rename, fsync of the folder. Where any of it
 *  fails the temporary file is removed and the old file stays. LK_IO with path and reason. */
LK_CHECKED lk_status lk_durable_write(const char *path, const void *bytes, size_t size);
/** Point the link `path` at `target` (a name in the same folder or below), atomically by rename. */
LK_CHECKED lk_status lk_durable_link(const char *path, const char *target);
/** Make a folder and its parents. */
LK_CHECKED lk_status lk_durable_folder(const char *path);
/** Remove all temporary files of ours that killed writers left in the folder; none where it does not exist. To be
 *  called by the only writer of the folder before it writes. LK_IO. */
LK_CHECKED lk_status lk_durable_clean(const char *folder);

/** Make SIGINT, SIGTERM and SIGHUP, where they have their default action, remove the temporary file before they end the
 *  process. For a program that writes one file at a time, in one thread. */
void lk_durable_guard(void);

/** Bytes that this process has written so far, to see whether a writer makes progress. Thread-safe. */
uint64_t lk_durable_written(void);

/** XXH3-128 of bytes as 32 hex digits. */
void lk_digest(const void *bytes, size_t size, char out[33]);
/** SHA-256 of several blocks, one after the other, as 64 hex digits. */
void lk_sha256(const void *const *blocks, const size_t *sizes, size_t count, char out[65]);
/** Digest of a file's bytes. LK_IO. */
LK_CHECKED lk_status lk_digest_file(const char *path, char out[33]);
