#include "clock.h"

#include <time.h>

double lk_clock_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void lk_clock_stamp(char out[32]) {
  time_t now = time(NULL);
  struct tm utc;
  out[0] = '\0';
  if (gmtime_r(&now, &utc)) (void)strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}
