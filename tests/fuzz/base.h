/* base.h - valid files as starting points for the fuzz targets, and functions that read everything in a file. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "checkpoint.h"

typedef struct base_file {
  uint8_t *bytes;
  size_t size;
} base_file;

enum { BASE_TENSORS = 3, BASE_REALS = 23, BASE_CORPORA = LK_CORPUS_KINDS + 1 };
extern const lk_tensor base_tensors[BASE_TENSORS];

/** A small corpus of each kind; LK_CORPUS_KINDS: a running text. The caller owns the bytes. */
base_file base_corpus(int which);
base_file base_checkpoint(void);

/** Open the file and read all of it, checking the guarantees that the reading functions give. */
void base_read_corpus(const char *path);
void base_read_checkpoint(const char *path);
