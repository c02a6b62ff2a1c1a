/* reference_optimizers.h - the optimizers once more, one weight at a time in double, as their papers have them: what
 * src/train/optimizer_*.c is tested against. One of the table of src/train/optimizer.c that has no line here fails
 * unit.optimizer by its name. */
#pragma once
#include <math.h>
#include <string.h>

#include "config.h"

/* Weight w and what its optimizer remembers of it, in the order of lk_rule.moment. */
typedef struct reference_weight {
  double w, moment[3];
} reference_weight;

/* One step: g is the mean gradient without weight decay, `decay` that of this tensor, `step` counts from 1. */
typedef struct reference_step_of {
  const lk_config_train *train;
  double g, rate, decay;
  int step;
} reference_step_of;

typedef void reference_update(const reference_step_of *s, reference_weight *x);

/* The gradient of loss + decay / 2 w^2. */
static inline double reference_gradient(const reference_step_of *s, const reference_weight *x) {
  return s->g + s->decay * x->w;
}

static inline void reference_sgd(const reference_step_of *s, reference_weight *x) {
  x->w -= s->rate * reference_gradient(s, x);
}

static inline void reference_momentum(const reference_step_of *s, reference_weight *x) {
  const double g = reference_gradient(s, x), mu = s->train->momentum, velocity = mu * x->moment[0] + g;
  x->moment[0] = velocity;
  x->w -= s->rate * (s->train->nesterov ? g + mu * velocity : velocity);
}

/* Kingma & Ba 2015, algorithm 1, with the gradient g. */
static inline void reference_adam_by(const reference_step_of *s, double g, reference_weight *x) {
  const double beta1 = s->train->beta1, beta2 = s->train->beta2;
  x->moment[0] = beta1 * x->moment[0] + (1 - beta1) * g;
  x->moment[1] = beta2 * x->moment[1] + (1 - beta2) * g * g;
  const double m = x->moment[0] / (1 - pow(beta1, s->step)), v = x->moment[1] / (1 - pow(beta2, s->step));
  x->w -= s->rate * m / (sqrt(v) + s->train->epsilon);
}

static inline void reference_adam(const reference_step_of *s, reference_weight *x) {
  reference_adam_by(s, reference_gradient(s, x), x);
}

/* Loshchilov & Hutter 2019, algorithm 2: the decay is no part of the gradient. */
static inline void reference_adamw(const reference_step_of *s, reference_weight *x) {
  x->w -= s->rate * s->decay * x->w;
  reference_adam_by(s, s->g, x);
}

/* Dozat 2016, algorithm 2 */
static inline void reference_nadam(const reference_step_of *s, reference_weight *x) {
  const double g = reference_gradient(s, x), beta1 = s->train->beta1, beta2 = s->train->beta2;
  double product = 1, mu = 0;
  for (int t = 1; t <= s->step; t++) mu = beta1 * (1 - 0.5 * pow(0.96, t * 0.004)), product *= mu;
  const double next = beta1 * (1 - 0.5 * pow(0.96, (s->step + 1) * 0.004));
  x->moment[0] = beta1 * x->moment[0] + (1 - beta1) * g;
  x->moment[1] = beta2 * x->moment[1] + (1 - beta2) * g * g;
  const double root = sqrt(x->moment[1] / (1 - pow(beta2, s->step))) + s->train->epsilon;
  x->w -= s->rate * (next / (1 - product * next) * x->moment[0] + (1 - mu) / (1 - product) * g) / root;
}

/* Reddi, Kale & Kumar 2018, algorithm 2, with Adam's corrections */
static inline void reference_amsgrad(const reference_step_of *s, reference_weight *x) {
  const double g = reference_gradient(s, x), beta1 = s->train->beta1, beta2 = s->train->beta2;
  x->moment[0] = beta1 * x->moment[0] + (1 - beta1) * g;
  x->moment[1] = beta2 * x->moment[1] + (1 - beta2) * g * g;
  x->moment[2] = fmax(x->moment[2], x->moment[1]);
  const double m = x->moment[0] / (1 - pow(beta1, s->step)), v = x->moment[2] / (1 - pow(beta2, s->step));
  x->w -= s->rate * m / (sqrt(v) + s->train->epsilon);
}

static inline void reference_rmsprop(const reference_step_of *s, reference_weight *x) {
  const double g = reference_gradient(s, x), rho = s->train->rho;
  x->moment[0] = rho * x->moment[0] + (1 - rho) * g * g;
  x->w -= s->rate * g / (sqrt(x->moment[0]) + s->train->epsilon);
}

static inline void reference_adagrad(const reference_step_of *s, reference_weight *x) {
  const double g = reference_gradient(s, x);
  x->moment[0] += g * g;
  x->w -= s->rate * g / (sqrt(x->moment[0]) + s->train->epsilon);
}

/* Zeiler 2012, algorithm 1 */
static inline void reference_adadelta(const reference_step_of *s, reference_weight *x) {
  const double g = reference_gradient(s, x), rho = s->train->rho, epsilon = s->train->epsilon;
  x->moment[0] = rho * x->moment[0] + (1 - rho) * g * g;
  const double change = -sqrt((x->moment[1] + epsilon) / (x->moment[0] + epsilon)) * g;
  x->moment[1] = rho * x->moment[1] + (1 - rho) * change * change;
  x->w += s->rate * change;
}

static const struct {
  const char *name;
  reference_update *update;
} reference_optimizers[] = {
    {"sgd", reference_sgd},           {"momentum", reference_momentum}, {"adam", reference_adam},
    {"adamw", reference_adamw},       {"rmsprop", reference_rmsprop},   {"adagrad", reference_adagrad},
    {"adadelta", reference_adadelta}, {"nadam", reference_nadam},       {"amsgrad", reference_amsgrad},
};

/* NULL where there is none. */
static inline reference_update *reference_update_of(const char *name) {
  for (size_t i = 0; i < sizeof reference_optimizers / sizeof *reference_optimizers; i++)
    if (strcmp(reference_optimizers[i].name, name) == 0) return reference_optimizers[i].update;
  return NULL;
}
