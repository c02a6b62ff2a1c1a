#include "update.h"

#include <math.h>

static void cut(float *sum, lk_range part, float most) {
  for (ptrdiff_t i = part.begin; i < part.end; i++) sum[i] = sum[i] > most ? most : sum[i] < -most ? -most : sum[i];
}

/* How a step changes the weights of all ranges. */
typedef struct change {
  lk_clip clip;
  double rate;
  int64_t step;
} change;

/* One of this rank's ranges, in its place [range] and in the own vectors. */
typedef struct place {
  float *weights, *sum;
  lk_range own;
} place;

static void update_part(lk_optimizer *optimizer, const change *how, const place *at, lk_range part) {
  const lk_range own = {at->own.begin + part.begin, at->own.begin + part.end};
  lk_optimizer_step(optimizer, own, at->weights + part.begin, at->sum + part.begin, how->clip.scale, how->rate,
                    how->step);
}

static void update_range(lk_optimizer *optimizer, const lk_reduction *reduction, const change *how, int i,
                         const place *at) {
  if (isfinite(how->clip.most))
    for (lk_range part = {0, 0}; lk_reduction_next_part(reduction, i, &part);) cut(at->sum, part, how->clip.most);
  if (!lk_optimizer_is_sparse(optimizer))
    update_part(optimizer, how, at, (lk_range){0, lk_range_size(at->own)});
  else
    for (lk_range part = {0, 0}; lk_reduction_next_part(reduction, i, &part);) update_part(optimizer, how, at, part);
}

void lk_update(lk_optimizer *optimizer, const lk_replicas *replicas, const lk_reduction *reduction, lk_clip clip,
               double rate, int64_t step) {
  const lk_ranges *own = lk_replicas_own(replicas);
  const change how = {.clip = clip, .rate = rate, .step = step};
  float *master = lk_optimizer_master(optimizer), *values = lk_replicas_values(replicas);
  for (int i = 0; i < own->count; i++) {
    place at = {.own = lk_ranges_own(own, i), .sum = lk_reduction_total(reduction, i)};
    at.weights = master ? master + at.own.begin : values + own->at[i].begin;
    update_range(optimizer, reduction, &how, i, &at);
  }
}
