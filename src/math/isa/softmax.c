#include "isa_impl.h"

#include "fixed_math.h"
#include "status.h"

enum {
  CHAINS = 4,                /* independent partial sums of LK_LANES lanes, so that additions overlap */
  PARTS = CHAINS * LK_SPLIT, /* vectors that hold them: column v goes to lane v % (CHAINS LK_LANES), on any CPU */
  AHEAD = 4                  /* rows to prefetch: rows in memory are too short for the hardware prefetcher to detect */
};

/* The row to prefetch, or the last one. */
static const lk_real *row_ahead(const lk_real *logits, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t n) {
  return logits + (i < n ? i : n - 1) * ld;
}

/* Sums over the V columns of one row, kept in lanes as float and added up in double, always in this order. */
typedef struct lane_sums {
  lk_vec part[PARTS];
} lane_sums;

static double total(const lane_sums *sums) {
  double sum = 0;
  for (int c = 0; c < PARTS; c++) {
    lk_real lane[LK_VL];
    lk_store(lane, sums->part[c]);
    for (ptrdiff_t i = 0; i < LK_VL; i++) sum += (double)lane[i];
  }
  return sum;
}

static lk_real row_max(ptrdiff_t V, const lk_real *row) {
  lk_vec most[PARTS];
  for (int c = 0; c < PARTS; c++) most[c] = lk_splat(row[0]);
  ptrdiff_t v = 0;
  for (; v + PARTS * LK_VL <= V; v += PARTS * LK_VL)
    LK_UNROLL for (int c = 0; c < PARTS; c++) most[c] = lk_max(lk_load(row + v + c * LK_VL), most[c]);
  lk_real lane[LK_VL], max = row[0];
  for (int c = 0; c < PARTS; c++) {
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

/* sum of e^(x - max), and of x - max where `smooth`; prefetches a later row. */
LK_INLINE double exponentials(ptrdiff_t V, const lk_real *row, const lk_real *next, lk_real max, const int smooth,
                              double *plain) {
  lane_sums e = {{lk_zero()}}, s = {{lk_zero()}};
  const lk_vec shift = lk_splat(max);
  const ptrdiff_t whole = V / LK_LANES * LK_LANES;
  for (ptrdiff_t v = 0, c = 0; v < whole; v += LK_LANES, c = (c + LK_SPLIT) % PARTS) {
    __builtin_prefetch(next + v);
    LK_UNROLL for (int j = 0; j < LK_SPLIT; j++) {
      const lk_vec x = lk_load(row + v + j * LK_VL) - shift;
      e.part[c + j] += lk_exp(x);
      if (smooth) s.part[c + j] += x;
    }
  }
  for (ptrdiff_t v = whole, j = 0; v < V; v += LK_VL, j++) { /* what is left begins with the first lanes again */
    const ptrdiff_t rest = V - v < LK_VL ? V - v : LK_VL;
    const lk_vec x = lk_load_part(row + v, rest) - shift;
    e.part[j] += lk_keep_part(lk_exp(x), rest);
    if (smooth) s.part[j] += lk_keep_part(x, rest);
  }
  if (smooth) *plain = total(&s);
  return total(&e);
}

/* Loss of one row: log sum e^x - (1-e) x[target] - e mean(x). */
static double row_loss(ptrdiff_t V, const lk_real *row, const lk_real *next, int32_t target, double smoothing,
                       lk_real max, lk_softmax *softmax) {
  double sum, plain = 0;
  if (smoothing > 0)
    sum = exponentials(V, row, next, max, 1, &plain);
  else
    sum = exponentials(V, row, next, max, 0, &plain);
  if (softmax) *softmax = (lk_softmax){max, (lk_real)(1.0 / sum)};
  return lk_fixed_log(sum) - (1.0 - smoothing) * ((double)row[target] - (double)max) - smoothing / (double)V * plain;
}

void softmax_loss_isa(ptrdiff_t n, ptrdiff_t V, const lk_real *logits, ptrdiff_t ld, const int32_t *target,
                      double smoothing, double *loss, int32_t *best, lk_softmax *softmax) {
  for (ptrdiff_t i = 0; i < n; i++) {
    const lk_real *row = logits + i * ld;
    loss[i] = 0;
    if (target[i] < 0 && !best) continue;
    const lk_real max = row_max(V, row);
    if (best) best[i] = first_equal(V, row, max);
    if (target[i] < 0) continue;
    LK_ASSERT(target[i] < V);
    loss[i] =
        row_loss(V, row, row_ahead(logits, ld, i + 1, n), target[i], smoothing, max, softmax ? &softmax[i] : NULL);
  }
}

/* Softmax minus the target distribution. */
void softmax_gradient_isa(ptrdiff_t n, ptrdiff_t V, lk_range columns, const lk_real *logits, ptrdiff_t ld,
                          const int32_t *target, double smoothing, const lk_softmax *softmax, lk_real *to,
                          ptrdiff_t ldto) {
  const ptrdiff_t M = columns.end - columns.begin, whole = M / LK_VL * LK_VL;
  const lk_real uniform = (lk_real)(smoothing / (double)V);
  const lk_vec uniforms = lk_splat(-uniform);
  for (ptrdiff_t i = 0; i < n; i++, to += ldto) {
    const lk_real *row = logits + i * ld + columns.begin;
    const lk_real *ahead = row_ahead(logits, ld, i + AHEAD, n) + columns.begin;
    ptrdiff_t v = 0;
    if (target[i] >= 0) {
      const lk_vec shift = lk_splat(softmax[i].max), scale = lk_splat(softmax[i].scale);
      for (; v < whole; v += LK_VL) {
        __builtin_prefetch(ahead + v);
        lk_store(to + v, lk_fma(lk_exp(lk_load(row + v) - shift), scale, uniforms));
      }
      if (v < M) lk_store_part(to + v, lk_fma(lk_exp(lk_load_part(row + v, M - v) - shift), scale, uniforms), M - v);
      if (target[i] >= columns.begin && target[i] < columns.end)
        to[target[i] - columns.begin] -= (lk_real)(1.0 - smoothing);
      v = M;
    }
    for (; v < lk_padded(M) && v < ldto; v++) to[v] = 0;
  }
}
