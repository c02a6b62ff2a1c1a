#include "optimizer.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "choices.h"
#include "decay.h"
#include "fixed_math.h"
#include "optimizer_impl.h"
#include "replicas.h"

/* The table of optimizers: one line each. */
#define RULES(X) \
  X(sgd)         \
  X(momentum)    \
  X(adam)        \
  X(adamw)       \
  X(nadam)       \
  X(amsgrad)     \
  X(rmsprop)     \
  X(adagrad)     \
  X(adadelta)

#define DECLARE(name) extern const lk_rule lk_rule_##name;
#define ADDRESS(name) &lk_rule_##name,
RULES(DECLARE)
static const lk_rule *const rules[] = {RULES(ADDRESS)};
enum { COUNT = sizeof rules / sizeof *rules };

typedef struct segment { /* the part of one tensor in one of the ranges; begin: in an own vector */
  ptrdiff_t begin, count;
  double decay;
} segment;

struct lk_optimizer {
  const lk_rule *rule;
  lk_update settings; /* those that are the same for all steps */
  lk_decay decay;
  segment *segment;
  int segments, moments; /* moments: of the rule */
  float *moment[LK_RULE_MOMENTS];
  lk_ranges own;
  lk_wire wire;
  float *master; /* BF16: the weights; else NULL */
  lk_arena arena;
};

static const lk_rule *find(const char *name) {
  for (size_t i = 0; i < COUNT; i++)
    if (strcmp(rules[i]->name, name) == 0) return rules[i];
  return NULL;
}

const char *const *lk_optimizer_names(size_t *count) {
  static const char *names[COUNT];
  for (size_t i = 0; i < COUNT; i++) names[i] = rules[i]->name;
  *count = COUNT;
  return names;
}

static lk_choice rule_choice(size_t i) {
  return i < COUNT ? (lk_choice){rules[i]->name, rules[i]->help, rules[i]->reads} : (lk_choice){0};
}
LK_CHOICES("train.optimizer", rule_choice)

static bool skips_untouched(const lk_rule *rule, const lk_decay *decay) {
  return rule->skips_untouched && lk_decay_spares_sparse(decay);
}

bool lk_optimizer_skips_untouched(const lk_config *config) {
  const lk_rule *rule = find(config->train.optimizer);
  lk_decay decay;
  return rule && lk_decay_read(&decay, config) == LK_OK && skips_untouched(rule, &decay);
}

static void layout(lk_optimizer *optimizer, ptrdiff_t length) {
  for (int i = 0; i < optimizer->moments; i++)
    optimizer->moment[i] = lk_arena_take(&optimizer->arena, (size_t)length * sizeof(float));
  if (optimizer->wire == LK_WIRE_BF16)
    optimizer->master = lk_arena_take(&optimizer->arena, (size_t)length * sizeof(float));
}

static void cut_range(lk_optimizer *optimizer, const lk_params *params, lk_range range, ptrdiff_t at) {
  for (int t = 0; t < lk_params_tensors(params); t++) {
    const lk_param *p = lk_params_at(params, t);
    ptrdiff_t begin = p->offset > range.begin ? p->offset : range.begin;
    ptrdiff_t end = p->offset + p->count < range.end ? p->offset + p->count : range.end;
    if (begin < end)
      optimizer->segment[optimizer->segments++] = (segment){
          .begin = at + (begin - range.begin), .count = end - begin, .decay = lk_decay_for(&optimizer->decay, p)};
  }
}

/* The gaps between tensors are in no segment: they are zeros and stay so. A border of a range divides at most one
 * tensor. */
static lk_status cut_segments(lk_optimizer *optimizer, const lk_params *params) {
  const lk_ranges *own = &optimizer->own;
  const size_t most = (size_t)(lk_params_tensors(params) + 2 * own->count);
  LK_TRY(lk_alloc(&optimizer->segment, most, sizeof *optimizer->segment));
  for (int i = 0; i < own->count; i++) cut_range(optimizer, params, own->at[i], lk_ranges_own(own, i).begin);
  return LK_OK;
}

