/* config_value.c - the value of a setting: checked and stored from text, printed as text. */
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_impl.h"
#include "arena.h"
#include "log.h"
#include "number.h"
#include "path.h"
#include "shards.h"

lk_status lk_config_keep(lk_config *config, const char *text, size_t size, const char **kept) {
  struct lk_config_source *source = config->source;
  char *copy = NULL;
  LK_TRY(lk_grow(&source->text, &source->capacity, source->texts + 1, sizeof *source->text));
  LK_TRY(lk_alloc(&copy, size + 1, 1));
  if (size > 0) memcpy(copy, text, size);
  source->text[source->texts++] = copy;
  *kept = copy;
  return LK_OK;
}

/* The largest exact whole number of a double and the largest float are printed in a short form. */
static const char *bound_text(char out[32], double value) {
  if (value == 0x1p53) return strcpy(out, "2^53");
  if (fabs(value) == (double)FLT_MAX) return strcpy(out, value > 0 ? "3.4e38" : "-3.4e38");
  return lk_number_text(out, value);
}

const char *lk_config_unit_text(char out[64], const config_key *key, const char *brackets) {
  *out = '\0';
  if (key->unit && *key->unit) (void)snprintf(out, 64, " %c%s%c", brackets[0], key->unit, brackets[1]);
  return out;
}

static const char *expected_text(char out[LK_CONFIG_EXPECTED], const config_key *key) {
  const char *names[LK_MOST_CHOICES];
  if (key->form) return strcpy(out, key->form);
  if (!lk_choices_of(key->name)) return strcpy(out, "text");
  return lk_config_list(out, names, lk_choices_names(key->name, names));
}

const char *lk_config_expected(char out[LK_CONFIG_EXPECTED], const config_key *key) {
  char least[32], most[32], range[96] = "";
  if (key->kind == KEY_STRING) return expected_text(out, key);
  if (key->kind == KEY_BOOLEAN) return strcpy(out, "true or false");
  bound_text(least, key->least);
  bound_text(most, key->most);
  const char *above = key->open & ABOVE_LEAST ? "above " : "", *below = key->open & BELOW_MOST ? "below " : "";
  if (isfinite(key->least) && isfinite(key->most))
    (void)snprintf(range, sizeof range, " from %s%s to %s%s", above, least, below, most);
  else if (isfinite(key->least))
    (void)snprintf(range, sizeof range, " %s%s", *above ? "above " : "of at least ", least);
  (void)snprintf(out, LK_CONFIG_EXPECTED, "%s%s", key->kind == KEY_INTEGER ? "a whole number" : "a number", range);
  return out;
}

static void found_text(char out[256], config_value value) {
  switch (value.form) {
    case FORM_PLAIN:
      lk_quote(out, value.text, value.size);
      break;
    case FORM_QUOTED:
      memcpy(out, "the text ", 9);
      char quoted[256];
      (void)snprintf(out + 9, 256 - 9, "%.240s", lk_quote(quoted, value.text, value.size));
      break;
    case FORM_LIST:
      strcpy(out, "a list");
      break;
    case FORM_MAPPING:
      strcpy(out, "a section");
      break;
    case FORM_ALIAS:
      strcpy(out, "an alias, which is not supported here");
      break;
    case FORM_NOTHING:
      strcpy(out, "nothing");
      break;
  }
}

static bool in_range(const config_key *key, double value) {
  bool above = key->open & ABOVE_LEAST ? value > key->least : value >= key->least;
  bool below = key->open & BELOW_MOST ? value < key->most : value <= key->most;
  return isfinite(value) && above && below;
}

/* " (did you mean 0.5?)" for a value in another notation whose meaning can be guessed; else "". */
static const char *meant_text(char out[64], const config_key *key, config_value value) {
  static const char *const yes[] = {"yes", "on", "y", "1"}, *const no[] = {"no", "off", "n", "0"};
  char number[32];
  double guess;
  *out = '\0';
  if (value.form != FORM_PLAIN) return out;
  for (size_t i = 0; key->kind == KEY_BOOLEAN && i < sizeof yes / sizeof *yes; i++) {
    if (strcasecmp(value.text, yes[i]) == 0) return strcpy(out, " (did you mean true?)");
    if (strcasecmp(value.text, no[i]) == 0) return strcpy(out, " (did you mean false?)");
  }
  if (key->kind != KEY_INTEGER && key->kind != KEY_REAL) return out;
  if (!lk_number_guess(value.text, key->unit, &guess)) return strcpy(out, lk_number_why_not(value.text));
  if (in_range(key, guess) && (key->kind == KEY_REAL || guess == floor(guess)))
    (void)snprintf(out, 64, " (did you mean %s?)", lk_number_text(number, guess));
  return out;
}

