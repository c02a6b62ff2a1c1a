/* written_by.c - what a file that this program does not understand was written by. */
#include <stdio.h>
#include <string.h>

#include "corpus_impl.h"

#ifndef LK_VERSION
#define LK_VERSION "unknown"
#endif

/* "0.1.0" as three numbers; false for anything else, such as "unknown". */
static bool read_version(const char *text, int version[3]) {
  int end = 0;
  return sscanf(text, "%d.%d.%d%n", &version[0], &version[1], &version[2], &end) == 3 && text[end] == '\0';
}

static bool is_newer(const char *text) {
  int found[3], own[3];
  if (!read_version(text, found) || !read_version(LK_VERSION, own)) return false;
  for (int i = 0; i < 3; i++)
    if (found[i] != own[i]) return found[i] > own[i];
  return false;
}

lk_status lk_not_understood(const lk_h5 *file, lk_status status) {
  static const char name[] = "Lockstep ";
  lk_buffer by = {0};
  char what[sizeof lk_error_get()->text];
  if (status != LK_USAGE && status != LK_DATA) return status;
  (void)snprintf(what, sizeof what, "%s", lk_error_get()->text);
  status = lk_fail_as(LK_DATA);
  if (!lk_h5_has_attribute(file, "/", "created_by") || lk_h5_get_text(file, "/", "created_by", &by) != LK_OK)
    return status;
  if (strncmp(by.data, name, sizeof name - 1) == 0 && is_newer(by.data + sizeof name - 1)) {
    lk_error_clear();
    status = LK_FAIL(LK_NEWER,
                     "%s was written by %.40s, and this program is Lockstep " LK_VERSION
                     ": use that version, or a later one (%s)",
                     lk_h5_path(file), by.data, what);
  }
  lk_buffer_release(&by);
  return status;
}
