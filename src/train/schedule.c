#include "schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "choices.h"
#include "fixed_math.h"
#include "scaling.h"

/* Indices of the saved state, which is all zeros at the start of a run. */
enum { SEEN, BEST, BAD, FALLS };

/* train.schedule_by. */
typedef enum by { BY_AUTO, BY_STEPS, BY_TIME, BYS } by;
static const lk_choice ways[] = {{"auto", "by steps; cosine by whichever of its ends is nearer", NULL},
                                 {"steps", NULL, NULL},
                                 {"time", "start and every are minutes, cosine ends at train.minutes", NULL}};

static lk_choice by_choice(size_t i) { return i < BYS ? ways[i] : (lk_choice){0}; }
LK_CHOICES("train.schedule_by", by_choice)

typedef struct moment { /* the arguments of a schedule's shape */
  double step, epoch;   /* finished steps; finished epochs, with the fraction */
  double minutes;       /* of training */
} moment;

typedef double shape(const lk_schedule *s, moment now);

struct lk_schedule {
  shape *shape;
  double rate, factor, every, start, floor, warmup, last_step, minutes; /* minutes: train.minutes, 0: no limit */
  by by;
  int64_t cooldown;
  double state[LK_SCHEDULE_STATE];
};

static double constant(const lk_schedule *s, moment now) {
  (void)now;
  return s->rate;
}

/* The unit of `every` and `start`: epochs, or minutes. */
static double counted(const lk_schedule *s, moment now) { return s->by == BY_TIME ? now.minutes : now.epoch; }

static double falls(const lk_schedule *s, moment now) {
  double first = s->start > 0 ? s->start : s->every, at = counted(s, now);
  if (at < first) return s->rate;
  double count = s->every > 0 ? 1 + floor((at - first) / s->every) : 1;
  return s->rate * lk_fixed_power(s->factor, count);
}

static double exponential(const lk_schedule *s, moment now) {
  const double at = counted(s, now);
  if (at <= s->start || s->every <= 0) return s->rate;
  return s->rate * lk_fixed_power(s->factor, (at - s->start) / s->every);
}

/* The part of the run that is done, in [0, 1], by steps or time, whichever ends it first. 0 during the warm-up, also
 * where the run is shorter than that. */
static double done_of(const lk_schedule *s, moment now) {
  if (now.step <= s->warmup) return 0;
  const double by_steps =
      s->by != BY_TIME && s->last_step > s->warmup ? (now.step - s->warmup) / (s->last_step - s->warmup) : 0;
  const double by_time = s->by != BY_STEPS && s->minutes > 0 ? now.minutes / s->minutes : 0;
  return fmin(1, fmax(by_steps, by_time));
}

static double cosine(const lk_schedule *s, moment now) {
  const double done = done_of(s, now);
  return s->floor + (s->rate - s->floor) * 0.5 * (1 + lk_fixed_cos_turns(done / 2));
}

static double inverse_sqrt(const lk_schedule *s, moment now) {
  double peak = s->warmup > 1 ? s->warmup : 1, step = now.step + 1;
  return step <= peak ? s->rate : s->rate * sqrt(peak / step);
}

static double plateau(const lk_schedule *s, moment now) {
  (void)now;
  return s->rate * lk_fixed_power(s->factor, s->state[FALLS]);
}

