#include "meter_impl.h"

#include <math.h>

static const double mark_seconds = LK_METER_SECONDS / 32;

static const lk_meter_mark *mark_at(const lk_meter *m, int i) { return &m->mark[(m->first + i) % LK_METER_MARKS]; }

static void push(lk_meter *m) {
  if (m->count == LK_METER_MARKS) m->first = (m->first + 1) % LK_METER_MARKS, m->count--;
  m->mark[(m->first + m->count++) % LK_METER_MARKS] = m->now;
}

void lk_meter_start(lk_meter *m, double clock) {
  *m = (lk_meter){.began = clock};
  push(m);
}

void lk_meter_step(lk_meter *m, double clock, int64_t tokens, double loss, int64_t units) {
  m->now.seconds = clock - m->began;
  m->now.steps++;
  m->now.tokens += tokens;
  if (units > 0) m->now.loss += loss, m->now.units += (double)units;
  if (m->now.seconds - mark_at(m, m->count - 1)->seconds >= mark_seconds) push(m);
}

void lk_meter_pause(lk_meter *m, double seconds) { m->began += seconds; }

/* The newest mark that is so many seconds and steps old, or the oldest there is. */
static const lk_meter_mark *since(const lk_meter *m, double seconds, int64_t steps) {
  int i = m->count - 1;
  while (i > 0 && (m->now.seconds - mark_at(m, i)->seconds < seconds || m->now.steps - mark_at(m, i)->steps < steps))
    i--;
  return mark_at(m, i);
}

double lk_meter_tokens(const lk_meter *m) {
  const lk_meter_mark *from = since(m, LK_METER_SECONDS, 1);
  const double seconds = m->now.seconds - from->seconds;
  return seconds > 0 ? (double)(m->now.tokens - from->tokens) / seconds : 0;
}

double lk_meter_step_seconds(const lk_meter *m) {
  const lk_meter_mark *from = since(m, LK_METER_SECONDS, 1);
  const int64_t steps = m->now.steps - from->steps;
  return steps > 0 ? (m->now.seconds - from->seconds) / (double)steps : 0;
}

double lk_meter_loss(const lk_meter *m) {
  const lk_meter_mark *from = since(m, LK_METER_LOSS_SECONDS, LK_METER_STEPS);
  const double units = m->now.units - from->units;
  return units > 0 ? (m->now.loss - from->loss) / units : NAN;
}
