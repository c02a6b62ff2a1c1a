/* real.h - the number type of all arithmetic.
 *
 * The program computes in float. The tests compile base/, math/, nn/, task/ a second time with LK_DOUBLE, where finite
 * differences are sharp enough to check a gradient to 1e-6. Files hold float32 in both. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef LK_DOUBLE
typedef double lk_real;
#define LK_REAL_NAME "float64"
#else
typedef float lk_real;
#define LK_REAL_NAME "float32"
#endif

/* Rows of padded matrices (states, gates, logits) start at multiples of this many reals, so every vector load is whole
 * on every instruction set; pad columns hold zeros. */
#define LK_LANES 16

/** The leading dimension of a padded matrix with n columns.                       Not collective. */
static inline ptrdiff_t lk_padded(ptrdiff_t n) { return (n + LK_LANES - 1) / LK_LANES * LK_LANES; }
