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

static lk_status bad(const cursor *c, size_t at, const char *what) {
  return LK_FAIL(LK_DATA, "%s:%lld:%zu: %s", c->lines->name, (long long)(c->lines->first + c->line),
                 lk_utf8_count(c->text, at) + 1, what);
}

static int blank(char letter) { return letter == ' ' || letter == '\t' || letter == '\r'; }

/* The number that starts at c->at and ends before a comma, a blank or the end. */
static lk_status read_number(cursor *c, float *value) {
  char digits[64];
  size_t begin = c->at, end = begin;
  while (end < c->size && c->text[end] != ',' && !blank(c->text[end])) end++;
  if (end == begin || end - begin >= sizeof digits) return bad(c, begin, "expected a number");
  memcpy(digits, c->text + begin, end - begin);
  digits[end - begin] = '\0';
  char *rest;
  *value = strtof(digits, &rest);
  if (*rest != '\0') return bad(c, begin + (size_t)(rest - digits), "expected a number");
  if (!isfinite(*value)) return bad(c, begin, "expected a finite number");
  c->at = end;
  return LK_OK;
}

static lk_status read_frame(cursor *c, ptrdiff_t D, float *values) {
  size_t begin = c->at;
  for (ptrdiff_t i = 0; i < D; i++) {
    if (i > 0 && (c->at >= c->size || c->text[c->at++] != ','))
      return LK_FAIL(LK_DATA, "%s:%lld:%zu: expected a frame of %td numbers joined by commas, found %td",
                     c->lines->name, (long long)(c->lines->first + c->line), lk_utf8_count(c->text, begin) + 1, D, i);
    LK_TRY(read_number(c, &values[i]));
  }
  if (c->at < c->size && !blank(c->text[c->at])) return bad(c, c->at, "the frame has too many numbers");
  return LK_OK;
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
