/* The limit on what a compressed file may become. */
#include "input_impl.h"

lk_status lk_unpack_put(lk_unpack *unpack, const char *bytes, size_t size) {
  const uint64_t room = LK_INPUT_ROOM;
  const uint64_t most = unpack->size > room / LK_INPUT_EXPANDS ? unpack->size * LK_INPUT_EXPANDS : room;
  unpack->done += size;
  if (unpack->done <= most) return unpack->put(unpack->context, bytes, size);
  return LK_FAIL(LK_DATA,
                 "%s: its %zu bytes become more than %zu MiB (the limit is %d times their size, at least %zu MiB): "
                 "decompress it yourself where that is meant",
                 unpack->name, (size_t)unpack->size, (size_t)(most >> 20), LK_INPUT_EXPANDS, LK_INPUT_ROOM >> 20);
}
