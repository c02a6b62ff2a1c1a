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

/* Seconds of the link for a byte, with its part of the latency of messages. */
static double per_byte(const lk_link *link, const lk_traffic *traffic) {
  const double bytes = traffic->gradients + traffic->values;
  return bytes > 0 ? 1 / link->bandwidth + (traffic->rounds - traffic->meetings) * link->latency / bytes : 0;
}

static ptrdiff_t begin_of(const lk_forecast_spec *spec, int section) {
  return section > 0 ? spec->share->spec.cut[section - 1] : 0;
}

/* Bytes of the values before `end`, sent in their order. */
static double values_before(const lk_forecast_spec *spec, const lk_traffic *traffic, ptrdiff_t end) {
  double bytes = 0;
  for (int s = 0; s < traffic->sections && begin_of(spec, s) < end; s++) bytes += traffic->section[s].values;
  return bytes;
}

/* When, in a step that does not wait, the gradients from `begin` on are final; at the end of its passes at the latest. */
static double final_from(const lk_trial *trial, ptrdiff_t begin, double passed) {
  for (int i = 0; i < trial->final.count; i++)
    if (trial->final.moment[i].at <= begin) return trial->final.moment[i].seconds;
  return passed;
}

/* Seconds of a step in which nothing is computed. Time counts from the end of an update, when the values leave. */
static double wait_seconds(const lk_forecast_spec *spec, const lk_traffic *traffic) {
  const lk_trial *trial = spec->share;
  const double each = per_byte(&spec->link, traffic), meetings = traffic->meetings * spec->link.latency;
  const double passed = trial->seconds[LK_TIME_BATCH] + trial->seconds[LK_TIME_NET];
  double late = 0;                      /* how much waiting has delayed the passes so far */
  double sent = each * traffic->values; /* when the link has sent what it had to */
  if (traffic->sections == 1) return sent + each * traffic->gradients + meetings;
  for (int i = 0; i < trial->needed.count; i++)
    late =
        fmax(late, each * values_before(spec, traffic, trial->needed.moment[i].at) - trial->needed.moment[i].seconds);
  for (int s = traffic->sections - 1; s >= 0; s--)
    sent = fmax(sent, late + final_from(trial, begin_of(spec, s), passed)) + each * traffic->section[s].gradients;
  return fmax(sent, late + passed) - passed + meetings;
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
  forecast->wait = wait_seconds(spec, &traffic);
  forecast->step = forecast->compute + forecast->wait;
  forecast->tokens = spec->hosts * spec->share->tokens / forecast->step;
done:
  free(marks);
  return status;
}
