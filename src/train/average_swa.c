/* Stochastic weight averaging: Izmailov et al. 2018, equation 2. From epoch train.average_start on, the mean of the
 * weights at every train.average_every-th step of the run, or at the end of each epoch.
 *
 *   A_n = (w_1 + ... + w_n) / n */
#include "average_impl.h"

static double share(const lk_average_settings *settings, const double *state, lk_average_step step) {
  const bool due = settings->every > 0 ? step.step % settings->every == 0 : step.ends_epoch;
  return due && !lk_average_waits(settings, state, step) ? 1 / (state[LK_AVERAGE_COUNT] + 1) : 0;
}

const lk_averaging lk_averaging_swa = {.name = "swa",
                                       .help = "mean of the weights now and then (Izmailov et al. 2018)",
                                       .reads = "train.average_start train.average_every",
                                       .share = share};
