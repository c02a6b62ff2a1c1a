/* host_copy.h - a table that is written once and then only read, held once for all ranks of a host.
 *
 * The first rank of each host fills it, in memory that the host's ranks share; others see it as soon as it is whole. Where
 * they cannot share memory, and for tables of less than 4 MiB, each rank fills memory of its own. The bytes are the same. */
#pragma once
#include "comm.h"

typedef struct lk_host_copy {
  void *memory;  /* [bytes], the caller's from now on: not to be written to */
  size_t mapped; /* bytes to be given back by munmap(): it is shared; 0: by free() */
} lk_host_copy;

/** Make the table: fill(context, memory) writes all `bytes`, more than 0. It is called on some ranks only, so it must
 *  not be collective. share: whether to try to share. Returns the worst status of any fill(), LK_MEMORY or LK_INTERNAL;
 *  after a failure nothing is kept.                                                      Collective. */
LK_CHECKED lk_status lk_host_copy_make(lk_host_copy *copy, lk_comm *comm, size_t bytes, bool share,
                                       lk_status (*fill)(void *context, void *memory), void *context);
