/* prepare_vectors_impl.h - prepare --vectors. Not collective throughout. */
#pragma once
#include "prepare_impl.h"

/** LK_USAGE if --vectors does not suit the kind. */
LK_CHECKED lk_status lk_prepare_check_vectors(const lk_prepare *settings, lk_corpus_kind kind);
/** With --vectors or vectors of --like: preparations before the first pass; */
LK_CHECKED lk_status lk_job_vectors_begin(lk_job *job);
/** note a word of the training part, as it was before folding; */
LK_CHECKED lk_status lk_job_vectors_count(lk_job *job, const char *word, size_t size);
/** when the vocabulary is finished, read the file, and describe the vectors in job->info. LK_DATA. */
LK_CHECKED lk_status lk_job_vectors_take(lk_job *job);
void lk_job_vectors_release(lk_job *job);
