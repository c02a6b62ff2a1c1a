/* Guesses the encoding of a text that is not UTF-8, for error messages. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "input_impl.h"

enum { LOOK = 1 << 16 }; /* bytes that a guess is based on */

/* ---- code units of two or four bytes ---- */

static uint32_t unit_at(const unsigned char *at, int width, bool big) {
  uint32_t unit = 0;
  for (int i = 0; i < width; i++) unit |= (uint32_t)at[i] << 8 * (big ? width - 1 - i : i);
  return unit;
}

/* Score of the bytes as text in such code units: the number of ASCII characters (blanks, line ends, letters); -1 if
 * they cannot be such text. */
static long reads_as(const unsigned char *text, size_t size, int width, bool big) {
  long good = 0;
  for (size_t i = 0; i + (size_t)width <= size; i += (size_t)width) {
    const uint32_t unit = unit_at(text + i, width, big);
    if (unit == 0 || unit == 0xfffe || unit > 0x10ffff || (unit < 0x20 && !(unit >= 9 && unit <= 13))) return -1;
    if (width == 4 && unit >= 0xd800 && unit < 0xe000) return -1;
    if (width == 2 && unit >= 0xdc00 && unit < 0xe000) return -1;
    if (width == 2 && unit >= 0xd800 && unit < 0xdc00) { /* a high surrogate, which a low one has to follow */
      i += 2;
      if (i + 2 > size) break;
      const uint32_t other = unit_at(text + i, width, big);
      if (other < 0xdc00 || other >= 0xe000) return -1;
    }
    good += unit < 0x80;
  }
  return good;
}

/* ASCII with occasional NUL bytes, which would otherwise be taken for rare Chinese characters in UTF-16. */
static bool is_ascii_with_slips(const unsigned char *text, size_t size) {
  size_t nul = 0;
  for (size_t i = 0; i < size; i++) {
    nul += text[i] == 0;
    if (text[i] > 0x7e || (text[i] > 0 && text[i] < 9) || (text[i] > 13 && text[i] < 0x20)) return false;
  }
  return 4 * nul < size;
}

static const char *const wide_names[2][2] = {{"UTF-16LE", "UTF-16BE"}, {"UTF-32LE", "UTF-32BE"}};

const char *lk_encoding_wide(const char *text, size_t size, bool *marked) {
  const unsigned char *bytes = (const unsigned char *)text;
  *marked = true;
  if (size >= 4 && memcmp(text, "\xff\xfe\0\0", 4) == 0) return "UTF-32";
  if (size >= 4 && memcmp(text, "\0\0\xfe\xff", 4) == 0) return "UTF-32";
  if (size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) return "UTF-16";
  *marked = false;
  if (size > LOOK) size = LOOK;
  if (size < 12 || !memchr(text, 0, size) || is_ascii_with_slips(bytes, size)) return NULL;
  const char *best = NULL;
  long most = 0;
  for (int width = 4; width >= 2; width -= 2)
    for (int big = 0; big < 2; big++) {
      const long good = reads_as(bytes, size, width, big);
      if (good > most) most = good, best = wide_names[width / 4][big];
    }
  return best;
}

/* ---- code units of one byte ---- */

typedef struct letters {
  size_t high, paired;            /* bytes above 0x7f; those of them next to another such byte */
  size_t c1, upper, lower, top;   /* counts of 0x80-0x9f, 0xc0-0xdf, 0xe0-0xfe, and the sum of the last two */
  size_t odd;                     /* 0xff, which hardly any text contains */
  size_t control, valid, invalid; /* control characters; multi-byte characters of valid UTF-8; invalid bytes */
} letters;

static letters count_letters(const unsigned char *text, size_t size) {
  letters l = {0};
  for (size_t i = 0; i < size; i++) {
    const unsigned char c = text[i];
    l.control += c < 0x20 && !(c >= 9 && c <= 13);
    if (c < 0x80) continue;
    l.high++;
    l.paired += (i > 0 && text[i - 1] > 0x7f) || (i + 1 < size && text[i + 1] > 0x7f);
    l.c1 += c < 0xa0;
    l.upper += c >= 0xc0 && c < 0xe0;
    l.lower += c >= 0xe0 && c < 0xff;
    l.odd += c == 0xff;
  }
  l.top = l.upper + l.lower;
  for (size_t i = 0; i < size;) {
    const size_t bytes = lk_utf8_next((const char *)text + i, size - i);
    l.valid += bytes > 1;
    l.invalid += bytes == 0;
    i += bytes ? bytes : 1;
  }
  return l;
}

/* Name of the likely encoding, or NULL if there is none or the bytes may not be text. *sure is false if it is only
 * one of several similar encodings. */
static const char *guess(const char *text, size_t size, bool *sure) {
  const letters l = count_letters((const unsigned char *)text, size);
  *sure = false;
  if (l.control > size / 100 || l.valid > l.invalid || 10 * l.odd > l.high) return NULL;
  if (10 * l.paired < 4 * l.high) return *sure = true, l.c1 ? "WINDOWS-1252" : "ISO-8859-1";
  if (10 * l.top > 9 * l.high) return l.lower >= l.upper ? "WINDOWS-1251" : "KOI8-R";
  return "GB18030";
}

/* Whether the text ends within a UTF-8 character. */
static bool begins_character(const char *text, size_t left) {
  const unsigned char first = (unsigned char)text[0];
  const size_t need = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  size_t have = 1;
  while (have < left && ((unsigned char)text[have] & 0xc0) == 0x80) have++;
  return have == left && have < need;
}

/* Quote a file name for the shell. */
static const char *shell_word(char out[300], const char *name) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+/=,@%:";
  const bool quoted = name[strspn(name, plain)] != '\0' && !strchr(name, '\'');
  snprintf(out, 300, quoted ? "'%s'" : "%s", name);
  return out;
}

void lk_encoding_advice(char *out, size_t room, const char *encoding, const char *name) {
  char word[300];
  if (strcmp(name, "<stdin>") == 0 || strcmp(name, "standard input") == 0)
    snprintf(out, room, "put `iconv -f %s -t UTF-8` before it", encoding);
  else
    snprintf(out, room, "iconv -f %s -t UTF-8 %s >NEW", encoding, shell_word(word, name));
}

void lk_input_say_invalid(char *out, size_t room, const char *text, size_t size, size_t valid, bool marked,
                          const char *name) {
  char advice[400];
  bool sure = false;
  const size_t begin = valid < LOOK / 2 ? 0 : valid - LOOK / 2; /* look at a window around the position */
  const size_t end = size - begin < LOOK ? size : begin + LOOK;
  /* text that is UTF-8 except at this position, or too short for a guess */
  const bool utf8 = size < 8 || begins_character(text + valid, size - valid) || marked;
  const char *encoding = utf8 ? NULL : guess(text + begin, end - begin, &sure);
  const int used = snprintf(out, room, "not valid UTF-8: byte 0x%02x", (unsigned)(unsigned char)text[valid]);
  if (!encoding || used < 0 || (size_t)used >= room) return;
  lk_encoding_advice(advice, sizeof advice, encoding, name);
  snprintf(out + used, room - (size_t)used, "; the text looks like %s%s: %s", encoding,
           sure ? "" : " or another encoding of its kind", advice);
}
