/* meter_impl.h - the numbers of the progress line: moving averages of tokens/s, the time of a step and the loss, so
 * that no single step and no evaluation makes them jump.
 *
 *   mark       the sums at a moment of the past; a new one every LK_METER_SECONDS / 32, or each step
 *   speed      (now - mark) / their seconds, from the newest mark that is LK_METER_SECONDS old, or else the oldest one
 *   loss       (now - mark) / their units, from the newest that is LK_METER_LOSS_SECONDS and LK_METER_STEPS old
 *
 * The caller passes the time. Every function: Not collective. */
#pragma once
#include <stdint.h>

#define LK_METER_SECONDS      10.0 /* the window of speeds */
#define LK_METER_LOSS_SECONDS 2.0  /* the window of the loss: shorter, as the loss falls */
#define LK_METER_STEPS        20   /* and the least number of steps in it */
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

/** Reset: training begins, or resumes from another step, at `clock` seconds. */
void lk_meter_start(lk_meter *meter, double clock);
/** A step ended at `clock`. `loss` (nats) of `units` is left out where units is 0: a step that was not applied. */
void lk_meter_step(lk_meter *meter, double clock, int64_t tokens, double loss, int64_t units);
/** Leave out so many seconds, of an evaluation. */
void lk_meter_pause(lk_meter *meter, double seconds);

/** Recent tokens per second and seconds per step; 0 before the first step. */
double lk_meter_tokens(const lk_meter *meter);
double lk_meter_step_seconds(const lk_meter *meter);
/** Recent mean loss in nats per unit; NAN where no step was applied. */
double lk_meter_loss(const lk_meter *meter);
