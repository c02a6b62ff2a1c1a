#include <string.h>

#include "format.h"

/* The table of formats: one line each. */
#define FORMATS(X) X(safetensors) X(onnx)

#define DECLARE(name) extern const lk_format lk_format_##name;
#define ADDRESS(name) &lk_format_##name,
FORMATS(DECLARE)
static const lk_format *const formats[] = {FORMATS(ADDRESS)};
enum { COUNT = sizeof formats / sizeof *formats };

const lk_format *lk_format_at(int i) { return i >= 0 && i < COUNT ? formats[i] : NULL; }

static bool ends_with(const char *text, const char *end) {
  const size_t size = strlen(text), tail = strlen(end);
  return size > tail && strcmp(text + size - tail, end) == 0;
}

/* "safetensors, onnx" or ".safetensors, .onnx" */
static lk_status list(lk_buffer *out, bool suffixes) {
  for (int i = 0; i < COUNT; i++)
    LK_TRY(lk_buffer_printf(out, "%s%s", i > 0 ? ", " : "", suffixes ? formats[i]->suffix : formats[i]->name));
  return LK_OK;
}

lk_status lk_format_find(const lk_format **format, const char *name, const char *path) {
  lk_buffer all = {0};
  lk_status status;
  for (int i = 0; i < COUNT; i++) {
    *format = formats[i];
    if (name ? strcmp(name, formats[i]->name) == 0 : ends_with(path, formats[i]->suffix)) return LK_OK;
  }
  LK_GO(list(&all, name == NULL));
  if (name)
    status = LK_FAIL(LK_USAGE, "--format: expected one of %s, found '%.40s'", all.data, name);
  else
    status =
        LK_FAIL(LK_USAGE, "%s: its name does not say the format: expected %s at the end, or --format", path, all.data);
done:
  lk_buffer_release(&all);
  return status;
}
