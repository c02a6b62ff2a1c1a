/* host.h - what /proc and /sys say of the host: single lines and numbers, control groups, memory. `root` is put before
 * the paths; tests read folders of their own. Every function: Not collective. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/** Find the first line of the file root/path that begins with `word` ("": the first line), and copy what follows the
 *  word to `out`, without white space and colons at its ends, cut to `size` with its NUL. If there is none: "" and
 *  false. */
bool lk_host_text(const char *root, const char *path, const char *word, size_t size, char *out);
/** The number at the start of that text; "max" is INFINITY; NAN if there is none. */
double lk_host_number(const char *root, const char *path, const char *word);
/** The least value that `of` returns for the control groups of this process, from its own up to the top one, for
 *  `controller` (version 1; version 2 has one group for all); INFINITY if there are none. */
double lk_host_group_least(const char *root, const char *controller,
                           double (*of)(const char *root, const char *folder, bool v2));
/** Bytes that the control groups of this process still allow; INFINITY without a limit. */
double lk_host_group_left(const char *root);
/** Bytes that can be allocated on the host without swapping, as far as the control groups allow; INFINITY where
 *  neither is known. Other processes share them. */
double lk_host_memory(const char *root);
