/* traffic.h - how much the messages of a step carry between hosts, computed without these hosts.
 *
 * Each rank's plan is made by the functions that make it in a run (reduction_plan.c, replicas_plan.c), for hosts that
 * have the same number of ranks each, in order. Not collective. */
#pragma once
#include "replicas.h"

typedef struct lk_traffic_spec {
  const lk_replicas_spec *replicas;
  int shards, hosts, ranks; /* ranks of one host; hosts * ranks <= shards */
  /* Marks of the rows of the spec's blocks: those that the gradient of one host's shards has, and those that the sum of
   * all hosts has. NULL where there are no blocks. */
  const uint8_t *gradient_rows, *value_rows;
} lk_traffic_spec;

typedef struct lk_section_traffic {
  double gradients, values; /* bytes, as below; of this section alone another host may have most */
} lk_section_traffic;

typedef struct lk_traffic {
  double gradients, values; /* bytes a step through the link of one host, in one direction: of the host with most */
  int sections;             /* of the flat vector; several where hosts send while they compute */
  lk_section_traffic section[LK_MOST_RANGES];
  double rounds;   /* messages of a step in the longest chain in which each waits for the one before */
  double meetings; /* of these, for what all ranks must know: losses and norm */
  double moved;    /* reals that a rank adds, rounds and widens: of the rank with most */
} lk_traffic;

/** LK_USAGE for fewer shards than ranks; LK_MEMORY. */
LK_CHECKED lk_status lk_traffic_plan(lk_traffic *traffic, const lk_traffic_spec *spec);
