/* Whole tasks against signed central differences: every element of every tensor, loss as training reports it. */
#include <math.h>

#include "task_fixture.h"

enum { S = 3, T = 5, V = 11 };

typedef struct net {
  fixture_corpus corpus;
  fixture_task f;
  fixture_rank rank;
  lk_batch batch;
  lk_real *lanes, *start; /* [B, width] */
  ptrdiff_t lane_reals;
} net;

static void net_open(net *n, lk_corpus_kind kind, int stream, const char *const *settings) {
  n->corpus = fixture_deal(S, 2, T, 8);
  fixture_task_open(&n->f, kind, stream, V, settings);
  fixture_rank_open(&n->rank, &n->corpus, 0, 1, n->f.params);
  fixture_task_ready(&n->f, &n->rank.pack, 1);
  fixture_batch(&n->f, &n->rank.pack, &n->batch);
  n->lane_reals = n->rank.pack.B * lk_task_lane_width(n->f.task);
  n->lanes = fixture_alloc(n->lane_reals);
  n->start = fixture_alloc(n->lane_reals);
  for (ptrdiff_t i = 0; i < n->lane_reals; i++) n->start[i] = fixture_real(5, 0, 0, i) / 2;
  n->batch.reset = 0;
}

static void net_close(net *n) {
  free(n->lanes);
  free(n->start);
  fixture_batch_close(&n->batch);
  fixture_rank_close(&n->rank);
  fixture_task_close(&n->f);
}

static double loss_of(net *n) {
  lk_shard_stat stat[S];
  double sum = 0;
  memcpy(n->lanes, n->start, (size_t)n->lane_reals * sizeof *n->lanes);
  lk_task_pack(n->f.task, n->f.params);
  lk_task_train(n->f.task, n->f.params, &n->batch, (lk_mode){.training = 1, .seed = 2, .step = 3},
                n->lane_reals ? n->lanes : NULL, stat, &n->rank.grads);
  for (int s = 0; s < S; s++) sum += stat[s].loss;
  return sum;
}

/* Largest |analytic - numeric| of a tensor, against its largest element. */
static double tensor_error(net *n, const lk_param *p, const lk_real *gradient) {
  lk_real *value = lk_params_values(n->f.params) + p->offset;
  const double h = 1e-5;
  double worst = 0, scale = 0;
  for (ptrdiff_t i = 0; i < p->count; i++) {
    lk_real kept = value[i];
    value[i] = (lk_real)((double)kept + h);
    double above = loss_of(n);
    value[i] = (lk_real)((double)kept - h);
    double below = loss_of(n), numeric = (above - below) / (2 * h), analytic = (double)gradient[p->offset + i];
    value[i] = kept;
    worst = fmax(worst, fabs(analytic - numeric));
    scale = fmax(scale, fabs(numeric));
  }
  if (scale < 1e-4) fail_msg("%s: the loss does not depend on it", p->name);
  return worst / scale;
}

static double largest;

static void check(lk_corpus_kind kind, int stream, const char *const *settings) {
  net n;
  net_open(&n, kind, stream, settings);
  ptrdiff_t P = lk_params_count(n.f.params);
  lk_real *gradient = fixture_alloc(P);
  assert_true(isfinite(loss_of(&n)));
  fixture_combine(&n.rank, 1, P, gradient);
  for (int i = 0; i < lk_params_tensors(n.f.params); i++) {
    const lk_param *p = lk_params_at(n.f.params, i);
    double error = tensor_error(&n, p, gradient);
    if (!(error < 1e-6)) fail_msg("%s %s: relative error %.3g", settings[0], p->name, error);
    largest = fmax(largest, error);
  }
  free(gradient);
  net_close(&n);
}

#define NET "model.hidden=4", "model.layers=2", "model.embedding=3"

static void test_lm(void **state) {
  (void)state;
  static const char *const lstm[] = {"task=lm", NET, "model.cell=lstm", "model.dropout=0.25", NULL};
  static const char *const gru[] = {"task=lm", NET, "model.cell=gru", "train.smoothing=0.2", NULL};
  static const char *const elman[] = {"task=lm", NET, "model.cell=elman", "model.input=onehot", NULL};
  check(LK_CORPUS_TEXT, 0, lstm);
  check(LK_CORPUS_TEXT, 1, lstm);
  check(LK_CORPUS_TEXT, 1, gru);
  check(LK_CORPUS_TEXT, 1, elman);
}

static void test_lm_tied(void **state) {
  (void)state;
  static const char *const tied[] = {"task=lm", NET, "model.embedding=4", "model.tied=true", "model.cell=lstm", NULL};
  check(LK_CORPUS_TEXT, 1, tied);
  check(LK_CORPUS_TEXT, 0, tied);
}

static void test_classify(void **state) {
  (void)state;
  static const char *const pools[] = {"model.pool=last", "model.pool=mean", "model.pool=max"};
  for (int i = 0; i < 3; i++) {
    const char *settings[] = {"task=classify", NET, pools[i], "model.bidirectional=true", NULL};
    const char *frames[] = {"task=classify", NET, pools[i], "model.cell=gru", "model.dropout=0.2", NULL};
    check(LK_CORPUS_CLASSIFY, 0, settings);
    check(LK_CORPUS_FRAMES, 0, frames);
  }
}

static void test_label(void **state) {
  (void)state;
  static const char *const settings[] = {
      "task=label",          NET, "model.bidirectional=true", "model.variational=true", "model.dropout=0.2",
      "train.smoothing=0.1", NULL};
  static const char *const words[] = {"task=label", NET, "model.word_dropout=2", "model.recurrent_bias=false", NULL};
  check(LK_CORPUS_LABEL, 0, settings);
  check(LK_CORPUS_LABEL, 0, words);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lm),
      cmocka_unit_test(test_lm_tied),
      cmocka_unit_test(test_classify),
      cmocka_unit_test(test_label),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  print_message("largest relative error of a tensor: %.2g\n", largest);
  return failed;
}
