/* config.c - creating a configuration, and merging YAML texts and key=value assignments into it. */
#include "config.h"

#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_impl.h"
#include "arena.h"
#include "version.h"

static void name_fyaml(char text[LK_LIBRARY_TEXT]) {
  (void)snprintf(text, LK_LIBRARY_TEXT, "libfyaml %s", fy_library_version());
}
LK_LIBRARY(name_fyaml)

lk_status lk_config_init(lk_config *config) {
  *config = (lk_config){0};
  LK_TRY(lk_alloc(&config->source, 1, sizeof *config->source));
  for (ptrdiff_t i = 0; i < lk_config_key_count; i++) {
    const char *initial = lk_config_keys[i].initial;
    lk_status status =
        lk_config_set(config, i, (config_value){*initial ? FORM_PLAIN : FORM_QUOTED, initial, strlen(initial)}, NULL);
    if (status != LK_OK) {
      lk_config_release(config);
      return status;
    }
  }
  return LK_OK;
}

void lk_config_release(lk_config *config) {
  struct lk_config_source *source = config->source;
  if (source) {
    for (size_t i = 0; i < source->texts; i++) free(source->text[i]);
    free(source->text);
    free(source);
  }
  *config = (lk_config){0};
}

/* A YAML text that is being merged. */
typedef struct reading {
  lk_config *config;
  const char *name; /* of the file; lives as long as the configuration */
  const char *text;
  size_t size;
  int line[LK_CONFIG_MOST_KEYS]; /* where this text has set a key; 0: not yet */
  int section_line[LK_CONFIG_SECTIONS];
} reading;

typedef struct position {
  int line, column; /* from 1 */
} position;

/* Where a scalar begins, with its opening quote. `otherwise` for nodes that are no scalars and for empty ones, for
 * which versions of the YAML library give different positions. */
static position position_of(struct fy_node *node, position otherwise) {
  struct fy_token *token = node && fy_node_is_scalar(node) ? fy_node_get_scalar_token(node) : NULL;
  const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
  enum fy_node_style style = fy_node_get_style(node);
  if (!mark || (style == FYNS_PLAIN && fy_token_get_text_length(token) == 0)) return otherwise;
  bool sign = style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED || style == FYNS_ALIAS;
  return (position){mark->line + 1, mark->column + (sign ? 0 : 1)};
}

static void name_place(char out[512], const char *name, position at) {
  (void)snprintf(out, 512, "%.400s:%d:%d", name, at.line, at.column);
}

static config_value value_of(struct fy_node *node) {
  config_value value = {.form = FORM_NOTHING};
  if (!node) return value;
  if (fy_node_is_mapping(node)) value.form = FORM_MAPPING;
  if (fy_node_is_sequence(node)) value.form = FORM_LIST;
  if (fy_node_is_alias(node)) value.form = FORM_ALIAS;
  if (value.form != FORM_NOTHING || fy_node_is_null(node)) return value;
  value.text = fy_node_get_scalar0(node); /* owned by the document; NUL-terminated */
  (void)fy_node_get_scalar(node, &value.size);
  value.form = fy_node_get_style(node) == FYNS_PLAIN ? FORM_PLAIN : FORM_QUOTED;
  if (!value.text) value = (config_value){.form = FORM_NOTHING};
  return value;
}

/* A former and a present name side by side: which value counts would depend on their order. */
static lk_status two_names(ptrdiff_t index, const char *place) {
  const config_key *key = &lk_config_keys[index];
  return LK_FAIL(LK_USAGE, "%s: %s is the former name of %s: give one of them", place, key->former, key->name);
}

/* LK_USAGE for a key or section that this text has already given. */
static lk_status once(int *line, position at, const char *place, const char *path) {
  if (*line > 0) return LK_FAIL(LK_USAGE, "%s: '%s' is given twice, first in line %d", place, path, *line);
  *line = at.line;
  return LK_OK;
}

/* `name`: the key as the text has it, which may be the former name. */
static lk_status merge_value(reading *r, ptrdiff_t index, const char *name, struct fy_node *node, position key_at,
                             const char *key_place) {
  struct lk_config_source *source = r->config->source;
  const bool former = lk_config_is_former(index, name, strlen(name));
  if (r->line[index] > 0 && source->by_former[index] != former) return two_names(index, key_place);
  LK_TRY(once(&r->line[index], key_at, key_place, name));
  char place[512];
  const char *kept;
  name_place(place, r->name, position_of(node, key_at));
  LK_TRY(lk_config_keep(r->config, place, strlen(place), &kept));
  source->by_former[index] = former;
  return lk_config_set(r->config, index, value_of(node), kept);
}

