#include "host.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_below(const char *root, const char *path) {
  char whole[4096];
  if (snprintf(whole, sizeof whole, "%s%s", root, path) >= (int)sizeof whole) return NULL;
  return fopen(whole, "re");
}

bool lk_host_text(const char *root, const char *path, const char *word, size_t size, char *out) {
  static const char blank[] = " \t\n:";
  char line[1024];
  bool found = false;
  const size_t length = strlen(word);
  FILE *file = open_below(root, path);
  out[0] = '\0';
  while (file && !found && fgets(line, sizeof line, file)) {
    found = strncmp(line, word, length) == 0;
    if (!found) continue;
    const char *begin = line + length + strspn(line + length, blank), *end = begin + strlen(begin);
    while (end > begin && strchr(blank, end[-1])) end--;
    (void)snprintf(out, size, "%.*s", (int)(end - begin), begin);
  }
  if (file) (void)fclose(file);
  return found;
}

double lk_host_number(const char *root, const char *path, const char *word) {
  char text[64], *end = NULL;
  if (!lk_host_text(root, path, word, sizeof text, text)) return NAN;
  if (strncmp(text, "max", 3) == 0) return INFINITY;
  const double value = strtod(text, &end);
  return end > text ? value : NAN;
}

/* Whether `name` is one of the names separated by commas in list[size]. */
static bool is_in(const char *list, size_t size, const char *name) {
  const size_t length = strlen(name);
  for (const char *at = list; at < list + size; at += strcspn(at, ",:") + 1)
    if (strcspn(at, ",:") == length && strncmp(at, name, length) == 0) return true;
  return false;
}

/* The folder of this process's control group for `controller`, such as "/sys/fs/cgroup/user.slice". */
static bool find_group(const char *root, const char *controller, size_t size, char *out) {
  char line[1024];
  bool found = false;
  FILE *file = open_below(root, "/proc/self/cgroup"); /* lines "4:memory:/path", of version 2 "0::/path" */
  while (file && !found && fgets(line, sizeof line, file)) {
    const char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
    if (!path) continue;
    line[strcspn(line, "\n")] = '\0';
    found = *controller ? is_in(names + 1, (size_t)(path - names - 1), controller) : path == names + 1;
    if (found)
      found = snprintf(out, size, "/sys/fs/cgroup%s%s%s", *controller ? "/" : "", controller,
                       strcmp(path + 1, "/") == 0 ? "" : path + 1) < (int)size;
  }
  if (file) (void)fclose(file);
  return found;
}

/* To the parent of that folder; false at the top. */
static bool go_up(char *folder) {
  static const char top[] = "/sys/fs/cgroup";
  char *slash = strrchr(folder, '/');
  if (!slash || (size_t)(slash - folder) < sizeof top - 1) return false;
  *slash = '\0';
  return true;
}

/* Version 1 writes no limit as a number near 2^63. */
static double left_in(const char *root, const char *folder, bool v2) {
  char path[1200];
  (void)snprintf(path, sizeof path, "%s/%s", folder, v2 ? "memory.max" : "memory.limit_in_bytes");
  const double most = lk_host_number(root, path, "");
  if (isnan(most) || most > 0x1p60) return INFINITY;
  (void)snprintf(path, sizeof path, "%s/%s", folder, v2 ? "memory.current" : "memory.usage_in_bytes");
  const double used = lk_host_number(root, path, "");
  (void)snprintf(path, sizeof path, "%s/memory.stat", folder);
  double cached = 0; /* given up before anything else */
  static const char *const kinds[] = {"inactive_file", "active_file"};
  for (int k = 0; k < 2; k++) {
    char key[32];
    (void)snprintf(key, sizeof key, "%s%s", v2 ? "" : "total_", kinds[k]);
    const double bytes = lk_host_number(root, path, key);
    if (!isnan(bytes)) cached += bytes;
  }
  return most - (isnan(used) ? 0 : used) + cached;
}

double lk_host_group_least(const char *root, const char *controller,
                           double (*of)(const char *root, const char *folder, bool v2)) {
  double least = INFINITY;
  for (int v2 = 0; v2 < 2; v2++) {
    char folder[1024];
    if (!find_group(root, v2 ? "" : controller, sizeof folder, folder)) continue;
    do least = fmin(least, of(root, folder, v2 != 0));
    while (go_up(folder));
  }
  return least;
}

double lk_host_group_left(const char *root) { return lk_host_group_least(root, "memory", left_in); }

double lk_host_memory(const char *root) {
  return fmin(1024 * lk_host_number(root, "/proc/meminfo", "MemAvailable:"), lk_host_group_left(root));
}
