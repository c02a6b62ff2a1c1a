/* config_print.c - the settings as text: a configuration with comments, and the description of all keys. */
#include <string.h>

#include "config_impl.h"

/* Length of the section's name; 0 for a key outside of sections. */
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

bool lk_config_setting_at(ptrdiff_t index, lk_config_setting *setting) {
  if (index < 0 || index >= lk_config_key_count) return false;
  const config_key *key = &lk_config_keys[index];
  const config_section *section = section_of(key);
  *setting = (lk_config_setting){.name = key->name,
                                 .help = key->help,
                                 .initial = key->initial,
                                 .section = section ? section->help : NULL,
                                 .boolean = key->kind == KEY_BOOLEAN,
                                 .path = key->path};
  return true;
}

/* "# One of: elman, lstm, gru.", broken into lines of about 110 columns. */
static lk_status print_choices(const config_key *key, const char *indent, lk_buffer *out) {
  lk_choice_at *at = lk_choices_of(key->name);
  if (!at) return LK_OK;
  size_t line = out->size;
  LK_TRY(lk_buffer_printf(out, "%s# One of: %s", indent, at(0).name));
  for (size_t i = 1; at(i).name; i++) {
    const bool full = out->size - line + strlen(at(i).name) > 110;
    if (full) line = out->size;
    LK_TRY(full ? lk_buffer_printf(out, ",\n%s# %s", indent, at(i).name) : lk_buffer_printf(out, ", %s", at(i).name));
  }
  return lk_buffer_append(out, ".\n", 2);
}

static lk_status print_key(const lk_config *config, const config_key *key, lk_buffer *out) {
  const size_t section = section_size(key);
  const char *indent = section > 0 ? "  " : "";
  char unit[64];
  LK_TRY(lk_buffer_printf(out, "%s# %s%s\n", indent, key->help, lk_config_unit_text(unit, key, "[]")));
  LK_TRY(print_choices(key, indent, out));
  LK_TRY(lk_buffer_printf(out, "%s%s: ", indent, key->name + section + (section > 0)));
  LK_TRY(lk_config_format(config, key, out));
  return lk_buffer_append(out, "\n", 1);
}

lk_status lk_config_print(const lk_config *config, lk_buffer *out) {
  const config_section *open = NULL;
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++) {
    const config_section *section = section_of(&lk_config_keys[i]);
    if (section != open) LK_TRY(lk_buffer_printf(out, "\n# %s\n%s:\n", section->help, section->name));
    open = section;
    LK_TRY(print_key(config, &lk_config_keys[i], out));
  }
  return LK_OK;
}

static lk_status describe_choices(lk_choice_at *at, lk_buffer *out) {
  LK_TRY(lk_buffer_printf(out, "      choices:"));
  for (size_t i = 0; at(i).name; i++) LK_TRY(lk_buffer_printf(out, "%s %s", i == 0 ? "" : ",", at(i).name));
  LK_TRY(lk_buffer_append(out, "\n", 1));
  for (size_t i = 0; at(i).name; i++)
    if (at(i).help) LK_TRY(lk_buffer_printf(out, "        %-16s %s\n", at(i).name, at(i).help));
  return LK_OK;
}

/* "only with train.optimizer: adam, adamw" for a setting that only some choices of `by` read. */
static lk_status describe_reader(const config_key *key, const char *by, lk_buffer *out) {
  lk_choice_at *at = lk_choices_of(by);
  int readers = 0;
  for (size_t i = 0; at && at(i).name; i++) {
    if (!lk_choices_read(by, i, key->name)) continue;
    LK_TRY(readers++ == 0 ? lk_buffer_printf(out, "      only with %s: %s", by, at(i).name)
                          : lk_buffer_printf(out, ", %s", at(i).name));
  }
  return readers > 0 ? lk_buffer_append(out, "\n", 1) : LK_OK;
}

static lk_status describe_key(const config_key *key, lk_buffer *out) {
  lk_choice_at *at = lk_choices_of(key->name);
  char expected[LK_CONFIG_EXPECTED], unit[64];
  LK_TRY(lk_buffer_printf(out, "  %-26s %s%s; default %s%s\n", key->name,
                          at ? "one of its choices" : lk_config_expected(expected, key),
                          lk_config_unit_text(unit, key, "()"), *key->initial ? key->initial : "none",
                          key->fixed ? "; fixed for a run" : ""));
  LK_TRY(lk_buffer_printf(out, "      %s\n", key->help));
  if (at) LK_TRY(describe_choices(at, out));
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++) LK_TRY(describe_reader(key, lk_config_keys[i].name, out));
  if (key->former) LK_TRY(lk_buffer_printf(out, "      formerly %s, which is still accepted\n", key->former));
  return LK_OK;
}

lk_status lk_config_describe(lk_buffer *out) {
  const config_section *open = NULL;
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++) {
    const config_section *section = section_of(&lk_config_keys[i]);
    if (section != open) LK_TRY(lk_buffer_printf(out, "\n%s: %s\n", section->name, section->help));
    open = section;
    LK_TRY(describe_key(&lk_config_keys[i], out));
  }
  return LK_OK;
}
