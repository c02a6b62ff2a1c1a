/* Averaging that is triggered by evaluations (non-monotonically triggered ASGD): Merity, Keskar & Socher 2018,
 * algorithm 1, with the comparison of their program. Once an evaluation is worse than the best of all before it but the
 * last train.average_patience, the mean of the weights after each step from there on:
 *
 *   v_e > min(v_1 ... v_(e-1-n))     then    A_k = (w_1 + ... + w_k) / k */
#include <math.h>

#include "average_impl.h"

static double share(const lk_average_settings *settings, const double *state, lk_average_step step) {
  (void)settings, (void)step;
  return state[LK_AVERAGE_BEGAN] > 0 ? 1 / (state[LK_AVERAGE_COUNT] + 1) : 0;
}

static double *at(double *state, int64_t number) { return &state[LK_AVERAGE_RING + number % LK_AVERAGE_PATIENCE]; }

/* The ring keeps the last evaluations whatever the patience is, as that may be another one when a run is resumed. */
static bool begins(const lk_average_settings *settings, double *state, double value) {
  const int64_t seen = (int64_t)state[LK_AVERAGE_SEEN], kept = seen < LK_AVERAGE_PATIENCE ? seen : LK_AVERAGE_PATIENCE;
  double best = seen > kept ? state[LK_AVERAGE_OLDER] : (double)INFINITY;
  const bool judged = seen > settings->patience;
  for (int64_t i = seen - kept; i < seen - settings->patience; i++) best = fmin(best, *at(state, i));
  if (kept == LK_AVERAGE_PATIENCE) {
    const double leaves = *at(state, seen);
    state[LK_AVERAGE_OLDER] = seen == kept ? leaves : fmin(state[LK_AVERAGE_OLDER], leaves);
  }
  *at(state, seen) = value;
  state[LK_AVERAGE_SEEN] += 1;
  return judged && value > best;
}

const lk_averaging lk_averaging_nt_asgd = {
    .name = "nt-asgd",
    .help = "mean of all steps since validation stopped improving (Merity et al. 2018)",
    .reads = "train.average_patience",
    .share = share,
    .begins = begins};
