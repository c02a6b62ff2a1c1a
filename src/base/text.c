#include "text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>
#include <unistring/version.h>
#include <uniwidth.h>

#include "version.h"

static void name_unistring(char text[LK_LIBRARY_TEXT]) {
  const int v = _libunistring_version;
  (void)snprintf(text, LK_LIBRARY_TEXT, "libunistring %d.%d.%d", v >> 16, v >> 8 & 255, v & 255);
}
LK_LIBRARY(name_unistring)

static bool continues(unsigned char byte) { return (byte & 0xc0) == 0x80; }

/* The bytes that may follow a leading byte (Unicode, table 3-7): no overlong forms, no surrogates, nothing above
 * U+10FFFF. */
size_t lk_utf8_next(const char *text, size_t size) {
  const unsigned char *at = (const unsigned char *)text;
  if (size == 0) return 0;
  if (at[0] < 0x80) return 1;
  if (at[0] < 0xc2 || at[0] > 0xf4 || size < 2) return 0;
  if (at[0] < 0xe0) return continues(at[1]) ? 2 : 0;
  unsigned low = 0x80, high = 0xbf;
  if (at[0] == 0xe0) low = 0xa0;
  if (at[0] == 0xed) high = 0x9f;
  if (at[0] == 0xf0) low = 0x90;
  if (at[0] == 0xf4) high = 0x8f;
  if (at[1] < low || at[1] > high || size < 3 || !continues(at[2])) return 0;
  if (at[0] < 0xf0) return 3;
  return size >= 4 && continues(at[3]) ? 4 : 0;
}

/* Bytes before the first one above 0x7f, eight at a time. */
static size_t ascii_prefix(const char *text, size_t size) {
  size_t at = 0;
  for (uint64_t word; at + sizeof word <= size; at += sizeof word) {
    memcpy(&word, text + at, sizeof word);
    if (word & 0x8080808080808080u) break;
  }
  while (at < size && (unsigned char)text[at] < 0x80) at++;
  return at;
}

size_t lk_utf8_valid(const char *text, size_t size) {
  size_t at = 0;
  while (at < size) {
    if ((unsigned char)text[at] < 0x80) {
      at += ascii_prefix(text + at, size - at);
      continue;
    }
    size_t bytes = lk_utf8_next(text + at, size - at);
    if (bytes == 0) break;
    at += bytes;
  }
  return at;
}

size_t lk_utf8_mark(const char *text, size_t size) { return size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; }

size_t lk_utf8_count(const char *text, size_t size) {
  size_t count = 0;
  for (size_t i = 0; i < size; i++) count += !continues((unsigned char)text[i]);
  return count;
}

int lk_utf8_width(const char *text, size_t size) { return u8_width((const uint8_t *)text, size, "UTF-8"); }

