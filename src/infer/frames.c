#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode_impl.h"

typedef struct cursor {
  const lk_lines *lines;
  ptrdiff_t line;
  const char *text;
  size_t size, at;
} cursor;

static int blank(char letter) { return letter == ' ' || letter == '\t' || letter == '\r'; }

/* The number that starts at c->at and ends before a comma, a blank or the end; read as prepare reads it. */
static lk_status read_number(cursor *c, float *value) {
  char digits[128], quoted[256], *rest = digits;
  size_t begin = c->at, end = begin;
  while (end < c->size && c->text[end] != ',' && !blank(c->text[end])) end++;
  size_t size = end - begin;
  if (size > 0 && size < sizeof digits) {
    memcpy(digits, c->text + begin, size);
    digits[size] = '\0';
    *value = (float)strtod(digits, &rest);
  }
  if (rest != digits + size || size == 0 || !isfinite(*value))
    return LK_FAIL(LK_DATA, "%s:%lld:%zu: found %s, expected a finite number", c->lines->name,
                   (long long)(c->lines->first + c->line), lk_utf8_count(c->text, begin) + 1,
                   lk_quote(quoted, c->text + begin, size));
  c->at = end;
  return LK_OK;
}

static lk_status read_frame(cursor *c, ptrdiff_t D, float *values) {
  size_t begin = c->at;
  ptrdiff_t width = 0;
  for (;; c->at++) { /* a comma stands here */
    float extra;
    LK_TRY(read_number(c, width < D ? &values[width] : &extra));
    width++;
    if (c->at >= c->size || c->text[c->at] != ',') break;
  }
  if (width == D) return LK_OK;
  return LK_FAIL(LK_DATA, "%s:%lld:%zu: a frame of %td number%s, expected %td as in training", c->lines->name,
                 (long long)(c->lines->first + c->line), lk_utf8_count(c->text, begin) + 1, width, lk_plural(width), D);
}

lk_status lk_read_frames(const lk_lines *lines, ptrdiff_t line, ptrdiff_t D, float **values, size_t *count,
                         size_t *capacity, ptrdiff_t *frames) {
  cursor c = {.lines = lines, .line = line, .text = lines->text[line], .size = lines->size[line]};
  *frames = 0;
  for (;;) {
    while (c.at < c.size && blank(c.text[c.at])) c.at++;
    if (c.at >= c.size) return LK_OK;
    LK_TRY(lk_grow(values, capacity, *count + (size_t)D, sizeof **values));
    LK_TRY(read_frame(&c, D, *values + *count));
    *count += (size_t)D;
    ++*frames;
  }
}
