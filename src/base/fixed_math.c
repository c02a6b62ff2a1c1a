#include "fixed_math.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33; /* the high part has 32 bits */

static uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static double of_bits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/** 2^n for -1022 <= n <= 1023. */
static double power_of_two(int n) { return of_bits((uint64_t)(n + 1023) << 52); }

/* c[0] + c[1] x + ... by Horner's rule. */
static double polynomial(const double *c, int terms, double x) {
  double y = c[terms - 1];
  for (int i = terms - 2; i >= 0; i--) y = y * x + c[i];
  return y;
}

/* x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2). With s = f / (2 + f):
 *   log(1 + f) = 2 atanh(s) = f - f^2/2 + s (f^2/2 + R(s^2)),   R(z) = 2 (z/3 + z^2/5 + ...) */
double lk_fixed_log(double x) {
  static const double series[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
                                  2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23};
  int k = 0;
  if (!(x > 0)) return x == 0 ? -INFINITY : NAN;
  if (x == INFINITY) return x;
  if (x < 0x1p-1022) x *= 0x1p54, k = -54;
  uint64_t bits = bits_of(x);
  k += (int)(bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffffULL) | 0x3ff0000000000000ULL;
  if (bits >= 0x3ff6a09e667f3bcdULL) bits -= 1ULL << 52, k++; /* sqrt(2) */
  const double f = of_bits(bits) - 1, s = f / (2 + f), z = s * s, half = 0.5 * f * f;
  const double r = z * polynomial(series, sizeof series / sizeof *series, z);
  return k * ln2_high - ((half - (s * (half + r) + k * ln2_low)) - f);
}

/* x = k ln 2 + r, |r| <= ln 2 / 2; e^r by its series. */
double lk_fixed_exp(double x) {
  static const double series[] = {1.0 / 2,       1.0 / 6,        1.0 / 24,        1.0 / 120,
                                  1.0 / 720,     1.0 / 5040,     1.0 / 40320,     1.0 / 362880,
                                  1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
  if (x != x) return x;
  if (x > 709.782712893384) return INFINITY;
  if (x < -708) return 0;
  const int k = (int)(x * 0x1.71547652b82fep0 + (x < 0 ? -0.5 : 0.5));
  const double high = x - k * ln2_high, low = k * ln2_low, r = high - low;
  /* the rounding error of r is added to the small terms */
  const double lost = (high - r) - low;
  const double y = 1 + (r + (lost + r * r * polynomial(series, sizeof series / sizeof *series, r)));
  return y * power_of_two(k / 2) * power_of_two(k - k / 2);
}

/* ---- powers: numbers as the sum of two doubles, high + low ---- */

typedef struct pair {
  double high, low;
} pair;

static pair sum_of(double a, double b) { /* |a| >= |b| */
  const double high = a + b;
  return (pair){high, b - (high - a)};
}

/* Dekker's product: exact without a fused multiply-add. */
static pair product_of(double a, double b) {
  const double split = 134217729, ta = split * a, tb = split * b; /* 2^27 + 1 */
  const double a1 = ta - (ta - a), a2 = a - a1, b1 = tb - (tb - b), b2 = b - b1, high = a * b;
  return (pair){high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2};
}

static pair times(pair a, pair b) {
  const pair p = product_of(a.high, b.high);
  return sum_of(p.high, p.low + (a.high * b.low + a.low * b.high));
}

/* base^n, base in (2^-20, 2^20): powers stay in the range where products are exact, or become 0 or infinity. */
static double whole_power(double base, uint64_t n) {
  pair result = {1, 0}, square = {base, 0};
  for (; n > 0; n >>= 1) {
    if (n & 1) result = times(result, square);
    if (!(result.high < 0x1p900)) return INFINITY; /* or NaN: the parts of a number that overflowed */
    if (result.high < 0x1p-900) return 0;
    if (n > 1) square = times(square, square);
    if (!(square.high < 0x1p900)) return INFINITY;
    if (square.high < 0x1p-900) return 0;
  }
  return result.high + result.low;
}

double lk_fixed_power(double base, double exponent) {
  if (exponent == 0 || base == 1) return 1;
  if (base != base || exponent != exponent || base < 0) return NAN;
  if (base == 0) return exponent > 0 ? 0 : INFINITY;
  const double size = fabs(exponent);
  if (size < 0x1p53 && size == floor(size) && base > 0x1p-20 && base < 0x1p20) {
    const double y = whole_power(base, (uint64_t)size);
    return exponent < 0 ? 1 / y : y;
  }
  return lk_fixed_exp(exponent * lk_fixed_log(base));
}

/* ---- cosine ---- */

/* |y| <= pi/4 */
static double small_sine(double y) {
  static const double series[] = {-1.0 / 6,
                                  1.0 / 120,
                                  -1.0 / 5040,
                                  1.0 / 362880,
                                  -1.0 / 39916800,
                                  1.0 / 6227020800.0,
                                  -1.0 / 1307674368000.0,
                                  1.0 / 355687428096000.0};
  const double z = y * y;
  return y + y * (z * polynomial(series, sizeof series / sizeof *series, z));
}

static double small_cosine(double y) {
  static const double series[] = {1.0 / 24,          -1.0 / 720,           1.0 / 40320,           -1.0 / 3628800,
                                  1.0 / 479001600.0, -1.0 / 87178291200.0, 1.0 / 20922789888000.0};
  const double z = y * y, half = 0.5 * z, rest = 1 - half;
  return rest + (((1 - rest) - half) + z * z * polynomial(series, sizeof series / sizeof *series, z));
}

double lk_fixed_cos_turns(double turns) {
  const double two_pi = 6.283185307179586477;
  if (!(fabs(turns) < 0x1p52)) return turns == turns && fabs(turns) < INFINITY ? 1 : NAN;
  double t = fabs(turns); /* all these subtractions are exact */
  t -= floor(t);
  if (t > 0.5) t = 1 - t;
  const int negative = t > 0.25;
  if (negative) t = 0.5 - t;
  const double y = t > 0.125 ? small_sine(two_pi * (0.25 - t)) : small_cosine(two_pi * t);
  return negative ? -y : y;
}
