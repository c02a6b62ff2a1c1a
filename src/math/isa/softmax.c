#include "isa_impl.h"

#include <math.h>

#include "lockstep/status.h"

enum { CHAINS = 4 }; /* independent partial sums, so that an addition need not wait for the one before */

/* Sums over the V columns of one row, kept in lanes as float and added up in double, always in this order. */
typedef struct lane_sums {
  lk_vec part[CHAINS];
} lane_sums;

static double total(const lane_sums *sums) {
  double sum = 0;
  for (int c = 0; c < CHAINS; c++) {
    lk_real lane[LK_VL];
    lk_store(lane, sums->part[c]);
    for (ptrdiff_t i = 0; i < LK_VL; i++) sum += (double)lane[i];
  }
  return sum;
}

static lk_real row_max(ptrdiff_t V, const lk_real *row) {
  lk_vec most[CHAINS];
  for (int c = 0; c < CHAINS; c++) most[c] = lk_splat(row[0]);
  ptrdiff_t v = 0;
  for (; v + CHAINS * LK_VL <= V; v += CHAINS * LK_VL)
    LK_UNROLL for (int c = 0; c < CHAINS; c++) most[c] = lk_max(lk_load(row + v + c * LK_VL), most[c]);
  lk_real lane[LK_VL], max = row[0];
  for (int c = 0; c < CHAINS; c++) {
    lk_store(lane, most[c]);
    for (ptrdiff_t i = 0; i < LK_VL; i++) max = lane[i] > max ? lane[i] : max;
  }
  for (; v < V; v++) max = row[v] > max ? row[v] : max;
  return max;
}

static int32_t first_equal(ptrdiff_t V, const lk_real *row, lk_real max) {
  for (ptrdiff_t v = 0; v < V; v++)
    if (row[v] == max) return (int32_t)v;
  return 0; /* all NaN */
}

/* sum of e^(x - max), and of x - max where `smooth`; the exponentials replace the row where `keep`. */
LK_INLINE double exponentials(ptrdiff_t V, lk_real *row, lk_real max, const int keep, const int smooth, double *plain) {
  lane_sums e = {{lk_zero()}}, s = {{lk_zero()}};
  const lk_vec shift = lk_splat(max);
  const ptrdiff_t whole = V / LK_VL * LK_VL;
  for (ptrdiff_t v = 0, c = 0; v < whole; v += LK_VL, c = (c + 1) % CHAINS) {
    lk_vec x = lk_load(row + v) - shift, y = lk_exp(x);
    e.part[c] += y;
    if (smooth) s.part[c] += x;
    if (keep) lk_store(row + v, y);
  }
  if (whole < V) {
    const ptrdiff_t rest = V - whole;
    lk_vec x = lk_load_part(row + whole, rest) - shift, y = lk_exp(x);
    e.part[0] += lk_keep_part(y, rest);
    if (smooth) s.part[0] += lk_keep_part(x, rest);
    if (keep) lk_store_part(row + whole, y, rest);
  }
  if (smooth) *plain = total(&s);
  return total(&e);
}

/* From exponentials and their sum to softmax minus the target distribution. */
static void row_gradient(ptrdiff_t V, lk_real *row, double sum, int32_t target, double smoothing) {
  const lk_real scale = (lk_real)(1.0 / sum), uniform = (lk_real)(smoothing / (double)V);
  const lk_vec scales = lk_splat(scale), uniforms = lk_splat(-uniform);
  ptrdiff_t v = 0;
  for (; v + LK_VL <= V; v += LK_VL) lk_store(row + v, lk_fma(lk_load(row + v), scales, uniforms));
  if (v < V) lk_store_part(row + v, lk_fma(lk_load_part(row + v, V - v), scales, uniforms), V - v);
  row[target] -= (lk_real)(1.0 - smoothing);
}

/* Loss of one row: log sum e^x - (1-e) x[target] - e mean(x). */
static double row_loss(ptrdiff_t V, lk_real *row, int32_t target, double smoothing, int gradient, int32_t *best) {
  const lk_real max = row_max(V, row), at_target = row[target];
  double sum, plain = 0;
  if (best) *best = first_equal(V, row, max);
  if (gradient)
    sum = smoothing > 0 ? exponentials(V, row, max, 1, 1, &plain) : exponentials(V, row, max, 1, 0, &plain);
  else
    sum = smoothing > 0 ? exponentials(V, row, max, 0, 1, &plain) : exponentials(V, row, max, 0, 0, &plain);
  if (gradient) row_gradient(V, row, sum, target, smoothing);
  return log(sum) - (1.0 - smoothing) * ((double)at_target - (double)max) - smoothing / (double)V * plain;
}

void softmax_loss_isa(ptrdiff_t n, ptrdiff_t V, lk_real *logits, ptrdiff_t ld, const int32_t *target, double smoothing,
                      int gradient, double *loss, int32_t *best) {
  for (ptrdiff_t i = 0; i < n; i++) {
    lk_real *row = logits + i * ld;
    if (target[i] >= 0) {
      LK_ASSERT(target[i] < V);
      loss[i] = row_loss(V, row, target[i], smoothing, gradient, best ? &best[i] : NULL);
    } else {
      loss[i] = 0;
      if (best) best[i] = first_equal(V, row, row_max(V, row));
      for (ptrdiff_t v = 0; gradient && v < V; v++) row[v] = 0;
    }
    /* pads of the gradient, as far as the row goes */
    for (ptrdiff_t v = V; gradient && v < lk_padded(V) && v < ld; v++) row[v] = 0;
  }
}
