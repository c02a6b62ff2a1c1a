#include "average.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "average_impl.h"
#include "choices.h"

/* The table of averages: one line each. */
#define KINDS(X) \
  X(none)        \
  X(ema)         \
  X(swa)         \
  X(nt_asgd)

#define DECLARE(name) extern const lk_averaging lk_averaging_##name;
#define ADDRESS(name) &lk_averaging_##name,
KINDS(DECLARE)
static const lk_averaging *const kinds[] = {KINDS(ADDRESS)};
enum { COUNT = sizeof kinds / sizeof *kinds };

const lk_averaging lk_averaging_none = {.name = "none"};

struct lk_average {
  const lk_averaging *kind;
  lk_average_settings settings;
  ptrdiff_t count;
  lk_arena arena;
  float *values; /* [count], NULL where none is wanted */
};

static lk_choice kind_choice(size_t i) {
  return i < COUNT ? (lk_choice){kinds[i]->name, kinds[i]->help, kinds[i]->reads} : (lk_choice){0};
}
LK_CHOICES("train.average", kind_choice)

/* None for an unknown name, which lk_average_create() refuses. */
static const lk_averaging *kind_of(const lk_config *config) {
  for (size_t i = 0; i < COUNT; i++)
    if (strcmp(kinds[i]->name, config->train.average) == 0) return kinds[i];
  return &lk_averaging_none;
}

bool lk_average_wanted(const lk_config *config) { return kind_of(config)->share != NULL; }
bool lk_average_by_evaluations(const lk_config *config) { return kind_of(config)->begins != NULL; }

static lk_status build(lk_average *average, const lk_config *config) {
  const lk_config_train *train = &config->train;
  size_t index;
  LK_TRY(lk_config_choice(config, "train.average", &index));
  average->kind = kinds[index];
  average->settings = (lk_average_settings){.decay = train->average_decay,
                                            .start = train->average_start,
                                            .every = train->average_every,
                                            .patience = train->average_patience};
  if (!average->kind->share) return LK_OK;
  average->values = lk_arena_take(&average->arena, sizeof(float) * (size_t)average->count);
  LK_TRY(lk_arena_reserve(&average->arena));
  average->values = lk_arena_take(&average->arena, sizeof(float) * (size_t)average->count);
  return LK_OK;
}

lk_status lk_average_create(lk_average **average, const lk_config *config, ptrdiff_t count) {
  LK_TRY(lk_alloc(average, 1, sizeof **average));
  (*average)->count = count;
  const lk_status status = build(*average, config);
  if (status != LK_OK) lk_average_destroy(average);
  return status;
}

void lk_average_destroy(lk_average **average) {
  if (!*average) return;
  lk_arena_release(&(*average)->arena);
  free(*average);
  *average = NULL;
}

/* The gaps between tensors are zeros in both and stay so. */
static void mix(ptrdiff_t n, float share, float *restrict average, const float *restrict weights) {
  for (ptrdiff_t i = 0; i < n; i++) average[i] += share * (weights[i] - average[i]);
}

bool lk_average_add(lk_average *average, lk_state *state, lk_average_step step, const lk_ranges *ranges,
                    const float *weights) {
  LK_ASSERT(lk_ranges_size(ranges) == average->count);
  if (!average->kind->share) return false;
  const double share = average->kind->share(&average->settings, state->average, step);
  if (share == 0) return false;
  for (int i = 0; i < ranges->count; i++) {
    const ptrdiff_t n = lk_range_size(ranges->at[i]);
    float *to = average->values + lk_ranges_own(ranges, i).begin;
    if (state->average[LK_AVERAGE_COUNT] == 0) /* A + (w - A) is not w to the last bit */
      memcpy(to, weights + ranges->at[i].begin, sizeof(float) * (size_t)n);
    else
      mix(n, (float)share, to, weights + ranges->at[i].begin);
  }
  state->average[LK_AVERAGE_COUNT] += 1;
  if (state->average[LK_AVERAGE_BEGAN] > 0) return false;
  state->average[LK_AVERAGE_BEGAN] = (double)step.step;
  return true;
}

/* A figure that is not finite is worse than all others. */
bool lk_average_evaluated(const lk_average *average, lk_state *state, double value, bool larger_is_better) {
  const double loss = !isfinite(value) ? (double)INFINITY : larger_is_better ? -value : value;
  if (!average->kind->begins || !average->kind->begins(&average->settings, state->average, loss)) return false;
  if (state->average[LK_AVERAGE_BEGAN] > 0) return false;
  state->average[LK_AVERAGE_BEGAN] = (double)state->step + 1;
  return true;
}

bool lk_average_holds(const lk_state *state) { return state->average[LK_AVERAGE_COUNT] > 0; }

void lk_average_swap(lk_average *average, const lk_ranges *ranges, float *weights) {
  float *a = average->values;
  for (int k = 0; k < ranges->count; k++)
    for (ptrdiff_t i = ranges->at[k].begin; i < ranges->at[k].end; i++, a++) {
      const float weight = weights[i];
      weights[i] = *a;
      *a = weight;
    }
}

void lk_average_return(lk_state *state, const lk_state *then) {
  double *now = state->average;
  now[LK_AVERAGE_COUNT] = then->average[LK_AVERAGE_COUNT];
  if (lk_average_holds(then))
    now[LK_AVERAGE_BEGAN] = then->average[LK_AVERAGE_BEGAN];
  else if (now[LK_AVERAGE_BEGAN] > 0)
    now[LK_AVERAGE_BEGAN] = (double)state->step + 1;
}

float *lk_average_values(lk_average *average) { return average->values; }

bool lk_average_possible(const lk_state *state) {
  const double *a = state->average, most = 0x1p53;
  for (int i = LK_AVERAGE_BEGAN; i <= LK_AVERAGE_SEEN; i++)
    if (!(a[i] >= 0 && a[i] <= most && a[i] == floor(a[i]))) return false;
  for (int i = LK_AVERAGE_OLDER; i < LK_AVERAGE_STATE; i++)
    if (isnan(a[i])) return false;
  return a[LK_AVERAGE_BEGAN] <= (double)state->step + 1 && (a[LK_AVERAGE_COUNT] == 0 || a[LK_AVERAGE_BEGAN] > 0);
}
