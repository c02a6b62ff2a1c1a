/* clock.h - time, in seconds. */
#pragma once
#include <stddef.h>

/** Monotonic seconds since an arbitrary moment.                                     Not collective. */
double lk_clock_seconds(void);
/** "2031-05-04T12:00:00Z" into out[32].                                           Not collective. */
void lk_clock_stamp(char out[32]);
