/* base.h - honest files for the fuzz targets to spoil, and readers that take all there is. */
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

/** A small corpus of each kind; LK_CORPUS_KINDS: a stream. The caller keeps the bytes. */
base_file base_corpus(int which);
base_file base_checkpoint(void);

/** Open and read all, checking what reading promises. */
void base_read_corpus(const char *path);
void base_read_checkpoint(const char *path);