static uint32_t decode(const char *text, size_t bytes) {
  const unsigned char *at = (const unsigned char *)text;
  switch (bytes) {
    case 1:
      return at[0];
    case 2:
      return (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
    case 3:
      return (at[0] & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
    default:
      return (at[0] & 0x07u) << 18 | (at[1] & 0x3fu) << 12 | (at[2] & 0x3fu) << 6 | (at[3] & 0x3fu);
  }
}

bool lk_utf8_space(const char *text, size_t bytes) {
  if (bytes == 1) return *text == ' ' || (*text >= '\t' && *text <= '\r');
  return bytes > 1 && uc_is_property_white_space(decode(text, bytes));
}

lk_character lk_utf8_character(const char *text, size_t bytes) {
  const ucs4_t c = decode(text, bytes);
  if (uc_decimal_value(c) >= 0) return LK_CHARACTER_DIGIT;
  if (uc_is_property_lowercase(c)) return LK_CHARACTER_LOWER;
  return uc_is_property_uppercase(c) || uc_is_property_titlecase(c) ? LK_CHARACTER_UPPER : LK_CHARACTER_OTHER;
}

/* Characters that NFC does not change, beside any others of this set, and whose lower-case form is a single character
 * independent of context: Latin, Cyrillic, common punctuation, kana, Han and Hangul syllables. The set need not be
 * complete: text of these characters alone skips normalisation. U+0130 is left out, as it becomes two characters. */
static bool is_plain(uint32_t c) {
  if (c < 0x300) return c != 0x130;
  if (c < 0x2010) return (c >= 0x400 && c <= 0x482) || (c >= 0x48a && c <= 0x52f);
  if (c < 0x3041) return c <= 0x2027 || (c >= 0x2030 && c <= 0x205e);
  if (c < 0x3400) return c <= 0x3096 || (c >= 0x30a1 && c <= 0x30ff);
  return c <= 0x4dbf || (c >= 0x4e00 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7a3);
}

static bool all_plain(const char *text, size_t size) {
  for (size_t at = 0, bytes; at < size; at += bytes) {
    bytes = lk_utf8_next(text + at, size - at);
    LK_ASSERT(bytes > 0);
    if (!is_plain(decode(text + at, bytes))) return false;
  }
  return true;
}

static lk_status append_lower_ascii(lk_buffer *out, const char *text, size_t size) {
  size_t before = out->size;
  LK_TRY(lk_buffer_append(out, text, size));
  for (char *at = out->data + before; at < out->data + out->size; at++)
    *at = (char)(*at + (*at >= 'A' && *at <= 'Z' ? 'a' - 'A' : 0));
  return LK_OK;
}

static lk_status append_lower_plain(lk_buffer *out, const char *text, size_t size) {
  for (size_t at = 0, bytes; at < size; at += bytes) {
    bytes = ascii_prefix(text + at, size - at);
    if (bytes > 0) {
      LK_TRY(append_lower_ascii(out, text + at, bytes));
      continue;
    }
    bytes = lk_utf8_next(text + at, size - at);
    uint8_t lower[6];
    int length = u8_uctomb(lower, uc_tolower(decode(text + at, bytes)), sizeof lower);
    LK_ASSERT(length > 0);
    LK_TRY(lk_buffer_append(out, (const char *)lower, (size_t)length));
  }
  return LK_OK;
}

static lk_status append_folded(lk_buffer *out, const char *text, size_t size, bool nfc, bool lower) {
  if (size == 0 || (!nfc && !lower)) return lk_buffer_append(out, text, size);
  if (ascii_prefix(text, size) == size || all_plain(text, size))
    return lower ? append_lower_plain(out, text, size) : lk_buffer_append(out, text, size);

  size_t length = 0;
  const uint8_t *in = (const uint8_t *)text;
  uint8_t *folded = lower ? u8_tolower(in, size, NULL, nfc ? UNINORM_NFC : NULL, NULL, &length)
                          : u8_normalize(UNINORM_NFC, in, size, NULL, &length);
  if (!folded) return LK_FAIL(LK_MEMORY, "out of memory: %zu bytes of text", size);
  lk_status status = lk_buffer_append(out, (const char *)folded, length);
  free(folded);
  return status;
}

lk_status lk_utf8_upper(lk_buffer *out, const char *text, size_t size) {
  size_t length = 0;
  uint8_t *upper = size > 0 ? u8_toupper((const uint8_t *)text, size, NULL, UNINORM_NFC, NULL, &length) : NULL;
  if (size > 0 && !upper) return LK_FAIL(LK_MEMORY, "out of memory: %zu bytes of text", size);
  const lk_status status = lk_buffer_append(out, (const char *)upper, length);
  free(upper);
  return status;
}

/* Digits from byte `from` on become 0. A digit of another script has more than one byte, so what follows moves forward.
 * */
static void fold_digits(lk_buffer *out, size_t from) {
  size_t to = from;
  for (size_t at = from, bytes; at < out->size; at += bytes) {
    bytes = lk_utf8_next(out->data + at, out->size - at);
    LK_ASSERT(bytes > 0);
    const bool digit = bytes == 1 ? out->data[at] >= '0' && out->data[at] <= '9'
                                  : uc_decimal_value(decode(out->data + at, bytes)) >= 0;
    if (!digit) memmove(out->data + to, out->data + at, bytes);
    if (digit) out->data[to] = '0';
    to += digit ? 1 : bytes;
  }
  lk_buffer_truncate(out, to);
}

lk_status lk_utf8_fold(lk_buffer *out, const char *text, size_t size, lk_folding folding) {
  const size_t before = out->size;
  LK_TRY(append_folded(out, text, size, folding.nfc, folding.lower));
  if (folding.digits && size > 0) fold_digits(out, before);
  return LK_OK;
}

/* The character or byte at text, escaped for a message; returns how many bytes of text it has. */
static size_t quote_one(char one[16], const char *text, size_t size) {
  size_t bytes = lk_utf8_next(text, size);
  uint32_t c = bytes > 0 ? decode(text, bytes) : 0;
  if (bytes == 1 && c == '\t')
    (void)snprintf(one, 16, "\\t");
  else if (bytes == 1 && c == '\n')
    (void)snprintf(one, 16, "\\n");
  else if (bytes == 0 || c < 0x20 || c == 0x7f)
    (void)snprintf(one, 16, "\\x%02x", (unsigned char)*text);
  else if ((c >= 0x80 && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
    (void)snprintf(one, 16, "\\u%04x",
                   (unsigned)c); /* control characters, also those that change the direction of text */
  else
    (void)snprintf(one, 16, "%.*s", (int)bytes, text);
  return bytes > 0 ? bytes : 1;
}

const char *lk_quote(char out[256], const char *text, size_t size) {
  enum { MOST_CHARACTERS = 60, ROOM = 256 - 5 }; /* 5: ...' and NUL */
  size_t length = 1, at = 0;
  out[0] = '\'';
  for (int characters = 0; at < size; characters++) {
    char one[16];
    size_t bytes = quote_one(one, text + at, size - at), more = strlen(one);
    if (characters == MOST_CHARACTERS || length + more > ROOM) break;
    memcpy(out + length, one, more);
    length += more;
    at += bytes;
  }
  (void)snprintf(out + length, 256 - length, "%s'", at < size ? "..." : "");
  return out;
}

static bool alike(char a, char b) { return tolower((unsigned char)a) == tolower((unsigned char)b); }

/* Damerau-Levenshtein distance with neighbours swapped at most once, small letters and capitals being alike: three rows
 * of the table, a-prefix by b-prefix. */
enum { LONGEST_WORD = 64 };
static size_t distance(const char *a, size_t m, const char *b, size_t n) {
  size_t rows[3][LONGEST_WORD + 1];
  for (size_t j = 0; j <= n; j++) rows[0][j] = j;
  for (size_t i = 1; i <= m; i++) {
    size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= n; j++) {
      size_t best = above[j - 1] + !alike(a[i - 1], b[j - 1]);
      if (above[j] + 1 < best) best = above[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      bool swapped = i > 1 && j > 1 && alike(a[i - 1], b[j - 2]) && alike(a[i - 2], b[j - 1]);
      if (swapped && two_above[j - 2] + 1 < best) best = two_above[j - 2] + 1;
      row[j] = best;
    }
  }
  return rows[m % 3][n];
}

const char *lk_nearest(const char *word, const char *const *candidates, size_t count) {
  const size_t length = strlen(word);
  if (length > LONGEST_WORD) return NULL;
  const char *best = NULL;
  /* most of a short word must remain */
  size_t limit = length < 2 ? 0 : length < 4 ? 1 : length / 3 > 2 ? length / 3 : 2;
  for (size_t i = 0; i < count; i++) {
    size_t size = strlen(candidates[i]);
    if (size > LONGEST_WORD) continue;
    size_t d = distance(word, length, candidates[i], size);
    if (d > limit || (best && d == limit)) continue;
    best = candidates[i];
    limit = d;
  }
  return best;
}
