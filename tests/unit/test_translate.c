/* A translator: the same bits on any number of ranks, for whole targets or unit by unit, alone or with others; and what
 * its evaluation counts. */
#include <math.h>

#include "pairs_fixture.h"

#include "translator_impl.h"

enum { S = 8, T = 6, V = 15, TARGET_V = 13, MOST_RANKS = 8 };

typedef struct hosted {
  fixture_task f;
  fixture_rank rank, sources;
  lk_batch batch;
} hosted;

static void host(hosted *h, int r, int R, ptrdiff_t target_V, const char *const *settings, int training) {
  const fixture_corpus target = fixture_deal(S, 3, T, 4), source = fixture_sources(&target, T + 3);
  fixture_pairs_open(&h->f, V, target_V, settings);
  fixture_rank_open(&h->rank, &target, r, R, h->f.params);
  fixture_rank_open(&h->sources, &source, r, R, NULL);
  fixture_pairs_batch(&h->f, &h->rank.pack, &h->sources.pack, &h->batch);
  fixture_pairs_ready(&h->f, &h->batch, training);
}

static void unhost(hosted *h) {
  fixture_pairs_batch_close(&h->batch);
  fixture_rank_close(&h->rank);
  fixture_rank_close(&h->sources);
  fixture_pairs_close(&h->f);
}

/* The results of a step on all ranks, in an order that does not depend on the number of ranks. */
typedef struct outcome {
  lk_shard_stat stat[S];
  double evaluated[S];
  int64_t counts[128];
  lk_real *gradient;
  ptrdiff_t P;
} outcome;

static outcome run(ptrdiff_t target_V, const char *const *settings, int R) {
  outcome o = {0};
  hosted h[MOST_RANKS];
  fixture_rank rank[MOST_RANKS];
  const lk_mode mode = {.training = 1, .seed = 9, .step = 4};
  for (int r = 0; r < R; r++) {
    host(&h[r], r, R, target_V, settings, 1);
    const int first = h[r].rank.shards.first;
    assert_true(lk_task_counts(h[r].f.task) <= 128);
    lk_task_train(h[r].f.task, h[r].f.params, &h[r].batch, mode, NULL, &o.stat[first], &h[r].rank.grads);
    int64_t tokens = 0;
    for (int s = 0; s < h[r].rank.shards.count; s++) tokens += o.stat[first + s].tokens;
    assert_int_equal(tokens, h[r].batch.pack.N + h[r].batch.encoder_pack.N);
    assert_int_equal(lk_task_evaluate(h[r].f.task, h[r].f.params, &h[r].batch, NULL, &o.evaluated[first], o.counts),
                     LK_OK);
    rank[r] = h[r].rank;
    rank[r].grads.shards = &rank[r].shards;
  }
  o.P = lk_params_count(h[0].f.params);
  o.gradient = fixture_alloc(o.P);
  fixture_combine(rank, R, o.P, o.gradient);
  for (int r = 0; r < R; r++) unhost(&h[r]);
  return o;
}

static void check_ranks(ptrdiff_t target_V, const char *const *settings) {
  static const int ranks[] = {2, 3, 8};
  outcome one = run(target_V, settings, 1);
  double norm = 0;
  for (ptrdiff_t i = 0; i < one.P; i++) {
    assert_true(isfinite((double)one.gradient[i]));
    norm += fabs((double)one.gradient[i]);
  }
  assert_true(norm > 0.1 && one.counts[0] > 0);
  for (size_t i = 0; i < 3; i++) {
    outcome many = run(target_V, settings, ranks[i]);
    assert_memory_equal(one.gradient, many.gradient, (size_t)one.P * sizeof(lk_real));
    assert_memory_equal(one.evaluated, many.evaluated, sizeof one.evaluated);
    assert_memory_equal(one.counts, many.counts, sizeof one.counts);
    for (int s = 0; s < S; s++) {
      assert_memory_equal(&one.stat[s].loss, &many.stat[s].loss, sizeof(double));
      assert_int_equal(one.stat[s].units, many.stat[s].units);
    }
    free(many.gradient);
  }
  free(one.gradient);
}

#define NET "task=translate", "model.hidden=10", "model.layers=2", "model.embedding=7"

