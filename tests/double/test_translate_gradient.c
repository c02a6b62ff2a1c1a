/* Translators against signed central differences: every element of every tensor, whatever attention, cell, direction
 * and feeding. */
#include <math.h>

#include "pairs_fixture.h"

enum { S = 3, T = 4, V = 9, TARGET_V = 8 };

typedef struct net {
  fixture_task f;
  fixture_rank rank, sources;
  lk_batch batch;
} net;

static void net_open(net *n, ptrdiff_t target_V, const char *const *settings) {
  const fixture_corpus target = fixture_deal(S, 2, T, 8), source = fixture_sources(&target, T + 1);
  fixture_pairs_open(&n->f, V, target_V, settings);
  fixture_rank_open(&n->rank, &target, 0, 1, n->f.params);
  fixture_rank_open(&n->sources, &source, 0, 1, NULL);
  fixture_pairs_batch(&n->f, &n->rank.pack, &n->sources.pack, &n->batch);
  /* Near zero tanh is linear, and softmax does not see what is added to all scores: then nothing depends on a query. */
  for (ptrdiff_t i = 0; i < lk_params_count(n->f.params); i++) lk_params_values(n->f.params)[i] *= 2;
  fixture_pairs_ready(&n->f, &n->batch, 1);
}

static void net_close(net *n) {
  fixture_pairs_batch_close(&n->batch);
  fixture_rank_close(&n->rank);
  fixture_rank_close(&n->sources);
  fixture_pairs_close(&n->f);
}

static double loss_of(net *n) {
  lk_shard_stat stat[S];
  double sum = 0;
  lk_task_pack(n->f.task, n->f.params);
  lk_task_train(n->f.task, n->f.params, &n->batch, (lk_mode){.training = 1, .seed = 2, .step = 3}, NULL, stat,
                &n->rank.grads);
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
  if (scale < 1e-5) fail_msg("%s: the loss does not depend on it", p->name);
  return worst / scale;
}

static double largest;

static void check(ptrdiff_t target_V, const char *const *settings) {
  net n;
  net_open(&n, target_V, settings);
  ptrdiff_t P = lk_params_count(n.f.params);
  lk_real *gradient = fixture_alloc(P);
  assert_true(isfinite(loss_of(&n)));
  fixture_combine(&n.rank, 1, P, gradient);
  for (int i = 0; i < lk_params_tensors(n.f.params); i++) {
    const lk_param *p = lk_params_at(n.f.params, i);
    double error = tensor_error(&n, p, gradient);
    if (!(error < 1e-6))
      fail_msg("%s %s %s %s: %s: relative error %.3g", settings[3], settings[4], settings[5], settings[6], p->name,
               error);
    largest = fmax(largest, error);
  }
  free(gradient);
  net_close(&n);
}

#define NET "task=translate", "model.hidden=4", "model.embedding=3"

/* Every cell and direction with one kind of attention. */
static void check_kind(const char *kind, int directions) {
  static const char *const cells[] = {"model.cell=lstm", "model.cell=gru", "model.cell=elman"};
  static const char *const ways[] = {"model.bidirectional=false", "model.bidirectional=true"};
  static const char *const feeding[] = {"model.input_feeding=true", "model.input_feeding=false"};
  for (int c = 0; c < 3; c++)
    for (int w = 0; w < directions; w++)
      for (int i = 0; i < 2; i++) {
        const char *settings[] = {
            NET, kind, cells[c], ways[w], feeding[i], c == 0 ? "model.layers=2" : "model.layers=1", NULL};
        check(TARGET_V, settings);
      }
}

static void test_none(void **state) {
  (void)state;
  check_kind("model.attention=none", 2);
}

static void test_additive(void **state) {
  (void)state;
  check_kind("model.attention=additive", 2);
}

static void test_dot(void **state) {
  (void)state;
  check_kind("model.attention=dot", 1);
}

static void test_general(void **state) {
  (void)state;
  check_kind("model.attention=general", 2);
}

static void test_copied_states(void **state) {
  (void)state;
  static const char *const lstm[] = {
      NET, "model.attention=dot", "model.bridge=copy", "model.layers=2", "model.cell=lstm", NULL};
  static const char *const gru[] = {
      NET, "model.attention=none", "model.bridge=copy", "model.cell=gru", "model.layers=2", NULL};
  check(TARGET_V, lstm);
  check(TARGET_V, gru);
}

static void test_dropout_and_smoothing(void **state) {
  (void)state;
  static const char *const fed[] = {
      NET, "model.layers=2", "model.dropout=0.3", "train.smoothing=0.1", "model.input_dropout=0.2", NULL};
  static const char *const variational[] = {NET,
                                            "model.attention=additive",
                                            "model.input_feeding=false",
                                            "model.variational=true",
                                            "model.dropout=0.3",
                                            "model.layers=2",
                                            NULL};
  check(TARGET_V, fed);
  check(TARGET_V, variational);
}

/* Choices of the net do not change under a small step, so the gradient is that of what was read. */
static void test_scheduled_sampling(void **state) {
  (void)state;
  static const char *const fed[] = {
      NET, "model.layers=2", "train.sampling=0.5", "model.attention=general", "model.input_feeding=true", NULL};
  static const char *const plain[] = {
      NET, "model.layers=1", "train.sampling=0.7", "model.attention=additive", "model.input_feeding=false", NULL};
  check(TARGET_V, fed);
  check(TARGET_V, plain);
}

static void test_shared_and_tied(void **state) {
  (void)state;
  static const char *const tied[] = {
      NET, "model.embedding=4", "model.tied=true", "model.layers=1", "model.bidirectional=true", NULL};
  static const char *const shared[] = {
      NET, "model.shared_embedding=true", "model.layers=2", "model.dropout=0.2", "model.attention=additive", NULL};
  static const char *const all[] = {
      NET, "model.embedding=4", "model.tied=true", "model.shared_embedding=true", "model.layers=1", NULL};
  static const char *const onehot[] = {
      NET, "model.input=onehot", "model.layers=1", "model.attention=general", "model.bidirectional=true", NULL};
  check(TARGET_V, tied);
  check(V, shared);
  check(V, all);
  check(TARGET_V, onehot);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_none),
      cmocka_unit_test(test_additive),
      cmocka_unit_test(test_dot),
      cmocka_unit_test(test_general),
      cmocka_unit_test(test_copied_states),
      cmocka_unit_test(test_dropout_and_smoothing),
      cmocka_unit_test(test_scheduled_sampling),
      cmocka_unit_test(test_shared_and_tied),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  print_message("largest relative error of a tensor: %.2g\n", largest);
  return failed;
}
