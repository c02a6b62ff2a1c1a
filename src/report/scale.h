/* scale.h - from numbers to places on an axis: ranges, ticks, and the numbers written at them. Not collective
 * throughout. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum { LK_MOST_TICKS = 24 };

typedef struct lk_scale {
  double low, high; /* low < high; of a logarithmic one both above 0 */
  bool log;
} lk_scale;

/** The scale of values from low to high, widened to ticks, of which there are about `most`. A logarithmic one needs
 *  low > 0. Equal or non-finite ends give a range around them. */
lk_scale lk_scale_make(double low, double high, bool log, int most);
/** 0 at low, 1 at high; beyond them for values outside. */
double lk_scale_at(const lk_scale *scale, double value);
/** Round numbers from low to high, about `most` of them, and at least 2 on a scale of lk_scale_make(); how many. */
int lk_scale_ticks(const lk_scale *scale, int most, double ticks[LK_MOST_TICKS]);
/** A number as people write it beside others that differ by `step`: "12,500", "0.0002", "1.2e-7"; returns out. */
const char *lk_scale_text(char out[32], double value, double step);
/** The same with `digits` significant digits: "0.4321". */
const char *lk_number_short(char out[32], double value, int digits);
/** A whole number with commas; returns out. */
const char *lk_number_whole_text(char out[32], long long value);
