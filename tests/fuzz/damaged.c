/* Any bytes of an honest file changed, and a true digest in front: files that are made to crash HDF5. The child that looks
 * first may die of it, as libhdf5 1.10 does now and then; this process may not. What the child found good is read here,
 * with AddressSanitizer watching: a crash means that the child did not look at something that reading makes HDF5 parse. */
#include "base.h"
#include "edit.h"
#include "fuzz.h"

static base_file bases[BASE_CORPORA + 1];

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  for (int i = 0; i < BASE_CORPORA; i++) bases[i] = base_corpus(i);
  bases[BASE_CORPORA] = base_checkpoint();
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char path[512];
  edit_bytes bytes = {data, size};
  if (!path[0]) snprintf(path, sizeof path, "%s", fuzz_path("fuzz.h5"));
  const unsigned which = edit_byte(&bytes) % (BASE_CORPORA + 1);
  const base_file *base = &bases[which];
  uint8_t *spoiled = malloc(base->size + 8);
  FUZZ_MUST(spoiled != NULL);
  memcpy(spoiled, base->bytes, base->size);
  while (bytes.size >= 3) { /* by far most of HDF5's own is in the first and last few KiB, where `at` gets at it */
    const size_t at = edit_byte(&bytes) | (size_t)edit_byte(&bytes) << 8;
    const uint8_t value = (uint8_t)edit_byte(&bytes);
    spoiled[512 + at % (base->size - 512)] = value;
  }
  fuzz_sign(spoiled, base->size);
  fuzz_write(path, spoiled, base->size);
  if (which == BASE_CORPORA)
    base_read_checkpoint(path);
  else
    base_read_corpus(path);
  free(spoiled);
  return 0;
}
