/* corpus_ranks.h - the one way in which ranks open a corpus together. */
#pragma once
#include "comm.h"
#include "corpus.h"

/** Open `path` on all ranks. Rank 0 verifies the file first, and nobody else touches it before that was agreed on. Of the
 *  other ranks those that find another file there (their host's own copy) verify theirs too, one rank for each file; the
 *  rest relies on that. Then all compare digests. LK_IO; LK_DATA where a file is damaged, or where a rank's is another
 *  corpus than rank 0's. What was opened is closed again where it fails.          Collective. */
LK_CHECKED lk_status lk_corpus_open_ranks(lk_corpus **corpus, lk_comm *comm, const char *path);
