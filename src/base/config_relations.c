/* config_relations.c - which settings have an effect beside others and on a corpus, and which may change in a run: from
 * the rows of the table and the registered choices. */
#include <string.h>

#include "config_impl.h"
#include "log.h"

const char *lk_config_differs(const lk_config *a, const lk_config *b) {
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++)
    if (!lk_config_equal(a, b, &lk_config_keys[i])) return lk_config_keys[i].name;
  return NULL;
}

const char *lk_config_changed(const lk_config *began, const lk_config *now) {
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++)
    if (lk_config_keys[i].fixed && !lk_config_equal(began, now, &lk_config_keys[i])) return lk_config_keys[i].name;
  return NULL;
}

/* Whether `name` is one of the words of `list`, which may be NULL. */
static bool has_word(const char *list, const char *name) {
  const size_t size = strlen(name);
  for (const char *at = list; at && *at; at += strcspn(at, " "), at += strspn(at, " "))
    if (strcspn(at, " ") == size && memcmp(at, name, size) == 0) return true;
  return false;
}

bool lk_choices_read(const char *key, size_t index, const char *setting) {
  return has_word(lk_choices_of(key)(index).reads, setting);
}

/* Whether some choices of a key read `setting`, but not the one that is chosen. False for a value that is not a choice,
 * which is an error elsewhere. */
static bool leaves_unread(const lk_config *config, const config_key *key, const char *setting) {
  const char *names[LK_MOST_CHOICES];
  const size_t count = lk_choices_names(key->name, names);
  size_t chosen;
  if (!lk_config_find_choice(config, key, names, count, &chosen)) return false;
  if (lk_choices_read(key->name, chosen, setting)) return false;
  for (size_t i = 0; i < count; i++)
    if (lk_choices_read(key->name, i, setting)) return true;
  return false;
}

/* `value`: of `key`, as it would be written in a file. */
static lk_status warn_of_choices(const lk_config *config, const config_key *key, const char *value) {
  lk_status status = LK_OK;
  lk_buffer other = {0};
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++) {
    const config_key *by = &lk_config_keys[i];
    if (!lk_choices_of(by->name) || !leaves_unread(config, by, key->name)) continue;
    lk_buffer_truncate(&other, 0);
    LK_GO(lk_config_format(config, by, &other));
    LK_WARN("%s: %s has no effect with %s: %s", key->name, value, by->name, other.data);
  }
done:
  lk_buffer_release(&other);
  return status;
}

/* Settings that have no effect beside values of others that are no choices, or are not for every task. */
static const struct {
  const char *key, *by;
  const char *values; /* words; NULL: any that is not empty */
  const char *but;    /* a task that has a use for it all the same, or NULL */
} idle[] = {{"train.clip_by", "train.clip", "0", NULL},
            {"model.hidden", "model.widths", NULL, NULL},
            {"model.embedding", "model.vectors", "frozen tuned", "translate"},
            {"model.embedding_deviation", "model.vectors", "frozen tuned", "translate"}};

static lk_status warn_of_others(const lk_config *config, const config_key *key, const char *value) {
  for (size_t i = 0; i < sizeof idle / sizeof *idle; i++) {
    if (strcmp(key->name, idle[i].key) != 0 || (idle[i].but && strcmp(config->task, idle[i].but) == 0)) continue;
    lk_buffer other = {0};
    const ptrdiff_t by = lk_config_find(idle[i].by, strlen(idle[i].by));
    LK_ASSERT(by >= 0);
    const lk_status status = lk_config_format(config, &lk_config_keys[by], &other);
    const char *text = status == LK_OK && other.data ? other.data : "";
    if (idle[i].values ? has_word(idle[i].values, text) : *text && strcmp(text, "\"\"") != 0)
      LK_WARN("%s: %s has no effect with %s: %s", key->name, value, idle[i].by, text);
    lk_buffer_release(&other);
    LK_TRY(status);
  }
  return LK_OK;
}

/* The corpora on which a setting for `corpora` has no effect, for the warning. */
static const char *other_corpus(int corpora) {
  switch (corpora) {
    case LK_CONFIG_IDS:
      return "a corpus of frames";
    case LK_CONFIG_STREAM:
      return "a corpus of separate sequences";
    default:
      return "one running text";
  }
}

static lk_status warn_of_key(const lk_config *config, const config_key *key, int corpora) {
  lk_buffer value = {0};
  lk_status status = lk_config_format(config, key, &value);
  if (status == LK_OK) status = warn_of_choices(config, key, value.data);
  if (status == LK_OK) status = warn_of_others(config, key, value.data);
  if (status == LK_OK && corpora && key->corpora && !(key->corpora & corpora))
    LK_WARN("%s: %s has no effect on %s", key->name, value.data, other_corpus(key->corpora));
  lk_buffer_release(&value);
  return status;
}

lk_status lk_config_warn(const lk_config *config, int corpora) {
  lk_config initial;
  LK_TRY(lk_config_init(&initial));
  lk_status status = LK_OK;
  for (ptrdiff_t i = 0; i < lk_config_key_count && status == LK_OK; i++) {
    const config_key *key = &lk_config_keys[i];
    if (config->source->by_former[i])
      LK_WARN("%s: %s is now called %s", config->source->place[i], key->former, key->name);
    if (!lk_config_equal(config, &initial, key)) status = warn_of_key(config, key, corpora);
  }
  lk_config_release(&initial);
  return status;
}
