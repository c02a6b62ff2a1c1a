/* prepare_columns_impl.h - the further columns of a corpus that is prepared, made of the words' texts (word_column.h), and
 * the vocabulary of characters. Every function: Not collective. */
#pragma once
#include "prepare_impl.h"

/** LK_USAGE if --feature does not suit the kind, or if there is no feature of that name. */
LK_CHECKED lk_status lk_prepare_check_columns(const lk_prepare *settings, lk_corpus_kind kind);
/** Add the column LK_FORMS to the features where it is wanted. */
void lk_prepare_add_forms(lk_prepare *settings, lk_corpus_kind kind);
/** Describe the further columns in job->info. */
LK_CHECKED lk_status lk_job_columns_begin(lk_job *job);
/** Make room for a row of `length` positions in *row; all are set to the first value. */
LK_CHECKED lk_status lk_job_columns_row(lk_job *job, ptrdiff_t length, lk_corpus_row *row);
/** Set the values of a word, from its text before folding. LK_MEMORY. */
LK_CHECKED lk_status lk_job_columns_put(lk_job *job, ptrdiff_t position, const char *word, size_t size);
/** The same for the words of a text before folding, at positions [begin, end). Folding changes words but not word
 *  boundaries, so word n before folding corresponds to word n after it. */
LK_CHECKED lk_status lk_job_columns_put_text(lk_job *job, ptrdiff_t begin, ptrdiff_t end, const char *text,
                                             size_t size);
/** Running text: make room for positions [begin, end); all are set to the first value. */
LK_CHECKED lk_status lk_job_columns_stretch(lk_job *job, ptrdiff_t begin, ptrdiff_t end);
/** In the pass that counts: a word of the training part, or the words of a text, before folding. */
LK_CHECKED lk_status lk_job_columns_count(lk_job *job, const char *word, size_t size);
LK_CHECKED lk_status lk_job_columns_count_text(lk_job *job, const char *text, size_t size);
/** When all is counted: the vocabulary of characters. */
LK_CHECKED lk_status lk_job_columns_finish(lk_job *job);
