#include <stdlib.h>
#include <string.h>

#include "json_impl.h"

/* Values begin at brackets and commas outside of strings. */
static size_t count_values(const char *text, size_t size) {
  size_t values = 1;
  bool inside = false;
  for (size_t i = 0; i < size; i++) {
    const char c = text[i];
    if (inside && c == '\\') i++;
    if (c == '"') inside = !inside;
    if (!inside && (c == ',' || c == '[' || c == '{')) values++;
  }
  return values;
}

lk_status lk_json_parse(json_t **json, const char *text, size_t size, size_t most, const char *what) {
  json_error_t error;
  const size_t values = count_values(text, size);
  *json = NULL;
  if (values > most) return LK_FAIL(LK_DATA, "%s: more than %zu values", what, most);
  *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
  if (*json) return LK_OK;
  if (json_error_code(&error) == json_error_out_of_memory) return LK_FAIL(LK_MEMORY, "%s: out of memory", what);
  char quoted[256];
  lk_quote(quoted, error.text, lk_utf8_valid(error.text, strlen(error.text)));
  const int inside = (int)strlen(quoted) - 2; /* jansson quotes what it found itself */
  return LK_FAIL(LK_DATA, "%s: not JSON: byte %d: %.*s", what, error.position, inside, quoted + 1);
}

lk_status lk_json_print(json_t *json, lk_buffer *out) {
  char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
  json_decref(json);
  const lk_status status =
      text ? lk_buffer_append(out, text, strlen(text)) : LK_FAIL(LK_MEMORY, "out of memory for a text of JSON");
  free(text);
  return status;
}
