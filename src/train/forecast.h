/* forecast.h - what a step would take on several hosts, from steps that were measured on one and the messages that the
 * hosts would exchange. Not collective.
 *
 *     step = compute + wait
 *     compute   the measured step of one host's share of the batch; of the update, which all ranks divide, a part; and the
 *               additions that there are besides
 *     link      bytes / bandwidth + messages that wait for one another * latency
 *     wait      what is left of it, where sections of the vector travel while others are computed (replicas.h): a step
 *               waits for values where it comes to read them, and at its end for the gradients that came last. The
 *               measured steps tell when they come where. With one section, as with parallel.overlap: false, all of it
 *
 * Sending takes no time of the cores here. Hosts of unequal speed are not foreseen. */
#pragma once
#include "trial.h"

typedef struct lk_link { /* between hosts, in each direction; what MPI makes of it (lk_comm_ping()) */
  double bandwidth;      /* bytes/s */
  double latency;        /* seconds */
} lk_link;

typedef struct lk_forecast_spec {
  const lk_trial *share; /* steps of one host's share of the batch */
  int hosts, ranks;      /* ranks of a host: those of the trial */
  int shards;            /* of all hosts */
  lk_wire wire;
  lk_link link;
} lk_forecast_spec;

typedef struct lk_forecast {
  double bytes;         /* a step through the link of a host, in one direction: of the host with most */
  double link;          /* seconds that they take */
  double compute, wait; /* seconds of a step */
  double step;          /* their sum */
  double tokens;        /* a second, of all hosts */
} lk_forecast;

/** LK_USAGE for fewer shards than ranks; LK_MEMORY. */
LK_CHECKED lk_status lk_forecast_make(lk_forecast *forecast, const lk_forecast_spec *spec);
