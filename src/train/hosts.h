/* hosts.h - where the ranks are: hosts, and the CPUs that each rank may use, for the log. */
#pragma once
#include "comm.h"
#include "cpus.h"

typedef struct lk_place {
  char host[64], machine[40]; /* machine: this boot, since two host names may be one machine */
  lk_cpus cpus;               /* empty: not known */
} lk_place;

/** Log a line for each host (the first few), and a warning where ranks have to take turns on a CPU. Collective. */
LK_CHECKED lk_status lk_hosts_tell(lk_comm *comm);

/* The texts about places [size]; Not collective. */
/** "host node1: 4 ranks on CPUs 0-7, not bound" or "host node1: 2 ranks on CPUs 0 | 1", of the host of rank `first`.
 *  Returns out. */
const char *lk_host_words(char out[256], const lk_place *of, int size, int first);
/** Why a rank gets no CPU of its own, on the first machine where that is so: "4 ranks on node1 have 2 CPUs (0-1)"; ""
 *  where all have one. Returns out. */
const char *lk_hosts_crowded(char out[256], const lk_place *of, int size);
