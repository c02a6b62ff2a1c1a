/* Fuzzes the readers of word vectors: the first byte selects what is kept, the rest is the file. What is kept is usable, and
 * the counts agree. */
#include "word_vectors.h"

#include <math.h>

#include "fuzz.h"
#include "text.h"

typedef struct seen {
  unsigned bits;
  ptrdiff_t width;
  int64_t offered, kept;
} seen;

static lk_status begin(void *context, ptrdiff_t width) {
  FUZZ_MUST(width >= 1 && width <= LK_VECTOR_WIDTH);
  ((seen *)context)->width = width;
  return LK_OK;
}

static bool wants(void *context, const char *word, size_t size) {
  seen *s = context;
  FUZZ_MUST(s->width > 0 && size >= 1 && size <= LK_VECTOR_WORD && lk_utf8_valid(word, size) == size);
  s->offered++;
  return (s->bits >> (s->offered % 8) & 1) != 0;
}

static lk_status take(void *context, const char *word, size_t size, const float *values) {
  seen *s = context;
  FUZZ_MUST(size >= 1 && word[size - 1] != ' ');
  for (ptrdiff_t i = 0; i < s->width; i++) FUZZ_MUST(isfinite(values[i]));
  s->kept++;
  return LK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char path[512];
  if (!size) return 0;
  if (!path[0]) snprintf(path, sizeof path, "%s", fuzz_path("vectors"));
  seen s = {.bits = data[0]};
  lk_vector_file about;
  fuzz_write(path, data + 1, size - 1);
  if (!fuzz_good(lk_vectors_load(path, &(lk_vector_sink){&s, begin, wants, take}, &about))) return 0;
  FUZZ_MUST(about.width == s.width && about.rows >= 0 && about.rows == s.offered + about.unusable &&
            s.kept <= s.offered);
  return 0;
}
