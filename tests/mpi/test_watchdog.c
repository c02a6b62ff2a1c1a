/* Ranks that wait for a rank of their host which saves or evaluates are not reported as stalled. */
#include "watchdog.h"

#include <time.h>

#include "check.h"
#include "clock.h"

static void sleep_for(double seconds) {
  const struct timespec pause = {.tv_sec = (time_t)seconds,
                                 .tv_nsec = (long)(1e9 * (seconds - (double)(time_t)seconds))};
  nanosleep(&pause, NULL);
}

/* Rank 0 spends three times the limit in `phase`, which has ten times the limit, while the others wait. A watchdog that
 * ends the job here ends this test with code 76. */
static void others_wait(lk_comm *comm, lk_phase phase, int64_t step) {
  const int rank = lk_comm_rank(comm);
  lk_watchdog_phase(comm, rank == 0 ? phase : LK_PHASE_REDUCTION, step);
  if (rank == 0) sleep_for(3);
  CHECK_OK(lk_comm_agree(comm, LK_OK));
  lk_watchdog_phase(comm, LK_PHASE_STEP, step + 1);
}

/* The limit is the configured one, else twenty times the median step, at least a minute. */
static void limits(lk_comm *comm) {
  CHECK(lk_watchdog_limit(comm) == 1);
  lk_watchdog_stop(comm);
  CHECK(lk_watchdog_limit(comm) == 0);
  CHECK_OK(lk_watchdog_start(comm, 0));
  CHECK(lk_watchdog_limit(comm) == 600);
  lk_watchdog_stepped(comm, 1);
  CHECK(lk_watchdog_limit(comm) == 60 && lk_watchdog_median(comm) == 1);
  lk_watchdog_stepped(comm, 10);
  CHECK(lk_watchdog_limit(comm) == 200 && lk_watchdog_median(comm) == 10);
}

int main(int argc, char **argv) {
  lk_comm *comm = check_start(&argc, &argv);
  CHECK_OK(lk_watchdog_start(comm, 1));
  others_wait(comm, LK_PHASE_CHECKPOINT, 3);
  others_wait(comm, LK_PHASE_EVALUATION, 4);
  limits(comm);
  lk_watchdog_stop(comm);
  return check_end(comm);
}
