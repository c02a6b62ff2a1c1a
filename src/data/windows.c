/* windows.c - the windows of truncated back-propagation through a running text.
 *
 * Of random length as in AWD-LSTM (Merity et al. 2018, section 5): one window in twenty is drawn around half of `unroll`,
 * the others around `unroll`, with a normal spread (there 5 of 70, here that share; cut off at two deviations, so that
 * memory has a bound). Other than there an epoch has the same number of windows each time: their ends are scaled by what is
 * left over, a few parts in a thousand, so that the last one ends with the text. A function of seed and epoch. */
#include <math.h>

#include "plan_impl.h"

#define RARE      20         /* one window in so many is short */
#define MEAN      0.975      /* of all windows, in units of unroll */
#define DEVIATION (5.0 / 70) /* likewise */
#define MOST      1.4        /* the longest: (1 + 2/14) * 0.975 / (0.975 - 2/14) = 1.34, and room for rounding */

enum { WINDOW_SHORT, WINDOW_LENGTH };

int64_t lk_windows_count(const lk_windows *w) {
  if (!w->random) return (w->length + w->unroll - 1) / w->unroll;
  const double count = ceil((double)w->length / (MEAN * (double)w->unroll));
  return count < (double)w->length ? (int64_t)count : w->length;
}

ptrdiff_t lk_windows_longest(const lk_windows *w) {
  const ptrdiff_t most = w->random ? (ptrdiff_t)(MOST * (double)w->unroll) + 2 : w->unroll;
  return w->length < most ? w->length : most;
}

/* The length of window k before scaling. */
static double draw(const lk_windows *w, int64_t epoch, int64_t k, bool is_short) {
  const double z = lk_rng_normal(w->rng, (uint32_t)epoch, (uint32_t)k, 0, WINDOW_LENGTH);
  return (double)w->unroll * ((is_short ? 0.5 : 1) + DEVIATION * fmin(2, fmax(-2, z)));
}

void lk_windows_place(const lk_windows *w, int64_t epoch, int64_t *begin, int32_t *scratch) {
  const int64_t count = lk_windows_count(w);
  begin[0] = 0;
  begin[count] = w->length;
  for (int64_t k = 1; k < count && !w->random; k++) begin[k] = k * w->unroll;
  if (!w->random) return;
  double all = 0, sum = 0;
  lk_rng_permutation(w->rng, (uint32_t)epoch, 0, WINDOW_SHORT, scratch, (ptrdiff_t)count);
  for (int64_t k = 0; k < count; k++) all += draw(w, epoch, k, scratch[k] < count / RARE);
  for (int64_t k = 1; k < count; k++) {
    sum += draw(w, epoch, k - 1, scratch[k - 1] < count / RARE);
    const int64_t at = (int64_t)((double)w->length * (sum / all)), last = w->length - (count - k);
    begin[k] = at <= begin[k - 1] ? begin[k - 1] + 1 : at > last ? last : at; /* no window is empty */
  }
}
