/* column_casing.c - the feature `casing`: lower case, capitalized, upper case, mixed, digits, or other. */
#include "word_column.h"

enum { OTHER, LOWER, CAPITALIZED, UPPER, MIXED, DIGITS };
static const char *const values[] = {"other", "lower", "capitalized", "upper", "mixed", "digits", NULL};

/* Letters without case, combining marks and punctuation are ignored; a single capital letter, as in "I", counts as
 * capitalized. */
static int32_t casing_of(const char *text, size_t size) {
  size_t lower = 0, upper = 0, digits = 0;
  bool first = false; /* the first letter that has a case is a capital */
  for (size_t at = 0, bytes; at < size; at += bytes) {
    bytes = lk_utf8_next(text + at, size - at);
    const lk_character c = lk_utf8_character(text + at, bytes);
    if (c == LK_CHARACTER_UPPER && lower + upper == 0) first = true;
    lower += c == LK_CHARACTER_LOWER;
    upper += c == LK_CHARACTER_UPPER;
    digits += c == LK_CHARACTER_DIGIT;
  }
  if (lower + upper == 0) return digits > 0 ? DIGITS : OTHER;
  if (digits > 0) return MIXED;
  if (upper == 0) return LOWER;
  if (first && upper == 1) return CAPITALIZED;
  return lower == 0 ? UPPER : MIXED;
}

static lk_status value(lk_word_lookup *lookup, const char *text, size_t size, int32_t *value) {
  (void)lookup;
  *value = casing_of(text, size);
  return LK_OK;
}

const lk_word_column lk_word_column_casing = {.name = "casing", .values = values, .value = value};
