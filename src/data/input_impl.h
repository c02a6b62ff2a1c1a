/* input_impl.h - functions shared by the sources that read a user's file. */
#pragma once
#include "input.h"

/** Decompress bytes[size] and append at most `most` bytes to text. LK_DATA if there are more, or if the data is
 *  damaged or followed by something else. `name` is the name of the file, for messages. */
LK_CHECKED lk_status lk_input_gunzip(lk_buffer *text, const char *bytes, size_t size, size_t most, const char *name);
/** Report that a file becomes too large when decompressed. */
LK_CHECKED lk_status lk_input_too_large(const char *name, size_t size, size_t most);
/** The encoding, under iconv's name, of text in code units of two or four bytes; NULL if it does not look like such
 *  text. *marked is set if there is a byte order mark. */
const char *lk_encoding_wide(const char *text, size_t size, bool *marked);
/** Write the command "iconv -f ENCODING -t UTF-8 FILE >NEW" for this file, or what to do with standard input. */
void lk_encoding_advice(char *out, size_t room, const char *encoding, const char *name);