static lk_status refuse(const config_key *key, config_value value, const char *place) {
  char expected[LK_CONFIG_EXPECTED], unit[64], found[256], meant[64];
  lk_config_expected(expected, key);
  found_text(found, value);
  LK_ASSERT(place); /* a default out of range is a bug */
  const char *name = lk_config_name_at(place, key);
  return LK_FAIL(LK_USAGE, "%s: %s%sexpected %s%s, found %s%s", place, name, *name ? ": " : "", expected,
                 lk_config_unit_text(unit, key, "()"), found, meant_text(meant, key, value));
}

static bool read_integer(const config_key *key, const char *text, int64_t *out) {
  if (!lk_number_whole(text, out) || !in_range(key, (double)*out)) return false;
  return key->most >= 0x1p63 || *out <= (int64_t)key->most; /* as a double, 2^53 + 1 is 2^53 */
}

static bool read_real(const config_key *key, const char *text, double *out) {
  return lk_number_real(text, out) && in_range(key, *out);
}

static bool read_truth(const char *text, bool *out) {
  *out = strcmp(text, "true") == 0 || strcmp(text, "True") == 0 || strcmp(text, "TRUE") == 0;
  return *out || strcmp(text, "false") == 0 || strcmp(text, "False") == 0 || strcmp(text, "FALSE") == 0;
}

static bool is_null(config_value value) {
  static const char *const null[] = {"", "~", "null", "Null", "NULL"};
  for (size_t i = 0; i < sizeof null / sizeof *null; i++)
    if (value.size == strlen(null[i]) && memcmp(value.text, null[i], value.size) == 0) return true;
  return false;
}

/* A copy of a path, with "~" replaced by the home folder. */
static lk_status keep_path(lk_config *config, const config_key *key, config_value value, const char *place,
                           const char **kept) {
  lk_buffer path = {0};
  lk_status status = lk_path_expand(value.text, &path);
  if (status == LK_OK) status = lk_config_keep(config, path.data, path.size, kept);
  lk_buffer_release(&path);
  if (status != LK_USAGE) return status;
  char why[sizeof lk_error_get()->text];
  (void)snprintf(why, sizeof why, "%s", lk_error_get()->text);
  lk_error_clear();
  const char *name = lk_config_name_at(place, key);
  return LK_FAIL(LK_USAGE, "%s: %s%s%s", place, name, *name ? ": " : "", why);
}

lk_status lk_config_set(lk_config *config, ptrdiff_t index, config_value value, const char *place) {
  const config_key *key = &lk_config_keys[index];
  char *field = (char *)config + key->offset;
  if (value.form == FORM_PLAIN && is_null(value)) value.form = FORM_NOTHING;
  bool text_form = value.form == FORM_PLAIN || (value.form == FORM_QUOTED && key->kind == KEY_STRING);
  if (!text_form || strlen(value.text) != value.size) return refuse(key, value, place);

  union {
    int64_t integer;
    double real;
    bool truth;
    const char *text;
  } made;
  bool good = true;
  size_t size = 0;
  switch (key->kind) {
    case KEY_INTEGER:
      good = read_integer(key, value.text, &made.integer);
      size = sizeof made.integer;
      break;
    case KEY_REAL:
      good = read_real(key, value.text, &made.real);
      size = sizeof made.real;
      break;
    case KEY_BOOLEAN:
      good = read_truth(value.text, &made.truth);
      size = sizeof made.truth;
      break;
    case KEY_STRING:
      LK_TRY(key->path ? keep_path(config, key, value, place, &made.text)
                       : lk_config_keep(config, value.text, value.size, &made.text));
      size = sizeof made.text;
      break;
  }
  if (!good) return refuse(key, value, place);
  memcpy(field, &made, size);
  config->source->place[index] = place;
  return LK_OK;
}

lk_status lk_config_shards(const lk_config *config, int ranks, int *shards) {
  const char *key = "parallel.shards", *value = config->parallel.shards;
  config_key as = {.least = 1, .most = LK_MAX_SHARDS};
  int64_t number = ranks;
  char quoted[256];
  if ((strcmp(value, "ranks") != 0 && !read_integer(&as, value, &number)) || number > LK_MAX_SHARDS)
    return lk_config_error(config, key, "expected %s, found %s", lk_config_keys[lk_config_find(key, strlen(key))].form,
                           lk_quote(quoted, value, strlen(value)));
  if (number < ranks)
    return lk_config_error(config, key, "expected at least one per rank, found %d shard%s for %d ranks", (int)number,
                           lk_plural(number), ranks);
  *shards = (int)number;
  return LK_OK;
}

