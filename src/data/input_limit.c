/* The limit on what a compressed file may become. */
#include "input_impl.h"

lk_status lk_input_too_large(const char *name, size_t size, size_t most) {
  return LK_FAIL(LK_DATA,
                 "%s: its %zu bytes become more than %zu MiB (the limit is %d times their size, at least %zu MiB): "
                 "decompress it yourself where that is meant",
                 name, size, most >> 20, LK_INPUT_EXPANDS, LK_INPUT_ROOM >> 20);
}
