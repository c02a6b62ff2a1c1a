/* corpus_impl.h - the description and vocabularies of a corpus, which corpora and checkpoints both hold. */
#pragma once
#include "corpus.h"

#define LK_CORPUS_VERSION 1
#define LK_CORPUS_FORMAT  "lockstep-corpus"

/** Vocabularies as /vocab/<name> and /vocab/<name>_count. LK_IO. */
LK_CHECKED lk_status lk_vocab_write(lk_h5 *file, const lk_corpus_info *info);
/** Read the vocabularies and check them: their sizes and special units, which code that indexes by id relies on.
 *  info->kind must be set. LK_DATA. */
LK_CHECKED lk_status lk_vocab_read(const lk_h5 *file, lk_corpus_info *info);

/** kind, unit, frames, stream, lower, nfc and max_length as attributes of `object`. */
LK_CHECKED lk_status lk_info_write(lk_h5 *file, const char *object, const lk_corpus_info *info);
LK_CHECKED lk_status lk_info_read(const lk_h5 *file, const char *object, lk_corpus_info *info);

/** LK_DATA if attribute `format` of / is not `format` ("... is no <what>"), or `version` is not that of a known format;
 *  LK_NEWER if it is above `version`. Newer formats must keep the digest line, the superblock and these two attributes,
 *  so that older programs can distinguish them from damaged files. */
LK_CHECKED lk_status lk_format_check(const lk_h5 *file, const char *format, const char *what, int64_t version);

/** Convert the status of a failure to understand what an intact file says. LK_USAGE and LK_DATA become LK_DATA, or, if
 *  a newer version of the program wrote the file (attribute created_by), LK_NEWER followed by the failure's message.
 *  Others stay. */
LK_CHECKED lk_status lk_not_understood(const lk_h5 *file, lk_status status);

/** LK_NEWER where the file claims a newer version of one of our formats, else LK_OK. */
LK_CHECKED lk_status lk_format_newer(const lk_h5 *file);

/** Whether rows carry ids rather than frames, and a second sequence of ids, or labels. */
static inline bool lk_kind_has_ids(lk_corpus_kind kind) { return kind != LK_CORPUS_FRAMES; }
static inline bool lk_kind_has_label(lk_corpus_kind kind) {
  return kind == LK_CORPUS_CLASSIFY || kind == LK_CORPUS_LABEL || kind == LK_CORPUS_FRAMES;
}
/** Columns of /split/len_N/target: none, one for each row, or one for each position. */
static inline int lk_kind_target_axes(lk_corpus_kind kind) {
  if (kind == LK_CORPUS_TEXT) return 0;
  return kind == LK_CORPUS_LABEL || kind == LK_CORPUS_PAIRS ? 2 : 1;
}
/** Positions of a row that are not words: <sos> and <eos>. */
static inline ptrdiff_t lk_kind_frame(lk_corpus_kind kind) { return lk_kind_has_ids(kind) ? 2 : 0; }

/** Word vectors as /vectors; nothing where there are none. values: also their numbers. deflate: see lk_h5_write(). */
LK_CHECKED lk_status lk_vectors_write(lk_h5 *file, const lk_corpus_info *info, bool values, int deflate);
/** Read and check them, but for their numbers (vectors_file.h); /vocab/source must have been read. LK_DATA. */
LK_CHECKED lk_status lk_vectors_open(const lk_h5 *file, lk_corpus_info *info);
void lk_vectors_release(lk_corpus_info *info);
/** A copy of `info` without them and their column. */
lk_corpus_info lk_vectors_leave(const lk_corpus_info *info);

/** Further columns from attribute "columns" of an object, after kind and stream; their vocabularies come later.
 *  LK_DATA. */
LK_CHECKED lk_status lk_column_forms_read(const lk_h5 *file, const char *object, lk_corpus_info *info);
