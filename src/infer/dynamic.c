#include "dynamic_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 500 }; /* batches of training data that gradients are measured on */

const char *const lk_dynamic_names[LK_DYNAMIC_RULES] = {"none", "sgd", "rms"};

lk_status lk_dynamic_init(lk_dynamic *d, lk_model *model, const lk_adapt_settings *how) {
  const size_t P = (size_t)lk_params_count(model->params);
  *d = (lk_dynamic){.rate = how->rate, .decay = how->decay, .epsilon = how->epsilon, .P = (ptrdiff_t)P};
  LK_TRY(lk_alloc(&d->gradient, P, sizeof *d->gradient));
  if (how->dynamic == LK_DYNAMIC_RMS) {
    LK_TRY(lk_alloc(&d->pace, P, sizeof *d->pace));
    LK_TRY(lk_alloc(&d->pull, P, sizeof *d->pull));
  }
  LK_TRY(lk_alloc(&d->trained, P, sizeof *d->trained));
  memcpy(d->trained, lk_params_values(model->params), P * sizeof *d->trained);
  lk_task_head(model->task)->smoothing = 0; /* it is to learn what came, nothing else */
  return LK_OK;
}

void lk_dynamic_reset(lk_dynamic *d, lk_model *model) {
  memcpy(lk_params_values(model->params), d->trained, (size_t)d->P * sizeof *d->trained);
  lk_task_pack(model->task, model->params);
}

void lk_dynamic_release(lk_dynamic *d, lk_model *model) {
  if (d->trained) {
    lk_dynamic_reset(d, model);
    lk_task_head(model->task)->smoothing = model->config.train.smoothing;
  }
  free(d->trained);
  free(d->gradient);
  free(d->pace);
  free(d->pull);
  *d = (lk_dynamic){0};
}

/* A pass of an evaluation, without dropout, that also leaves the gradient. */
static lk_shard_stat pass(lk_dynamic *d, lk_model *model, const lk_batch *batch, lk_real *lanes) {
  const lk_grads grads = {.shards = &model->one, .params = model->params, .subtree = {d->gradient}};
  lk_shard_stat stat;
  lk_task_train(model->task, model->params, batch, (lk_mode){0}, lanes, &stat, &grads);
  return stat;
}

void lk_dynamic_train(lk_dynamic *d, lk_model *model, const lk_batch *batch, lk_real *lanes, double *log_p) {
  (void)pass(d, model, batch, lanes);
  for (ptrdiff_t r = 0; r < batch->pack.N; r++) log_p[r] = -lk_task_head(model->task)->loss[r];
}

void lk_dynamic_update(lk_dynamic *d, lk_model *model, ptrdiff_t n) {
  lk_real *restrict w = lk_params_values(model->params);
  const lk_real *restrict w0 = d->trained, *restrict g = d->gradient, *restrict pace = d->pace,
                          *restrict pull = d->pull;
  const lk_real rate = (lk_real)(d->rate / (double)n), decay = (lk_real)d->decay;
  if (pace)
    for (ptrdiff_t i = 0; i < d->P; i++) w[i] += pull[i] * (w0[i] - w[i]) - rate * g[i] * pace[i];
  else
    for (ptrdiff_t i = 0; i < d->P; i++) w[i] += decay * (w0[i] - w[i]) - rate * g[i];
  lk_task_pack(model->task, model->params);
}

/* ---- the size of gradients in training ---- */

typedef struct measure {
  lk_loader *loader;
  lk_arena arena;
  lk_batch batch;
  lk_real *lanes;
} measure;

static void layout(measure *m, lk_model *model) {
  const ptrdiff_t lanes = lk_loader_lanes(m->loader, NULL);
  lk_loader_layout(m->loader, &m->batch, &m->arena);
  m->lanes = lanes > 0 ? lk_arena_reals(&m->arena, lanes * lk_task_lane_width(model->task)) : NULL;
}

static lk_status begin(measure *m, lk_model *model, const lk_corpus *corpus) {
  lk_loader_settings settings = lk_task_loading(model->task, LK_TRAIN);
  settings.seed = (uint64_t)model->config.seed;
  settings.batch = (ptrdiff_t)model->config.train.batch;
  settings.unroll = (ptrdiff_t)model->config.train.unroll;
  settings.shuffle = true;
  LK_TRY(lk_loader_open(&m->loader, corpus, &model->one, &settings));
  LK_TRY(lk_task_reserve_for(model->task, m->loader, 1, 1));
  layout(m, model);
  LK_TRY(lk_arena_reserve(&m->arena));
  layout(m, model);
  return LK_OK;
}

/* d->pull: the sums of squares; returns over how many steps. */
static int64_t add_squares(lk_dynamic *d, lk_model *model, measure *m) {
  const int64_t all = lk_loader_steps(m->loader), steps = all < MOST_STEPS ? all : MOST_STEPS;
  for (int64_t step = 0; step < steps; step++) {
    const lk_status read = lk_loader_batch(m->loader, 0, step, &m->batch);
    LK_ASSERT(read == LK_OK); /* all rows are in memory */
    const lk_shard_stat stat = pass(d, model, &m->batch, m->lanes);
    const lk_real scale = (lk_real)(1 / (double)stat.units);
    for (ptrdiff_t i = 0; i < d->P; i++) d->pull[i] += scale * d->gradient[i] * (scale * d->gradient[i]);
  }
  return steps;
}

/* Each tensor counts alike, whatever its size: the mean of the means of their r. */
static double mean_of(const lk_dynamic *d, const lk_params *params) {
  const int tensors = lk_params_tensors(params);
  double sum = 0;
  for (int t = 0; t < tensors; t++) {
    const lk_param *p = lk_params_at(params, t);
    double of_tensor = 0;
    for (ptrdiff_t i = 0; i < p->count; i++) of_tensor += (double)d->pull[p->offset + i];
    sum += of_tensor / (double)p->count;
  }
  return sum > 0 ? sum / tensors : 1; /* 1: a model without any gradient stays as it is */
}

lk_status lk_dynamic_measure(lk_dynamic *d, lk_model *model, const lk_corpus *corpus) {
  measure m = {0};
  lk_status status;
  LK_GO(begin(&m, model, corpus));
  const int64_t steps = add_squares(d, model, &m);
  for (ptrdiff_t i = 0; i < d->P; i++) d->pull[i] = (lk_real)sqrt((double)d->pull[i] / (double)steps);
  const double mean = mean_of(d, model->params);
  for (ptrdiff_t i = 0; i < d->P; i++) {
    const double r = (double)d->pull[i] / mean, pull = d->decay * r;
    d->pace[i] = (lk_real)(1 / ((r + d->epsilon) * mean));
    d->pull[i] = (lk_real)(pull < 1 ? pull : 1);
  }
done:
  lk_loader_close(&m.loader);
  lk_arena_release(&m.arena);
  return status;
}
