/* input.h - reading a user's text file, which may be compressed, an archive, in another encoding, or not text at
 * all.
 *
 * The format is recognized by the first bytes, never by the file name. gzip, xz, zstd and bzip2 are decompressed;
 * for all else that is not UTF-8 text the error message names the format and the command that converts it. Every
 * function: Not collective. */
#pragma once
#include <stdbool.h>

#include "blocks.h"
#include "text.h"

/* Limits on decompression, because a small file can expand to endless zeros: output above LK_INPUT_ROOM bytes may be
 * at most LK_INPUT_EXPANDS times the size of the input. */
#define LK_INPUT_ROOM    ((size_t)64 << 20)
#define LK_INPUT_EXPANDS 50

/** The text of a file, or of standard input ("-"), to be read block by block: where it lies, or a copy in the spool if
 *  it is compressed or comes from a pipe. Path, name (for messages) and spool must outlive it. The text may still be
 *  invalid UTF-8. LK_IO; LK_DATA, with the format and what to do about it, for archives, HDF5 and other known binary
 *  formats, UTF-16, UTF-32, and damaged compressed files. */
LK_CHECKED lk_status lk_input_open(lk_blocks *blocks, const char *path, const char *name, lk_spool *spool);
/** The same checks for bytes in memory, which are replaced by the text that is compressed in them. */
LK_CHECKED lk_status lk_input_unwrap(lk_buffer *bytes, const char *name);
/** Given the first bytes of a file: whether lk_input_unwrap() would decompress it; lk_input_check() returns LK_DATA
 *  if it is known not to be text. */
bool lk_input_compressed(const char *bytes, size_t size);
LK_CHECKED lk_status lk_input_check(const char *bytes, size_t size, const char *name);
/** Whether the file has HDF5's signature at byte 0, 512, 1024, 2048, ...; false if it cannot be read. */
bool lk_input_is_hdf5(const char *path);
/** Write a message into `out` for text whose UTF-8 is invalid from byte `valid` on: the value of that byte and, if
 *  the text looks like another encoding, its name and the iconv command that converts it. `text` is all, or what is
 *  around that byte (32 KiB on either side are looked at); marked: the text began with a byte order mark. */
void lk_input_say_invalid(char *out, size_t room, const char *text, size_t size, size_t valid, bool marked,
                          const char *name);