static void test_ranks(void **state) {
  (void)state;
  static const char *const fed[] = {NET, "model.dropout=0.3", "model.bidirectional=true", "eval.metric=bleu", NULL};
  static const char *const sampled[] = {NET, "train.sampling=0.5", "model.attention=additive", "model.cell=gru", NULL};
  static const char *const whole[] = {NET, "model.input_feeding=false", "model.attention=dot", "train.smoothing=0.1",
                                      NULL};
  static const char *const none[] = {NET, "model.attention=none", "model.bridge=copy", NULL};
  check_ranks(TARGET_V, fed);
  check_ranks(TARGET_V, sampled);
  check_ranks(TARGET_V, whole);
  check_ranks(TARGET_V, none);
}

static void test_ranks_shared(void **state) {
  (void)state;
  static const char *const shared[] = {NET, "model.shared_embedding=true", "model.word_dropout=0.5", NULL};
  static const char *const all[] = {NET, "model.shared_embedding=true", "model.tied=true", "model.embedding=10", NULL};
  static const char *const tied[] = {NET, "model.tied=true", "model.embedding=10", "model.bidirectional=true", NULL};
  check_ranks(V, shared);
  check_ranks(V, all);
  check_ranks(TARGET_V, tied);
}

/* Scores of all units of a task's last pass. */
static lk_next scores_of(const fixture_task *f) {
  const lk_next next = lk_head_next(lk_task_head(f->task), f->params, lk_task_units(f->task), 0);
  assert_int_equal(next.n, lk_task_units(f->task)->n);
  return next;
}

/* Unit by unit with carried states the scores are those of the whole target, bit for bit. */
static void check_steps(const char *const *settings) {
  hosted h;
  host(&h, 0, 1, TARGET_V, settings, 0);
  lk_task *task = h.f.task;
  const lk_pack *pack = &h.batch.pack;
  ptrdiff_t n, width = lk_translate_width(task), units = lk_task_forward(task, h.f.params, &h.batch, NULL).n;
  const lk_next all = scores_of(&h.f);
  const ptrdiff_t ld = all.ld;
  assert_int_equal(units, pack->N);
  lk_real *whole = fixture_alloc(units * ld), *states = fixture_alloc(width);
  memcpy(whole, all.score, (size_t)(units * ld) * sizeof *whole);
  lk_translate_read(task, h.f.params, &h.batch.encoder_pack, &h.batch.input);
  for (ptrdiff_t b = 0; b < pack->B; b++)
    for (ptrdiff_t r = lk_pack_row(pack, b, 0); r >= 0; r = pack->later[r]) {
      lk_translate_step(task, h.f.params, 1, &h.batch.decoder_ids[r], &h.batch.partner[b],
                        pack->time[r] ? states : NULL, states);
      assert_memory_equal(scores_of(&h.f).score, whole + r * ld, TARGET_V * sizeof(lk_real));
      if (((lk_translator *)task->state)->decoder.attention.kind == LK_ATTENTION_NONE) continue;
      const lk_real *w = lk_translate_weights(task, 0, &n);
      double sum = 0;
      assert_int_equal(n, h.batch.encoder_pack.length[h.batch.partner[b]]);
      for (ptrdiff_t j = 0; j < n; j++) sum += (double)w[j];
      assert_true(fabs(sum - 1) < 1e-5);
    }
  free(whole);
  free(states);
  unhost(&h);
}

static void test_steps_are_the_whole(void **state) {
  (void)state;
  static const char *const fed[] = {NET, "model.bidirectional=true", NULL};
  static const char *const whole[] = {NET, "model.input_feeding=false", "model.attention=additive", NULL};
  static const char *const gru[] = {NET, "model.cell=gru", "model.attention=dot", NULL};
  static const char *const none[] = {NET, "model.cell=elman", "model.attention=none", NULL};
  check_steps(fed);
  check_steps(whole);
  check_steps(gru);
  check_steps(none);
}

