/* Fuzzes configurations: YAML text, or after a leading byte 1 lines of key.path=value. An accepted configuration
 * must be printable, and the printed text must be accepted and print the same again. */
#include "config.h"

#include "fuzz.h"

static void round_trip(const lk_config *config) {
  lk_buffer first = {0}, second = {0};
  lk_config again;
  FUZZ_MUST(lk_config_print(config, &first) == LK_OK);
  FUZZ_MUST(lk_config_init(&again) == LK_OK);
  FUZZ_MUST(lk_config_parse(&again, first.data, first.size, "printed.yaml") == LK_OK);
  FUZZ_MUST(lk_config_print(&again, &second) == LK_OK);
  FUZZ_MUST(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
  lk_buffer_release(&first);
  lk_buffer_release(&second);
  lk_config_release(&again);
}

static lk_status assign(lk_config *config, const char *text) {
  lk_status status = LK_OK;
  char *copy = strdup(text), *rest = copy;
  FUZZ_MUST(copy != NULL);
  for (const char *line = strsep(&rest, "\n"); line && status == LK_OK; line = strsep(&rest, "\n"))
    status = lk_config_override(config, line);
  free(copy);
  return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lk_config config;
  char *text = calloc(size + 1, 1);
  FUZZ_MUST(text && lk_config_init(&config) == LK_OK);
  if (size) memcpy(text, data, size);
  const int lines = size && text[0] == 1;
  const lk_status status = lines ? assign(&config, text + 1) : lk_config_parse(&config, text, size, "fuzz.yaml");
  if (fuzz_good(status)) round_trip(&config);
  lk_config_release(&config);
  free(text);
  return 0;
}
