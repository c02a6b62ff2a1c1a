/* The local arithmetic of the tree sum: no MPI here. */
#include <string.h>

#include "bf16.h"
#include "reduction_impl.h"

/* Elementwise, so the vector width does not change bits. Two functions, since `restrict` must hold where out is x. */
static void add_to(float *restrict out, const float *restrict x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] += x[i];
}

static void add_two(float *restrict out, const float *restrict x, const float *restrict y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] = x[i] + y[i];
}

static void add(float *out, const float *x, const float *y, ptrdiff_t n, bool rounded) {
  if (out == x)
    add_to(out, y, n);
  else if (out == y)
    add_to(out, x, n);
  else
    add_two(out, x, y, n);
  if (rounded) lk_bf16_round_all(n, out);
}

/* Whether addition i of a plan is rounded: all but the one that makes the root. */
static bool rounds(const lk_reduction *sum, const lk_sum_plan *plan, int i) {
  return sum->half && !(plan == &sum->total && i == plan->ops - 1);
}

static const float *value_at(const lk_reduction *sum, int value, ptrdiff_t at) {
  if (value < sum->terms) return sum->operand[value].x + at;
  return sum->temporary + (ptrdiff_t)(value - sum->terms) * LK_SUM_BLOCK;
}

static float *place_of(const lk_reduction *sum, const lk_sum_plan *plan, int i, float *out) {
  if (i == plan->ops - 1) return out;
  return sum->temporary + (ptrdiff_t)(plan->op[i].into - sum->terms) * LK_SUM_BLOCK;
}

static void add_dense(const lk_reduction *sum, const lk_sum_plan *plan, ptrdiff_t at, ptrdiff_t n, float *out) {
  for (int i = 0; i < plan->ops; i++)
    add(place_of(sum, plan, i, out), value_at(sum, plan->op[i].left, at), value_at(sum, plan->op[i].right, at), n,
        rounds(sum, plan, i));
}

/* A row without a mark counts as +0.0, and -0.0 + 0.0 is +0.0. */
static void add_zero(float *out, const float *x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] = x[i] + 0.0F;
}

/* n reals of row `row` of the part: only terms that mark it are read. */
static bool add_row(const lk_reduction *sum, const lk_sum_plan *plan, ptrdiff_t row, ptrdiff_t at, ptrdiff_t n,
                    float *out) {
  uint8_t *present = sum->present;
  bool last = false;
  for (int i = 0; i < plan->ops; i++) {
    const lk_sum_op *op = &plan->op[i];
    float *to = place_of(sum, plan, i, out);
    bool left = op->left < sum->terms ? sum->operand[op->left].marks[row] : present[op->left];
    bool right = op->right < sum->terms ? sum->operand[op->right].marks[row] : present[op->right];
    if (left && right)
      add(to, value_at(sum, op->left, at), value_at(sum, op->right, at), n, rounds(sum, plan, i));
    else if (left || right)
      add_zero(to, value_at(sum, left ? op->left : op->right, at), n);
    present[op->into] = last = left || right;
  }
  return last;
}

/* Whether every term of the plan marks all of these rows: then they are summed like dense reals. */
static bool all_marked(const lk_reduction *sum, const lk_sum_plan *plan, ptrdiff_t row, ptrdiff_t rows) {
  for (int i = 0; i < plan->ops; i++) {
    const int value[2] = {plan->op[i].left, plan->op[i].right};
    for (int k = 0; k < 2; k++)
      if (value[k] < sum->terms && memchr(sum->operand[value[k]].marks + row, 0, (size_t)rows)) return false;
  }
  return true;
}

bool lk_reduction_add(const lk_reduction *sum, const lk_sum_plan *plan, ptrdiff_t part, ptrdiff_t at, ptrdiff_t n,
                      float *out, uint8_t *present) {
  LK_ASSERT(plan->ops > 0 && n <= LK_SUM_BLOCK);
  bool any = false;
  ptrdiff_t first_row = sum->rows->rows > 0 ? lk_row_at(sum->rows, part) : 0, end = part + at + n;
  for (ptrdiff_t begin = part + at, stop; begin < end; begin = stop) {
    lk_row_run s = lk_row_run_at(sum->rows, begin, end);
    ptrdiff_t row = s.row - first_row, from = begin - part;
    float *to = out + (from - at);
    stop = s.end;
    if (s.row >= 0) {
      ptrdiff_t rows = 1 + (s.end > s.row_end ? (s.end - s.row_end + s.width - 1) / s.width : 0);
      if (!all_marked(sum, plan, row, rows)) {
        stop = s.end < s.row_end ? s.end : s.row_end; /* row by row */
        present[row] = add_row(sum, plan, row, from, stop - begin, to);
        any |= present[row] != 0;
        continue;
      }
      memset(present + row, 1, (size_t)rows);
    }
    add_dense(sum, plan, from, stop - begin, to);
    any = true;
  }
  return any;
}

/* Eight partial sums, combined in a fixed order. The square of a float is exact in double, so a fused multiply-add
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
