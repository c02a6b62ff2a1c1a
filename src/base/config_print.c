#include <string.h>

#include "config_impl.h"

/* Bytes of the section's name: 0 for a key at the top. */
static size_t section_size(const config_key *key) {
  const char *dot = strchr(key->name, '.');
  return dot ? (size_t)(dot - key->name) : 0;
}

static const config_section *section_of(const config_key *key) {
  size_t size = section_size(key);
  for (size_t i = 0; size > 0 && i < LK_CONFIG_SECTIONS; i++)
    if (strlen(lk_config_sections[i].name) == size && memcmp(lk_config_sections[i].name, key->name, size) == 0)
      return &lk_config_sections[i];
  LK_ASSERT(size == 0);
  return NULL;
}

lk_status lk_config_print(const lk_config *config, lk_buffer *out) {
  const config_section *open = NULL;
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++) {
    const config_key *key = &lk_config_keys[i];
    const config_section *section = section_of(key);
    if (section != open) LK_TRY(lk_buffer_printf(out, "\n# %s\n%s:\n", section->help, section->name));
    open = section;
    const char *indent = section ? "  " : "";
    const char *left = *key->unit ? " [" : "", *right = *key->unit ? "]" : "";
    LK_TRY(lk_buffer_printf(out, "%s# %s%s%s%s\n", indent, key->help, left, key->unit, right));
    LK_TRY(lk_buffer_printf(out, "%s%s: ", indent, section ? key->name + section_size(key) + 1 : key->name));
    LK_TRY(lk_config_format(config, key, out));
    LK_TRY(lk_buffer_append(out, "\n", 1));
  }
  return LK_OK;
}

lk_status lk_config_describe(lk_buffer *out) {
  const config_section *open = NULL;
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++) {
    const config_key *key = &lk_config_keys[i];
    const config_section *section = section_of(key);
    if (section != open) LK_TRY(lk_buffer_printf(out, "\n%s: %s\n", section->name, section->help));
    open = section;
    char expected[128];
    LK_TRY(lk_buffer_printf(out, "  %-26s %s%s%s%s; default %s\n", key->name, lk_config_expected(expected, key),
                            *key->unit ? " (" : "", key->unit, *key->unit ? ")" : "",
                            *key->initial ? key->initial : "none"));
    LK_TRY(lk_buffer_printf(out, "      %s\n", key->help));
  }
  return LK_OK;
}
