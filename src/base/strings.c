#include "text.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"

lk_status lk_strings_add(lk_strings *strings, const char *text, size_t size, int64_t number) {
  const size_t count = (size_t)strings->count;
  const size_t at = count > 0 ? (size_t)strings->offset[count] : 0;
  if (size >= (size_t)INT64_MAX - at) return LK_FAIL(LK_MEMORY, "out of memory: a string of %zu bytes", size);
  LK_TRY(lk_grow(&strings->bytes, &strings->bytes_capacity, at + size + 1, 1));
  LK_TRY(lk_grow(&strings->offset, &strings->offset_capacity, count + 2, sizeof *strings->offset));
  LK_TRY(lk_grow(&strings->number, &strings->number_capacity, count + 1, sizeof *strings->number));
  if (size > 0) memcpy(strings->bytes + at, text, size);
  strings->bytes[at + size] = '\0';
  if (count == 0) strings->offset[0] = 0;
  strings->offset[count + 1] = (int64_t)(at + size + 1);
  strings->number[count] = number;
  strings->count++;
  return LK_OK;
}

lk_status lk_strings_copy(lk_strings *to, const lk_strings *from) {
  lk_strings copy = {0};
  lk_status status = LK_OK;
  for (ptrdiff_t i = 0; i < from->count; i++) {
    int64_t number = from->number ? from->number[i] : 0;
    LK_GO(lk_strings_add(&copy, lk_strings_get(from, i), lk_strings_size(from, i), number));
  }
  lk_strings_release(to);
  *to = copy;
  copy = (lk_strings){0};
done:
  lk_strings_release(&copy);
  return status;
}

void lk_strings_release(lk_strings *strings) {
  free(strings->bytes);
  free(strings->offset);
  free(strings->number);
  *strings = (lk_strings){0};
}
