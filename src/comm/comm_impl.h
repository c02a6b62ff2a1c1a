/* comm_impl.h - the communicator from inside, MPI's errors as statuses, and memory that the ranks of a host share. */
#pragma once
#include <limits.h>
#include <mpi.h>
#include <stdbool.h>

#include "comm.h"

enum { LK_COMM_BUCKET = 1 << 20 }; /* lk_comm.bucket, which tests make smaller */

struct lk_comm {
  MPI_Comm mpi; /* a duplicate, so that our messages do not mix with those of other libraries */
  int rank, size;
  size_t chunk;         /* largest message in bytes; below INT_MAX, and lower in tests */
  ptrdiff_t bucket;     /* reals that the tree sum sends at a time, over all subtrees; lower in tests */
  int *counts, *places; /* [R] scratch for one call */
  size_t *bytes;        /* [R] */
  char host[MPI_MAX_PROCESSOR_NAME];
  struct lk_watchdog *watchdog; /* NULL: not started */
};
typedef struct lk_watchdog lk_watchdog;

/** LK_INTERNAL with MPI's text for `code`; LK_OK for MPI_SUCCESS.                  Not collective. */
LK_CHECKED lk_status lk_mpi_check(int code, const char *function);
#define LK_MPI(function, ...) lk_mpi_check(function(__VA_ARGS__), #function)

/** A count as an int for MPI; the only place of that conversion.                  Not collective. */
static inline int lk_mpi_count(size_t n) {
  LK_ASSERT(n <= INT_MAX);
  return (int)n;
}

/* collective.c */
/** Allocate the tables [size] that calls of the communicator need; LK_MEMORY.     Not collective. */
LK_CHECKED lk_status lk_comm_tables(lk_comm *comm);
void lk_comm_free_tables(lk_comm *comm);
/** Set comm->bytes [R] and return it: the size of each rank's records, one of `bytes` bytes a shard. Not collective. */
const size_t *lk_comm_shard_bytes(lk_comm *comm, int shards, size_t bytes);

/* launch.c */
/** MPI_Init_thread(), quickly where all ranks are on one host; LK_INTERNAL.        Collective. */
LK_CHECKED lk_status lk_launch(int *argc, char ***argv, int *provided);
/** LK_USAGE where the launcher started several processes and each is alone: lk_comm_check_launch().
 *                                                                                 Not collective. */
LK_CHECKED lk_status lk_launch_check(int size);

#define LK_PAGE 4096

typedef struct lk_shared { /* memory that the ranks of a host share */
  MPI_Win mpi;
  char *base; /* [bytes], at a page boundary */
  size_t bytes;
  void *again; /* the address range of the second mapping, [room], or NULL */
  size_t room;
} lk_shared;

/* shared.c */
enum { LK_HUGE_FROM = 4 << 20 }; /* bytes; less is not worth a second mapping */
enum { LK_ROOM_REASON = 160 };
/** The ranks that may share memory with this one, to be freed by MPI_Comm_free(); LK_INTERNAL. Collective. */
LK_CHECKED lk_status lk_shared_host(lk_comm *comm, MPI_Comm *host);
/** Whether there is room for so many bytes; if not, why. To be asked by one rank of a host before lk_shared_open().
 *                                                                                 Not collective. */
bool lk_shared_room(size_t bytes, char why[LK_ROOM_REASON]);
/** Whether `mine` is true on all ranks of `host`.                                 Collective. */
bool lk_shared_agree(MPI_Comm host, bool mine);
/** Memory of `bytes` for all ranks of `host`, at a page boundary; false where this rank gets none. Collective. */
bool lk_shared_open(lk_shared *shared, MPI_Comm host, size_t bytes);
void lk_shared_close(lk_shared *shared); /*                                        Collective. */
/** Close a window that was mapped a second time, but keep that mapping and return it: [bytes], for munmap().
 *                                                                                 Collective. */
void *lk_shared_detach(lk_shared *shared);
/** Forget a window that only some ranks got: it cannot be freed, since that is collective. Not collective. */
void lk_shared_forget(lk_shared *shared);
/** Allocate the pages of a part now, huge ones where the system allows; false: out of memory. Not collective. */
bool lk_shared_populate(const lk_shared *shared, void *begin, size_t bytes);
/** Called by one rank after all have populated their parts: huge pages also where two parts meet. Not collective. */
void lk_shared_join(const lk_shared *shared);
