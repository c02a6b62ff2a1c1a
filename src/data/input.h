/* input.h - reading a user's text file, which may be compressed, an archive, in another encoding, or not text at
 * all.
 *
 * The format is recognized by the first bytes, never by the file name. gzip, xz, zstd and bzip2 are decompressed;
 * for all else that is not UTF-8 text the error message names the format and the command that converts it. Every
 * function: Not collective. */
#pragma once
#include <stdbool.h>

#include "text.h"

/* Limits on decompression, because a small file can expand to endless zeros: output above LK_INPUT_ROOM bytes may be
 * at most LK_INPUT_EXPANDS times the size of the input. */
#define LK_INPUT_ROOM    ((size_t)64 << 20)
#define LK_INPUT_EXPANDS 50

/** Read a whole file, or standard input ("-"), and decompress it if necessary. `name` is used in messages. The
 *  result may still contain invalid UTF-8. LK_IO; LK_DATA, with the format and what to do about it, for archives,
 *  HDF5 and other known binary formats, UTF-16, UTF-32, and damaged compressed files. */
LK_CHECKED lk_status lk_input_read(lk_buffer *text, const char *path, const char *name);
/** The same for bytes that were read already, which are replaced by the text. */
LK_CHECKED lk_status lk_input_unwrap(lk_buffer *bytes, const char *name);
/** Given the first bytes of a file: whether lk_input_unwrap() would decompress it; lk_input_check() returns LK_DATA
 *  if it is known not to be text. */
bool lk_input_compressed(const char *bytes, size_t size);
LK_CHECKED lk_status lk_input_check(const char *bytes, size_t size, const char *name);
/** Whether the file has HDF5's signature at byte 0, 512, 1024, 2048, ...; false if it cannot be read. */
bool lk_input_is_hdf5(const char *path);
/** Write a message into `out` for text whose UTF-8 is invalid from byte `valid` on: the value of that byte and, if
 *  the text looks like another encoding, its name and the iconv command that converts it. */
void lk_input_say_invalid(char *out, size_t room, const char *text, size_t size, size_t valid, const char *name);
