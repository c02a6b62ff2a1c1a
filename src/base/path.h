/* path.h - what a path of a configuration means. Every function: Not collective. */
#pragma once
#include "text.h"

/** Append `path` with the home folder for a "~" or "~user" in front, as a shell would have it. LK_USAGE "no user is called
 *  ...", or where HOME is not set and the user is not known; LK_MEMORY. */
LK_CHECKED lk_status lk_path_expand(const char *path, lk_buffer *out);
/** Append `path` from the root on: as it is where it begins with '/', else behind the working folder. Nothing is resolved
 *  ("..", links), and nothing has to be there. LK_IO where the working folder is gone; LK_MEMORY. */
LK_CHECKED lk_status lk_path_absolute(const char *path, lk_buffer *out);
