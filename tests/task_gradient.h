/* task_gradient.h - the gradients of a whole task against signed central differences: every element of every tensor,
 * the loss as training reports it. What the backward pass tells to be final (lk_grads) must not change any more. Of a
 * corpus of pairs the batch has sources too. */
#pragma once
#include <math.h>

#include "pairs_fixture.h"

#ifndef LK_DOUBLE
#error "finite differences need lk_real = double"
#endif

enum { GRADIENT_S = 3, GRADIENT_T = 5, GRADIENT_V = 11 };

typedef struct gradient_net {
  fixture_task f;
  fixture_rank rank, sources; /* sources: of pairs */
  lk_batch batch;
  lk_real *lanes, *start; /* [B, width] */
  ptrdiff_t lane_reals;
  bool pairs;
} gradient_net;

static double gradient_worst; /* largest relative error of a tensor so far, for a message at the end */

static inline void gradient_open_pairs(gradient_net *n, const fixture_corpus *target, ptrdiff_t target_V,
                                       const char *const *settings) {
  const fixture_corpus source = fixture_sources(target, GRADIENT_T);
  fixture_pairs_open(&n->f, GRADIENT_V, target_V, settings);
  fixture_rank_open(&n->rank, target, 0, 1, n->f.params);
  fixture_rank_open(&n->sources, &source, 0, 1, NULL);
  fixture_pairs_batch(&n->f, &n->rank.pack, &n->sources.pack, &n->batch);
  /* Near zero tanh is linear, and softmax does not see what is added to all scores: then nothing depends on a query. */
  for (ptrdiff_t i = 0; i < lk_params_count(n->f.params); i++) lk_params_values(n->f.params)[i] *= 2;
  fixture_pairs_ready(&n->f, &n->batch, 1);
}

static inline void gradient_open_rows(gradient_net *n, const fixture_corpus *corpus, lk_corpus_kind kind, int stream,
                                      const char *const *settings) {
  fixture_task_open(&n->f, kind, stream, GRADIENT_V, settings);
  fixture_rank_open(&n->rank, corpus, 0, 1, n->f.params);
  fixture_task_ready(&n->f, &n->rank.pack, 1);
  fixture_batch(&n->f, &n->rank.pack, &n->batch);
  n->lane_reals = n->rank.pack.B * lk_task_lane_width(n->f.task);
  n->lanes = fixture_alloc(n->lane_reals);
  n->start = fixture_alloc(n->lane_reals);
  for (ptrdiff_t i = 0; i < n->lane_reals; i++) n->start[i] = fixture_real(5, 0, 0, i) / 2;
  n->batch.reset = 0;
}

static inline void gradient_close(gradient_net *n) {
  fixture_rank_close(&n->rank);
  if (n->pairs) {
    fixture_pairs_batch_close(&n->batch);
    fixture_rank_close(&n->sources);
    fixture_pairs_close(&n->f);
    return;
  }
  free(n->lanes);
  free(n->start);
  fixture_batch_close(&n->batch);
  fixture_task_close(&n->f);
}

static inline double gradient_loss(gradient_net *n) {
  lk_shard_stat stat[GRADIENT_S];
  double sum = 0;
  if (n->lane_reals) memcpy(n->lanes, n->start, (size_t)n->lane_reals * sizeof *n->lanes);
  lk_task_pack(n->f.task, n->f.params);
  lk_task_train(n->f.task, n->f.params, &n->batch, (lk_mode){.training = 1, .seed = 2, .step = 3},
                n->lane_reals ? n->lanes : NULL, stat, &n->rank.grads);
  for (int s = 0; s < GRADIENT_S; s++) sum += stat[s].loss;
  return sum;
}

