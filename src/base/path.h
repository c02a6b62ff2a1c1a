/* path.h - paths in a configuration. Every function: Not collective. */
#pragma once
#include "text.h"

/** Append `path`, with a leading "~" or "~user" replaced by the home folder, as a shell does. LK_USAGE for an unknown
 *  user, or if HOME is not set and the user has no home folder; LK_MEMORY. */
LK_CHECKED lk_status lk_path_expand(const char *path, lk_buffer *out);
/** Append `path` as an absolute path: unchanged if it begins with '/', else after the working folder. Neither ".." nor
 *  links are resolved, and the file need not exist. LK_IO if the working folder was removed; LK_MEMORY. */
LK_CHECKED lk_status lk_path_absolute(const char *path, lk_buffer *out);