static lk_status merge_mapping(reading *r, struct fy_node *mapping, const char *section);

/* A section without keys is allowed: all of them may be commented out. */
static lk_status merge_section(reading *r, const char *name, struct fy_node *node, position at, const char *place) {
  for (size_t i = 0; i < LK_CONFIG_SECTIONS; i++)
    if (strcmp(lk_config_sections[i].name, name) == 0) LK_TRY(once(&r->section_line[i], at, place, name));
  config_value value = value_of(node);
  if (value.form == FORM_MAPPING) return merge_mapping(r, node, name);
  if (value.form == FORM_NOTHING) return LK_OK;
  char value_place[512], quoted[256] = "something else";
  name_place(value_place, r->name, position_of(node, at));
  if (value.text) lk_quote(quoted, value.text, value.size);
  if (value.form == FORM_LIST) strcpy(quoted, "a list");
  return LK_FAIL(LK_USAGE, "%s: %s: expected a section (indented lines of key: value), found %s", value_place, name,
                 quoted);
}

static lk_status merge_pair(reading *r, const char *section, struct fy_node *key, struct fy_node *value,
                            position *last) {
  config_value name = value_of(key);
  char place[512], path[256];
  position at = position_of(key, *last);
  *last = at;
  name_place(place, r->name, at);
  if (!name.text || name.size == 0) return LK_FAIL(LK_USAGE, "%s: expected the name of a key before ':'", place);
  int size = snprintf(path, sizeof path, "%s%s%s", section, *section ? "." : "", name.text);
  if (size >= (int)sizeof path || strlen(name.text) != name.size) return lk_config_unknown(place, name.text, name.size);
  ptrdiff_t index = lk_config_find(path, (size_t)size);
  if (index >= 0) return merge_value(r, index, path, value, at, place);
  if (!*section && lk_config_is_section(path, (size_t)size)) return merge_section(r, path, value, at, place);
  return lk_config_unknown(place, path, (size_t)size);
}

static lk_status merge_mapping(reading *r, struct fy_node *mapping, const char *section) {
  void *iterator = NULL;
  position last = {1, 1};
  for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(mapping, &iterator));)
    LK_TRY(merge_pair(r, section, fy_node_pair_key(pair), fy_node_pair_value(pair), &last));
  return LK_OK;
}

static lk_status merge_root(reading *r, struct fy_node *root) {
  config_value value = value_of(root);
  if (value.form == FORM_NOTHING) return LK_OK;
  if (value.form == FORM_MAPPING) return merge_mapping(r, root, "");
  char place[512];
  name_place(place, r->name, position_of(root, (position){1, 1}));
  return LK_FAIL(LK_USAGE, "%s: expected lines of key: value", place);
}

/* The parser gives no error for a bad directive: find its line. */
static int directive_line(const reading *r) {
  int line = 1;
  const char *end = r->text + r->size, *at = r->text;
  for (; at < end && *at != '%'; line++) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    if (!newline) return 1;
    at = newline + 1;
  }
  return at < end ? line : 1;
}

static lk_status syntax_error(const reading *r, struct fy_diag *diag) {
  void *iterator = NULL;
  const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iterator);
  if (!error)
    return LK_FAIL(LK_USAGE, "%s:%d:1: not valid YAML, or a %%YAML version that is not known", r->name,
                   directive_line(r));
  char place[512];
  name_place(place, r->name, (position){error->line, error->column});
  bool tab = strstr(error->msg, "tab") && strstr(error->msg, "indentation");
  return LK_FAIL(LK_USAGE, "%s: %s", place,
                 tab ? "a tab in the indentation: YAML takes only spaces there" : error->msg);
}

static lk_status second_document(const reading *r, struct fy_node *root) {
  char place[512];
  void *iterator = NULL;
  struct fy_node *first = root; /* the first node with a position: of a mapping its first key */
  if (root && fy_node_is_mapping(root)) first = fy_node_pair_key(fy_node_mapping_iterate(root, &iterator));
  const position at = position_of(first, (position){0, 0});
  if (at.line == 0) return LK_FAIL(LK_USAGE, "%s: expected one YAML document, found a second after '---'", r->name);
  name_place(place, r->name, at);
  return LK_FAIL(LK_USAGE, "%s: expected one YAML document, found a second after '---'", place);
}

