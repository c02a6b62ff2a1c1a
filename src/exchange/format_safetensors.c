/* format_safetensors.c - safetensors: 8 bytes with the size of the header, the header in JSON, and the tensors' bytes one
 * after another without gaps.
 *
 *   {"__metadata__": {"config": "...", ...}, "embedding.weight": {"dtype": "F32", "shape": [9, 4], "data_offsets": [0, 144]}}
 *
 * Source: github.com/huggingface/safetensors, README, "Format". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "format.h"
#include "json_impl.h"

enum {
  PREFIX = 8,              /* bytes that hold the size of the header */
  MOST_HEADER = 100000000, /* bytes; the limit of the safetensors library */
  MOST_VALUES = 1 << 15,   /* of its JSON, about 8 a tensor */
  MOST_DIMS = LK_OUTSIDE_DIMS
};

/* ---- writing ---- */

/* Tensors in the file: those of larger elements first, so that all are aligned. */
static lk_status sort_tensors(const lk_outside *outside, const lk_outside_tensor ***order) {
  int n = 0;
  LK_TRY(lk_alloc(order, (size_t)outside->tensors + 1, sizeof **order));
  for (size_t bytes = 8; bytes > 0; bytes /= 2)
    for (int i = 0; i < outside->tensors; i++)
      if (lk_element_size(outside->tensor[i].element) == bytes) (*order)[n++] = &outside->tensor[i];
  LK_ASSERT(n == outside->tensors);
  return LK_OK;
}

static size_t bytes_of(const lk_outside_tensor *tensor) {
  return (size_t)tensor->count * lk_element_size(tensor->element);
}

static json_t *describe(const lk_outside_tensor *tensor, size_t at) {
  json_t *shape = json_array();
  for (int d = 0; shape && d < tensor->dims; d++) json_array_append_new(shape, json_integer(tensor->shape[d]));
  return json_pack("{s:s, s:o, s:[I, I]}", "dtype", lk_element_name(tensor->element), "shape", shape, "data_offsets",
                   (json_int_t)at, (json_int_t)(at + bytes_of(tensor)));
}

static json_t *make_header(const lk_outside *outside, const lk_outside_tensor *const *order) {
  json_t *header = json_object(), *texts = json_object();
  size_t at = 0;
  for (ptrdiff_t i = 0; i < outside->key.count; i++)
    json_object_set_new(texts, lk_strings_get(&outside->key, i), json_string(lk_strings_get(&outside->text, i)));
  json_object_set_new(header, "__metadata__", texts);
  for (int i = 0; i < outside->tensors; at += bytes_of(order[i++]))
    json_object_set_new(header, order[i]->name, describe(order[i], at));
  if (json_object_size(header) == (size_t)outside->tensors + 1 && json_object_size(texts) == (size_t)outside->key.count)
    return header;
  json_decref(header); /* no memory for one of them */
  return NULL;
}

/* The size of the header, which is padded with blanks so that the tensors begin at a multiple of 8. */
static lk_status write_header(json_t *json, lk_buffer *file) {
  lk_buffer header = {0};
  lk_status status;
  LK_GO(lk_json_print(json, &header));
  while (header.size % 8) LK_GO(lk_buffer_append(&header, " ", 1));
  if (header.size > MOST_HEADER)
    LK_GO(LK_FAIL(LK_USAGE, "the vocabulary is too large for safetensors: a header of %zu bytes, at most %d",
                  header.size, MOST_HEADER));
  const uint64_t size = header.size;
  LK_GO(lk_buffer_append(file, (const char *)&size, sizeof size));
  LK_GO(lk_buffer_append(file, header.data, header.size));
done:
  lk_buffer_release(&header);
  return status;
}

static lk_status write_file(const lk_outside *outside, const struct lk_model *model, int part, lk_buffer *file) {
  const lk_outside_tensor **order = NULL;
  lk_status status;
  (void)model, (void)part;
  LK_GO(sort_tensors(outside, &order));
  LK_GO(write_header(make_header(outside, order), file));
  for (int i = 0; i < outside->tensors; i++) LK_GO(lk_buffer_append(file, order[i]->data, bytes_of(order[i])));
done:
  free(order);
  return status;
}

/* ---- reading ---- */

/* Where a tensor's bytes are, from the first behind the header. */
typedef struct place {
  uint64_t begin, end;
  const char *name;
} place;

static bool get_count(const json_t *value, int64_t most, int64_t *out) {
  *out = json_integer_value(value);
  return json_is_integer(value) && *out >= 0 && *out <= most;
}

static lk_status wrong(const char *path, const char *name, const char *what) {
  char quoted[256];
  return LK_FAIL(LK_DATA, "%s: tensor %s: %s", path, lk_quote(quoted, name, strlen(name)), what);
}

