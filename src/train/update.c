#include "update.h"

void lk_update(lk_optimizer *optimizer, const lk_replicas *replicas, const lk_reduction *reduction, double scale,
               double rate, int64_t step) {
  const lk_range own = lk_replicas_range(replicas);
  const float *sum = lk_reduction_total(reduction);
  float *values = lk_replicas_values(replicas) + own.begin;
  lk_range part = {0, 0};
  if (!lk_optimizer_is_sparse(optimizer))
    lk_optimizer_step(optimizer, (lk_range){0, lk_range_size(own)}, values, sum, scale, rate, step);
  else
    while (lk_reduction_next_part(reduction, &part)) lk_optimizer_step(optimizer, part, values, sum, scale, rate, step);
}
