/* word_vectors_text.c - word vectors as text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "word_vectors_impl.h"

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Of numbers in digits; "nan", "inf" and hexadecimal ones have other characters. */
static bool is_numeric(char c) {
  return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

/* The end of the line without trailing blanks. */
static const char *trimmed_end(const char *line, size_t size) {
  const char *end = line + size;
  while (end > line && (is_blank(end[-1]) || end[-1] == '\r')) end--;
  return end;
}

/* The beginning of the field that ends at `end`. */
static const char *field_begin(const char *line, const char *end) {
  while (end > line && !is_blank(end[-1])) end--;
  return end;
}

static const char *blanks_begin(const char *line, const char *at) {
  while (at > line && is_blank(at[-1])) at--;
  return at;
}

bool lk_vector_split(const char *line, size_t size, ptrdiff_t width, size_t *word_size, const char **numbers) {
  const char *at = trimmed_end(line, size), *field = at;
  for (ptrdiff_t i = 0; i < width; i++) {
    field = field_begin(line, at);
    at = blanks_begin(line, field);
    if (at == line) return false;
  }
  *word_size = (size_t)(at - line);
  *numbers = field;
  return true;
}

static ptrdiff_t count_fields(const char *line, size_t size) {
  ptrdiff_t fields = 0;
  for (const char *at = trimmed_end(line, size); at > line; fields++) at = blanks_begin(line, field_begin(line, at));
  return fields;
}

/* The number in a field, which ends with a blank or a NUL; false where it is none, or not finite. */
static bool parse_number(const char *field, const char *end, float *value) {
  char *behind;
  for (const char *c = field; c < end; c++)
    if (!is_numeric(*c)) return false;
  *value = strtof(field, &behind);
  return behind == end && isfinite(*value);
}

static const char *field_end(const char *at) {
  while (*at && !is_blank(*at) && *at != '\r') at++;
  return at;
}

static const char *next_field(const char *at) {
  while (is_blank(*at) || *at == '\r') at++;
  return at;
}

ptrdiff_t lk_vector_width(const char *line, size_t size) {
  const ptrdiff_t fields = count_fields(line, size);
  const char *at = trimmed_end(line, size);
  ptrdiff_t width = 0;
  while (width < fields - 1) {
    const char *field = field_begin(line, at);
    bool numeric = at - field < 64;
    for (const char *c = field; numeric && c < at; c++) numeric = is_numeric(*c);
    if (!numeric) break;
    width++;
    at = blanks_begin(line, field);
  }
  return width;
}

bool lk_vector_plain(const char *numbers) {
  for (; *numbers; numbers++)
    if (!is_numeric(*numbers) && !is_blank(*numbers) && *numbers != '\r') return false;
  return true;
}

static lk_status not_a_number(const lk_vector_reader *r, ptrdiff_t index, const char *field) {
  char quoted[256];
  return LK_FAIL(LK_DATA, "%s:%lld: number %td is %s, expected a finite decimal number", r->stream.name,
                 (long long)r->number, index + 1, lk_quote(quoted, field, (size_t)(field_end(field) - field)));
}

/* The numbers of a row; `values` NULL: only look for fields that cannot be numbers. */
static lk_status take_numbers(const lk_vector_reader *r, const char *at, float *values) {
  float ignored;
  if (!values && lk_vector_plain(at)) return LK_OK;
  for (ptrdiff_t i = 0; i < r->about->width; i++) {
    const char *end = field_end(at);
    if (!parse_number(at, end, values ? &values[i] : &ignored)) return not_a_number(r, i, at);
    at = next_field(end);
  }
  return LK_OK;
}

static lk_status wrong_width(const lk_vector_reader *r, ptrdiff_t found) {
  return LK_FAIL(LK_DATA, "%s:%lld: %td number%s behind the word, expected %td as %s%s", r->stream.name,
                 (long long)r->number, found, lk_plural(found), r->about->width,
                 r->promised >= 0 ? "the header says" : "in line 1",
                 r->stream.over && r->stream.begin == r->stream.end ? "; the file ends here: it may be cut off" : "");
}

/* More fields than the width: the word has blanks inside, or the row has too many numbers. */
static lk_status check_word(const lk_vector_reader *r, const char *line, size_t size) {
  const char *end = line + size, *field = field_begin(line, end);
  float ignored;
  if (field == line || memchr(field, '.', (size_t)(end - field)) == NULL || !parse_number(field, end, &ignored))
    return LK_OK;
  return wrong_width(r, r->about->width + lk_vector_width(line, size));
}

static lk_status take_row(lk_vector_reader *r, char *line, size_t size) {
  size_t word_size;
  const char *numbers;
  if (size > LK_VECTOR_LINE)
    return LK_FAIL(LK_DATA, "%s:%lld: a line of more than %zu bytes: no word vectors", r->stream.name,
                   (long long)r->number, LK_VECTOR_LINE);
  if (!lk_vector_split(line, size, r->about->width, &word_size, &numbers)) {
    const ptrdiff_t fields = count_fields(line, size);
    return wrong_width(r, fields > 0 ? fields - 1 : 0);
  }
  LK_TRY(check_word(r, line, word_size));
  const bool wanted = lk_vector_wanted(r, line, word_size);
  LK_TRY(take_numbers(r, numbers, wanted ? r->values : NULL));
  return wanted ? r->sink->take(r->sink->context, line, word_size, r->values) : LK_OK;
}

lk_status lk_vectors_read_text(lk_vector_reader *r) {
  char *line;
  size_t size;
  for (;;) {
    LK_TRY(lk_byte_stream_line(&r->stream, LK_VECTOR_LINE, &line, &size));
    if (line == NULL) break;
    r->number++;
    if (trimmed_end(line, size) == line) continue; /* an empty line, as at the end of some files */
    if (r->promised >= 0 && r->about->rows == r->promised)
      return LK_FAIL(LK_DATA, "%s:%lld: more rows than the %lld word%s that the header says", r->stream.name,
                     (long long)r->number, (long long)r->promised, lk_plural(r->promised));
    LK_TRY(take_row(r, line, size));
  }
  if (r->promised < 0 || r->about->rows == r->promised) return LK_OK;
  return LK_FAIL(LK_DATA, "%s:%lld: the file ends after %lld row%s, but its header says %lld word%s: it may be cut off",
                 r->stream.name, (long long)r->number, (long long)r->about->rows, lk_plural(r->about->rows),
                 (long long)r->promised, lk_plural(r->promised));
}
