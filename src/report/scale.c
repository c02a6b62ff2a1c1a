#include "scale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The smallest of 1, 2, 5 times a power of ten that is at least x. */
static double round_step(double x) {
  const double power = pow(10, floor(log10(x)));
  const double digit = x / power;
  return power * (digit <= 1.0000001 ? 1 : digit <= 2.0000001 ? 2 : digit <= 5.0000001 ? 5 : 10);
}

static int even_ticks(double low, double high, int most, double ticks[LK_MOST_TICKS]) {
  const double step = round_step((high - low) / (most > 1 ? most : 1)), slack = step * 1e-6;
  int n = 0;
  for (double k = ceil((low - slack) / step); k * step <= high + slack && n < LK_MOST_TICKS; k++)
    ticks[n++] = k == 0 ? 0 : k * step;
  return n;
}

/* These digits times all powers of ten, or, without digits, every `every`th power. */
static int digit_ticks(double low, double high, const char *digits, int every, double ticks[LK_MOST_TICKS]) {
  int n = 0;
  const int first = (int)floor(log10(low)), last = (int)ceil(log10(high));
  for (int e = first; e <= last; e++) {
    if (every > 1 && ((e % every) + every) % every != 0) continue;
    for (const char *d = digits; *d; d++) {
      const double value = (*d - '0') * pow(10, e);
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9) && n < LK_MOST_TICKS) ticks[n++] = value;
    }
  }
  return n;
}

/* The densest of some patterns that is not denser than asked for; where all are too sparse, even steps. */
static int log_ticks(double low, double high, int most, double ticks[LK_MOST_TICKS]) {
  static const char *const digits[] = {"1235", "125", "13", "1"};
  for (size_t i = 0; i < sizeof digits / sizeof *digits; i++) {
    const int n = digit_ticks(low, high, digits[i], 1, ticks);
    if (n >= 3 && n <= most + 1) return n;
  }
  if (high / low < 100) return even_ticks(low, high, most, ticks);
  for (int every = 2;; every++) {
    const int n = digit_ticks(low, high, "1", every, ticks);
    if (n <= most + 1) return n;
  }
}

int lk_scale_ticks(const lk_scale *s, int most, double ticks[LK_MOST_TICKS]) {
  return s->log ? log_ticks(s->low, s->high, most, ticks) : even_ticks(s->low, s->high, most, ticks);
}

lk_scale lk_scale_make(double low, double high, bool log, int most) {
  if (!isfinite(low) || !isfinite(high)) low = log ? 0.1 : 0, high = 1;
  if (!(high > low)) {
    const double room = low != 0 ? fabs(low) * 0.1 : 1;
    low = log ? low * 0.9 : low - room, high += room;
  }
  lk_scale s = {low, high, log};
  if (log) { /* a little air, as round ends could be far away */
    const double air = pow(high / low, 0.03);
    return s.low = low / air, s.high = high * air, s;
  }
  const double step = round_step((high - low) / (most > 1 ? most : 1));
  s.low = fmin(low, step * floor(low / step + 1e-9));
  s.high = fmax(high, step * ceil(high / step - 1e-9));
  return s;
}

double lk_scale_at(const lk_scale *s, double value) {
  if (s->log) return value > 0 ? log(value / s->low) / log(s->high / s->low) : -1;
  return (value - s->low) / (s->high - s->low);
}

const char *lk_number_whole_text(char out[32], long long value) {
  char plain[32];
  const int n = snprintf(plain, sizeof plain, "%lld", value), sign = value < 0;
  int at = 0;
  for (int i = 0; i < n; i++) {
    if (i > sign && (n - i) % 3 == 0) out[at++] = ',';
    out[at++] = plain[i];
  }
  out[at] = '\0';
  return out;
}

const char *lk_scale_text(char out[32], double value, double step) {
  const double size = fabs(value);
  step = fabs(step);
  if (value == 0) return strcpy(out, "0");
  if (!isfinite(value)) return strcpy(out, "–");
  if (size >= 1e15 || size < 1e-4) {
    (void)snprintf(out, 32, "%.3g", value);
    return out;
  }
  if (step >= 1 && size < 1e15 && value == floor(value)) return lk_number_whole_text(out, (long long)value);
  const int digits = step > 0 ? (int)ceil(-log10(step) - 1e-6) : 3;
  (void)snprintf(out, 32, "%.*f", digits < 0 ? 0 : digits > 9 ? 9 : digits, value);
  return out;
}

const char *lk_number_short(char out[32], double value, int digits) {
  const double size = fabs(value);
  if (!isfinite(value)) return strcpy(out, "–");
  if (size >= pow(10, digits) && size < 1e15) return lk_number_whole_text(out, llround(value));
  if (size > 0 && size < 1e-4) {
    (void)snprintf(out, 32, "%.*g", digits, value);
    return out;
  }
  if (size == 0) return strcpy(out, "0");
  const int before = (int)floor(log10(size)) + 1;
  (void)snprintf(out, 32, "%.*f", digits > before ? digits - before : 0, value);
  return out;
}
