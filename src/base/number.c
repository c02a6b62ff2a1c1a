#include "number.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *digits_end(const char *at) {
  while (isdigit((unsigned char)*at)) at++;
  return at;
}

/* Whether all of text is a decimal number, and one of digits alone. */
static bool is_decimal(const char *text, bool *plain_digits) {
  const char *at = text + (*text == '+' || *text == '-');
  const char *whole = digits_end(at), *end = whole;
  ptrdiff_t digits = whole - at;
  *plain_digits = digits > 0 && *end == '\0';
  if (*end == '.') {
    const char *fraction = digits_end(end + 1);
    digits += fraction - end - 1;
    end = fraction;
  }
  if (digits > 0 && (*end == 'e' || *end == 'E')) {
    const char *power = end + 1 + (end[1] == '+' || end[1] == '-');
    end = digits_end(power);
    if (end == power) return false;
  }
  return digits > 0 && *end == '\0';
}

bool lk_number_real(const char *text, double *value) {
  bool plain_digits;
  if (!is_decimal(text, &plain_digits)) return false;
  errno = 0;
  const double found = strtod(text, NULL);
  if (!isfinite(found) || (found == 0 && errno == ERANGE)) return false;
  *value = found;
  return true;
}

bool lk_number_whole(const char *text, int64_t *value) {
  bool plain_digits;
  double real;
  if (!is_decimal(text, &plain_digits)) return false;
  if (plain_digits) { /* exact beyond 2^53 too */
    errno = 0;
    const long long found = strtoll(text, NULL, 10);
    if (errno) return false;
    *value = found;
    return true;
  }
  if (!lk_number_real(text, &real) || real != floor(real) || fabs(real) > 0x1p53) return false;
  *value = (int64_t)real;
  return true;
}

const char *lk_number_text(char out[32], double value) {
  for (int digits = 15; digits <= 17; digits++) { /* %g drops zeros at the end */
    (void)snprintf(out, 32, "%.*g", digits, value);
    if (strtod(out, NULL) == value) break;
  }
  return out;
}

/* Suffixes of numbers; `seconds`: the factor is one of a time. */
static const struct {
  const char *word;
  double factor;
  bool seconds;
} suffixes[] = {{"", 1, false},        {"%", 0.01, false},    {"k", 1e3, false},    {"K", 1e3, false},
                {"M", 1e6, false},     {"s", 1, true},        {"sec", 1, true},     {"second", 1, true},
                {"seconds", 1, true},  {"m", 60, true},       {"min", 60, true},    {"mins", 60, true},
                {"minute", 60, true},  {"minutes", 60, true}, {"h", 3600, true},    {"hour", 3600, true},
                {"hours", 3600, true}, {"d", 86400, true},    {"day", 86400, true}, {"days", 86400, true}};

/* The factor of a suffix, 0 if it is unknown. */
static double factor_of(const char *word, size_t size, const char *unit) {
  const double second = strcmp(unit, "seconds") == 0 ? 1 : strcmp(unit, "minutes") == 0 ? 1.0 / 60 : 0;
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
    if (strlen(suffixes[i].word) == size && memcmp(suffixes[i].word, word, size) == 0)
      return suffixes[i].seconds ? suffixes[i].factor * second : suffixes[i].factor;
  return strlen(unit) == size && memcmp(unit, word, size) == 0 ? 1 : 0;
}

/* Copy a number without separators between groups of digits, with a point in place of a decimal comma. */
static bool without_groups(char out[64], const char *text, size_t size) {
  const char *comma = memchr(text, ',', size);
  const size_t behind = comma ? size - (size_t)(comma - text) - 1 : 0;
  const bool once = comma && !memchr(comma + 1, ',', behind) && !memchr(text, '.', size);
  const bool point = once && (behind != 3 || *text == '0'); /* 1,5 and 0,001; but 1,000 is a thousand */
  size_t used = 0;
  if (size >= 64) return false;
  for (size_t i = 0; i < size; i++) {
    const char c = text[i];
    if (c == ',' && point) out[used++] = '.';
    if (c == ',' && !point && (i + 3 >= size || digits_end(text + i + 1) != text + i + 4)) return false;
    if (c != ',' && c != '_' && c != '\'') out[used++] = c;
  }
  out[used] = '\0';
  return true;
}

bool lk_number_guess(const char *text, const char *unit, double *value) {
  char number[64];
  double read;
  if (lk_number_real(text, &read)) return false; /* it is a number already */
  while (isspace((unsigned char)*text)) text++;
  const size_t size = strspn(text, "+-0123456789.,_'");
  const char *word = text + size, *end = text + strlen(text);
  while (isspace((unsigned char)*word)) word++;
  while (end > word && isspace((unsigned char)end[-1])) end--;
  const double factor = factor_of(word, (size_t)(end - word), unit);
  if (factor == 0 || !without_groups(number, text, size) || !lk_number_real(number, &read)) return false;
  *value = read * factor;
  if (factor < 1) *value = read / round(1 / factor); /* 7% is 0.07, which 7 * 0.01 is not */
  return true;
}

const char *lk_number_why_not(const char *text) {
  char *end;
  const char *at = text + (*text == '+' || *text == '-');
  if (*at == '.' && isalpha((unsigned char)at[1])) at++; /* YAML's .inf and .nan */
  bool plain_digits;
  const double value = strtod(at, &end);
  if (end == at || *end != '\0') return "";
  if (!isfinite(value)) return ", which is not finite";
  return value == 0 && is_decimal(text, &plain_digits) && strpbrk(at, "123456789") &&
                 strcspn(at, "123456789") < strcspn(at, "eE")
             ? ", which is too close to 0"
             : "";
}
