/* fuzz.h - what the fuzz targets share: a folder in memory, files in it, and what a call may answer. */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "durable.h"
#include "status.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_MUST(truth)                                   \
  do {                                                     \
    if (!(truth)) fuzz_failed(__FILE__, __LINE__, #truth); \
  } while (0)

_Noreturn static inline void fuzz_failed(const char *file, int line, const char *truth) {
  fprintf(stderr, "%s:%d: not so: %s (last error: %s)\n", file, line, truth, lk_error_get()->text);
  abort();
}

/* A call on bad input may refuse it, in one line of words; our own bugs (70) and half an answer it may not give. */
static inline int fuzz_good(lk_status status) {
  const lk_error error = *lk_error_get();
  lk_error_clear();
  if (status == LK_OK) return 1;
  if (status != LK_DATA && status != LK_NEWER && status != LK_USAGE && status != LK_IO)
    fuzz_failed(error.file, error.line, error.text);
  FUZZ_MUST(error.code == status && error.text[0] && !strchr(error.text, '\n'));
  return 0;
}

/* In a folder of this process; in memory, where fsync costs nothing, if the script says so. */
static inline const char *fuzz_path(const char *name) {
  static char folder[256], path[512];
  const char *given = getenv("FUZZ_FOLDER"); /* from the script that removes it */
  if (!folder[0]) {
    snprintf(folder, sizeof folder, "%s/%ld", given ? given : "/tmp/lockstep-fuzz", (long)getpid());
    FUZZ_MUST(lk_durable_folder(folder) == LK_OK);
  }
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static inline void fuzz_write(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  FUZZ_MUST(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

/* A true digest in front (h5.h): of the bytes after the user block, then the size of the whole. bytes has 8 to spare. */
static inline void fuzz_sign(uint8_t *bytes, size_t size) {
  char hex[33], line[512] = "";
  for (int i = 0; i < 8; i++) bytes[size + (size_t)i] = (uint8_t)(size >> (8 * i));
  lk_digest(bytes + 512, size - 512 + 8, hex);
  snprintf(line, sizeof line, "lockstep xxh3-128 %s %zu\n", hex, size);
  memcpy(bytes, line, sizeof line);
}
