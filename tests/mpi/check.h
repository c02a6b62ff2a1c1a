/* check.h - checks for tests that run under mpirun: failures are printed with place and rank, and all ranks end
 * alike. */
#pragma once
#include <stdio.h>
#include <stdlib.h>

#include "comm.h"

static int failures;
static int test_rank;

#define CHECK(truth)                                                                            \
  do {                                                                                          \
    if (!(truth)) {                                                                             \
      fprintf(stderr, "rank %d: %s:%d: not true: %s\n", test_rank, __FILE__, __LINE__, #truth); \
      failures++;                                                                               \
    }                                                                                           \
  } while (0)
#define CHECK_OK(call) CHECK((call) == LK_OK)

/** Start MPI. Another number of ranks than LOCKSTEP_RANKS is a failure. */
static inline lk_comm *check_start(int *argc, char ***argv) {
  lk_comm *comm = NULL;
  if (lk_comm_init(&comm, argc, argv) != LK_OK) exit(2);
  test_rank = lk_comm_rank(comm);
  const char *ranks = getenv("LOCKSTEP_RANKS");
  if (ranks == NULL || atoi(ranks) != lk_comm_size(comm)) {
    fprintf(stderr, "LOCKSTEP_RANKS=%s, but %d ranks\n", ranks ? ranks : "", lk_comm_size(comm));
    lk_comm_abort(comm, 2);
  }
  return comm;
}

/** A failure on any rank fails all. Ends MPI. */
static inline int check_end(lk_comm *comm) {
  lk_error_clear();
  lk_status status = lk_comm_agree(comm, failures > 0 ? LK_INTERNAL : LK_OK);
  lk_comm_finalize(&comm);
  return status == LK_OK ? 0 : 1;
}
