/* comm.h - the ranks of a job and the exchange of bytes between them.
 *
 * This is the only folder that knows MPI. MPI never adds floats, since the order of its sums depends on the number of
 * ranks, R; reduction.h adds them in a fixed order. The parameters, alike on all ranks, are in replicas.h. */
#pragma once
#include <stdbool.h>

#include "shards.h"
#include "status.h"

typedef struct lk_comm lk_comm;

/** Whether a launcher such as mpirun started this program; may be called before lk_comm_init(). Not collective. */
bool lk_comm_launched(void);
/** Whether this process is the one that reports problems of the start (launch.h). Its rank does not tell, since
 *  processes that the launcher of another MPI started are each rank 0 of 1.       Not collective. */
bool lk_comm_started_first(void);
/** Start MPI (or, without mpirun, a single rank).                                 Collective. */
LK_CHECKED lk_status lk_comm_init(lk_comm **comm, int *argc, char ***argv);
/** LK_USAGE if a launcher started several processes, but MPI sees each as the only rank, because the launcher belongs
 *  to another MPI or does not support any. Only the launcher's first process has a message. Not collective. */
LK_CHECKED lk_status lk_comm_check_launch(const lk_comm *comm);
/** End MPI.                                                                       Collective. */
void lk_comm_finalize(lk_comm **comm);
/** Duplicate the communicator of a caller who has initialised MPI: `mpi` is the address of an MPI_Comm, or NULL for
 *  MPI_COMM_WORLD. LK_USAGE where MPI is not initialised, was finalised, or has MPI_THREAD_SINGLE. Collective. */
LK_CHECKED lk_status lk_comm_adopt(lk_comm **comm, const void *mpi);
/** Free what lk_comm_adopt() has made; MPI stays initialised.                     Collective. */
void lk_comm_release(lk_comm **comm);
/** Initialise MPI, without a communicator, unless it is initialised. *started: whether this call did so. LK_USAGE after
 *  MPI_Finalize().                                                                                 Collective. */
LK_CHECKED lk_status lk_mpi_start(bool *started);
/** Finalise MPI.                                                                  Collective. */
void lk_mpi_end(void);
int lk_comm_rank(const lk_comm *comm);
int lk_comm_size(const lk_comm *comm);
const char *lk_comm_host(const lk_comm *comm);
/** The first line of MPI's version text, "Open MPI v4.1.4, ...", cut to `size` bytes with its NUL; may be called before
 *  lk_comm_init().                                                                Not collective. */
void lk_comm_library(size_t size, char *out);
/** The version of MPI that the program was compiled with, in the same form: "Open MPI v4.1.4".  Not collective. */
void lk_comm_built_with(size_t size, char *out);
/** End the whole job at once with an exit code, where ranks cannot agree first.   Not collective. */
_Noreturn void lk_comm_abort(lk_comm *comm, int exit_code);

/** All ranks get the worst of their statuses. A rank that did not fail itself gets the text of one that did as its
 *  error record ("rank 3: ..."). Call after work that can fail on some ranks only.      Collective. */
LK_CHECKED lk_status lk_comm_agree(lk_comm *comm, lk_status status);
/** Check that all ranks have read the same file: `digest` (at most 39 characters) of the file at `path` must be equal
 *  everywhere, else LK_DATA on all ranks, with hosts and digests of the first that differ. Collective. */
LK_CHECKED lk_status lk_comm_same_file(lk_comm *comm, const char *path, const char *digest);
/** Copy `bytes` bytes from root to all.                                           Collective. */
LK_CHECKED lk_status lk_comm_broadcast(lk_comm *comm, void *data, size_t bytes, int root);
/** The same where only root knows the size: the others' *data is allocated by lk_alloc(), and they free it.
 *                                                                                 Collective. */
LK_CHECKED lk_status lk_comm_broadcast_block(lk_comm *comm, void **data, size_t *bytes, int root);
/** Gather the bytes of all ranks, in rank order, on all ranks.                    Collective.
 *  in bytes_of [R]: how many each rank sends */
LK_CHECKED lk_status lk_comm_allgather(lk_comm *comm, const void *mine, void *all, const size_t *bytes_of);
/** The same where every rank sends `bytes` bytes.                                 Collective. */
LK_CHECKED lk_status lk_comm_allgather_each(lk_comm *comm, const void *mine, void *all, size_t bytes);
/** Gather a record of `bytes` bytes for each shard on all ranks, from the ranks that compute them: all [S][bytes], by
 *  shard. mine: the records of this rank's shards, lk_shards_make(shards, rank, size), in order. Collective. */
LK_CHECKED lk_status lk_comm_allgather_shards(lk_comm *comm, int shards, const void *mine, void *all, size_t bytes);
/** counts [n] = their sums over all ranks: integers, whose order does not matter.   Collective. */
LK_CHECKED lk_status lk_comm_sum_counts(lk_comm *comm, int64_t *counts, ptrdiff_t n);
LK_CHECKED lk_status lk_comm_gather(lk_comm *comm, const void *mine, void *all, const size_t *bytes_of, int root);
LK_CHECKED lk_status lk_comm_scatter(lk_comm *comm, const void *all, void *mine, const size_t *bytes_of, int root);
LK_CHECKED lk_status lk_comm_barrier(lk_comm *comm);
