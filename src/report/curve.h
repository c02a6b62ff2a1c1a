/* curve.h - the points of a curve, made few and smooth. Not collective throughout. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "status.h"

/* Points in the order of x. {0} is empty. */
typedef struct lk_curve {
  double *x, *y; /* [n] */
  ptrdiff_t n;
  size_t x_capacity, y_capacity;
} lk_curve;

/** Append a point. False where x is below the last one, or y is not finite: it is not taken. LK_MEMORY ends in
 *  *status. */
bool lk_curve_add(lk_curve *curve, double x, double y, lk_status *status);
void lk_curve_release(lk_curve *curve);
/** Append to `to` at most 4 points of each of `columns` equal parts of [low, high]: the first, the least, the largest and
 *  the last, so that a line through them covers the same pixels. LK_MEMORY. */
LK_CHECKED lk_status lk_curve_thin(lk_curve *to, const lk_curve *from, double low, double high, int columns);
/** Append to `to` the course of a curve without its noise: at most 4,000 points, which are means of equally many
 *  neighbours; then each is averaged with its neighbours up to a 60th of the curve away, weighted by a triangle. A
 *  curve of less than 24 points is copied. LK_MEMORY. */
LK_CHECKED lk_status lk_curve_smooth(lk_curve *to, const lk_curve *from);
/** Append at most `most` points, evenly spaced, the first and the last among them. LK_MEMORY. */
LK_CHECKED lk_status lk_curve_pick(lk_curve *to, const lk_curve *from, ptrdiff_t most);
