#include "outside.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

static const struct {
  const char *name;
  size_t size;
} elements[] = {
#define ELEMENT_ROW(name, bytes) {#name, bytes},
    LK_ELEMENTS(ELEMENT_ROW)};

size_t lk_element_size(lk_element element) { return elements[element].size; }
const char *lk_element_name(lk_element element) { return elements[element].name; }

lk_element lk_element_find(const char *name) {
  int i = 0;
  while (i < LK_ELEMENT_COUNT && strcmp(elements[i].name, name) != 0) i++;
  return (lk_element)i;
}

void lk_outside_release(lk_outside *outside) {
  for (int i = 0; i < outside->tensors; i++) {
    free(outside->tensor[i].name);
    free(outside->tensor[i].owned);
  }
  free(outside->tensor);
  lk_strings_release(&outside->key);
  lk_strings_release(&outside->text);
  lk_buffer_release(&outside->file);
  *outside = (lk_outside){0};
}

/* The number of elements, whose bytes must be countable too. */
static lk_status count_elements(const char *name, lk_outside_tensor *tensor) {
  ptrdiff_t bytes = (ptrdiff_t)lk_element_size(tensor->element);
  tensor->count = 1;
  for (int d = 0; d < tensor->dims; d++) {
    if (tensor->shape[d] < 0 || __builtin_mul_overflow(bytes, tensor->shape[d], &bytes))
      return LK_FAIL(LK_DATA, "tensor '%.80s' is larger than any file", name);
    tensor->count *= tensor->shape[d];
  }
  return LK_OK;
}

static lk_status add(lk_outside *outside, const char *name, lk_outside_tensor tensor) {
  char *copy = NULL;
  LK_TRY(count_elements(name, &tensor));
  LK_TRY(lk_grow(&outside->tensor, &outside->capacity, (size_t)outside->tensors + 1, sizeof *outside->tensor));
  LK_TRY(lk_alloc(&copy, strlen(name) + 1, 1));
  memcpy(copy, name, strlen(name));
  tensor.name = copy;
  outside->tensor[outside->tensors++] = tensor;
  return LK_OK;
}

lk_status lk_outside_add(lk_outside *outside, const char *name, const lk_outside_tensor *tensor) {
  const lk_status status = add(outside, name, *tensor);
  if (status != LK_OK) free(tensor->owned);
  return status;
}

lk_status lk_outside_make(lk_outside *outside, const char *name, int dims, const ptrdiff_t shape[], float **values) {
  lk_outside_tensor tensor = {.element = LK_F32, .dims = dims};
  memcpy(tensor.shape, shape, (size_t)dims * sizeof *shape);
  LK_TRY(count_elements(name, &tensor));
  LK_TRY(lk_alloc(values, (size_t)tensor.count + 1, sizeof **values));
  tensor.data = tensor.owned = *values;
  return lk_outside_add(outside, name, &tensor);
}

const lk_outside_tensor *lk_outside_find(const lk_outside *outside, const char *name) {
  for (int i = 0; i < outside->tensors; i++)
    if (strcmp(outside->tensor[i].name, name) == 0) return &outside->tensor[i];
  return NULL;
}

/* A number of 16 bits: sign, 5 bits of exponent, 10 of fraction (IEEE 754 binary16). */
static float from_half(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  float value = exponent == 0    ? ldexpf((float)fraction, -24)
                : exponent == 31 ? (fraction ? NAN : INFINITY)
                                 : ldexpf((float)(fraction + 1024), exponent - 25);
  return bits >> 15 ? -value : value;
}

/* The upper half of a float32. */
static float from_bfloat(uint16_t bits) {
  const uint32_t whole = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &whole, sizeof value);
  return value;
}

typedef union number {
  float f32;
  double f64;
  uint16_t bits16;
  int32_t i32;
  int64_t i64;
  uint8_t u8;
} number;

static number number_at(const lk_outside_tensor *tensor, ptrdiff_t i) {
  const size_t size = lk_element_size(tensor->element);
  number n = {0};
  memcpy(&n, (const char *)tensor->data + (size_t)i * size, size);
  return n;
}

static float float_at(const lk_outside_tensor *tensor, ptrdiff_t i) {
  const number n = number_at(tensor, i);
  switch ((int)tensor->element) {
    case LK_F32:
      return n.f32;
    case LK_F64:
      return (float)n.f64;
    case LK_F16:
      return from_half(n.bits16);
    case LK_BF16:
      return from_bfloat(n.bits16);
    case LK_I32:
      return (float)n.i32;
    default:
      return (float)n.i64;
  }
}

lk_status lk_outside_floats(const lk_outside_tensor *tensor, const char *path, float *values) {
  if (tensor->element > LK_I64)
    return LK_FAIL(LK_DATA, "%s: tensor '%.80s' holds %s; expected F32, F64, F16 or BF16", path, tensor->name,
                   lk_element_name(tensor->element));
  for (ptrdiff_t i = 0; i < tensor->count; i++) {
    values[i] = float_at(tensor, i);
    if (!isfinite(values[i]))
      return LK_FAIL(LK_DATA, "%s: tensor '%.80s' holds a number that is not finite in float32", path, tensor->name);
  }
  return LK_OK;
}

lk_status lk_outside_integers(const lk_outside_tensor *tensor, const char *path, int64_t *values) {
  const lk_element e = tensor->element;
  if (e != LK_I32 && e != LK_I64 && e != LK_U8)
    return LK_FAIL(LK_DATA, "%s: tensor '%.80s' holds %s; expected I32, I64 or U8", path, tensor->name,
                   lk_element_name(e));
  for (ptrdiff_t i = 0; i < tensor->count; i++) {
    const number n = number_at(tensor, i);
    values[i] = e == LK_I32 ? n.i32 : e == LK_I64 ? n.i64 : n.u8;
  }
  return LK_OK;
}

const char *lk_outside_shape(char out[160], int dims, const ptrdiff_t shape[]) {
  int used = snprintf(out, 160, "[");
  for (int i = 0; i < dims && used < 130; i++)
    used += snprintf(out + used, 160 - (size_t)used, i ? ", %td" : "%td", shape[i]);
  (void)snprintf(out + used, 160 - (size_t)used, "]");
  return out;
}

lk_status lk_outside_set(lk_outside *outside, const char *key, const char *text, size_t size) {
  LK_TRY(lk_strings_add(&outside->text, text, size, 0));
  return lk_strings_add(&outside->key, key, strlen(key), 0);
}

const char *lk_outside_get(const lk_outside *outside, const char *key) {
  for (ptrdiff_t i = 0; i < outside->key.count; i++)
    if (strcmp(lk_strings_get(&outside->key, i), key) == 0) return lk_strings_get(&outside->text, i);
  return NULL;
}
