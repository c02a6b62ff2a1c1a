#include "version.h"

#include "status.h"

#ifndef LK_COMMIT
#define LK_COMMIT ""
#endif

const char *lk_version(void) { return LK_VERSION; }
const char *lk_commit(void) { return LK_COMMIT; }

static lk_library_text *libraries[32];
static size_t library_count;

void lk_library_register(lk_library_text *text) {
  LK_ASSERT(library_count < sizeof libraries / sizeof *libraries);
  libraries[library_count++] = text;
}

bool lk_library_at(size_t index, char text[LK_LIBRARY_TEXT]) {
  if (index >= library_count) return false;
  *text = '\0';
  libraries[index](text);
  return true;
}
