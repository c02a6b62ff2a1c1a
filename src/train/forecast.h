/* forecast.h - what a step would take on several hosts, from steps that were measured on one and the messages that the
 * hosts would exchange. Not collective.
 *
 *     step = compute + wait
 *     compute   the measured step for one host's share of the batch, with the part of the update that is left to a
 *               rank, since all ranks of all hosts divide it, and with the further additions
 *     link      bytes / bandwidth + messages that wait for one another * latency
 *     wait      the part of `link` that computation does not hide. If several sections of the vector travel while
 *               others are computed (replicas.h), a step waits for values when it comes to read them, and at its end
 *               for the last gradients; the measured steps show when that is. With one section, as with
 *               parallel.overlap: false, it is all of `link`
 *
 * It is assumed that sending takes no time of the cores, and that all hosts are equally fast. */
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
