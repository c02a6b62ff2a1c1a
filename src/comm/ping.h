/* ping.h - how long messages between two ranks take. */
#pragma once
#include "comm.h"

typedef struct lk_ping {
  double latency;   /* seconds of a message of a few bytes, one way: the best of some thirty */
  double bandwidth; /* bytes/s of messages of 1 MiB: the best of a few */
  double offset;    /* seconds: the time of day on `b` minus that on `a` */
} lk_ping;

/** Send messages between the ranks a and b for at most about a second, while the others wait; all get the result.
 *                                                                                 Collective. */
LK_CHECKED lk_status lk_comm_ping(lk_comm *comm, int a, int b, lk_ping *ping);
