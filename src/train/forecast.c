#include "forecast.h"

#include <math.h>
#include <stdlib.h>

#include "arena.h"
#include "traffic.h"

/* Traffic between so many hosts. Each host's gradient touches the rows of one measured step, all together those of as
 * many steps as there are hosts. */
static lk_status plan_traffic(lk_traffic *traffic, const lk_forecast_spec *spec, int hosts, int shards,
                              uint8_t *marks) {
  const lk_trial *share = spec->share;
  lk_replicas_spec replicas = share->spec;
  uint8_t *values = marks + share->rows;
  replicas.wire = spec->wire;
  replicas.tokens = share->tokens * hosts;
  lk_trial_rows(share, 1, marks);
  lk_trial_rows(share, hosts, values);
  return lk_traffic_plan(traffic, &(lk_traffic_spec){&replicas, shards, hosts, spec->ranks, marks, values});
}

static double compute_seconds(const lk_forecast_spec *spec, double moved) {
  const double *seconds = spec->share->seconds;
  double sum = 0;
  for (int i = 0; i < LK_TIME_PARTS; i++) sum += seconds[i];
  return sum - seconds[LK_TIME_UPDATE] * (1 - 1.0 / spec->hosts) + spec->share->move_seconds * moved;
}

lk_status lk_forecast_make(lk_forecast *forecast, const lk_forecast_spec *spec) {
  uint8_t *marks = NULL;
  lk_traffic alone, traffic;
  lk_status status;
  LK_GO(lk_alloc(&marks, 2 * (size_t)spec->share->rows, 1));
  LK_GO(plan_traffic(&alone, spec, 1, spec->share->shards, marks));
  LK_GO(plan_traffic(&traffic, spec, spec->hosts, spec->shards, marks));
  forecast->bytes = traffic.gradients + traffic.values;
  forecast->compute = compute_seconds(spec, fmax(0, traffic.moved - alone.moved));
  forecast->link = forecast->bytes / spec->link.bandwidth + traffic.rounds * spec->link.latency;
  forecast->step = forecast->compute + forecast->link;
  forecast->tokens = spec->hosts * spec->share->tokens / forecast->step;
done:
  free(marks);
  return status;
}
