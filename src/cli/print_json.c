#include "print_json_impl.h"

#include <stdio.h>
#include <stdlib.h>

lk_status lk_cli_print_json(json_t *root, size_t flags) {
  char *text = root ? json_dumps(root, flags) : NULL;
  json_decref(root);
  if (!text) return LK_FAIL(LK_MEMORY, "out of memory for the result");
  puts(text);
  free(text);
  return LK_OK;
}
