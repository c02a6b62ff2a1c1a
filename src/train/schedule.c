#include "lockstep/schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/arena.h"

/* Places in the saved state. Zeros are a run's start. */
enum { SEEN, BEST, BAD, FALLS };

typedef struct moment { /* when: what a schedule's shape is a function of */
  double step, epoch;   /* finished steps; finished epochs, with the fraction */
} moment;

typedef double shape(const lk_schedule *s, moment now);

struct lk_schedule {
  shape *shape;
  double rate, factor, every, start, floor, warmup, last_step;
  int64_t cooldown;
  double state[LK_SCHEDULE_STATE];
};

static double constant(const lk_schedule *s, moment now) {
  (void)now;
  return s->rate;
}

static double falls(const lk_schedule *s, moment now) {
  double first = s->start > 0 ? s->start : s->every;
  if (now.epoch < first) return s->rate;
  double count = s->every > 0 ? 1 + floor((now.epoch - first) / s->every) : 1;
  return s->rate * pow(s->factor, count);
}

static double exponential(const lk_schedule *s, moment now) {
  if (now.epoch <= s->start || s->every <= 0) return s->rate;
  return s->rate * pow(s->factor, (now.epoch - s->start) / s->every);
}

static double cosine(const lk_schedule *s, moment now) {
  /* during the warm-up at the peak, also where the run is shorter than its warm-up */
  double length = s->last_step - s->warmup, done = now.step > s->warmup ? (now.step - s->warmup) / length : 0;
  if (done > 1) done = 1;
  return s->floor + (s->rate - s->floor) * 0.5 * (1 + cos(done * 3.14159265358979323846));
}

static double inverse_sqrt(const lk_schedule *s, moment now) {
  double peak = s->warmup > 1 ? s->warmup : 1, step = now.step + 1;
  return step <= peak ? s->rate : s->rate * sqrt(peak / step);
}

static double plateau(const lk_schedule *s, moment now) {
  (void)now;
  return s->rate * pow(s->factor, s->state[FALLS]);
}

static const struct {
  const char *name;
  shape *shape;
} shapes[] = {
    {"constant", constant},         {"step", falls},      {"exponential", exponential}, {"cosine", cosine},
    {"inverse-sqrt", inverse_sqrt}, {"plateau", plateau},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

const char *const *lk_schedule_names(size_t *count) {
  static const char *names[SHAPES];
  for (size_t i = 0; i < SHAPES; i++) names[i] = shapes[i].name;
  *count = SHAPES;
  return names;
}

static lk_status choose(const lk_config *config, bool ends, size_t *index) {
  size_t count;
  const char *const *names = lk_schedule_names(&count);
  LK_TRY(lk_config_choice(config, "train.schedule", names, count, index));
  if (shapes[*index].shape != cosine || ends) return LK_OK;
  return lk_config_error(config, "train.schedule", "cosine needs an end: set train.steps or train.epochs");
}

lk_status lk_schedule_check(const lk_config *config) {
  size_t index;
  return choose(config, config->train.steps > 0 || config->train.epochs > 0, &index);
}

lk_status lk_schedule_create(lk_schedule **schedule, const lk_config *config, int64_t last_step) {
  const lk_config_train *c = &config->train;
  size_t index;
  LK_TRY(choose(config, last_step > 0, &index));
  lk_schedule *made = NULL;
  LK_TRY(lk_alloc(&made, 1, sizeof *made));
  *made = (lk_schedule){.shape = shapes[index].shape,
                        .rate = c->rate,
                        .factor = c->factor,
                        .every = c->every,
                        .start = c->start,
                        .floor = c->floor < c->rate ? c->floor : c->rate,
                        .warmup = (double)c->warmup,
                        .last_step = (double)last_step,
                        .cooldown = c->cooldown};
  *schedule = made;
  return LK_OK;
}

void lk_schedule_destroy(lk_schedule **schedule) {
  free(*schedule);
  *schedule = NULL;
}

/* The floor holds for what falls, not for the warm-up below it. */
double lk_schedule_rate(const lk_schedule *s, int64_t step, int64_t steps_in_epoch) {
  LK_ASSERT(step >= 0 && steps_in_epoch >= 1);
  moment now = {.step = (double)step, .epoch = (double)step / (double)steps_in_epoch};
  double rate = s->shape(s, now);
  if (rate < s->floor) rate = s->floor;
  return now.step + 1 < s->warmup ? rate * (now.step + 1) / s->warmup : rate;
}

void lk_schedule_evaluated(lk_schedule *s, double value, bool larger_is_better) {
  if (s->shape != plateau) return;
  double *state = s->state;
  bool better = larger_is_better ? value > state[BEST] : value < state[BEST];
  if (!isnan(value) && (state[SEEN] == 0 || better)) {
    state[SEEN] = 1;
    state[BEST] = value;
    state[BAD] = 0;
    return;
  }
  state[BAD] += 1;
  if (state[BAD] < (double)s->cooldown) return;
  state[BAD] = 0;
  state[FALLS] += 1;
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
