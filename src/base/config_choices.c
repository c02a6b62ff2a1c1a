/* config_choices.c - the registered tables of choices (choices.h), and the values of settings that have one. */
#include <stdio.h>
#include <string.h>

#include "config_impl.h"

enum { MOST_TABLES = 32 };

static struct {
  const char *key;
  lk_choice_at *at;
} tables[MOST_TABLES];
static size_t table_count;

void lk_choices_register(const char *key, lk_choice_at *at) {
  LK_ASSERT(table_count < MOST_TABLES && lk_choices_of(key) == NULL && lk_config_find(key, strlen(key)) >= 0);
  tables[table_count].key = key;
  tables[table_count++].at = at;
}

lk_choice_at *lk_choices_of(const char *key) {
  for (size_t i = 0; i < table_count; i++)
    if (strcmp(tables[i].key, key) == 0) return tables[i].at;
  return NULL;
}

size_t lk_choices_names(const char *key, const char *names[LK_MOST_CHOICES]) {
  lk_choice_at *at = lk_choices_of(key);
  size_t count = 0;
  LK_ASSERT(at);
  for (; at(count).name; count++) {
    LK_ASSERT(count < LK_MOST_CHOICES);
    names[count] = at(count).name;
  }
  return count;
}

const char *lk_config_list(char out[LK_CONFIG_EXPECTED], const char *const *names, size_t count) {
  *out = '\0';
  for (size_t i = 0, used = 0; i < count && used < LK_CONFIG_EXPECTED; i++) {
    const char *before = i == 0 ? "" : i + 1 < count ? ", " : " or ";
    used += (size_t)snprintf(out + used, LK_CONFIG_EXPECTED - used, "%s%s", before, names[i]);
  }
  return out;
}

/* A choice with an argument, "rollback N", is recognised by its first word; the code that reads the argument checks it.
 * */
static bool is_chosen(const char *name, const char *value) {
  const size_t word = strcspn(name, " ");
  return strncmp(name, value, word) == 0 && value[word] == name[word];
}

bool lk_config_find_choice(const lk_config *config, const config_key *key, const char *const *names, size_t count,
                           size_t *index) {
  for (size_t i = 0; i < count; i++)
    if (is_chosen(names[i], lk_config_text(config, key))) {
      *index = i;
      return true;
    }
  return false;
}

static const config_key *string_key(const char *name) {
  const ptrdiff_t at = lk_config_find(name, strlen(name));
  LK_ASSERT(at >= 0 && lk_config_keys[at].kind == KEY_STRING);
  return &lk_config_keys[at];
}

lk_status lk_config_choice_of(const lk_config *config, const char *key, const char *const *names, size_t count,
                              size_t *index) {
  if (lk_config_find_choice(config, string_key(key), names, count, index)) return LK_OK;
  char list[LK_CONFIG_EXPECTED], quoted[256];
  const char *value = lk_config_text(config, string_key(key)), *near = lk_nearest(value, names, count);
  return lk_config_error(config, key, "expected %s, found %s%s%s%s", lk_config_list(list, names, count),
                         lk_quote(quoted, value, strlen(value)), near ? " (did you mean '" : "", near ? near : "",
                         near ? "'?)" : "");
}

lk_status lk_config_choice(const lk_config *config, const char *key, size_t *index) {
  const char *names[LK_MOST_CHOICES];
  return lk_config_choice_of(config, key, names, lk_choices_names(key, names), index);
}

lk_status lk_config_check_choices(const lk_config *config) {
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++) {
    size_t index;
    if (lk_choices_of(lk_config_keys[i].name)) LK_TRY(lk_config_choice(config, lk_config_keys[i].name, &index));
  }
  return LK_OK;
}
