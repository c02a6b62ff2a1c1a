/* input.h - what a user's file is before it is text: compressed, an archive, another encoding, no text at all.
 *
 * It is known by its first bytes, never by its name. gzip, xz, zstd and bzip2 are read as they are; whatever else is no
 * UTF-8 text is named, with the command that makes it one. Every function: Not collective. */
#pragma once
#include <stdbool.h>

#include "text.h"

/* A small file can stand for endless zeros: beyond LK_INPUT_ROOM bytes it may not become more than so many times its size. */
#define LK_INPUT_ROOM    ((size_t)64 << 20)
#define LK_INPUT_EXPANDS 50

/** The text in a file, or in standard input ("-"): read whole and, where it is compressed, decompressed. `name` is what
 *  messages call it. Other bytes than UTF-8 may still be in it. LK_IO; LK_DATA, naming what the file is and what to do,
 *  where it is an archive, HDF5 or another known binary format, UTF-16 or UTF-32, or compressed and damaged. */
LK_CHECKED lk_status lk_input_read(lk_buffer *text, const char *path, const char *name);
/** The same for bytes that were read already, which are replaced by the text. */
LK_CHECKED lk_status lk_input_unwrap(lk_buffer *bytes, const char *name);
/** The first bytes of something: whether lk_input_unwrap() would decompress it, and LK_DATA where it is known to be no text. */
bool lk_input_compressed(const char *bytes, size_t size);
LK_CHECKED lk_status lk_input_check(const char *bytes, size_t size, const char *name);
/** Whether the file begins with HDF5's signature, at byte 0, 512, 1024, 2048 ...; false where it cannot be read. */
bool lk_input_is_hdf5(const char *path);
/** For text that is not valid UTF-8 from byte `valid` on: that byte, and where the whole looks like another encoding,
 *  which one and the iconv line, into out. */
void lk_input_say_invalid(char *out, size_t room, const char *text, size_t size, size_t valid, const char *name);