#define READS_FALLS "train.floor train.factor train.every train.start train.schedule_by"
static const struct {
  lk_choice choice;
  shape *shape;
} shapes[] = {
    {{"constant", NULL, NULL}, constant},
    {{"step", "times train.factor each train.every", READS_FALLS}, falls},
    {{"exponential", "smoothly, by train.factor in train.every", READS_FALLS}, exponential},
    {{"cosine", "along half a cosine to train.floor at the end of the run", "train.floor train.schedule_by"}, cosine},
    {{"inverse-sqrt", "with the root of the step, after the warm-up", "train.floor"}, inverse_sqrt},
    {{"plateau", "times train.factor when evaluations stop improving",
      "train.floor train.factor train.cooldown train.restore_best"},
     plateau},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static lk_choice shape_choice(size_t i) { return i < SHAPES ? shapes[i].choice : (lk_choice){0}; }
LK_CHOICES("train.schedule", shape_choice)

static bool falls_by_time(size_t index) {
  return shapes[index].shape == cosine || shapes[index].shape == falls || shapes[index].shape == exponential;
}

/* The shape, and what it depends on. `steps`: whether train.steps or train.epochs end the run. */
static lk_status choose(const lk_config *config, bool steps, size_t *index, size_t *way) {
  const lk_config_train *c = &config->train;
  LK_TRY(lk_config_choice(config, "train.schedule", index));
  LK_TRY(lk_config_choice(config, "train.schedule_by", way));
  if (*way == BY_TIME && !falls_by_time(*index))
    return lk_config_error(config, "train.schedule_by", "only cosine, step and exponential go by time, not %s",
                           c->schedule);
  if (shapes[*index].shape != cosine) return LK_OK;
  if (*way == BY_TIME && c->minutes <= 0)
    return lk_config_error(config, "train.schedule_by", "cosine needs an end in time: set train.minutes");
  if ((*way == BY_STEPS && !steps) || (!steps && c->minutes <= 0))
    return lk_config_error(config, "train.schedule", "cosine needs an end: set train.steps, train.epochs%s",
                           *way == BY_STEPS ? "" : " or train.minutes");
  return LK_OK;
}

lk_status lk_schedule_check(const lk_config *config) {
  size_t index, way;
  lk_scaling scaling;
  LK_TRY(lk_scaling_read(&scaling, config));
  return choose(config, config->train.steps > 0 || config->train.epochs > 0, &index, &way);
}

lk_status lk_schedule_create(lk_schedule **schedule, const lk_config *config, int64_t last_step) {
  const lk_config_train *c = &config->train;
  size_t index, way;
  lk_scaling scaling;
  LK_TRY(choose(config, last_step > 0, &index, &way));
  LK_TRY(lk_scaling_read(&scaling, config));
  lk_schedule *made = NULL;
  LK_TRY(lk_alloc(&made, 1, sizeof *made));
  *made = (lk_schedule){.shape = shapes[index].shape,
                        .rate = c->rate * scaling.rate,
                        .factor = c->factor,
                        .every = c->every,
                        .start = c->start,
                        .floor = (c->floor < c->rate ? c->floor : c->rate) * scaling.rate,
                        .warmup = (double)c->warmup,
                        .last_step = (double)last_step,
                        .minutes = c->minutes,
                        .by = (by)way,
                        .cooldown = c->cooldown};
  *schedule = made;
  return LK_OK;
}

void lk_schedule_destroy(lk_schedule **schedule) {
  free(*schedule);
  *schedule = NULL;
}

bool lk_schedule_by_time(const lk_schedule *s) {
  return s->by == BY_TIME || (s->by == BY_AUTO && s->shape == cosine && s->minutes > 0);
}

/* The floor limits the schedule, not the warm-up, which starts below it. */
double lk_schedule_rate(const lk_schedule *s, int64_t step, int64_t steps_in_epoch, double minutes) {
  LK_ASSERT(step >= 0 && steps_in_epoch >= 1 && minutes >= 0);
  moment now = {.step = (double)step, .epoch = (double)step / (double)steps_in_epoch, .minutes = minutes};
  double rate = s->shape(s, now);
  if (rate < s->floor) rate = s->floor;
  return now.step + 1 < s->warmup ? rate * (now.step + 1) / s->warmup : rate;
}

bool lk_schedule_evaluated(lk_schedule *s, double value, bool larger_is_better) {
  if (s->shape != plateau) return false;
  double *state = s->state;
  bool better = larger_is_better ? value > state[BEST] : value < state[BEST];
  if (!isnan(value) && (state[SEEN] == 0 || better)) {
    state[SEEN] = 1;
    state[BEST] = value;
    state[BAD] = 0;
    return false;
  }
  state[BAD] += 1;
  if (state[BAD] < (double)s->cooldown) return false;
  const bool above = plateau(s, (moment){0}) > s->floor;
  state[BAD] = 0;
  state[FALLS] += 1;
  return above;
}

void lk_schedule_save(const lk_schedule *s, double state[LK_SCHEDULE_STATE]) {
  memcpy(state, s->state, sizeof s->state);
}

static bool counts(double value) { return value >= 0 && value <= 0x1p53; }

bool lk_schedule_possible(const double state[LK_SCHEDULE_STATE]) {
  return counts(state[SEEN]) && !isnan(state[BEST]) && counts(state[BAD]) && counts(state[FALLS]);
}

void lk_schedule_load(lk_schedule *s, const double state[LK_SCHEDULE_STATE]) {
  memcpy(s->state, state, sizeof s->state);
}
