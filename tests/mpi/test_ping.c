/* What messages between two ranks take: every pair, in both directions; all ranks get the same figures. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "arena.h"
#include "ping.h"

static void test_pair(lk_comm *comm, int a, int b) {
  const int size = lk_comm_size(comm);
  lk_ping ping, *all = NULL;
  CHECK_OK(lk_comm_ping(comm, a, b, &ping));
  CHECK(ping.latency > 0 && ping.latency < 10);
  CHECK(ping.bandwidth > 1e3 && ping.bandwidth < 1e13);
  CHECK(fabs(ping.offset) < 10); /* the same clock; a busy machine may interrupt either rank */
  CHECK_OK(lk_alloc(&all, (size_t)size, sizeof *all));
  CHECK_OK(lk_comm_allgather_each(comm, &ping, all, sizeof ping));
  for (int r = 0; r < size; r++) CHECK(memcmp(&all[r], &ping, sizeof ping) == 0);
  free(all);
}

int main(int argc, char **argv) {
  lk_comm *comm = check_start(&argc, &argv);
  for (int a = 0; a < lk_comm_size(comm); a++)
    for (int b = 0; b < lk_comm_size(comm); b++)
      if (a != b) test_pair(comm, a, b);
  return check_end(comm);
}
