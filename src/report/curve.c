#include "curve.h"

#include <math.h>
#include <stdlib.h>

#include "arena.h"

bool lk_curve_add(lk_curve *c, double x, double y, lk_status *status) {
  if (!isfinite(x) || !isfinite(y) || (c->n > 0 && x < c->x[c->n - 1])) return false;
  lk_status grown = lk_grow(&c->x, &c->x_capacity, (size_t)c->n + 1, sizeof *c->x);
  if (grown == LK_OK) grown = lk_grow(&c->y, &c->y_capacity, (size_t)c->n + 1, sizeof *c->y);
  if (grown != LK_OK) return *status = grown, false;
  c->x[c->n] = x;
  c->y[c->n++] = y;
  return true;
}

void lk_curve_release(lk_curve *c) {
  free(c->x);
  free(c->y);
  *c = (lk_curve){0};
}

static void take(lk_curve *to, const lk_curve *from, ptrdiff_t i, lk_status *status) {
  (void)lk_curve_add(to, from->x[i], from->y[i], status);
}

/* The points [begin, end) of one column. */
static void thin_column(lk_curve *to, const lk_curve *from, ptrdiff_t begin, ptrdiff_t end, lk_status *status) {
  ptrdiff_t least = begin, most = begin;
  for (ptrdiff_t i = begin; i < end; i++) {
    if (from->y[i] < from->y[least]) least = i;
    if (from->y[i] > from->y[most]) most = i;
  }
  for (ptrdiff_t i = begin; i < end; i++)
    if (i == begin || i == least || i == most || i == end - 1) take(to, from, i, status);
}

lk_status lk_curve_thin(lk_curve *to, const lk_curve *from, double low, double high, int columns) {
  lk_status status = LK_OK;
  const double width = (high - low) / columns;
  for (ptrdiff_t begin = 0, end; begin < from->n && status == LK_OK; begin = end) {
    const double column = floor((from->x[begin] - low) / width);
    for (end = begin + 1; end < from->n && floor((from->x[end] - low) / width) == column;) end++;
    thin_column(to, from, begin, end, &status);
  }
  return status;
}

/* Means of `group` neighbours each. */
static lk_status average(lk_curve *to, const lk_curve *from, ptrdiff_t group) {
  lk_status status = LK_OK;
  for (ptrdiff_t begin = 0; begin < from->n && status == LK_OK; begin += group) {
    const ptrdiff_t n = from->n - begin < group ? from->n - begin : group;
    double x = 0, y = 0;
    for (ptrdiff_t i = begin; i < begin + n; i++) x += from->x[i] / (double)n, y += from->y[i] / (double)n;
    (void)lk_curve_add(to, n > 1 ? x : from->x[begin], y, &status);
  }
  return status;
}

/* The mean of point i with its neighbours, as far on both sides, so that the ends do not bend. */
static double triangle(const lk_curve *c, ptrdiff_t i, ptrdiff_t reach) {
  double sum = c->y[i] * (double)(reach + 1), weights = (double)(reach + 1);
  for (ptrdiff_t d = 1; d <= reach && i - d >= 0 && i + d < c->n; d++) {
    sum += (double)(reach + 1 - d) * (c->y[i - d] + c->y[i + d]);
    weights += 2 * (double)(reach + 1 - d);
  }
  return sum / weights;
}

lk_status lk_curve_smooth(lk_curve *to, const lk_curve *from) {
  enum { MOST = 4000, FEW = 24, PART = 60 };
  lk_curve coarse = {0};
  lk_status status = average(&coarse, from, (from->n + MOST - 1) / MOST + (from->n == 0));
  const ptrdiff_t reach = coarse.n < FEW ? 0 : coarse.n / PART + 1;
  for (ptrdiff_t i = 0; i < coarse.n && status == LK_OK; i++)
    (void)lk_curve_add(to, coarse.x[i], triangle(&coarse, i, reach), &status);
  lk_curve_release(&coarse);
  return status;
}

lk_status lk_curve_pick(lk_curve *to, const lk_curve *from, ptrdiff_t most) {
  lk_status status = LK_OK;
  const ptrdiff_t n = from->n < most ? from->n : most;
  for (ptrdiff_t k = 0; k < n && status == LK_OK; k++) take(to, from, n > 1 ? k * (from->n - 1) / (n - 1) : 0, &status);
  return status;
}
