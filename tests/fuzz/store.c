/* Fuzzes the reading of corpora and checkpoints (LK_FUZZ_CHECKPOINT 0 or 1). The first byte selects:
 *
 *   0..127    our own checks behind a valid digest: HDF5 edits a valid file (edit.h). The child that parses files
 *             first is left out, so that the readers themselves must refuse what is wrong.
 *   128..255  the checks made before HDF5 reads a byte: bytes of the file are changed, cut off or added, and the
 *             digest is not updated. None of these files may be accepted. */
#include "h5.h"

#include "base.h"
#include "edit.h"
#include "fuzz.h"

static base_file bases[BASE_CORPORA];
enum { BASES = LK_FUZZ_CHECKPOINT ? 1 : BASE_CORPORA };

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  for (int i = 0; i < BASES; i++) bases[i] = LK_FUZZ_CHECKPOINT ? base_checkpoint() : base_corpus(i);
  lk_h5_probe_program("/nonexistent");
  return 0;
}

static void read_file(const char *path) {
  if (LK_FUZZ_CHECKPOINT)
    base_read_checkpoint(path);
  else
    base_read_corpus(path);
}

/* The first byte selects whether the file is cut off or extended. Then come changes of three bytes each: position (two
 * bytes) and value. */
static void damage(const char *path, const base_file *base, edit_bytes *bytes) {
  uint8_t *spoiled = malloc(base->size + 256);
  size_t size = base->size;
  lk_h5 *file;
  FUZZ_MUST(spoiled != NULL);
  memcpy(spoiled, base->bytes, base->size);
  const unsigned end = edit_byte(bytes);
  if (end % 4 == 1) size -= end / 4 * 16 < size ? end / 4 * 16 : size;
  if (end % 4 == 2) memset(spoiled + size, (int)end, end), size += end;
  if (end % 4 == 3) size = end / 4 * 8; /* near the end of the user block */
  while (bytes->size >= 3) {
    const size_t at = edit_byte(bytes) | (size_t)edit_byte(bytes) << 8;
    const unsigned value = edit_byte(bytes);
    if (at % 3 == 0 && at / 3 < 64) /* the line with the digest is changed more often than its size would suggest */
      spoiled[at / 3] = (uint8_t)value;
    else if (size)
      spoiled[at % size] = (uint8_t)value;
  }
  fuzz_write(path, spoiled, size);
  const int same = size == base->size && memcmp(spoiled, base->bytes, size) == 0;
  const int good = fuzz_good(lk_h5_open(&file, path, true));
  FUZZ_MUST(good == same);
  lk_h5_close(&file);
  free(spoiled);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char path[512];
  edit_bytes bytes = {data, size};
  if (!path[0]) snprintf(path, sizeof path, "%s", fuzz_path("fuzz.h5"));
  const unsigned first = edit_byte(&bytes);
  const base_file *base = &bases[first % BASES];
  if (first >= 128) {
    damage(path, base, &bytes);
    return 0;
  }
  edit_file(path, base->bytes, base->size, &bytes);
  read_file(path);
  return 0;
}
