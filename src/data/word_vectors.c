/* word_vectors.c - tells the forms of vector files apart. */
#include "word_vectors.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "input.h"
#include "text.h"
#include "word_vectors_impl.h"

enum { LOOK = 1 << 20 }; /* bytes that the form is found by */

/* A number of digits alone at *at, which moves behind it; -1: there is none, INT64_MAX: it is larger. */
static int64_t take_whole(const char **at, const char *end) {
  int64_t value = 0;
  const char *begin = *at;
  for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, **at - '0', &value))
      value = INT64_MAX / 10 - 1;
  return *at > begin ? value : -1;
}

/* Whether the first line is "words width", and the bytes of it with its end. */
static bool is_header(const char *text, size_t size, int64_t *words, int64_t *width, size_t *bytes) {
  const char *end = memchr(text, '\n', size < 64 ? size : 64), *at = text;
  if (end == NULL) return false;
  *bytes = (size_t)(end - text) + 1;
  while (end > text && (end[-1] == '\r' || end[-1] == ' ')) end--;
  *words = take_whole(&at, end);
  if (*words < 0 || at == end || (*at != ' ' && *at != '\t')) return false;
  at++;
  *width = take_whole(&at, end);
  return *width >= 0 && at == end;
}

static lk_status check_header(const lk_vector_reader *r, int64_t words, int64_t width) {
  if (words < 1) return LK_FAIL(LK_DATA, "%s:1: the header says that there are no words", r->stream.name);
  if (width < 1 || width > LK_VECTOR_WIDTH)
    return LK_FAIL(LK_DATA, "%s:1: the header says vectors of %lld numbers, expected 1 to %d", r->stream.name,
                   (long long)width, LK_VECTOR_WIDTH);
  return LK_OK;
}

/* Behind a header: text where the next line is a row, or else where there are no control characters, which the bytes of
 * numbers soon have. */
static bool is_text(const char *text, size_t size, ptrdiff_t width) {
  const char *end = memchr(text, '\n', size), *numbers;
  size_t word_size;
  if (end && lk_vector_split(text, (size_t)(end - text), width, &word_size, &numbers)) {
    char *row = strndup(numbers, (size_t)(end - numbers));
    const bool plain = row && lk_vector_plain(row);
    free(row);
    if (plain) return true;
  }
  for (size_t i = 0; i < size; i++)
    if ((unsigned char)text[i] < ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n') return false;
  return true;
}

static lk_status first_row(lk_vector_reader *r, const char *text, size_t size) {
  if (size == 0) return LK_FAIL(LK_DATA, "%s:1: the file is empty", r->stream.name);
  if (lk_input_compressed(text, size))
    return LK_FAIL(LK_DATA, "%s: compressed, and not with gzip: decompress it first", r->stream.name);
  LK_TRY(lk_input_check(text, size, r->stream.name));
  const char *end = memchr(text, '\n', size);
  r->about->width = lk_vector_width(text, end ? (size_t)(end - text) : size);
  if (r->about->width < 1)
    return LK_FAIL(LK_DATA,
                   "%s:1: no word vectors: expected a word and its numbers, all finite, or the header 'words width'",
                   r->stream.name);
  if (r->about->width > LK_VECTOR_WIDTH)
    return LK_FAIL(LK_DATA, "%s:1: %td numbers, expected at most %d", r->stream.name, r->about->width, LK_VECTOR_WIDTH);
  return LK_OK;
}

static lk_status find_form(lk_vector_reader *r) {
  int64_t words, width;
  size_t size, header;
  LK_TRY(lk_byte_stream_fill(&r->stream, LOOK));
  const char *text = lk_byte_stream_ready(&r->stream, &size);
  lk_byte_stream_skip(&r->stream, lk_utf8_mark(text, size));
  text = lk_byte_stream_ready(&r->stream, &size);
  if (!is_header(text, size, &words, &width, &header)) return first_row(r, text, size);
  LK_TRY(check_header(r, words, width));
  r->promised = words;
  r->about->width = (ptrdiff_t)width;
  lk_byte_stream_skip(&r->stream, header);
  text = lk_byte_stream_ready(&r->stream, &size);
  r->about->binary = !is_text(text, size, r->about->width);
  r->number = r->about->binary ? 0 : 1;
  return LK_OK;
}

static lk_status load(lk_vector_reader *r, const char *path) {
  LK_TRY(lk_byte_stream_open(&r->stream, path));
  LK_TRY(find_form(r));
  LK_TRY(lk_alloc(&r->values, (size_t)r->about->width, sizeof *r->values));
  LK_TRY(r->sink->begin(r->sink->context, r->about->width));
  return r->about->binary ? lk_vectors_read_binary(r) : lk_vectors_read_text(r);
}

lk_status lk_vectors_load(const char *path, const lk_vector_sink *sink, lk_vector_file *about) {
  *about = (lk_vector_file){0};
  lk_vector_reader reader = {.sink = sink, .about = about, .promised = -1};
  const lk_status status = load(&reader, path);
  lk_byte_stream_close(&reader.stream);
  free(reader.values);
  return status;
}
