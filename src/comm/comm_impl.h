/* comm_impl.h - what the sources of comm/ share: the communicator, and MPI's errors as statuses. */
#pragma once
#include <limits.h>
#include <mpi.h>

#include "lockstep/comm.h"

struct lk_comm {
  MPI_Comm mpi; /* a duplicate of the world, so no library's messages meet ours */
  int rank, size;
  size_t chunk;         /* largest message in bytes; below INT_MAX, and lower in tests */
  ptrdiff_t bucket;     /* reals of a reduction that are on their way at a time; lower in tests */
  int *counts, *places; /* [R] arguments of one call */
  char host[MPI_MAX_PROCESSOR_NAME];
  struct lk_watchdog *watchdog; /* NULL where there is none */
};
typedef struct lk_watchdog lk_watchdog;

/** MPI's own words for `code` as LK_INTERNAL; LK_OK for MPI_SUCCESS.               Not collective. */
LK_CHECKED lk_status lk_mpi_check(int code, const char *function);
#define LK_MPI(function, ...) lk_mpi_check(function(__VA_ARGS__), #function)

/** The one conversion from our counts to MPI's.                                   Not collective. */
static inline int lk_mpi_count(size_t n) {
  LK_ASSERT(n <= INT_MAX);
  return (int)n;
}
