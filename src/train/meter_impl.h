/* meter_impl.h - what the progress line goes by: tokens/s and the time of a step over the last seconds, the loss over the
 * last seconds and steps, so that no single step, and no pause for an evaluation, makes it jump.
 *
 *   mark       what had been done at some moment of the past; a new one every LK_METER_SECONDS / 32, or each step
 *   rate       (now - mark) / its time, from the newest mark that is LK_METER_SECONDS old; from the oldest before
 *   loss       (now - mark) / its units, from the newest that is LK_METER_LOSS_SECONDS and LK_METER_STEPS old
 *
 * Time is given by the caller. Every function: Not collective. */
#pragma once
#include <stdint.h>

#define LK_METER_SECONDS      10.0 /* the window of rates */
#define LK_METER_LOSS_SECONDS 2.0  /* that of the loss, which falls meanwhile, */
#define LK_METER_STEPS        20   /* but of so many steps at least */
enum { LK_METER_MARKS = 64 };

/* Sums since the start. */
typedef struct lk_meter_mark {
  double seconds; /* of training: without pauses */
  int64_t steps, tokens;
  double loss, units; /* nats, over so many units; of applied steps */
} lk_meter_mark;

typedef struct lk_meter {
  lk_meter_mark mark[LK_METER_MARKS]; /* a ring */
  int first, count;
  lk_meter_mark now;
  double began; /* the clock at the start, later by all pauses */
} lk_meter;

/** Forget everything: training begins, or goes on from another step, at `clock` seconds. */
void lk_meter_start(lk_meter *meter, double clock);
/** A step ended at `clock`. `loss` (nats) of `units` is left out where units is 0: a step that was not applied. */
void lk_meter_step(lk_meter *meter, double clock, int64_t tokens, double loss, int64_t units);
/** So many seconds went by without training: an evaluation. */
void lk_meter_pause(lk_meter *meter, double seconds);

/** Tokens a second, and seconds a step, lately; 0 before the first step. */
double lk_meter_tokens(const lk_meter *meter);
double lk_meter_step_seconds(const lk_meter *meter);
/** Mean loss in nats a unit, lately; NAN where no step was applied. */
double lk_meter_loss(const lk_meter *meter);
