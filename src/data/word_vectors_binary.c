/* word_vectors_binary.c - word vectors as word2vec writes them with -binary 1. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text.h"
#include "word_vectors_impl.h"

enum { LONGEST = 4096 }; /* bytes of a word; more are no word */

static lk_status fail_at(const lk_vector_reader *r, const char *what) {
  return LK_FAIL(LK_DATA, "%s: record %lld (byte %llu): %s", r->stream.name, (long long)r->number,
                 (unsigned long long)r->stream.offset, what);
}

static lk_status cut_off(const lk_vector_reader *r) {
  return LK_FAIL(
      LK_DATA,
      "%s: record %lld (byte %llu): the file ends here, but its header says %lld words of %td numbers: it is "
      "cut off",
      r->stream.name, (long long)r->number, (unsigned long long)r->stream.offset, (long long)r->promised,
      r->about->width);
}

static lk_status check_numbers(const lk_vector_reader *r, const char *word, size_t size) {
  char quoted[256], what[400];
  for (ptrdiff_t i = 0; i < r->about->width; i++) {
    if (isfinite(r->values[i])) continue;
    const size_t valid = lk_utf8_valid(word, size);
    (void)snprintf(what, sizeof what, "number %td of %s is %s, expected a finite number", i + 1,
                   lk_quote(quoted, word, valid), isnan(r->values[i]) ? "NaN" : "infinite");
    return fail_at(r, what);
  }
  return LK_OK;
}

static lk_status take_record(lk_vector_reader *r) {
  const size_t bytes = (size_t)r->about->width * sizeof *r->values;
  size_t ready;
  LK_TRY(lk_byte_stream_fill(&r->stream, LONGEST + 2 + bytes));
  const char *text = lk_byte_stream_ready(&r->stream, &ready);
  if (ready > 0 && *text == '\n') lk_byte_stream_skip(&r->stream, 1); /* the end of the record before it */
  text = lk_byte_stream_ready(&r->stream, &ready);
  const char *end = memchr(text, ' ', ready < LONGEST ? ready : LONGEST);
  if (end == NULL && ready >= LONGEST) return fail_at(r, "no blank in 4096 bytes, expected one behind the word");
  if (end == NULL || ready - (size_t)(end + 1 - text) < bytes) return cut_off(r);
  const size_t size = (size_t)(end - text);
  memcpy(r->values, end + 1, bytes);
  LK_TRY(check_numbers(r, text, size));
  if (lk_vector_wanted(r, text, size)) LK_TRY(r->sink->take(r->sink->context, text, size, r->values));
  lk_byte_stream_skip(&r->stream, size + 1 + bytes);
  return LK_OK;
}

lk_status lk_vectors_read_binary(lk_vector_reader *r) {
  size_t ready;
  while (r->about->rows < r->promised) {
    r->number++;
    LK_TRY(take_record(r));
  }
  r->number++;
  LK_TRY(lk_byte_stream_fill(&r->stream, 2));
  const char *text = lk_byte_stream_ready(&r->stream, &ready);
  const size_t line_end = ready > 0 && *text == '\n';
  lk_byte_stream_skip(&r->stream, line_end);
  return ready > line_end ? fail_at(r, "bytes behind the last word that the header says") : LK_OK;
}
