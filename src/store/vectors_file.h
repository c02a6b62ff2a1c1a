/* vectors_file.h - numbers of word vectors that stay in their file until there is a place for them.
 *
 * lk_corpus_open() and lk_checkpoint_open() read them to memory of this process. But the ranks of a host need them only
 * once: they open files with the functions here, which leave info->vectors.values NULL, and then read the numbers to
 * memory that they share (infer/vectors_ranks.h), or not at all if nothing needs them. Not collective throughout. */
#pragma once
#include "checkpoint.h"
#include "h5.h"

/* Valid as long as the file is open. */
typedef struct lk_vectors_file {
  const lk_h5 *file;
  lk_corpus_info *info;
} lk_vectors_file;

/** As lk_corpus_open() and lk_checkpoint_open(), without the numbers. */
LK_CHECKED lk_status lk_corpus_open_lean(lk_corpus **corpus, const char *path, bool verify);
LK_CHECKED lk_status lk_checkpoint_open_lean(lk_checkpoint_file **file, const char *path);
lk_vectors_file lk_corpus_vectors(lk_corpus *corpus);
lk_vectors_file lk_checkpoint_vectors(lk_checkpoint_file *file);

/** Bytes of the numbers that are still in the file, as floats; 0: there are none, or they were read. */
size_t lk_vectors_waiting(lk_vectors_file from);
/** Copy them to memory. LK_IO, LK_DATA; LK_NEWER as lk_corpus_open(). */
LK_CHECKED lk_status lk_vectors_copy(lk_vectors_file from, float *to);
/** Where they are from now on. info owns this memory: allocated, or where mapped > 0 a mapping of so many bytes. */
void lk_vectors_keep(lk_vectors_file from, float *values, size_t mapped);
/** Read them to allocated memory, if they wait. LK_MEMORY and what lk_vectors_copy() returns. */
LK_CHECKED lk_status lk_vectors_fetch(lk_vectors_file from);
