/* flips.c - flip bits of a corpus or checkpoint, or cut it short: opening it must fail each time, as bad data.
 *
 *   fault_flips FILE.h5 COUNT SEED     works on a copy, FILE.h5.flipped; exit code 0 where all were refused */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "corpus.h"
#include "durable.h"

static char copy[4096];
static int is_corpus;

static lk_status open_copy(void) {
  lk_status status;
  lk_corpus *corpus = NULL;
  lk_checkpoint_file *checkpoint = NULL;
  if (is_corpus) {
    status = lk_corpus_open(&corpus, copy, true);
    lk_corpus_close(&corpus);
  } else {
    status = lk_checkpoint_open(&checkpoint, copy);
    lk_checkpoint_close(&checkpoint);
  }
  return status;
}

/* Refused, with one line that names the file. */
static int refused(const char *what, long at) {
  const lk_status status = open_copy();
  const int well = status == LK_DATA && strstr(lk_error_get()->text, copy) && !strchr(lk_error_get()->text, '\n');
  if (!well) printf("%s at %ld: status %d: %s\n", what, at, (int)status, lk_error_get()->text);
  lk_error_clear();
  return well;
}

static int flip(int fd, uint64_t bit) {
  unsigned char byte;
  const off_t at = (off_t)(bit / 8);
  if (pread(fd, &byte, 1, at) != 1) return -1;
  byte = (unsigned char)(byte ^ 1u << bit % 8);
  return pwrite(fd, &byte, 1, at) == 1 ? 0 : -1;
}

static int flips(int fd, size_t size, long count, uint64_t seed) {
  uint64_t random = seed;
  long good = 0;
  for (long i = 0; i < count; i++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const uint64_t bit = (random >> 11) % (8 * (uint64_t)size);
    if (flip(fd, bit)) return 1;
    good += refused("flip of bit", (long)bit);
    if (flip(fd, bit)) return 1;
  }
  printf("%s: %ld of %ld bit flips refused\n", copy, good, count);
  return good != count;
}

static int cuts(size_t size) {
  long count = 0, good = 0;
  for (size_t at = (size - 1) / 4096 * 4096;; at -= 4096) { /* from the end: the file gets shorter each time */
    if (truncate(copy, (off_t)at)) return 1;
    good += refused("cut", (long)at);
    count++;
    if (at == 0) break;
  }
  printf("%s: %ld of %ld truncations refused\n", copy, good, count);
  return good != count;
}

int main(int argc, char **argv) {
  if (argc != 4) return 64;
  lk_buffer file = {0};
  snprintf(copy, sizeof copy, "%s.flipped", argv[1]);
  if (lk_buffer_read_file(&file, argv[1]) != LK_OK || lk_durable_write(copy, file.data, file.size) != LK_OK) return 74;
  is_corpus = open_copy() != LK_OK;
  lk_error_clear();
  int code = open_copy() != LK_OK; /* the unchanged copy opens */
  const int fd = open(copy, O_RDWR | O_CLOEXEC);
  if (fd < 0) return 74;
  code |= flips(fd, file.size, strtol(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
  code |= open_copy() != LK_OK;
  code |= cuts(file.size);
  close(fd);
  unlink(copy);
  lk_buffer_release(&file);
  return code;
}
