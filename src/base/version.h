/* version.h - which program this is, and with which libraries it runs.
 *
 * The file that includes the header of a library registers the library's name and version before main():
 *
 *   static void name_fyaml(char text[LK_LIBRARY_TEXT]) { snprintf(text, LK_LIBRARY_TEXT, "libfyaml %s", ...); }
 *   LK_LIBRARY(name_fyaml) */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/** "0.1.0".                                                                        Not collective. */
const char *lk_version(void);
/** The commit that it was built from, 12 hex digits; "" where that is not known (a source archive).  Not collective. */
const char *lk_commit(void);

enum { LK_LIBRARY_TEXT = 192 };
/** Writes name and version of the library that is loaded: "libfyaml 0.7.12". */
typedef void lk_library_text(char text[LK_LIBRARY_TEXT]);
/** Register a library; to be called before main().                                Not thread-safe. */
void lk_library_register(lk_library_text *text);
/** The text of the library of that index, 0 ..; false behind the last.             Not collective. */
bool lk_library_at(size_t index, char text[LK_LIBRARY_TEXT]);
#define LK_LIBRARY(text) \
  __attribute__((constructor)) static void register_##text(void) { lk_library_register(text); }
