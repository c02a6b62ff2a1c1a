#include "describe.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "json_impl.h"

enum { MOST_VALUES = 1 << 22, MOST_WIDTH = 1 << 16 };

/* Lists of strings, each a text of its own. */
static const struct {
  const char *key;
  size_t at;
} lists[] = {{"vocabulary", offsetof(lk_corpus_info, source)},
             {"target_vocabulary", offsetof(lk_corpus_info, target)},
             {"labels", offsetof(lk_corpus_info, label)},
             {"characters", offsetof(lk_corpus_info, character)},
             {"vector_words", offsetof(lk_corpus_info, vector_words)}};
enum { LISTS = sizeof lists / sizeof *lists };

static lk_strings *list_of(const lk_corpus_info *info, int i) { return (lk_strings *)((char *)info + lists[i].at); }

/* Whole numbers of "corpus". */
#define NUMBERS(X) X(shared) X(frames) X(stream) X(lower) X(nfc) X(digits) X(conllu_word) X(conllu_tag) X(max_length)
/* Texts of it, in arrays of the structure. */
#define TEXTS(X) X(unit) X(target_unit) X(split) X(digest)

/* ---- writing ---- */

static json_t *strings_json(const lk_strings *strings) {
  json_t *list = json_array();
  for (ptrdiff_t i = 0; list && i < strings->count; i++)
    if (json_array_append_new(list, json_stringn(lk_strings_get(strings, i), lk_strings_size(strings, i))) != 0) {
      json_decref(list);
      return NULL;
    }
  return list;
}

static json_t *counts_json(const lk_strings *strings) {
  json_t *list = json_array();
  for (ptrdiff_t i = 0; i < strings->count; i++) json_array_append_new(list, json_integer(strings->number[i]));
  return list;
}

static json_t *columns_json(const lk_corpus_info *info) {
  json_t *columns = json_array();
  for (int i = 0; i < info->columns; i++) {
    const lk_corpus_column *c = &info->column[i];
    json_t *column =
        json_pack("{s:s, s:b, s:I}", "name", c->name, "numbers", c->numbers, "width", (json_int_t)c->width);
    if (!c->numbers && !c->forms && !lk_column_borrows(c))
      json_object_set_new(column, "values", strings_json(&c->values));
    json_array_append_new(columns, column);
  }
  return columns;
}

static json_t *corpus_json(const lk_corpus_info *info) {
  json_t *corpus = json_pack("{s:s}", "kind", lk_corpus_kind_names[info->kind]);
#define SET_TEXT(name)   json_object_set_new(corpus, #name, json_string(info->name));
#define SET_NUMBER(name) json_object_set_new(corpus, #name, json_integer(info->name));
  TEXTS(SET_TEXT)
  NUMBERS(SET_NUMBER)
#undef SET_TEXT
#undef SET_NUMBER
  if (info->tags) json_object_set_new(corpus, "tags", json_string(lk_scheme_names[info->tags]));
  if (info->columns > 0) json_object_set_new(corpus, "columns", columns_json(info));
  if (info->vectors.rows > 0) json_object_set_new(corpus, "vectors_width", json_integer(info->vectors.width));
  return corpus;
}

static lk_status set_json(lk_outside *outside, const char *key, json_t *json) {
  lk_buffer text = {0};
  lk_status status = lk_json_print(json, &text);
  if (status == LK_OK) status = lk_outside_set(outside, key, text.data, text.size);
  lk_buffer_release(&text);
  return status;
}

static lk_status set_lists(lk_outside *outside, const lk_corpus_info *info) {
  json_t *counts = json_object();
  lk_status status = LK_OK;
  for (int i = 0; i < LISTS && status == LK_OK; i++) {
    const lk_strings *list = list_of(info, i);
    if (list->count == 0) continue;
    status = set_json(outside, lists[i].key, strings_json(list));
    if (list->number) json_object_set_new(counts, lists[i].key, counts_json(list));
  }
  if (status == LK_OK) return set_json(outside, "counts", counts);
  json_decref(counts);
  return status;
}

/* Bytes of a list as a tensor; nothing where there are none. */
static lk_status add_list(lk_outside *outside, const char *name, lk_element element, ptrdiff_t count,
                          const void *data) {
  if (count == 0 || data == NULL) return LK_OK;
  return lk_outside_add(outside, name,
                        &(lk_outside_tensor){.element = element, .dims = 1, .shape = {count}, .data = data});
}

