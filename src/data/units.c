#include "vocab.h"

#include <string.h>

const char *const lk_unit_names[LK_UNITS] = {"word", "char", "sentencepiece"};

bool lk_unit_find(const char *name, lk_unit *unit) {
  for (int i = 0; i < LK_UNITS; i++) {
    if (strcmp(name, lk_unit_names[i]) != 0) continue;
    *unit = (lk_unit)i;
    return true;
  }
  return false;
}

/* Size of the white-space character at `text`, 0 if it is none. In UTF-8, white space outside ASCII begins with C2,
 * E1, E2 or E3, which allows a quick rejection. */
static size_t space_at(const char *text, size_t size) {
  const unsigned char c = (unsigned char)text[0];
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  if (c != 0xC2 && (c < 0xE1 || c > 0xE3)) return 0;
  const size_t bytes = lk_utf8_next(text, size);
  return lk_utf8_space(text, bytes) ? bytes : 0;
}

static size_t bytes_at(const char *text, size_t size) {
  if ((unsigned char)text[0] < 0x80) return 1;
  const size_t bytes = lk_utf8_next(text, size);
  LK_ASSERT(bytes > 0); /* text was validated when it was read */
  return bytes;
}

static bool next_piece(const char *text, size_t size, size_t *at, const char **start, size_t *length) {
  size_t i = *at;
  while (i < size && text[i] == ' ') i++;
  const char *blank = i < size ? memchr(text + i, ' ', size - i) : NULL;
  *start = text + i;
  *at = blank ? (size_t)(blank - text) : size;
  *length = *at - i;
  return *length > 0;
}

bool lk_unit_next(lk_unit unit, const char *text, size_t size, size_t *at, const char **start, size_t *length) {
  if (unit == LK_PIECE) return next_piece(text, size, at, start, length);
  size_t i = *at;
  if (unit == LK_WORD)
    for (size_t space; i < size && (space = space_at(text + i, size - i)) > 0;) i += space;
  if (i >= size) {
    *at = size;
    return false;
  }
  *start = text + i;
  if (unit == LK_WORD) do {
      while (i < size && (unsigned char)text[i] > ' ' && (unsigned char)text[i] < 0x80) i++;
      if (i >= size || space_at(text + i, size - i) > 0) break;
      i += bytes_at(text + i, size - i);
    } while (i < size);
  else
    i += bytes_at(text + i, size - i);
  *length = (size_t)(text + i - *start);
  *at = i;
  return true;
}

bool lk_is_blank(const char *text, size_t size) {
  const char *start;
  size_t at = 0, length;
  return !lk_unit_next(LK_WORD, text, size, &at, &start, &length);
}

void lk_trim(const char **text, size_t *size) {
  const char *word, *begin = *text, *end = *text;
  size_t at = 0, length;
  for (; lk_unit_next(LK_WORD, *text, *size, &at, &word, &length); end = word + length)
    if (end == begin) begin = word;
  *size = end > begin ? (size_t)(end - begin) : 0;
  *text = begin;
}