/* One entry of the header; the tensors' bytes are data[size]. */
static lk_status read_tensor(lk_outside *outside, const char *path, const char *name, const json_t *entry,
                             const char *data, size_t size, place *at) {
  const json_t *shape = json_object_get(entry, "shape"), *offsets = json_object_get(entry, "data_offsets");
  const char *dtype = json_string_value(json_object_get(entry, "dtype"));
  lk_outside_tensor tensor = {.element = dtype ? lk_element_find(dtype) : LK_ELEMENT_COUNT};
  int64_t begin, end, axis;
  if (tensor.element == LK_ELEMENT_COUNT) return wrong(path, name, "its dtype is not one that safetensors has");
  if (!json_is_array(shape) || json_array_size(shape) > MOST_DIMS)
    return wrong(path, name, "its shape is not a list of at most 8 numbers");
  tensor.dims = (int)json_array_size(shape);
  for (int d = 0; d < tensor.dims; d++) {
    if (!get_count(json_array_get(shape, (size_t)d), INT64_MAX / 2, &axis))
      return wrong(path, name, "its shape has an axis that is not a number of elements");
    tensor.shape[d] = (ptrdiff_t)axis;
  }
  if (json_array_size(offsets) != 2 || !get_count(json_array_get(offsets, 0), (int64_t)size, &begin) ||
      !get_count(json_array_get(offsets, 1), (int64_t)size, &end) || begin > end)
    return wrong(path, name, "its data_offsets are not two places in the file");
  tensor.data = data + begin;
  LK_TRY(lk_outside_add(outside, name, &tensor));
  if (bytes_of(&outside->tensor[outside->tensors - 1]) != (uint64_t)(end - begin))
    return wrong(path, name, "its shape needs another number of bytes than its data_offsets have");
  *at = (place){(uint64_t)begin, (uint64_t)end, name};
  return LK_OK;
}

static int by_place(const void *a, const void *b) {
  const place *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  return (x->end > y->end) - (x->end < y->end);
}

/* The tensors must follow one another and fill the file. */
static lk_status check_places(const char *path, place *places, size_t count, size_t size) {
  uint64_t at = 0;
  qsort(places, count, sizeof *places, by_place);
  for (size_t i = 0; i < count; at = places[i++].end)
    if (places[i].begin != at)
      return wrong(path, places[i].name, places[i].begin < at ? "it overlaps another one" : "there is a gap before it");
  if (at == size) return LK_OK;
  return LK_FAIL(LK_DATA, "%s: its tensors have %" PRIu64 " bytes, but the file has %zu for them", path, at, size);
}

static lk_status read_texts(lk_outside *outside, const char *path, const json_t *texts) {
  const char *key;
  json_t *value;
  if (!json_is_object(texts)) return LK_FAIL(LK_DATA, "%s: its __metadata__ are not texts", path);
  json_object_foreach((json_t *)texts, key, value) {
    const char *text = json_string_value(value);
    if (text == NULL) return LK_FAIL(LK_DATA, "%s: its __metadata__ are not texts", path);
    LK_TRY(lk_outside_set(outside, key, text, strlen(text)));
  }
  return LK_OK;
}

static lk_status read_header(lk_outside *outside, const char *path, const json_t *header, const char *data,
                             size_t size) {
  place *places = NULL;
  size_t count = 0;
  lk_status status = LK_OK;
  const char *name;
  json_t *entry;
  LK_GO(lk_alloc(&places, json_object_size(header) + 1, sizeof *places));
  json_object_foreach((json_t *)header, name, entry) {
    if (strcmp(name, "__metadata__") == 0)
      LK_GO(read_texts(outside, path, entry));
    else
      LK_GO(read_tensor(outside, path, name, entry, data, size, &places[count++]));
  }
  LK_GO(check_places(path, places, count, size));
done:
  free(places);
  return status;
}

static lk_status read_file(lk_outside *outside, const char *path) {
  const lk_buffer *file = &outside->file;
  uint64_t size;
  json_t *header = NULL;
  lk_status status;
  if (file->size < PREFIX)
    return LK_FAIL(LK_DATA, "%s is no safetensors file: it has only %zu bytes", path, file->size);
  memcpy(&size, file->data, sizeof size);
  if (size > file->size - PREFIX || size > MOST_HEADER)
    return LK_FAIL(LK_DATA, "%s is no safetensors file, or is cut off: a header of %" PRIu64 " bytes does not fit in",
                   path, size);
  const char *text = file->data + PREFIX;
  LK_TRY(lk_json_parse(&header, text, size, MOST_VALUES, path));
  if (json_is_object(header))
    status = read_header(outside, path, header, text + size, file->size - PREFIX - size);
  else
    status = LK_FAIL(LK_DATA, "%s: its header is not an object of JSON", path);
  json_decref(header);
  return status;
}

const lk_format lk_format_safetensors = {.name = "safetensors",
                                         .suffix = ".safetensors",
                                         .help = "tensors by the names of PyTorch's modules, texts as metadata",
                                         .write = write_file,
                                         .read = read_file};
