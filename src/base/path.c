#include "path.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The home folder of a user, "": of the one who runs the program; NULL if unknown. */
static const char *home_of(const char *user) {
  const char *home = *user ? NULL : getenv("HOME");
  if (home && *home) return home;
  const struct passwd *entry = *user ? getpwnam(user) : getpwuid(getuid());
  return entry ? entry->pw_dir : NULL;
}

lk_status lk_path_expand(const char *path, lk_buffer *out) {
  char user[256] = "";
  if (*path != '~') return lk_buffer_append(out, path, strlen(path));
  const size_t size = strcspn(path + 1, "/");
  if (size < sizeof user) memcpy(user, path + 1, size);
  const char *home = size < sizeof user ? home_of(user) : NULL;
  if (!home && *user)
    return LK_FAIL(LK_USAGE, "no user is called '%s': for a name that begins with ~ write ./~...", user);
  if (!home) return LK_FAIL(LK_USAGE, "'~' cannot be replaced: HOME is not set");
  LK_TRY(lk_buffer_append(out, home, strlen(home)));
  return lk_buffer_append(out, path + 1 + size, strlen(path + 1 + size));
}

lk_status lk_path_absolute(const char *path, lk_buffer *out) {
  char folder[PATH_MAX];
  if (*path == '/') return lk_buffer_append(out, path, strlen(path));
  if (!getcwd(folder, sizeof folder)) return LK_FAIL(LK_IO, "cannot find the working folder: %s", strerror(errno));
  while (strncmp(path, "./", 2) == 0) path += 2 + strspn(path + 2, "/");
  LK_TRY(lk_buffer_append(out, folder, strlen(folder)));
  if (strcmp(folder, "/") != 0) LK_TRY(lk_buffer_append(out, "/", 1));
  return lk_buffer_append(out, path, strlen(path));
}
