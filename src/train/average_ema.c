/* Exponential moving average: Polyak & Juditsky 1992 with weights that fall exponentially, corrected for its start as
 * the moments of Adam are (Kingma & Ba 2015, section 3). From epoch train.average_start on, after each step,
 *
 *   A_n = sum_k decay^(n-k) w_k / sum_k decay^(n-k)      so that   A_n = A_(n-1) + (1 - decay) / (1 - decay^n) (w_n - A_(n-1))
 */
#include "average_impl.h"
#include "fixed_math.h"

static double share(const lk_average_settings *settings, const double *state, lk_average_step step) {
  if (lk_average_waits(settings, state, step)) return 0;
  return (1 - settings->decay) / (1 - lk_fixed_power(settings->decay, state[LK_AVERAGE_COUNT] + 1));
}

const lk_averaging lk_averaging_ema = {.name = "ema",
                                       .help = "exponential moving average of all steps",
                                       .reads = "train.average_decay train.average_start",
                                       .share = share};
