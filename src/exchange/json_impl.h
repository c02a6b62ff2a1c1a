/* json_impl.h - JSON of files of unknown origin: jansson, with a limit on what it makes of them. */
#pragma once
#include <jansson.h>

#include "text.h"

/** Parse JSON. What stands outside of strings may have `most` commas and brackets, since each value takes far more memory
 *  than its text. `what` says of which file and part: LK_DATA, LK_MEMORY.          Not collective. */
LK_CHECKED lk_status lk_json_parse(json_t **json, const char *text, size_t size, size_t most, const char *what);
/** Append a value as compact text, and let go of it; NULL is LK_MEMORY. */
LK_CHECKED lk_status lk_json_print(json_t *json, lk_buffer *out);