/* Another source changes the rows of its own target and no others. */
static void test_sources_stay_apart(void **state) {
  (void)state;
  static const char *const settings[] = {NET, "model.bidirectional=true", "model.attention=additive", NULL};
  hosted h;
  host(&h, 0, 1, TARGET_V, settings, 0);
  lk_task *task = h.f.task;
  const lk_pack *pack = &h.batch.pack, *sources = &h.batch.encoder_pack;
  ptrdiff_t changed = 0, units = lk_task_forward(task, h.f.params, &h.batch, NULL).n;
  const ptrdiff_t ld = task->head.ld;
  lk_real *before = fixture_alloc(units * ld);
  memcpy(before, scores_of(&h.f).score, (size_t)(units * ld) * sizeof *before);
  const ptrdiff_t row = lk_pack_row(sources, 2, 0);
  lk_batch_ids(&h.batch)[row] = lk_batch_ids(&h.batch)[row] == 5 ? 6 : 5;
  (void)lk_task_forward(task, h.f.params, &h.batch, NULL);
  const lk_real *after = scores_of(&h.f).score;
  for (ptrdiff_t r = 0; r < units; r++) {
    const int same = memcmp(before + r * ld, after + r * ld, TARGET_V * sizeof *after) == 0;
    assert_int_equal(same, h.batch.partner[pack->seq[r]] != 2);
    changed += !same;
  }
  assert_true(changed > 0);
  free(before);
  unhost(&h);
}

/* With an output bias that always writes <eos> all translations are empty; accuracy counts the ends. */
static void test_counts_by_hand(void **state) {
  (void)state;
  static const char *const settings[] = {NET, "eval.metric=exact_match", NULL};
  hosted h;
  double loss[S] = {0};
  int64_t counts[128] = {0};
  lk_metric metrics[LK_MAX_METRICS];
  host(&h, 0, 1, TARGET_V, settings, 0);
  lk_params_value(h.f.params, h.f.task->head.dense.bias)[LK_EOS] = 1000;
  const char *references[FIXTURE_MOST];
  for (ptrdiff_t b = 0; b < h.batch.pack.B; b++) references[b] = b % 4 == 1 ? "w5\t" : "w5w6"; /* or nothing */
  h.batch.references = references;
  assert_int_equal(lk_task_evaluate(h.f.task, h.f.params, &h.batch, NULL, loss, counts), LK_OK);
  int n = lk_task_metrics(h.f.task, 1, counts, metrics), seen = 0;
  for (int i = 0; i < n; i++) {
    if (strcmp(metrics[i].name, "accuracy") == 0)
      assert_true(fabs(metrics[i].value - (double)h.batch.pack.B / (double)h.batch.pack.N) < 1e-12 && ++seen);
    if (strcmp(metrics[i].name, "exact_match") == 0)
      assert_true(fabs(metrics[i].value - (double)((h.batch.pack.B + 2) >> 2) / (double)h.batch.pack.B) < 1e-12 &&
                  ++seen);
  }
  assert_int_equal(seen, 2);
  unhost(&h);
}

/* Without references the target's ids are the expected text: targets that greedy search writes count as exact. */
static void test_greedy_finds_its_own(void **state) {
  (void)state;
  static const char *const settings[] = {NET, "eval.metric=symbol_error_rate", NULL};
  hosted h;
  double loss[S] = {0};
  int64_t counts[128] = {0};
  lk_metric metrics[LK_MAX_METRICS];
  host(&h, 0, 1, TARGET_V, settings, 0);
  assert_int_equal(lk_task_evaluate(h.f.task, h.f.params, &h.batch, NULL, loss, counts), LK_OK);
  const lk_translator *t = h.f.task->state;
  for (ptrdiff_t b = 0; b < h.batch.pack.B; b++) { /* target b becomes the written text, as far as it fits */
    ptrdiff_t i = 0, source = h.batch.partner[b];
    for (ptrdiff_t r = lk_pack_row(&h.batch.pack, b, 0); r >= 0; r = h.batch.pack.later[r], i++)
      h.batch.target[r] = i < t->written_length[source] ? t->written[source * t->room + i] : LK_EOS;
  }
  ptrdiff_t whole = 0;
  for (ptrdiff_t b = 0; b < h.batch.pack.B; b++)
    whole += t->written_length[h.batch.partner[b]] <= h.batch.pack.length[b] ||
             (t->written_length[h.batch.partner[b]] == h.batch.pack.length[b] + 1 &&
              t->written[h.batch.partner[b] * t->room + h.batch.pack.length[b]] == LK_EOS);
  memset(counts, 0, sizeof counts);
  assert_int_equal(lk_task_evaluate(h.f.task, h.f.params, &h.batch, NULL, loss, counts), LK_OK);
  const int n = lk_task_metrics(h.f.task, 1, counts, metrics);
  for (int i = 0; i < n; i++)
    if (strcmp(metrics[i].name, "exact_match") == 0)
      assert_true(fabs(metrics[i].value - (double)whole / (double)h.batch.pack.B) < 1e-12);
  unhost(&h);
}

