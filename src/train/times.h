/* times.h - where the time of a run goes: seconds of rank 0 in each part of a step, in evaluations and in saves.
 *
 * A lap is the time since the last lap, so that the parts of a step add up to it. Not collective throughout. */
#pragma once
#include <stdint.h>

#include "clock.h"

/* One list makes the enum and the names in starts.jsonl. NET: forward, loss, backward. SUM: the control word and the
 * gradients of all ranks, including the wait for them. VALUES: updated weights to all ranks, including the wait of the
 * next forward pass for them. SAVE: how long training waited. */
#define LK_TIMES(X) \
  X(BATCH, "batch") \
  X(NET, "net")     \
  X(SUM, "sum") X(UPDATE, "update") X(VALUES, "values") X(PACK, "pack") X(EVALUATION, "evaluation") X(SAVE, "save")

typedef enum lk_time {
#define LK_TIME(name, text) LK_TIME_##name,
  LK_TIMES(LK_TIME)
#undef LK_TIME
      LK_TIME_PARTS
} lk_time;

typedef struct lk_times {
  double lap, seconds[LK_TIME_PARTS];
  int64_t steps; /* begun */
} lk_times;

static inline void lk_times_begin(lk_times *t) {
  t->lap = lk_clock_seconds();
  t->steps++;
}
/* What a lap counted to one part belongs to another. */
static inline void lk_times_move(lk_times *t, lk_time from, lk_time to, double seconds) {
  t->seconds[from] -= seconds;
  t->seconds[to] += seconds;
}
static inline void lk_times_lap(lk_times *t, lk_time part) {
  const double now = lk_clock_seconds();
  t->seconds[part] += now - t->lap;
  t->lap = now;
}
