#include "ping.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "arena.h"
#include "clock.h"
#include "comm_impl.h"

enum { SMALL_ROUNDS = 30, LARGE_ROUNDS = 6, LEAST = 4, LARGE = 1 << 20 };
static const double enough = 0.5; /* seconds after which a slow link is measured by fewer messages */

static double time_of_day(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* There and back. The answer to a small message is the time of day where it was answered. *more: `a` wants another
 * round. */
static lk_status one_round(const lk_comm *comm, int other, bool begins, void *data, int bytes, int *more) {
  if (!begins) {
    LK_TRY(LK_MPI(MPI_Recv, more, 1, MPI_INT, other, 0, comm->mpi, MPI_STATUS_IGNORE));
    if (!*more) return LK_OK;
    LK_TRY(LK_MPI(MPI_Recv, data, bytes, MPI_BYTE, other, 0, comm->mpi, MPI_STATUS_IGNORE));
    if (bytes == (int)sizeof(double)) *(double *)data = time_of_day();
    return LK_MPI(MPI_Send, data, bytes, MPI_BYTE, other, 0, comm->mpi);
  }
  LK_TRY(LK_MPI(MPI_Send, more, 1, MPI_INT, other, 0, comm->mpi));
  if (!*more) return LK_OK;
  LK_TRY(LK_MPI(MPI_Send, data, bytes, MPI_BYTE, other, 0, comm->mpi));
  return LK_MPI(MPI_Recv, data, bytes, MPI_BYTE, other, 0, comm->mpi, MPI_STATUS_IGNORE);
}

/* Up to `most` rounds of `bytes` each: the seconds of the fastest after the first, on the rank that begins, and the
 * difference of the clocks by it. On a busy machine only the fastest tells about the network. */
static lk_status fastest_round(const lk_comm *comm, int other, bool begins, void *data, int bytes, int most,
                               double *fastest, double *offset) {
  const double started = lk_clock_seconds();
  int more = 1;
  *fastest = INFINITY;
  for (int i = 0; more; i++) {
    if (begins) more = i <= most && (i < LEAST || lk_clock_seconds() - started < enough);
    const double before = time_of_day(), start = lk_clock_seconds();
    LK_TRY(one_round(comm, other, begins, data, bytes, &more));
    const double took = lk_clock_seconds() - start;
    if (!more || i == 0 || !begins || took >= *fastest) continue; /* the first one opens the connection */
    if (bytes == (int)sizeof(double)) *offset = *(double *)data - (before + took / 2);
    *fastest = took;
  }
  return LK_OK;
}

static lk_status measure(const lk_comm *comm, int other, bool begins, void *data, lk_ping *ping) {
  double small, large;
  LK_TRY(fastest_round(comm, other, begins, data, sizeof(double), SMALL_ROUNDS, &small, &ping->offset));
  LK_TRY(fastest_round(comm, other, begins, data, LARGE, LARGE_ROUNDS, &large, &ping->offset));
  if (!begins) return LK_OK;
  ping->latency = small / 2;
  ping->bandwidth = 2.0 * LARGE / large;
  return LK_OK;
}

lk_status lk_comm_ping(lk_comm *comm, int a, int b, lk_ping *ping) {
  void *data = NULL;
  *ping = (lk_ping){0};
  lk_status status = lk_comm_agree(comm, lk_alloc(&data, LARGE, 1));
  if (status == LK_OK && (comm->rank == a || comm->rank == b))
    status = measure(comm, comm->rank == a ? b : a, comm->rank == a, data, ping);
  free(data);
  LK_TRY(lk_comm_agree(comm, status));
  return lk_comm_broadcast(comm, ping, sizeof *ping, a);
}
