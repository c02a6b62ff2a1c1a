/* host.h - what /proc and /sys say of the host: single lines and numbers, control groups, memory. `root` is put before
 * the paths; tests read folders of their own. Every function: Not collective. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/** What follows `word` in the first line of a file below `root` that begins with it ("": in the first line), without
 *  white space and colons at its ends, cut to `size` with its NUL. "" and false where there is none. */
bool lk_host_text(const char *root, const char *path, const char *word, size_t size, char *out);
/** The number that this text begins with; "max" is INFINITY; NAN where there is none. */
double lk_host_number(const char *root, const char *path, const char *word);
/** The least of what `of` finds in the control groups of this process, up to the top, for `controller` (version 1; 2 has
 *  one group for all); INFINITY where there are none. */
double lk_host_group_least(const char *root, const char *controller,
                           double (*of)(const char *root, const char *folder, bool v2));
/** Bytes that the control groups of this process still allow; INFINITY without a limit. */
double lk_host_group_left(const char *root);
/** Bytes that can be allocated on the host without swapping, as far as the control groups allow; INFINITY where
 *  neither is known. Other processes share them. */
double lk_host_memory(const char *root);
