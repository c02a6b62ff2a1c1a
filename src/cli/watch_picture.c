#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "watch_impl.h"

/* Seconds in "1h 02m left", "3m 20s left", "12s left" or "nearly done"; -1: something else. */
static double seconds_left(const char *text) {
  double seconds = 0;
  char *end;
  if (strcmp(text, "nearly done") == 0) return 0;
  for (; *text && strcmp(text, "left") != 0; text = end + 1 + strspn(end + 1, " ")) {
    const double value = strtod(text, &end);
    if (end == text || !*end || !strchr("hms", *end)) return -1;
    seconds += value * (*end == 'h' ? 3600 : *end == 'm' ? 60 : 1);
  }
  return *text ? seconds : -1;
}

static double time_of(const char *stamp) {
  struct tm utc = {0};
  return strptime(stamp, "%Y-%m-%dT%H:%M:%SZ", &utc) ? (double)timegm(&utc) : 0;
}

/* From the last progress line and its age. */
static double left_now(const lk_watched *w, double now) {
  const char *item = w->progress;
  for (const char *next; (next = strstr(item, "  ")); item = next + 2) continue;
  const double left = seconds_left(item);
  return left > 0 ? fmax(0, left - fmax(0, now - time_of(w->stamp))) : left;
}

/* The value of eval.metric at the step that best.h5 is a link to; NaN where there is none. */
static double best(const lk_watched *w) {
  char path[4096], target[256];
  long long step;
  (void)snprintf(path, sizeof path, "%s/best.h5", w->dir);
  const ssize_t size = readlink(path, target, sizeof target - 1);
  target[size > 0 ? size : 0] = '\0';
  const char *name = strrchr(target, '-');
  if (!name || sscanf(name, "-%lld.h5", &step) != 1) return NAN;
  for (ptrdiff_t i = w->chosen.count - 1; i >= 0; i--)
    if (w->chosen.at[2 * i] == (double)step) return w->chosen.at[2 * i + 1];
  return NAN;
}

static void add_best(const lk_watched *w, lk_live *live) {
  const double value = best(w);
  if (isfinite(value))
    lk_live_add(live, 2, "best %s %.4f", strcmp(w->metric, "loss") == 0 ? "valid" : w->metric, value);
}

/* In which order the parts of a progress line are left out where there is no room: as in training. */
static int order_of(const char *item) {
  static const struct {
    const char *begin;
    int order;
  } orders[] = {{"step ", 4}, {"epoch ", 6}, {"loss ", 0}, {"rate ", 5}, {"state ", 7}};
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
    if (strncmp(item, orders[i].begin, strlen(orders[i].begin)) == 0) return orders[i].order;
  return 3; /* tokens/s */
}

/* The items of a progress line of log.txt, which are separated by two blanks. */
static void take_progress(const lk_watched *w, lk_live *live) {
  char line[sizeof w->progress];
  (void)snprintf(line, sizeof line, "%s", w->progress);
  for (char *item = line, *next; item; item = next) {
    next = strstr(item, "  ");
    if (next) *next = '\0', next += 2;
    if (seconds_left(item) < 0) lk_live_add(live, order_of(item), "%s", item);
    if (strncmp(item, "loss ", 5) == 0) add_best(w, live);
  }
}

/* The last line of metrics.jsonl, where it is newer than the log's. */
static void take_metrics(const lk_watched *w, long long last, lk_live *live) {
  char of[32] = "";
  if (last > 0) (void)snprintf(of, sizeof of, "/%lld", last);
  lk_live_add(live, 4, "step %.0f%s", w->step, of);
  if (isfinite(w->epoch)) lk_live_add(live, 6, "epoch %.2f", w->epoch);
  lk_live_add(live, 0, "loss %.4f", w->mean);
  add_best(w, live);
  if (isfinite(w->tokens)) lk_live_add(live, 3, "%.0f tokens/s", w->tokens);
  if (isfinite(w->rate)) lk_live_add(live, 5, "rate %.3g", w->rate);
}

static void say_phase(const lk_watched *w, lk_run_phase phase, double now, lk_live *live) {
  char ago[32];
  const double age = now - w->sign;
  lk_say_seconds(age, ago);
  char *out = live->title;
  const size_t room = sizeof live->title;
  if (phase == LK_RUN_WAITING)
    (void)snprintf(out, room, "%.400s: no run has begun yet", w->dir);
  else if (phase == LK_RUN_GOES_ON)
    (void)snprintf(out, room, "%.400s: running, last sign of life %s ago", w->dir, ago);
  else if (phase == LK_RUN_SILENT)
    (void)snprintf(out, room, "%.400s: no sign of life for %s: killed, or its host is gone", w->dir, ago);
  else
    (void)snprintf(out, room, "%.150s: %.300s (%s ago)", w->dir, *w->last ? w->last : "ended", ago);
  lk_watched_plain(out);
}

static lk_series series(const lk_points *p) { return (lk_series){.at = p->at, .count = p->count, .stride = 2, .y = 1}; }

/* Of train.minutes; 0 where there is no such limit. left: seconds, negative: not known. */
static double share_of_time(const lk_watched *w, lk_run_phase phase, double left, double now) {
  const double all = 60 * w->minutes;
  if (all <= 0) return 0;
  if (phase == LK_RUN_DONE && strstr(w->last, "train.minutes")) return 1;
  const double since = phase == LK_RUN_GOES_ON && w->counted > 0 ? fmax(0, now - w->counted) : 0;
  const double spent = w->spent + since;
  return fmin(1, (left >= 0 ? fmin(spent > 0 ? spent : all, all - left) : spent) / all);
}

lk_live lk_watched_live(const lk_watched *w, double now) {
  lk_live live = lk_live_make(-1, -1);
  long long step = -1, last = 0;
  const lk_run_phase phase = lk_watched_phase(w, now);
  (void)sscanf(w->progress, "step %lld/%lld", &step, &last);
  const bool newer = w->step > (double)step;
  if (newer)
    take_metrics(w, last, &live);
  else if (step >= 0)
    take_progress(w, &live);
  if (phase == LK_RUN_GOES_ON) live.left = left_now(w, now);
  if (last > 0) live.share = fmin(1, fmax((double)step, w->step) / (double)last);
  if (w->minutes > 0) live.share = fmax(live.share, share_of_time(w, phase, live.left, now)); /* as train does */
  live.loss = series(&w->loss);
  live.valid = series(&w->valid);
  say_phase(w, phase, now, &live);
  return live;
}
