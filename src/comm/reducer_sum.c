/* The local arithmetic of the reduction: no MPI here. */
#include <string.h>

#include "reducer_impl.h"

/* Elementwise, so vector width does not change bits; two forms because an exact overlap would defeat the compiler's
 * run-time alias check. */
static void add_to(float *restrict out, const float *restrict x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] += x[i];
}

static void add_two(float *restrict out, const float *restrict x, const float *restrict y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] = x[i] + y[i];
}

static void add(float *out, const float *x, const float *y, ptrdiff_t n) {
  if (out == x)
    add_to(out, y, n);
  else if (out == y)
    add_to(out, x, n);
  else
    add_two(out, x, y, n);
}

static const float *value_at(const lk_reducer *reducer, int value, ptrdiff_t at) {
  if (value < reducer->sources) return reducer->view[value].x + at;
  return reducer->temporary + (ptrdiff_t)(value - reducer->sources) * LK_SUM_BLOCK;
}

static float *place_of(const lk_reducer *reducer, const lk_sum_plan *plan, int i, float *out) {
  if (i == plan->ops - 1) return out;
  return reducer->temporary + (ptrdiff_t)(plan->op[i].into - reducer->sources) * LK_SUM_BLOCK;
}

static void add_dense(const lk_reducer *reducer, const lk_sum_plan *plan, ptrdiff_t at, ptrdiff_t n, float *out) {
  for (int i = 0; i < plan->ops; i++)
    add(place_of(reducer, plan, i, out), value_at(reducer, plan->op[i].left, at),
        value_at(reducer, plan->op[i].right, at), n);
}

/* An absent row is +0.0, in the bits too: added to a -0.0 it makes that a +0.0. */
static void add_zero(float *out, const float *x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] = x[i] + 0.0F;
}

/* n reals of row `row` of the part: only sources that touch it are read. */
static bool add_row(const lk_reducer *reducer, const lk_sum_plan *plan, ptrdiff_t row, ptrdiff_t at, ptrdiff_t n,
                    float *out) {
  uint8_t *present = reducer->present;
  bool last = false;
  for (int i = 0; i < plan->ops; i++) {
    const lk_sum_op *op = &plan->op[i];
    float *to = place_of(reducer, plan, i, out);
    bool left = op->left < reducer->sources ? reducer->view[op->left].touched[row] : present[op->left];
    bool right = op->right < reducer->sources ? reducer->view[op->right].touched[row] : present[op->right];
    if (left && right)
      add(to, value_at(reducer, op->left, at), value_at(reducer, op->right, at), n);
    else if (left || right)
      add_zero(to, value_at(reducer, left ? op->left : op->right, at), n);
    present[op->into] = last = left || right;
  }
  return last;
}

/* Whether every source of the plan touches all of these rows: then they are as good as dense. */
static bool all_touched(const lk_reducer *reducer, const lk_sum_plan *plan, ptrdiff_t row, ptrdiff_t rows) {
  for (int i = 0; i < plan->ops; i++) {
    const int value[2] = {plan->op[i].left, plan->op[i].right};
    for (int k = 0; k < 2; k++)
      if (value[k] < reducer->sources && memchr(reducer->view[value[k]].touched + row, 0, (size_t)rows)) return false;
  }
  return true;
}

bool lk_reducer_add(const lk_reducer *reducer, const lk_sum_plan *plan, ptrdiff_t part, ptrdiff_t at, ptrdiff_t n,
                    float *out, uint8_t *present) {
  LK_ASSERT(plan->ops > 0 && n <= LK_SUM_BLOCK);
  bool any = false;
  ptrdiff_t first_row = reducer->rows > 0 ? lk_row_at(reducer, part) : 0, end = part + at + n;
  for (ptrdiff_t begin = part + at, stop; begin < end; begin = stop) {
    lk_stretch s = lk_stretch_at(reducer, begin, end);
    ptrdiff_t row = s.row - first_row, from = begin - part;
    float *to = out + (from - at);
    stop = s.end;
    if (s.row >= 0) {
      ptrdiff_t rows = 1 + (s.end > s.row_end ? (s.end - s.row_end + s.width - 1) / s.width : 0);
      if (!all_touched(reducer, plan, row, rows)) {
        stop = s.end < s.row_end ? s.end : s.row_end; /* row by row */
        present[row] = add_row(reducer, plan, row, from, stop - begin, to);
        any |= present[row] != 0;
        continue;
      }
      memset(present + row, 1, (size_t)rows);
    }
    add_dense(reducer, plan, from, stop - begin, to);
    any = true;
  }
  return any;
}

/* Eight running sums, combined in a fixed order; the square of a float is exact in double, so a fused multiply-add
 * gives the same bits. */
static double square_sum(const float *x, ptrdiff_t n) {
  double s[8] = {0};
  ptrdiff_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int j = 0; j < 8; j++) s[j] += (double)x[i + j] * (double)x[i + j];
  for (int j = 0; i < n; i++, j++) s[j] += (double)x[i] * (double)x[i];
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

void lk_square_sums(const float *x, ptrdiff_t n, double *out) {
  for (ptrdiff_t at = 0; at < n; at += LK_RANGE_BLOCK)
    *out++ = square_sum(x + at, n - at < LK_RANGE_BLOCK ? n - at : LK_RANGE_BLOCK);
}

double lk_pairwise_sum(double *v, ptrdiff_t n) {
  if (n <= 0) return 0;
  for (; n > 1; n = (n + 1) / 2) {
    for (ptrdiff_t i = 0; i < n / 2; i++) v[i] = v[2 * i] + v[2 * i + 1];
    if (n % 2 != 0) v[n / 2] = v[n - 1];
  }
  return v[0];
}