lk_status lk_config_memory(const lk_config *config, double *bytes) {
  static const char letters[] = "KMGT";
  const char *key = "data.memory", *value = config->data.memory;
  char number[64], quoted[256];
  *bytes = 0;
  if (strcmp(value, "auto") == 0) return LK_OK;
  const size_t size = strcspn(value, letters);
  const char *letter = value[size] ? strchr(letters, value[size]) : NULL;
  const bool ends = !letter || value[size + 1] == '\0';
  (void)snprintf(number, sizeof number, "%.*s", (int)(size < 63 ? size : 63), value);
  if (ends && size < 63 && lk_number_real(number, bytes) && *bytes > 0) {
    if (letter) *bytes = ldexp(*bytes, 10 * (int)(letter - letters + 1));
    if (*bytes >= 1024 && *bytes <= 0x1p53) return LK_OK;
  }
  return lk_config_error(config, key, "expected %s, found %s", lk_config_keys[lk_config_find(key, strlen(key))].form,
                         lk_quote(quoted, value, strlen(value)));
}

/* Whether YAML reads the string as itself without quotes. */
static bool is_plain(const char *text) {
  config_value value = {FORM_PLAIN, text, strlen(text)};
  if (is_null(value) || !(isalnum((unsigned char)*text) || *text == '/' || *text == '.')) return false;
  for (; *text; text++)
    if (!isalnum((unsigned char)*text) && !strchr("/._-+", *text)) return false;
  return true;
}

static lk_status format_string(const char *text, lk_buffer *out) {
  if (is_plain(text)) return lk_buffer_append(out, text, strlen(text));
  LK_TRY(lk_buffer_append(out, "\"", 1));
  for (size_t left = strlen(text), bytes; left > 0; text += bytes, left -= bytes) {
    bytes = lk_utf8_next(text, left);
    LK_ASSERT(bytes > 0);
    unsigned char c = (unsigned char)*text, d = bytes > 1 ? (unsigned char)text[1] : 0;
    bool special =
        bytes == 3 &&
        (c == 0xe2 || c == 0xef); /* line separators and the byte order mark are among these: escape them all */
    uint32_t code = (c & 0x0fu) << 12 | (d & 0x3fu) << 6 | (bytes == 3 ? (unsigned char)text[2] & 0x3fu : 0);
    if (c == '"' || c == '\\')
      LK_TRY(lk_buffer_printf(out, "\\%c", c));
    else if (c < 0x20 || c == 0x7f)
      LK_TRY(lk_buffer_printf(out, "\\x%02x", c));
    else if (c == 0xc2 && d < 0xa0)
      LK_TRY(lk_buffer_printf(out, "\\x%02x", d));
    else if (special)
      LK_TRY(lk_buffer_printf(out, "\\u%04x", (unsigned)code));
    else
      LK_TRY(lk_buffer_append(out, text, bytes));
  }
  return lk_buffer_append(out, "\"", 1);
}

lk_status lk_config_value(const lk_config *config, const char *key, lk_buffer *out) {
  const ptrdiff_t index = lk_config_find(key, strlen(key));
  LK_ASSERT(index >= 0);
  return lk_config_format(config, &lk_config_keys[index], out);
}

const char *lk_config_key_name(ptrdiff_t index) {
  return index >= 0 && index < lk_config_key_count ? lk_config_keys[index].name : NULL;
}

lk_status lk_config_get(const lk_config *config, const char *place, const char *key, lk_buffer *out) {
  const ptrdiff_t index = lk_config_find(key, strlen(key));
  if (lk_config_is_section(key, strlen(key)))
    return LK_FAIL(LK_USAGE, "%s: '%s' is a section: name one of its keys", place, key);
  if (index < 0) return lk_config_unknown(place, key, strlen(key));
  const config_key *found = &lk_config_keys[index];
  if (lk_config_is_former(index, key, strlen(key))) LK_WARN("%s: %s is now called %s", place, key, found->name);
  if (found->kind != KEY_STRING) return lk_config_format(config, found, out);
  const char *text = lk_config_text(config, found);
  return lk_buffer_append(out, text, strlen(text));
}

lk_status lk_config_format(const lk_config *config, const config_key *key, lk_buffer *out) {
  const char *field = (const char *)config + key->offset;
  char real[32];
  double value;
  int64_t integer;
  bool truth;
  const char *text;
  switch (key->kind) {
    case KEY_INTEGER:
      memcpy(&integer, field, sizeof integer);
      return lk_buffer_printf(out, "%lld", (long long)integer);
    case KEY_REAL:
      memcpy(&value, field, sizeof value);
      return lk_buffer_printf(out, "%s", lk_number_text(real, value));
    case KEY_BOOLEAN:
      memcpy(&truth, field, sizeof truth);
      return lk_buffer_printf(out, "%s", truth ? "true" : "false");
    case KEY_STRING:
      memcpy(&text, field, sizeof text);
      return format_string(text, out);
  }
  return LK_OK;
}
