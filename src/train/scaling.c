#include "scaling.h"

#include <float.h>
#include <math.h>

#include "choices.h"
#include "log.h"

enum { NONE, LEGW, WAYS };
static const lk_choice ways[WAYS] = {
    {"none", NULL, NULL},
    {"legw", "the rate with the root of the batch, the epochs of warm-up with the batch (You et al. 2019)",
     "train.scaling_batch"}};

static lk_choice way(size_t i) { return i < WAYS ? ways[i] : (lk_choice){0}; }
LK_CHOICES("train.scaling", way)

lk_status lk_scaling_read(lk_scaling *scaling, const lk_config *config) {
  const lk_config_train *c = &config->train;
  size_t index;
  *scaling = (lk_scaling){1, 1};
  LK_TRY(lk_config_choice(config, "train.scaling", &index));
  if (index == NONE) return LK_OK;
  if (c->scaling_batch < 1)
    return lk_config_error(config, "train.scaling",
                           "%s scales from another batch: set train.scaling_batch to the one that train.rate and "
                           "train.warmup are for",
                           c->scaling);
  const double k = (double)c->batch / (double)c->scaling_batch, root = sqrt(k);
  if (c->rate * root > (double)FLT_MAX)
    return lk_config_error(config, "train.rate", "%g times %g (train.scaling) is more than a float32 can hold", c->rate,
                           root);
  *scaling = (lk_scaling){.batches = k, .rate = root};
  return LK_OK;
}

void lk_scaling_announce(const lk_config *config, int64_t steps_in_epoch, int64_t last_step) {
  const lk_config_train *c = &config->train;
  lk_scaling s;
  size_t index;
  if (lk_config_choice(config, "train.scaling", &index) != LK_OK || index == NONE) return;
  if (lk_scaling_read(&s, config) != LK_OK) return;
  LK_INFO(
      "train.scaling: the batch is %g times train.scaling_batch, so the rate is %g times %g: %g; the warm-up stays "
      "%lld step%s: %.3g epochs",
      s.batches, c->rate, s.rate, c->rate * s.rate, (long long)c->warmup, lk_plural(c->warmup),
      (double)c->warmup / (double)steps_in_epoch);
  if (s.batches > 1 && c->warmup == 0)
    LK_WARN("train.scaling: %s without a warm-up: a large rate from the first step on (train.warmup)", c->scaling);
  if (last_step > 0 && c->warmup >= last_step)
    LK_WARN("train.warmup: %lld step%s, but the run ends after %lld: it never reaches its rate", (long long)c->warmup,
            lk_plural(c->warmup), (long long)last_step);
}
