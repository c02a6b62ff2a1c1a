#include "update.h"

#include <math.h>

static void cut(float *sum, lk_range part, float most) {
  for (ptrdiff_t i = part.begin; i < part.end; i++) sum[i] = sum[i] > most ? most : sum[i] < -most ? -most : sum[i];
}

void lk_update(lk_optimizer *optimizer, const lk_replicas *replicas, const lk_reduction *reduction, lk_clip clip,
               double rate, int64_t step) {
  const lk_range own = lk_replicas_range(replicas);
  float *sum = lk_reduction_total(reduction);
  float *weights = lk_optimizer_weights(optimizer, lk_replicas_values(replicas) + own.begin);
  lk_range part = {0, 0};
  if (isfinite(clip.most))
    for (lk_range at = {0, 0}; lk_reduction_next_part(reduction, &at);) cut(sum, at, clip.most);
  if (!lk_optimizer_is_sparse(optimizer))
    lk_optimizer_step(optimizer, (lk_range){0, lk_range_size(own)}, weights, sum, clip.scale, rate, step);
  else
    while (lk_reduction_next_part(reduction, &part))
      lk_optimizer_step(optimizer, part, weights, sum, clip.scale, rate, step);
}