static void test_empty_batch(void **state) {
  (void)state;
  static const char *const settings[] = {NET, "eval.metric=chrf", "model.tied=true", "model.embedding=10", NULL};
  const fixture_corpus corpus = {.S = 3};
  fixture_task f;
  fixture_rank rank, sources;
  lk_batch batch;
  lk_shard_stat stat[3] = {{.units = 7}};
  double loss[3] = {1, 2, 3};
  int64_t counts[128] = {0};
  fixture_pairs_open(&f, V, TARGET_V, settings);
  fixture_rank_open(&rank, &corpus, 0, 1, f.params);
  fixture_rank_open(&sources, &corpus, 0, 1, NULL);
  fixture_pairs_batch(&f, &rank.pack, &sources.pack, &batch);
  fixture_pairs_ready(&f, &batch, 1);
  lk_task_train(f.task, f.params, &batch, (lk_mode){.training = 1}, NULL, stat, &rank.grads);
  assert_int_equal(lk_task_evaluate(f.task, f.params, &batch, NULL, loss, counts), LK_OK);
  for (ptrdiff_t j = 0; j < lk_params_count(f.params); j++) assert_true(rank.grads.subtree[0][j] == 0);
  for (int s = 0; s < 3; s++) assert_true(stat[s].loss == 0 && stat[s].units == 0 && loss[s] == s + 1);
  for (int i = 0; i < 128; i++) assert_int_equal(counts[i], 0);
  fixture_pairs_batch_close(&batch);
  fixture_rank_close(&rank);
  fixture_rank_close(&sources);
  fixture_pairs_close(&f);
}

static void expect_usage(ptrdiff_t target_V, const char *const *settings, const char *word) {
  fixture_task f;
  lk_error_clear();
  fixture_pairs_settings(&f, V, target_V, settings);
  assert_int_equal(lk_task_create(&f.task, &f.config, &f.info, f.params), LK_USAGE);
  if (strstr(lk_error_get()->text, word) == NULL) fail_msg("'%s' does not say '%s'", lk_error_get()->text, word);
  lk_error_clear();
  fixture_pairs_close(&f);
}

static void test_mistakes(void **state) {
  (void)state;
  static const char *const lm[] = {"task=lm", NULL}, *const kind[] = {NET, "model.attention=generall", NULL};
  static const char *const dot[] = {NET, "model.attention=dot", "model.bidirectional=true", NULL};
  static const char *const copy[] = {NET, "model.bridge=copy", "model.bidirectional=true", NULL};
  static const char *const shared[] = {NET, "model.shared_embedding=true", NULL}, *const tied[] = {
                                                                                      NET, "model.tied=true", NULL};
  expect_usage(TARGET_V, lm, "pairs");
  expect_usage(TARGET_V, kind, "general");
  expect_usage(TARGET_V, dot, "model.attention");
  expect_usage(TARGET_V, copy, "model.bridge");
  expect_usage(TARGET_V, shared, "model.shared_embedding");
  expect_usage(TARGET_V, tied, "model.tied");
}

static int group(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ranks),
      cmocka_unit_test(test_ranks_shared),
      cmocka_unit_test(test_steps_are_the_whole),
      cmocka_unit_test(test_sources_stay_apart),
      cmocka_unit_test(test_counts_by_hand),
      cmocka_unit_test(test_greedy_finds_its_own),
      cmocka_unit_test(test_empty_batch),
      cmocka_unit_test(test_mistakes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void) { return fixture_every_kernel(group); }
