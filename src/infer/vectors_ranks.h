/* vectors_ranks.h - how all ranks read the word vectors of a file that each of them has opened. */
#pragma once
#include "comm.h"
#include "vectors_file.h"

/** Read the numbers that wait in a file, if any: once a host where its ranks can share memory and `share` says so. LK_IO,
 *  LK_DATA, LK_MEMORY, on all ranks alike.                                        Collective. */
LK_CHECKED lk_status lk_vectors_share(lk_comm *comm, lk_vectors_file from, bool share);
