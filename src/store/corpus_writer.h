/* corpus_writer.h - writes a corpus (corpus.h): rows of a bucket are collected and written in chunks.
 *
 * Not collective throughout. */
#pragma once
#include "corpus.h"

typedef struct lk_corpus_writer lk_corpus_writer;
typedef struct lk_corpus_row {
  const int32_t *source; /* [length] with <sos> <eos>, or NULL for frames */
  ptrdiff_t length;
  const int32_t *target; /* [target_length]: a label (1), or one per token (length), or ids with <sos> <eos> */
  ptrdiff_t target_length;
  const float *frames;                 /* [length, D] */
  const void *column[LK_MOST_FURTHER]; /* [length] int32, or [length, width] float, of each further column */
  const char
      *references; /* pairs: accepted targets, TABs between them, or NULL: all rows of a split have them or none */
  size_t references_size;
} lk_corpus_row;

/** Begin a corpus; `path` must outlive the writer. Used of `info`: kind, units, stream, frames, vocabularies, models
 *  and folding. `source`: names and digests of the input files, for the attribute. */
LK_CHECKED lk_status lk_corpus_create(lk_corpus_writer **writer, const char *path, const lk_corpus_info *info,
                                      const char *source);
/** Add a row. It is padded to the length of its bucket: the smallest of 4 6 8 12 16 24 32 48 ... that holds it. */
LK_CHECKED lk_status lk_corpus_add(lk_corpus_writer *writer, lk_split split, const lk_corpus_row *row);
/** column: values [count] of each further column; NULL where there are none. */
LK_CHECKED lk_status lk_corpus_add_stream(lk_corpus_writer *writer, lk_split split, const int32_t *ids,
                                          int32_t *const *column, ptrdiff_t count);
/** Give names to the labels that do not occur in training; at most once. */
LK_CHECKED lk_status lk_corpus_name_unseen(lk_corpus_writer *writer, const lk_strings *unseen);
/** The values of the column LK_FORMS; once, where there is one. */
LK_CHECKED lk_status lk_corpus_name_forms(lk_corpus_writer *writer, const lk_strings *forms);
LK_CHECKED lk_status lk_corpus_commit(lk_corpus_writer *writer);
/** Free it; what was not committed is removed. */
void lk_corpus_discard(lk_corpus_writer **writer);
