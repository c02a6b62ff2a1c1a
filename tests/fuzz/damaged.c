/* Changes arbitrary bytes of a valid file and recomputes the digest, which gives files that can crash HDF5. The
 * child process that parses the file first may crash, as happens with libhdf5 1.10; this process must not. Files
 * that the child accepts are read here under AddressSanitizer: a crash means that the child did not check something
 * that HDF5 parses when the file is read. */
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
  /* nearly all HDF5 metadata is in the first and last few KiB, which a 16-bit `at` can reach */
  while (bytes.size >= 3) {
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