static lk_status add_tensors(lk_outside *outside, const lk_corpus_info *info) {
  const lk_vectors *v = &info->vectors;
  if (v->rows > 0 && v->values)
    LK_TRY(lk_outside_add(
        outside, "vectors.values",
        &(lk_outside_tensor){.element = LK_F32, .dims = 2, .shape = {v->rows, v->width}, .data = v->values}));
  if (v->rows > 0) LK_TRY(add_list(outside, "vectors.source", LK_I32, info->source.count, v->row_of));
  LK_TRY(add_list(outside, "tokenizer.source", LK_U8, (ptrdiff_t)info->source_model.size, info->source_model.data));
  return add_list(outside, "tokenizer.target", LK_U8, (ptrdiff_t)info->target_model.size, info->target_model.data);
}

lk_status lk_describe_corpus(lk_outside *outside, const lk_corpus_info *info) {
  LK_TRY(set_json(outside, "corpus", corpus_json(info)));
  LK_TRY(set_lists(outside, info));
  return add_tensors(outside, info);
}

/* ---- reading ---- */

bool lk_describes_corpus(const lk_outside *outside) { return lk_outside_get(outside, "corpus") != NULL; }

static lk_status wrong(const char *path, const char *key, const char *what) {
  return LK_FAIL(LK_DATA, "%s: metadata \"%s\": expected %s", path, key, what);
}

/* The JSON of a key; *json NULL where the key is missing. */
static lk_status parse(const lk_outside *outside, const char *path, const char *key, json_t **json) {
  const char *text = lk_outside_get(outside, key);
  lk_buffer what = {0};
  *json = NULL;
  if (text == NULL) return LK_OK;
  lk_status status = lk_buffer_printf(&what, "%s: metadata \"%s\"", path, key);
  if (status == LK_OK) status = lk_json_parse(json, text, strlen(text), MOST_VALUES, what.data);
  lk_buffer_release(&what);
  return status;
}

/* counts NULL: zeros */
static lk_status read_strings(const json_t *list, const json_t *counts, const char *path, const char *key,
                              lk_strings *strings) {
  size_t i;
  json_t *item;
  if (!json_is_array(list)) return wrong(path, key, "a list of strings");
  if (counts && json_array_size(counts) != json_array_size(list)) return wrong(path, "counts", "as many as strings");
  json_array_foreach((json_t *)list, i, item) {
    const json_t *count = json_array_get(counts, i);
    if (!json_is_string(item)) return wrong(path, key, "a list of strings");
    LK_TRY(lk_strings_add(strings, json_string_value(item), json_string_length(item),
                          count ? json_integer_value(count) : 0));
  }
  return LK_OK;
}

static lk_status read_lists(const lk_outside *outside, const char *path, lk_corpus_info *info) {
  json_t *counts = NULL, *list = NULL;
  lk_status status;
  LK_GO(parse(outside, path, "counts", &counts));
  for (int i = 0; i < LISTS; i++) {
    LK_GO(parse(outside, path, lists[i].key, &list));
    if (list) LK_GO(read_strings(list, json_object_get(counts, lists[i].key), path, lists[i].key, list_of(info, i)));
    json_decref(list);
    list = NULL;
  }
done:
  json_decref(list);
  json_decref(counts);
  return status;
}

static bool read_text(const json_t *corpus, const char *key, size_t room, char *out) {
  const char *text = json_string_value(json_object_get(corpus, key));
  if (text == NULL || strlen(text) >= room) return false;
  memcpy(out, text, strlen(text) + 1);
  return true;
}

static bool read_number(const json_t *corpus, const char *key, int64_t *out) {
  const json_t *value = json_object_get(corpus, key);
  *out = json_integer_value(value);
  return json_is_integer(value) && *out >= 0 && *out <= INT32_MAX;
}

static lk_status read_column(const json_t *json, const char *path, lk_corpus_column *column) {
  int64_t width;
  if (!read_text(json, "name", sizeof column->name, column->name) || !lk_column_name_suits(column->name) ||
      !read_number(json, "width", &width) || width < 1 || width > MOST_WIDTH)
    return wrong(path, "corpus", "columns with a name and a width");
  column->width = (ptrdiff_t)width;
  column->numbers = json_is_true(json_object_get(json, "numbers"));
  column->forms = strcmp(column->name, LK_FORMS) == 0;
  const json_t *values = json_object_get(json, "values");
  return values && !lk_column_borrows(column) ? read_strings(values, NULL, path, "corpus", &column->values) : LK_OK;
}

static lk_status read_columns(const json_t *columns, const char *path, lk_corpus_info *info) {
  const size_t count = json_array_size(columns);
  if (count > LK_MOST_FURTHER) return wrong(path, "corpus", "fewer columns");
  for (size_t i = 0; i < count; i++) {
    info->columns++;
    LK_TRY(read_column(json_array_get(columns, i), path, &info->column[i]));
    for (size_t j = 0; j < i; j++)
      if (strcmp(info->column[i].name, info->column[j].name) == 0)
        return wrong(path, "corpus", "columns of different names");
  }
  return LK_OK;
}

