/* input_impl.h - the parts of reading a user's file. */
#pragma once
#include "input.h"

/** Append what is compressed in bytes[size] to text, up to `most` bytes more: LK_DATA where it is more, damaged, or followed by
 *  something else. `name` is the file's. */
LK_CHECKED lk_status lk_input_gunzip(lk_buffer *text, const char *bytes, size_t size, size_t most, const char *name);
/** The one text for a file that becomes too large. */
LK_CHECKED lk_status lk_input_too_large(const char *name, size_t size, size_t most);
/** The encoding of a text of units of two or four bytes, as iconv calls it; NULL where it looks like none. */
const char *lk_encoding_wide(const char *text, size_t size, bool *marked);
/** "iconv -f ENCODING -t UTF-8 FILE >NEW" for this file, or what to do with standard input. */
void lk_encoding_advice(char *out, size_t room, const char *encoding, const char *name);
