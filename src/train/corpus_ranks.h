/* corpus_ranks.h - how all ranks open a corpus together. */
#pragma once
#include "comm.h"
#include "corpus.h"

/** Open `path` on all ranks. Rank 0 verifies the file first; no other rank touches it before that succeeded. Ranks that
 *  find another file there (their host's own copy) then verify it, one rank for each file. At last all compare digests.
 *  The numbers of word vectors stay in the file (vectors_file.h). LK_IO; LK_DATA if a file is damaged, or a rank's
 *  corpus differs from rank 0's. After a failure nothing stays open. Collective. */
LK_CHECKED lk_status lk_corpus_open_ranks(lk_corpus **corpus, lk_comm *comm, const char *path);
/** Half of the memory that is free on this host, divided by the number of ranks on it: what rows of a corpus may take.
 *                                                                                 Collective. */
LK_CHECKED lk_status lk_corpus_memory(lk_comm *comm, size_t *bytes);
