/* judging.c - what the checks have in common. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "doctor_impl.h"

void lk_measured(lk_finding *finding, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(finding->fact, sizeof finding->fact, format, arguments);
  va_end(arguments);
}

void lk_wrong(lk_finding *finding, const char *why, const char *format, ...) {
  va_list arguments;
  finding->verdict = LK_WRONG;
  (void)snprintf(finding->why, sizeof finding->why, "%s", why);
  va_start(arguments, format);
  (void)vsnprintf(finding->mend, sizeof finding->mend, format, arguments);
  va_end(arguments);
}

void lk_not_known(lk_finding *finding, const char *fact) {
  finding->verdict = LK_NOT_KNOWN;
  lk_measured(finding, "%s", fact);
}

int lk_first_rank(const lk_survey *survey, lk_rank_test *test) {
  for (int r = 0; r < survey->size; r++)
    if (test(survey, r)) return r;
  return -1;
}

const char *lk_where(char out[128], const lk_survey *survey, lk_rank_test *test) {
  const int first = lk_first_rank(survey, test);
  int count = 0;
  out[0] = '\0';
  for (int r = 0; r < survey->size; r++) count += test(survey, r);
  if (survey->size == 1 || first < 0) return out;
  if (count == survey->size)
    (void)snprintf(out, 128, " on all ranks");
  else if (count == 1)
    (void)snprintf(out, 128, " on rank %d (%s)", first, survey->of[first].host);
  else
    (void)snprintf(out, 128, " on %d of %d ranks (first rank %d on %s)", count, survey->size, first,
                   survey->of[first].host);
  return out;
}

const char *lk_bytes_text(char out[32], double bytes) {
  static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  double value = bytes / 1024;
  while (value >= 1024 && unit < 3) value /= 1024, unit++;
  (void)snprintf(out, 32, value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return out;
}

const char *lk_seconds_text(char out[32], double seconds) {
  static const char *const units[] = {"ns", "us", "ms", "s"};
  int unit = 0;
  double value = seconds * 1e9;
  while (value >= 999.5 && unit < 3) value /= 1000, unit++;
  (void)snprintf(out, 32, value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return out;
}

int lk_ranks_beside(const lk_survey *survey, int rank) {
  int count = 0;
  for (int r = 0; r < survey->size; r++) count += strcmp(survey->of[r].machine, survey->of[rank].machine) == 0;
  return count;
}
