/* comm_impl.h - what the sources of comm/ share: the communicator, MPI's errors as statuses, memory of a host's ranks. */
#pragma once
#include <limits.h>
#include <mpi.h>
#include <stdbool.h>

#include "comm.h"

struct lk_comm {
  MPI_Comm mpi; /* a duplicate of the world, so no library's messages meet ours */
  int rank, size;
  size_t chunk;         /* largest message in bytes; below INT_MAX, and lower in tests */
  ptrdiff_t bucket;     /* reals of a reduction that are on their way at a time; lower in tests */
  int *counts, *places; /* [R] arguments of one call */
  size_t *bytes;        /* [R] */
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

/* launch.c */
/** MPI_Init_thread(), quickly where all ranks are on one host; LK_INTERNAL.        Collective. */
LK_CHECKED lk_status lk_launch(int *argc, char ***argv, int *provided);
/** LK_USAGE where the launcher started more ranks than this MPI knows of: it is another MPI's. Not collective. */
LK_CHECKED lk_status lk_launch_check(int size);

#define LK_PAGE 4096

typedef struct lk_shared { /* memory that the ranks of a host share */
  MPI_Win mpi;
  char *base; /* of `bytes`, at a page */
  size_t bytes;
  void *again; /* where it is mapped a second time, or NULL */
  size_t room;
} lk_shared;

/* shared.c */
/** Memory of `bytes` for all ranks of `host`, at a page; false where MPI gives none to this rank.   Collective. */
bool lk_shared_open(lk_shared *shared, MPI_Comm host, size_t bytes);
void lk_shared_close(lk_shared *shared); /*                                        Collective. */
/** Leave MPI's window as it is, which only some ranks have and none can free.      Not collective. */
void lk_shared_forget(lk_shared *shared);
/** Take a part's pages now, huge ones where the system grants them; false where there are none.     Not collective. */
bool lk_shared_populate(const lk_shared *shared, void *begin, size_t bytes);
/** One rank, after all have populated their parts: huge pages where two parts meet too. Not collective. */
void lk_shared_join(const lk_shared *shared);
