/* json_impl.h - JSON from files of unknown origin: jansson, with a limit on the memory that it takes. */
#pragma once
#include <jansson.h>

#include "text.h"

/** Parse JSON. Outside of strings it may have `most` commas and brackets, since each value takes far more memory than
 *  its text. `what` names the file and the part, for messages. LK_DATA, LK_MEMORY. Not collective. */
LK_CHECKED lk_status lk_json_parse(json_t **json, const char *text, size_t size, size_t most, const char *what);
/** Append a value as compact text, and let go of it; NULL is LK_MEMORY. */
LK_CHECKED lk_status lk_json_print(json_t *json, lk_buffer *out);