/* Largest |analytic - numeric| of a tensor, relative to its largest element. */
static inline double gradient_tensor_error(gradient_net *n, const lk_param *p, const lk_real *gradient) {
  lk_real *value = lk_params_values(n->f.params) + p->offset;
  const double h = 1e-5;
  double worst = 0, scale = 0;
  for (ptrdiff_t i = 0; i < p->count; i++) {
    lk_real kept = value[i];
    value[i] = (lk_real)((double)kept + h);
    double above = gradient_loss(n);
    value[i] = (lk_real)((double)kept - h);
    double below = gradient_loss(n), numeric = (above - below) / (2 * h), analytic = (double)gradient[p->offset + i];
    value[i] = kept;
    worst = fmax(worst, fabs(analytic - numeric));
    scale = fmax(scale, fabs(numeric));
  }
  if (scale < 1e-5) fail_msg("%s: the loss does not depend on it", p->name);
  return worst / scale;
}

/* What was final when it was told, from `begin` on. */
typedef struct gradient_told {
  const lk_grads *grads;
  lk_real *copy; /* [subtrees][P] */
  ptrdiff_t P, begin;
} gradient_told;

static inline void gradient_keep(void *context, ptrdiff_t offset) {
  gradient_told *told = context;
  for (int p = 0; p < told->grads->shards->subtrees && offset < told->begin; p++)
    memcpy(told->copy + p * told->P + offset, told->grads->subtree[p] + offset,
           (size_t)(told->begin - offset) * sizeof *told->copy);
  if (offset < told->begin) told->begin = offset;
}

/* The first tensor of the net's first layer: what lies behind it is final before the features are; of pairs too. */
static inline ptrdiff_t gradient_first_layer(const lk_params *params) {
  int i = 0;
  while (strncmp(lk_params_at(params, i)->name, "rnn.0.", 6) != 0) i++;
  return lk_params_at(params, i)->offset;
}

static inline void gradient_check_told(gradient_net *n, ptrdiff_t P) {
  lk_grads *grads = &n->rank.grads;
  const int subtrees = grads->shards->subtrees;
  gradient_told told = {.grads = grads, .copy = fixture_alloc(subtrees * P), .P = P, .begin = P};
  for (int i = 0; i < lk_params_tensors(n->f.params); i++) { /* of sparse ones only touched rows are assigned */
    const lk_param *tensor = lk_params_at(n->f.params, i);
    for (int p = 0; p < subtrees && !tensor->sparse; p++)
      for (ptrdiff_t k = 0; k < tensor->count; k++) grads->subtree[p][tensor->offset + k] = 1e9;
  }
  grads->tell = gradient_keep, grads->context = &told;
  (void)gradient_loss(n);
  grads->tell = NULL;
  assert_true(told.begin == gradient_first_layer(n->f.params));
  for (int p = 0; p < subtrees; p++)
    assert_memory_equal(told.copy + p * P + told.begin, grads->subtree[p] + told.begin,
                        (size_t)(P - told.begin) * sizeof *told.copy);
  free(told.copy);
}

/* settings: "key=value", NULL at the end. target_V: of pairs; GRADIENT_V: both sides have one vocabulary. */
static inline void gradient_check(lk_corpus_kind kind, int stream, ptrdiff_t target_V, const char *const *settings) {
  const fixture_corpus corpus = fixture_deal(GRADIENT_S, 2, GRADIENT_T, 8);
  gradient_net n = {.pairs = kind == LK_CORPUS_PAIRS};
  if (n.pairs)
    gradient_open_pairs(&n, &corpus, target_V, settings);
  else
    gradient_open_rows(&n, &corpus, kind, stream, settings);
  ptrdiff_t P = lk_params_count(n.f.params);
  lk_real *gradient = fixture_alloc(P);
  assert_true(isfinite(gradient_loss(&n)));
  gradient_check_told(&n, P);
  (void)gradient_loss(&n);
  fixture_combine(&n.rank, 1, P, gradient);
  for (int i = 0; i < lk_params_tensors(n.f.params); i++) {
    const lk_param *p = lk_params_at(n.f.params, i);
    double error = gradient_tensor_error(&n, p, gradient);
    if (!(error < 1e-6)) {
      for (; *settings; settings++) print_error("%s ", *settings);
      fail_msg("%s: relative error %.3g", p->name, error);
    }
    gradient_worst = fmax(gradient_worst, error);
  }
  free(gradient);
  gradient_close(&n);
}