/* A text has at most one document. All of it is parsed before a key is set. */
static lk_status merge_documents(reading *r, struct fy_parser *parser, struct fy_diag *diag) {
  lk_status status = LK_OK;
  struct fy_document *first = fy_parse_load_document(parser), *second = NULL;
  if (first) second = fy_parse_load_document(parser);
  if (fy_parser_get_stream_error(parser))
    status = syntax_error(r, diag);
  else if (second)
    status = second_document(r, fy_document_root(second));
  else if (first && fy_document_root(first))
    status = merge_root(r, fy_document_root(first));
  if (second) fy_parse_document_destroy(parser, second);
  if (first) fy_parse_document_destroy(parser, first);
  return status;
}

static lk_status check_characters(const char *text, size_t size, const char *name) {
  const char *zero = memchr(text, '\0', size);
  size_t good = lk_utf8_valid(text, zero ? (size_t)(zero - text) : size);
  if (good == size) return LK_OK;
  position at = {1, 1};
  const char *line = text;
  for (const char *c = text; c < text + good; c++)
    if (*c == '\n') {
      at.line++;
      line = c + 1;
    }
  at.column += (int)lk_utf8_count(line, (size_t)(text + good - line));
  return LK_FAIL(LK_USAGE, "%s:%d:%d: not UTF-8 text", name, at.line, at.column);
}

lk_status lk_config_parse(lk_config *config, const char *text, size_t size, const char *name) {
  reading r = {.config = config, .text = text, .size = size};
  if (size == 0) return LK_OK;
  LK_TRY(check_characters(text, size, name));
  LK_TRY(lk_config_keep(config, name, strlen(name), &r.name));
  config->source->name = r.name;

  lk_status status = LK_OK;
  struct fy_diag_cfg diag_settings; /* errors are collected, so that the library prints nothing */
  fy_diag_cfg_default(&diag_settings);
  diag_settings.fp = NULL;
  struct fy_parser *parser = NULL;
  struct fy_diag *diag = fy_diag_create(&diag_settings);
  if (diag) {
    fy_diag_set_collect_errors(diag, true);
    /* We report duplicates ourselves, with the line of the first. */
    struct fy_parse_cfg how = {.flags = FYPCF_ALLOW_DUPLICATE_KEYS | FYPCF_COLLECT_DIAG, .diag = diag};
    parser = fy_parser_create(&how);
  }
  if (!parser || fy_parser_set_string(parser, text, size) != 0)
    status = LK_FAIL(LK_MEMORY, "out of memory: reading %s", name);
  else
    status = merge_documents(&r, parser, diag);
  if (parser) fy_parser_destroy(parser);
  if (diag) fy_diag_destroy(diag);
  return status;
}

lk_status lk_config_override(lk_config *config, const char *assignment) {
  char quoted[256], place[512];
  const size_t all = strlen(assignment);
  lk_quote(quoted, assignment, all);
  const char *equals = strchr(assignment, '=');
  if (lk_utf8_valid(assignment, all) < all) return LK_FAIL(LK_USAGE, "command line: %s is not UTF-8 text", quoted);
  if (!equals || equals == assignment) return LK_FAIL(LK_USAGE, "command line: expected key=value, found %s", quoted);

  (void)snprintf(place, sizeof place, "command line: %.*s", (int)strlen(quoted) - 2, quoted + 1);
  const size_t size = (size_t)(equals - assignment);
  const ptrdiff_t index = lk_config_find(assignment, size);
  if (index < 0 && lk_config_is_section(assignment, size))
    return LK_FAIL(LK_USAGE, "%s: '%.*s' is a section: name one of its keys", place, (int)size, assignment);
  if (index < 0) return lk_config_unknown(place, assignment, size);

  struct lk_config_source *source = config->source;
  const char *kept, *value = equals + 1, *before = source->place[index];
  const bool former = lk_config_is_former(index, assignment, size);
  if (before && *lk_config_name_at(before, &lk_config_keys[index]) == '\0' && source->by_former[index] != former)
    return two_names(index, place);
  LK_TRY(lk_config_keep(config, place, strlen(place), &kept));
  source->by_former[index] = former;
  config_form form = lk_config_keys[index].kind == KEY_STRING ? FORM_QUOTED : FORM_PLAIN;
  return lk_config_set(config, index, (config_value){form, value, strlen(value)}, kept);
}
