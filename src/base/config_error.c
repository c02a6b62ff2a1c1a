/* config_error.c - messages about settings: where one was set, and the key that an unknown name probably means. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config_impl.h"

const char *lk_config_name_at(const char *place, const config_key *key) {
  static const char assigned[] = "command line: ";
  return strncmp(place, assigned, sizeof assigned - 1) == 0 ? "" : key->name;
}

lk_status lk_config_error(const lk_config *config, const char *key, const char *format, ...) {
  char text[768];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  const ptrdiff_t index = lk_config_find(key, strlen(key));
  LK_ASSERT(index >= 0);
  const char *place = config->source->place[index];
  if (!place)
    place = config->source->name; /* a default that cannot be used: name the file that should have set the key */
  if (!place) place = "configuration";
  const char *name = lk_config_name_at(place, &lk_config_keys[index]);
  return LK_FAIL(LK_USAGE, "%s: %s%s%s", place, name, *name ? ": " : "", text);
}

static const char *tail(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot ? dot + 1 : name;
}

/* The key that an unknown name probably means: one with the same last part in another section; else the one whose last
 * part has the smallest edit distance, in the same section if the name has one of ours. */
static const char *nearest(const char *name) {
  const char *all[LK_CONFIG_MOST_KEYS + LK_CONFIG_SECTIONS];
  const size_t keys = (size_t)lk_config_key_count;
  const char *dot = strrchr(name, '.');
  const bool in_section = dot && lk_config_is_section(name, (size_t)(dot - name));
  size_t count = 0;
  for (size_t i = 0; i < keys; i++)
    if (strcmp(tail(lk_config_keys[i].name), tail(name)) == 0) return lk_config_keys[i].name;
  for (size_t i = 0; i < keys; i++)
    if (!in_section || strncmp(lk_config_keys[i].name, name, (size_t)(dot - name) + 1) == 0)
      all[count++] = tail(lk_config_keys[i].name);
  for (size_t i = 0; i < LK_CONFIG_SECTIONS && !dot; i++) all[count++] = lk_config_sections[i].name;
  const char *near = lk_nearest(tail(name), all, count);
  for (size_t i = 0; near && i < keys; i++)
    if (tail(lk_config_keys[i].name) == near) return lk_config_keys[i].name;
  return near;
}

lk_status lk_config_unknown(const char *place, const char *name, size_t size) {
  char quoted[256], copy[128];
  lk_quote(quoted, name, size);
  size_t kept = size < sizeof copy ? size : sizeof copy - 1;
  memcpy(copy, name, kept);
  copy[kept] = '\0';
  const char *other = NULL, *instead = NULL;
  if (!lk_config_elsewhere(copy, &other, &instead)) other = nearest(copy);
  if (instead) return LK_FAIL(LK_USAGE, "%s: unknown key %s: %s", place, quoted, instead);
  if (!other) return LK_FAIL(LK_USAGE, "%s: unknown key %s", place, quoted);
  return LK_FAIL(LK_USAGE, "%s: unknown key %s (did you mean '%s'?)", place, quoted, other);
}
