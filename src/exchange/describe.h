/* describe.h - what a model knows of its corpus, as texts and tensors of a file.
 *
 *   "corpus"              JSON: kind, unit, how text is folded, further columns with their values, scheme of tags
 *   "vocabulary" ...      JSON: lists of strings; the id of a word is its place
 *   "counts"              JSON: for each of these lists how often each string was seen in training
 *   vectors.values        F32 [rows, width] word vectors that were not trained; vectors.source I32, their rows by id
 *   tokenizer.source      U8, the bytes of a SentencePiece model; tokenizer.target
 *
 * Not collective throughout. */
#pragma once
#include "corpus.h"
#include "outside.h"

/** Add them all. LK_MEMORY. */
LK_CHECKED lk_status lk_describe_corpus(lk_outside *outside, const lk_corpus_info *info);
/** Whether these texts and tensors are there. */
bool lk_describes_corpus(const lk_outside *outside);
/** Read them. The claims of the texts are checked as far as writing a checkpoint needs it; reading that checkpoint
 *  checks the rest. *info must be released by lk_info_release(), also after a failure. LK_DATA, LK_MEMORY. */
LK_CHECKED lk_status lk_describe_read(const lk_outside *outside, const char *path, lk_corpus_info *info);
