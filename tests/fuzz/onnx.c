/* Fuzzes the reader of ONNX files: the tensors that it finds fit their shapes, and none holds more than the file. */
#include "onnx_read_impl.h"

#include "arena.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lk_outside outside = {0};
  FUZZ_MUST(lk_buffer_append(&outside.file, (const char *)data, size) == LK_OK);
  if (fuzz_good(lk_onnx_read(&outside, "fuzz.onnx")))
    for (int i = 0; i < outside.tensors; i++) {
      const lk_outside_tensor *t = &outside.tensor[i];
      ptrdiff_t count = 1;
      for (int d = 0; d < t->dims; d++) count *= t->shape[d];
      FUZZ_MUST(count == t->count && (size_t)t->count <= 4 * size + 4096 && t->name[0]);
    }
  lk_outside_release(&outside);
  return 0;
}
