/* vectors_ranks.h - how all ranks read the word vectors of a file that each of them has opened. */
#pragma once
#include "comm.h"
#include "vectors_file.h"

/** Read the word vectors that were left in a file when it was opened (vectors_file.h), if any; if `share`, only once
 *  for each host whose ranks can share memory. LK_IO, LK_DATA, LK_MEMORY, on all ranks alike. Collective. */
LK_CHECKED lk_status lk_vectors_share(lk_comm *comm, lk_vectors_file from, bool share);
