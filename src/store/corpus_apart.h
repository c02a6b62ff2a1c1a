/* corpus_apart.h - a second reader of a corpus, for a thread that reads ahead (h5_apart.h). */
#pragma once
#include "corpus.h"

/** Create a reader of one split for a thread of its own. The thread may call lk_corpus_rows() without lengths,
 *  lk_corpus_read_column(), lk_corpus_stream() and lk_corpus_stream_column(), while another uses `corpus`, and
 *  lk_corpus_close(). `corpus` must stay open. LK_DATA, LK_IO, LK_MEMORY.         Not collective. */
LK_CHECKED lk_status lk_corpus_apart(lk_corpus **apart, const lk_corpus *corpus, lk_split split);
/** LK_DATA if the file was changed since it was opened; LK_IO.                     Not collective. */
LK_CHECKED lk_status lk_corpus_check_same(const lk_corpus *apart);
/** How many rows of a bucket lie in the file as one piece: reading one of them reads all. Not collective. */
ptrdiff_t lk_corpus_piece(const lk_corpus *apart, lk_split split, int bucket);
/** Bytes that the reader needs besides the memory that it reads to.               Not collective. */
size_t lk_corpus_apart_bytes(const lk_corpus *apart);
