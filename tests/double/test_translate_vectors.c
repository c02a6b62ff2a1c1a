/* Translators against PyTorch: the loss, and two sums of each tensor's gradient. */
#include <math.h>

#include "pairs_fixture.h"
#include "reference/translate_vectors.h"

enum { V = 9, TARGET_V = 8, PAIRS = 3 };

typedef struct net {
  fixture_task f;
  fixture_rank rank, sources;
  lk_batch batch;
} net;

/* Ids and weights as in make_translate_vectors.py; target b belongs to source 2 - b. */
static void fill(net *n) {
  for (ptrdiff_t r = 0; r < n->sources.pack.N; r++)
    lk_batch_ids(&n->batch)[r] = (int32_t)(4 + (3 * n->sources.pack.seq[r] + 5 * n->sources.pack.time[r] + 1) % 5);
  for (ptrdiff_t r = 0; r < n->rank.pack.N; r++) {
    const int32_t b = n->rank.pack.seq[r], t = n->rank.pack.time[r];
    n->batch.decoder_ids[r] = t == 0 ? LK_SOS : 4 + (2 * b + 3 * (t - 1)) % 4;
    n->batch.target[r] = n->rank.pack.later[r] < 0 ? LK_EOS : 4 + (2 * b + 3 * t) % 4;
  }
  for (int k = 0; k < lk_params_tensors(n->f.params); k++) {
    const lk_param *p = lk_params_at(n->f.params, k);
    lk_real *value = lk_params_value(n->f.params, k);
    for (ptrdiff_t i = 0; i < p->count; i++) value[i] = (lk_real)(sin(0.7 * (double)i + k + 1) / 2);
  }
}

static void net_open(net *n, const translate_case *c) {
  static const fixture_corpus target = {
      .S = 1, .sequences = PAIRS, .shard_seq = {0, PAIRS}, .length = {4, 3, 2}, .id = {1, 2, 3}};
  static const fixture_corpus source = {
      .S = 1, .sequences = PAIRS, .shard_seq = {0, PAIRS}, .length = {5, 3, 1}, .id = {3, 2, 1}};
  char attention[40], cell[40], layers[40], smoothing[40];
  (void)snprintf(attention, sizeof attention, "model.attention=%s", c->attention);
  (void)snprintf(cell, sizeof cell, "model.cell=%s", c->cell);
  (void)snprintf(layers, sizeof layers, "model.layers=%d", c->layers);
  (void)snprintf(smoothing, sizeof smoothing, "train.smoothing=%g", c->smoothing);
  const char *const settings[] = {"task=translate",
                                  "model.hidden=5",
                                  c->tied ? "model.embedding=5" : "model.embedding=3",
                                  c->tied ? "model.tied=true" : "model.tied=false",
                                  c->shared ? "model.shared_embedding=true" : "model.shared_embedding=false",
                                  smoothing,
                                  attention,
                                  cell,
                                  layers,
                                  c->directions == 2 ? "model.bidirectional=true" : "model.bidirectional=false",
                                  c->feeding ? "model.input_feeding=true" : "model.input_feeding=false",
                                  NULL};
  fixture_pairs_open(&n->f, V, c->shared ? V : TARGET_V, settings);
  fixture_rank_open(&n->rank, &target, 0, 1, n->f.params);
  fixture_rank_open(&n->sources, &source, 0, 1, NULL);
  fixture_pairs_batch(&n->f, &n->rank.pack, &n->sources.pack, &n->batch);
  fill(n);
  fixture_pairs_ready(&n->f, &n->batch, 1);
}

static void expect_near(const char *net_name, const char *name, double found, double right) {
  if (!(fabs(found - right) < 1e-10 * (1 + fabs(right))))
    fail_msg("%s %s: %.15g, PyTorch has %.15g", net_name, name, found, right);
}

static void check(const translate_case *c) {
  net n;
  lk_shard_stat stat[1];
  net_open(&n, c);
  lk_task_train(n.f.task, n.f.params, &n.batch, (lk_mode){.training = 1}, NULL, stat, &n.rank.grads);
  expect_near(c->name, "loss", stat[0].loss, c->loss);
  for (int k = 0; k < lk_params_tensors(n.f.params); k++) {
    const lk_param *p = lk_params_at(n.f.params, k);
    const lk_real *g = n.rank.grads.subtree[0] + p->offset;
    double sum = 0, weighted = 0;
    assert_non_null(c->tensor[k].name);
    assert_string_equal(p->name, c->tensor[k].name);
    for (ptrdiff_t i = 0; i < p->count; i++) {
      sum += (double)g[i];
      weighted += (double)g[i] * cos(0.3 * (double)i);
    }
    expect_near(c->name, p->name, sum, c->tensor[k].sum);
    expect_near(c->name, p->name, weighted, c->tensor[k].weighted);
  }
  assert_null(c->tensor[lk_params_tensors(n.f.params)].name);
  fixture_pairs_batch_close(&n.batch);
  fixture_rank_close(&n.rank);
  fixture_rank_close(&n.sources);
  fixture_pairs_close(&n.f);
}

static void test_torch(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof translate_cases / sizeof *translate_cases; i++) check(&translate_cases[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_torch)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
