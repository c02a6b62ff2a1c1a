/* Fuzzes the reader of safetensors files. The input is the header; its size in front and the tensors' bytes behind it, as
 * many as the first two bytes of the input say, are added here, except where the first is 255: then the input is the file.
 *
 * What is accepted has tensors that lie one after another in the file, and fill it. */
#include "format.h"

#include "fuzz.h"

extern const lk_format lk_format_safetensors;

static void make_file(lk_buffer *file, const uint8_t *data, size_t size) {
  static const char zeros[256];
  const uint64_t header = size - 2;
  if (data[0] == 255) {
    FUZZ_MUST(lk_buffer_append(file, (const char *)data, size) == LK_OK);
    return;
  }
  FUZZ_MUST(lk_buffer_append(file, (const char *)&header, sizeof header) == LK_OK);
  FUZZ_MUST(lk_buffer_append(file, (const char *)data + 2, size - 2) == LK_OK);
  for (unsigned left = data[0] * 256u + data[1], some; left > 0; left -= some) {
    some = left < sizeof zeros ? left : (unsigned)sizeof zeros;
    FUZZ_MUST(lk_buffer_append(file, zeros, some) == LK_OK);
  }
}

/* The sum of the tensors' sizes; each lies in the file and can be read as numbers or is refused. */
static size_t check_tensors(const lk_outside *outside) {
  size_t sum = 0;
  for (int i = 0; i < outside->tensors; i++) {
    const lk_outside_tensor *t = &outside->tensor[i];
    const size_t bytes = (size_t)t->count * lk_element_size(t->element);
    const char *begin = outside->file.data, *end = begin + outside->file.size, *at = t->data;
    FUZZ_MUST(t->count >= 0 && at >= begin && at <= end && bytes <= (size_t)(end - at));
    float *values = malloc((size_t)t->count * sizeof *values + 1);
    FUZZ_MUST(values != NULL);
    (void)fuzz_good(lk_outside_floats(t, "fuzz", values));
    free(values);
    sum += bytes;
  }
  return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lk_outside outside = {0};
  if (size < 2) return 0;
  make_file(&outside.file, data, size);
  if (fuzz_good(lk_format_safetensors.read(&outside, "fuzz.safetensors"))) {
    uint64_t header;
    memcpy(&header, outside.file.data, sizeof header);
    FUZZ_MUST(check_tensors(&outside) == outside.file.size - sizeof header - header);
  }
  lk_outside_release(&outside);
  return 0;
}
