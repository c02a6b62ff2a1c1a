#include "work.h"

#include <stdbool.h>
#include <stddef.h>

#include "clock.h"
#include "log.h"

static const double silent_seconds = 2, plain_seconds = 60;

static struct {
  bool goes_on;
  const char *what, *unit;
  double all, began, next; /* next: amount of work from which the clock is looked at again */
  double from, until;      /* the span */
} work;

void lk_work_begin(void) {
  work.goes_on = true;
  lk_work_next("starting", NULL, 0);
  lk_log_progress_after(silent_seconds, plain_seconds);
}

void lk_work_end(void) {
  if (work.goes_on) lk_log_progress_end(true), lk_log_settle();
  work.goes_on = false;
}

void lk_work_next(const char *what, const char *unit, double all) {
  work.what = what, work.unit = unit, work.all = all;
  work.next = work.from = work.until = 0;
  work.began = lk_clock_seconds();
}

void lk_work_at(double done) {
  if (!work.goes_on || done < work.next) return;
  work.next = done + work.all / 1000;
  if (!lk_log_progress_due()) return;
  const double seconds = lk_clock_seconds() - work.began, share = work.all > 0 ? done / work.all : -1;
  lk_live live = lk_live_make(share, share > 0 ? seconds * (1 - share) / share : -1);
  lk_live_add(&live, 0, "%s", work.what);
  if (work.unit) lk_live_add(&live, 1, "%.0f %s", done, work.unit);
  if (work.unit && seconds > 0) lk_live_add(&live, 2, "%.4g %s/s", done / seconds, work.unit);
  lk_log_progress(plain_seconds, &live);
}

void lk_work_span(double done, double until) { work.from = done, work.until = until; }

void lk_work_part(double part) { lk_work_at(work.from + part * (work.until - work.from)); }