/* The scheme of the files' tags, where labels are BIOES tags made of them. */
static lk_status read_tags(const json_t *corpus, const char *path, lk_corpus_info *info) {
  const char *tags = json_string_value(json_object_get(corpus, "tags"));
  int scheme = LK_SCHEME_AS_FILED;
  if (tags == NULL) return LK_OK;
  while (scheme < LK_SCHEMES && strcmp(tags, lk_scheme_names[scheme]) != 0) scheme++;
  if (scheme == LK_SCHEMES) return wrong(path, "corpus", "tags of a scheme that this program knows");
  info->tags = (lk_scheme)scheme;
  return LK_OK;
}

static lk_status read_corpus(const json_t *corpus, const char *path, lk_corpus_info *info) {
  const char *kind = json_string_value(json_object_get(corpus, "kind"));
  int64_t number;
  int k = 0;
  while (kind && k < LK_CORPUS_KINDS && strcmp(kind, lk_corpus_kind_names[k]) != 0) k++;
  if (kind == NULL || k == LK_CORPUS_KINDS) return wrong(path, "corpus", "a kind of corpus that this program knows");
  info->kind = (lk_corpus_kind)k;
#define GET_TEXT(name) \
  if (!read_text(corpus, #name, sizeof info->name, info->name)) return wrong(path, "corpus", "a text " #name);
#define GET_NUMBER(name)                                                                     \
  if (!read_number(corpus, #name, &number)) return wrong(path, "corpus", "a number " #name); \
  info->name = (__typeof__(info->name))number;
  TEXTS(GET_TEXT)
  NUMBERS(GET_NUMBER)
#undef GET_TEXT
#undef GET_NUMBER
  if (read_number(corpus, "vectors_width", &number)) info->vectors.width = (ptrdiff_t)number;
  LK_TRY(read_tags(corpus, path, info));
  return read_columns(json_object_get(corpus, "columns"), path, info);
}

static lk_status read_bytes(const lk_outside *outside, const char *path, const char *name, lk_buffer *bytes) {
  const lk_outside_tensor *t = lk_outside_find(outside, name);
  if (t == NULL) return LK_OK;
  if (t->element != LK_U8) return LK_FAIL(LK_DATA, "%s: tensor '%s' holds no bytes (U8)", path, name);
  return lk_buffer_append(bytes, t->data, (size_t)t->count);
}

static lk_status read_vectors(const lk_outside *outside, const char *path, lk_corpus_info *info) {
  const lk_outside_tensor *values = lk_outside_find(outside, "vectors.values");
  const lk_outside_tensor *rows = lk_outside_find(outside, "vectors.source");
  lk_vectors *v = &info->vectors;
  float *numbers;
  int32_t *row_of;
  v->rows = info->vector_words.count;
  if (v->rows == 0) return LK_OK;
  if (values) {
    if (values->dims != 2 || values->shape[0] != v->rows || values->shape[1] != v->width || values->count == 0)
      return LK_FAIL(LK_DATA, "%s: tensor 'vectors.values': expected a row for each of the %td words", path, v->rows);
    LK_TRY(lk_alloc(&numbers, (size_t)values->count, sizeof *numbers));
    v->values = numbers;
    LK_TRY(lk_outside_floats(values, path, numbers));
  }
  if (rows == NULL) return LK_OK;
  if (rows->element != LK_I32 || rows->count != info->source.count || rows->count == 0)
    return LK_FAIL(LK_DATA, "%s: tensor 'vectors.source': expected a number (I32) for each unit", path);
  LK_TRY(lk_alloc(&row_of, (size_t)rows->count, sizeof *row_of));
  v->row_of = row_of;
  memcpy(row_of, rows->data, (size_t)rows->count * sizeof *row_of);
  return LK_OK;
}

lk_status lk_describe_read(const lk_outside *outside, const char *path, lk_corpus_info *info) {
  json_t *corpus = NULL;
  lk_status status;
  *info = (lk_corpus_info){0};
  LK_GO(parse(outside, path, "corpus", &corpus));
  LK_GO(read_corpus(corpus, path, info));
  LK_GO(read_lists(outside, path, info));
  LK_GO(read_vectors(outside, path, info));
  LK_GO(read_bytes(outside, path, "tokenizer.source", &info->source_model));
  LK_GO(read_bytes(outside, path, "tokenizer.target", &info->target_model));
done:
  json_decref(corpus);
  return status;
}
