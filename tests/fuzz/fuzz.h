/* fuzz.h - shared by the fuzz targets: a temporary folder, files in it, and which statuses are acceptable. */
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

/* A call on bad input may fail with a one-line message, but neither with an internal error (exit code 70) nor with a
 * status that differs from the recorded one. */
static inline int fuzz_good(lk_status status) {
  const lk_error error = *lk_error_get();
  lk_error_clear();
  if (status == LK_OK) return 1;
  if (status != LK_DATA && status != LK_NEWER && status != LK_USAGE && status != LK_IO)
    fuzz_failed(error.file, error.line, error.text);
  FUZZ_MUST(error.code == status && error.text[0] && !strchr(error.text, '\n'));
  return 0;
}

/* Path in a folder of this process; the script puts it in memory, where fsync is cheap. */
static inline const char *fuzz_path(const char *name) {
  static char folder[256], path[512];
  const char *given = getenv("FUZZ_FOLDER"); /* set by the script, which removes the folder */
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

/* Put a valid digest into the user block (h5.h): of the bytes after it, then the size of the file. bytes has room
 * for 8 more. */
static inline void fuzz_sign(uint8_t *bytes, size_t size) {
  char hex[33], line[512] = "";
  for (int i = 0; i < 8; i++) bytes[size + (size_t)i] = (uint8_t)(size >> (8 * i));
  lk_digest(bytes + 512, size - 512 + 8, hex);
  snprintf(line, sizeof line, "lockstep xxh3-128 %s %zu\n", hex, size);
  memcpy(bytes, line, sizeof line);
}