static lk_status build(lk_optimizer *optimizer, const lk_config *config, const lk_params *params) {
  size_t index;
  LK_TRY(lk_config_choice(config, "train.optimizer", &index));
  const lk_config_train *train = &config->train;
  optimizer->rule = rules[index];
  LK_TRY(lk_decay_read(&optimizer->decay, config));
  optimizer->settings = (lk_update){.momentum = train->momentum,
                                    .beta1 = train->beta1,
                                    .beta2 = train->beta2,
                                    .rho = train->rho,
                                    .epsilon = train->epsilon,
                                    .nesterov = train->nesterov};
  while (optimizer->moments < LK_RULE_MOMENTS && optimizer->rule->moment[optimizer->moments]) optimizer->moments++;
  LK_TRY(cut_segments(optimizer, params));
  LK_TRY(lk_wire_read(&optimizer->wire, config));
  layout(optimizer, lk_ranges_size(&optimizer->own));
  LK_TRY(lk_arena_reserve(&optimizer->arena));
  layout(optimizer, lk_ranges_size(&optimizer->own));
  return LK_OK;
}

lk_status lk_optimizer_create(lk_optimizer **optimizer, const lk_config *config, const lk_params *params,
                              const lk_ranges *own) {
  for (int i = 0; i < own->count; i++)
    LK_ASSERT(own->at[i].begin >= 0 && own->at[i].begin <= own->at[i].end && own->at[i].end <= lk_params_count(params));
  lk_optimizer *made = NULL;
  LK_TRY(lk_alloc(&made, 1, sizeof *made));
  made->own = *own;
  lk_status status = build(made, config, params);
  if (status == LK_OK)
    *optimizer = made;
  else
    lk_optimizer_destroy(&made);
  return status;
}

void lk_optimizer_destroy(lk_optimizer **optimizer) {
  if (*optimizer == NULL) return;
  lk_arena_release(&(*optimizer)->arena);
  free((*optimizer)->segment);
  free(*optimizer);
  *optimizer = NULL;
}

void lk_optimizer_begin(lk_optimizer *optimizer, const float *values) {
  const lk_ranges *own = &optimizer->own;
  for (int i = 0; i < own->count && optimizer->master; i++)
    memcpy(optimizer->master + lk_ranges_own(own, i).begin, values + own->at[i].begin,
           (size_t)lk_range_size(own->at[i]) * sizeof *values);
}

float *lk_optimizer_master(lk_optimizer *optimizer) { return optimizer->master; }

int lk_optimizer_moments(const lk_optimizer *optimizer) {
  return optimizer->moments + (optimizer->wire == LK_WIRE_BF16);
}

const char *lk_optimizer_moment_name(const lk_optimizer *optimizer, int i) {
  LK_ASSERT(i >= 0 && i < lk_optimizer_moments(optimizer));
  return i < optimizer->moments ? optimizer->rule->moment[i] : "master";
}

float *lk_optimizer_moment(lk_optimizer *optimizer, int i) {
  LK_ASSERT(i >= 0 && i < lk_optimizer_moments(optimizer));
  return i < optimizer->moments ? optimizer->moment[i] : optimizer->master;
}

bool lk_optimizer_is_sparse(const lk_optimizer *optimizer) {
  return skips_untouched(optimizer->rule, &optimizer->decay);
}

void lk_optimizer_step(lk_optimizer *optimizer, lk_range part, float *values, const float *sum, double scale,
                       double rate, int64_t step) {
  LK_ASSERT(step >= 1);
  lk_update u = optimizer->settings;
  u.scale = scale;
  u.rate = rate;
  u.step = step;
  u.correction1 = 1 - lk_fixed_power(u.beta1, (double)step);
  u.correction2 = 1 - lk_fixed_power(u.beta2, (double)step);
  for (int i = 0; i < optimizer->segments; i++) {
    const segment *r = &optimizer->segment[i];
    const ptrdiff_t begin = r->begin > part.begin ? r->begin : part.begin;
    const ptrdiff_t end = r->begin + r->count < part.end ? r->begin + r->count : part.end;
    float *moment[LK_RULE_MOMENTS] = {NULL};
    if (begin >= end) continue;
    for (int m = 0; m < optimizer->moments; m++) moment[m] = optimizer->moment[m] + begin;
    u.decay = r->decay;
    optimizer->rule->update(&u, end - begin, values + (begin - part.begin), sum + (begin - part.begin), moment);
  }
}
