/* json_line_impl.h - files of one JSON object a line, to which a run appends. */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "status.h"

/** Append `line` to the file, with numbers of so many digits; NULL counts as out of memory. `anew`: empty the file
 *  first. A half line that a killed writer left is ended first. LK_IO, LK_MEMORY.                  Not collective. */
LK_CHECKED lk_status lk_json_append(const char *path, const json_t *line, int digits, bool anew);
