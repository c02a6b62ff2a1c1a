#include <math.h>

#include "task_fixture.h"

enum { S = 8, T = 6, V = 21, MOST_RANKS = 8 };

/* The results of two steps on all ranks, in an order that does not depend on the number of ranks. */
typedef struct outcome {
  lk_shard_stat stat[2][S];
  double evaluated[S];
  int64_t counts[64];
  lk_real *gradient[2]; /* [P] */
  lk_real *lanes;       /* [sequences, width] */
  ptrdiff_t P, lane_reals;
} outcome;

static void outcome_close(outcome *o) {
  free(o->gradient[0]);
  free(o->gradient[1]);
  free(o->lanes);
}

static void run_rank(fixture_task *f, const fixture_corpus *corpus, fixture_rank *rank, int step, lk_real *lanes,
                     outcome *o) {
  lk_batch batch;
  lk_mode mode = {.training = 1, .seed = 9, .step = (uint32_t)step};
  fixture_batch(f, &rank->pack, &batch);
  batch.reset = step == 0;
  if (f->info.stream == 0) lanes = NULL;
  lk_task_train(f->task, f->params, &batch, mode, lanes, &o->stat[step][rank->shards.first], &rank->grads);
  if (step == 1) {
    if (lanes) /* lanes are in reverse order: sort them by sequence */
      for (ptrdiff_t b = 0; b < rank->pack.B; b++) {
        ptrdiff_t width = lk_task_lane_width(f->task), first = corpus->shard_seq[rank->shards.first];
        memcpy(o->lanes + (first + b) * width, lanes + batch.lane[b] * width, (size_t)width * sizeof *lanes);
      }
    batch.reset = 1;
    assert_int_equal(lk_task_evaluate(f->task, f->params, &batch, lanes, &o->evaluated[rank->shards.first], o->counts),
                     LK_OK);
  }
  fixture_batch_close(&batch);
}

/* Two training steps and an evaluation on R ranks, simulated one after the other. */
static outcome run(const fixture_corpus *corpus, lk_corpus_kind kind, int stream, const char *const *settings, int R) {
  outcome o = {0};
  fixture_task f[MOST_RANKS];
  fixture_rank rank[MOST_RANKS];
  lk_real *lanes[MOST_RANKS];
  for (int r = 0; r < R; r++) {
    fixture_task_open(&f[r], kind, stream, V, settings);
    fixture_rank_open(&rank[r], corpus, r, R, f[r].params);
    fixture_task_ready(&f[r], &rank[r].pack, 1);
    lanes[r] = fixture_alloc(rank[r].pack.B * lk_task_lane_width(f[r].task));
  }
  o.P = lk_params_count(f[0].params);
  o.lane_reals = corpus->sequences * lk_task_lane_width(f[0].task);
  o.lanes = calloc((size_t)o.lane_reals + 1, sizeof *o.lanes);
  for (int step = 0; step < 2; step++) {
    for (int r = 0; r < R; r++) run_rank(&f[r], corpus, &rank[r], step, lanes[r], &o);
    o.gradient[step] = fixture_alloc(o.P);
    fixture_combine(rank, R, o.P, o.gradient[step]);
  }
  for (int r = 0; r < R; r++) {
    free(lanes[r]);
    fixture_rank_close(&rank[r]);
    fixture_task_close(&f[r]);
  }
  return o;
}

static void assert_same(const outcome *a, const outcome *b) {
  for (int step = 0; step < 2; step++) {
    for (int s = 0; s < S; s++) {
      assert_memory_equal(&a->stat[step][s].loss, &b->stat[step][s].loss, sizeof(double));
      assert_int_equal(a->stat[step][s].units, b->stat[step][s].units);
      assert_int_equal(a->stat[step][s].tokens, b->stat[step][s].tokens);
    }
    assert_memory_equal(a->gradient[step], b->gradient[step], (size_t)a->P * sizeof(lk_real));
  }
  assert_memory_equal(a->evaluated, b->evaluated, sizeof a->evaluated);
  assert_memory_equal(a->counts, b->counts, sizeof a->counts);
  assert_memory_equal(a->lanes, b->lanes, (size_t)a->lane_reals * sizeof(lk_real));
}

/* The results are plausible: every number is finite, and no array is all zeros. */
static void assert_alive(const outcome *o) {
  double norm = 0, loss = 0;
  for (ptrdiff_t i = 0; i < o->P; i++) {
    assert_true(isfinite((double)o->gradient[0][i]));
    norm += fabs((double)o->gradient[0][i]);
  }
  for (int s = 0; s < S; s++) loss += o->stat[0][s].loss;
  assert_true(norm > 0.1 && loss > 1 && isfinite(loss) && o->counts[0] > 0);
}

static void check_ranks(lk_corpus_kind kind, int stream, const char *const *settings) {
  static const int ranks[] = {2, 3, 8};
  fixture_corpus corpus = fixture_deal(S, 3, T, 4);
  outcome one = run(&corpus, kind, stream, settings, 1);
  assert_alive(&one);
  for (size_t i = 0; i < 3; i++) {
    outcome many = run(&corpus, kind, stream, settings, ranks[i]);
    assert_same(&one, &many);
    outcome_close(&many);
  }
  outcome_close(&one);
}

#define NET "model.hidden=10", "model.layers=2", "model.embedding=7"

static void test_ranks_lm(void **state) {
  (void)state;
  static const char *const settings[] = {"task=lm", NET, "model.dropout=0.3", "train.smoothing=0.1", NULL};
  check_ranks(LK_CORPUS_TEXT, 0, settings);
}

static void test_ranks_lm_tied_lanes(void **state) {
  (void)state;
  static const char *const settings[] = {"task=lm",           NET, "model.embedding=10", "model.tied=true",
                                         "model.dropout=0.2", NULL};
  check_ranks(LK_CORPUS_TEXT, 1, settings);
}

static void test_ranks_lm_recipe(void **state) {
  (void)state;
  static const char *const settings[] = {
      "task=lm",           NET,          "model.widths=9,10", "model.weight_dropout=0.4", "model.embedding_dropout=0.3",
      "model.dropout=0.2", "train.ar=3", "train.tar=2",       "train.lane_reset=0.3",     NULL};
  check_ranks(LK_CORPUS_TEXT, 1, settings);
}

static void test_ranks_lm_onehot_gru(void **state) {
  (void)state;
  static const char *const settings[] = {"task=lm", NET, "model.input=onehot", "model.cell=gru", NULL};
  check_ranks(LK_CORPUS_TEXT, 1, settings);
}

static void test_ranks_classify(void **state) {
  (void)state;
  static const char *const max[] = {"task=classify",     NET, "model.bidirectional=true", "model.pooling=max",
                                    "model.dropout=0.3", NULL};
  static const char *const last[] = {"task=classify", NET, "model.bidirectional=true", "model.pooling=last", NULL};
  check_ranks(LK_CORPUS_CLASSIFY, 0, max);
  check_ranks(LK_CORPUS_FRAMES, 0, last);
}

static void test_ranks_label(void **state) {
  (void)state;
  static const char *const settings[] = {"task=label",
                                         NET,
                                         "model.bidirectional=true",
                                         "model.dropout=0.3",
                                         "model.variational=true",
                                         "model.word_dropout=0.5",
                                         NULL};
  check_ranks(LK_CORPUS_LABEL, 0, settings);
}

typedef struct single {
  fixture_corpus corpus;
  fixture_task f;
  fixture_rank rank;
  lk_batch batch;
} single;

static void single_open(single *t, lk_corpus_kind kind, int stream, const char *const *settings, int training) {
  t->corpus = fixture_deal(S, 3, T, 4);
  fixture_task_open(&t->f, kind, stream, V, settings);
  fixture_rank_open(&t->rank, &t->corpus, 0, 1, t->f.params);
  fixture_task_ready(&t->f, &t->rank.pack, training);
  fixture_batch(&t->f, &t->rank.pack, &t->batch);
}

static void single_close(single *t) {
  fixture_batch_close(&t->batch);
  fixture_rank_close(&t->rank);
  fixture_task_close(&t->f);
}

static void test_evaluation_is_plain_cross_entropy(void **state) {
  (void)state;
  static const char *const plain[] = {"task=lm", NET, NULL};
  static const char *const smooth[] = {"task=lm", NET, "train.smoothing=0.2", "model.dropout=0.4", NULL};
  lk_shard_stat stat[2][S];
  double loss[2][S] = {{0}};
  int64_t counts[2] = {0};
  for (int i = 0; i < 2; i++) {
    single t;
    single_open(&t, LK_CORPUS_TEXT, 0, i == 0 ? plain : smooth, 1);
    lk_mode mode = {.training = 1, .seed = 1, .step = 1};
    lk_task_train(t.f.task, t.f.params, &t.batch, mode, NULL, stat[i], &t.rank.grads);
    t.f.task->head.rows = 5; /* in chunks, as a large vocabulary would need */
    assert_int_equal(lk_task_evaluate(t.f.task, t.f.params, &t.batch, NULL, loss[i], &counts[i]), LK_OK);
    assert_int_equal(counts[i], t.batch.pack.N);
    single_close(&t);
  }
  for (int s = 0; s < S; s++) {
    assert_memory_equal(&loss[0][s], &loss[1][s], sizeof(double));      /* without smoothing and dropout */
    assert_memory_equal(&loss[0][s], &stat[0][s].loss, sizeof(double)); /* as training without them reports */
    if (stat[0][s].units > 0) assert_true(stat[1][s].loss != stat[0][s].loss);
    assert_int_equal(stat[0][s].units, stat[0][s].tokens);
  }
}

/* Softmax and its loss worked out here, from the scores. */
static void test_loss_from_scores(void **state) {
  (void)state;
  static const char *const settings[] = {"task=label", NET, NULL};
  single t;
  double loss[S] = {0}, sum = 0, all = 0;
  int64_t counts[64] = {0}, units = 0;
  single_open(&t, LK_CORPUS_LABEL, 0, settings, 0);
  assert_int_equal(lk_task_evaluate(t.f.task, t.f.params, &t.batch, NULL, loss, counts), LK_OK);
  const lk_units units_of = lk_task_forward(t.f.task, t.f.params, &t.batch, NULL);
  const ptrdiff_t n = units_of.n;
  const lk_next next = lk_head_next(lk_task_head(t.f.task), t.f.params, &units_of, 0);
  assert_int_equal(n, t.batch.pack.N);
  assert_int_equal(next.n, n);
  for (ptrdiff_t r = 0; r < n; r++) {
    double total = 0;
    if (t.batch.target[r] < 0) continue;
    for (int v = 0; v < 5; v++) total += exp((double)next.score[r * next.ld + v]);
    sum += log(total) - (double)next.score[r * next.ld + t.batch.target[r]];
    units++;
  }
  for (int s = 0; s < S; s++) all += loss[s];
  assert_true(fabs(sum - all) < 1e-5 * sum);
  assert_int_equal(counts[0], units);
  assert_true(units < n); /* some rows had no label, and did not count */
  single_close(&t);
}

/* A sequence as a whole, or in two parts with its states carried in a lane, has the same losses. */
static void test_lanes_carry_on(void **state) {
  (void)state;
  static const char *const settings[] = {"task=lm", NET, NULL};
  enum { LENGTH = 6 };
  int32_t source[LENGTH] = {4, 9, 5, 20, 3, 7}, target[LENGTH] = {9, 5, 20, 3, 7, 2}, lane = 1;
  double whole = 0, pieces = 0;
  for (int cut = 0; cut < 2; cut++) {
    fixture_task f;
    fixture_task_open(&f, LK_CORPUS_TEXT, 1, V, settings);
    ptrdiff_t width = lk_task_lane_width(f.task);
    assert_int_equal(width, 2 * 2 * 10); /* layers, h and c, hidden */
    lk_real *lanes = fixture_alloc(2 * width);
    for (int begin = 0; begin < LENGTH;) {
      fixture_corpus corpus = {.S = 1, .sequences = 1, .shard_seq = {0, 1}, .length = {cut ? 2 + begin : LENGTH}};
      fixture_rank rank;
      fixture_rank_open(&rank, &corpus, 0, 1, NULL);
      fixture_task_ready(&f, &rank.pack, 0);
      lk_batch batch = {
          .pack = rank.pack, .input = fixture_ids(source + begin), .target = target + begin, .lane = &lane};
      int64_t count = 0;
      batch.reset = begin == 0;
      assert_int_equal(lk_task_evaluate(f.task, f.params, &batch, lanes, cut ? &pieces : &whole, &count), LK_OK);
      begin += corpus.length[0];
      fixture_rank_close(&rank);
    }
    assert_true(isnan((double)lanes[0])); /* lane 0 is unused */
    free(lanes);
    fixture_task_close(&f);
  }
  assert_true(fabs(whole - pieces) < 1e-6 * whole);
}

static void test_empty_batch(void **state) {
  (void)state;
  static const struct {
    lk_corpus_kind kind;
    int stream;
    const char *settings[6];
  } nets[] = {{LK_CORPUS_TEXT, 1, {"task=lm", NET, NULL}},
              {LK_CORPUS_TEXT, 0, {"task=lm", NET, "model.embedding=10", "model.tied=true"}},
              {LK_CORPUS_CLASSIFY, 0, {"task=classify", NET, NULL}},
              {LK_CORPUS_LABEL, 0, {"task=label", NET, "model.bidirectional=true"}}};
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
    const char *settings[7] = {0};
    memcpy(settings, nets[i].settings, sizeof nets[i].settings);
    fixture_task f;
    fixture_rank rank;
    fixture_corpus corpus = {.S = 3};
    lk_batch batch;
    lk_shard_stat stat[3] = {{.units = 7}};
    double loss[3] = {1, 2, 3};
    int64_t counts[64] = {0};
    fixture_task_open(&f, nets[i].kind, nets[i].stream, V, settings);
    fixture_rank_open(&rank, &corpus, 0, 1, f.params);
    fixture_task_ready(&f, &rank.pack, 1);
    fixture_batch(&f, &rank.pack, &batch);
    lk_real one[1], *lanes = nets[i].stream ? one : NULL;
    lk_task_train(f.task, f.params, &batch, (lk_mode){.training = 1}, lanes, stat, &rank.grads);
    assert_int_equal(lk_task_evaluate(f.task, f.params, &batch, lanes, loss, counts), LK_OK);
    for (ptrdiff_t j = 0; j < lk_params_count(f.params); j++) assert_true(rank.grads.subtree[0][j] == 0);
    for (int s = 0; s < 3; s++) assert_true(stat[s].loss == 0 && stat[s].units == 0 && loss[s] == s + 1);
    assert_int_equal(counts[0], 0);
    fixture_batch_close(&batch);
    fixture_rank_close(&rank);
    fixture_task_close(&f);
  }
}

/* Buffers for a larger batch are reallocated: weights are packed again, and everything else still works. */
static void test_reserve_again(void **state) {
  (void)state;
  static const char *const settings[] = {"task=classify", NET, "model.bidirectional=true", "model.pooling=max", NULL};
  single t;
  single_open(&t, LK_CORPUS_CLASSIFY, 0, settings, 1);
  ptrdiff_t P = lk_params_count(t.f.params);
  lk_real *before = fixture_alloc(P);
  lk_shard_stat stat[2][S];
  double loss[2][S] = {{0}};
  int64_t counts[2][64] = {{0}};
  for (int i = 0; i < 2; i++) {
    lk_task_train(t.f.task, t.f.params, &t.batch, (lk_mode){.training = 1}, NULL, stat[i], &t.rank.grads);
    assert_int_equal(lk_task_evaluate(t.f.task, t.f.params, &t.batch, NULL, loss[i], counts[i]), LK_OK);
    if (i == 1) break;
    memcpy(before, t.rank.grads.subtree[0], (size_t)P * sizeof *before);
    assert_int_equal(lk_task_reserve(t.f.task, 500, 5000, 50, 0), LK_OK);
    fixture_poison(&t.f.task->arena);
  }
  assert_memory_equal(before, t.rank.grads.subtree[0], (size_t)P * sizeof *before);
  assert_memory_equal(stat[0], stat[1], sizeof stat[0]);
  assert_memory_equal(loss[0], loss[1], sizeof loss[0]);
  assert_memory_equal(counts[0], counts[1], sizeof counts[0]);
  /* buffers that are large enough stay, with the packed weights */
  const lk_real *scores = t.f.task->head.scores;
  assert_int_equal(lk_task_reserve(t.f.task, 100, 5000, 50, 0), LK_OK);
  assert_true(t.f.task->packed && t.f.task->head.scores == scores);
  free(before);
  single_close(&t);
}

static void expect_metric(const lk_metric *metrics, int n, const char *name, double value) {
  for (int i = 0; i < n; i++)
    if (strcmp(metrics[i].name, name) == 0) {
      if (fabs(metrics[i].value - value) > 1e-12) fail_msg("%s: %.17g, not %.17g", name, metrics[i].value, value);
      return;
    }
  fail_msg("no metric %s", name);
}

/* eval.metric can name every metric of a task. */
static void expect_choice(fixture_task *f, const lk_metric *metrics, int n) {
  for (int i = 0; i < n; i++) {
    f->config.eval.metric = metrics[i].name;
    if (lk_task_check(&f->config) != LK_OK) fail_msg("%s", lk_error_get()->text);
  }
  f->config.eval.metric = "los";
  assert_int_equal(lk_task_check(&f->config), LK_USAGE);
  lk_error_clear();
}

static void test_metrics_by_hand(void **state) {
  (void)state;
  static const char *const lm[] = {"task=lm", NET, NULL}, *const classify[] = {"task=classify", NET, NULL};
  static const char *const label[] = {"task=label", NET, NULL};
  fixture_task f;
  lk_metric m[LK_MAX_METRICS];

  fixture_task_open(&f, LK_CORPUS_TEXT, 0, V, lm);
  int64_t units = 4;
  int n = lk_task_metrics(f.task, 4 * log(8), &units, m);
  assert_string_equal(m[0].name, "loss");
  expect_metric(m, n, "loss", log(8));
  assert_true(fabs(m[1].value - 8) < 1e-12 && strcmp(m[1].name, "perplexity") == 0 && !m[1].rising);
  expect_metric(m, n, "bits_per_character", 3);
  expect_choice(&f, m, n);
  fixture_task_close(&f);

  /* gold 0: 3 right, 1 as class 3; gold 1: 2 right, 2 as 0, 1 as 1; class 3 only predicted; 2 and 4 never */
  fixture_task_open(&f, LK_CORPUS_CLASSIFY, 0, V, classify);
  static const lk_tally classes[6] = {{4, 5, 3}, {5, 3, 2}, {0}, {0, 1, 0}, {0}, {0}};
  int64_t counts[19] = {9};
  assert_int_equal(lk_task_counts(f.task), 19);
  memcpy(counts + 1, classes, sizeof classes);
  n = lk_task_metrics(f.task, 9, counts, m);
  expect_metric(m, n, "loss", 1);
  expect_metric(m, n, "accuracy", 5.0 / 9);
  expect_metric(m, n, "macro_f1", (6.0 / 9 + 4.0 / 8 + 0) / 3);
  expect_choice(&f, m, n);
  ptrdiff_t labels;
  const lk_tagset *tags;
  assert_memory_equal(lk_task_tallies(f.task, counts, &labels), classes, sizeof classes);
  assert_int_equal(labels, 6);
  assert_null(lk_task_spans(f.task, counts, &tags));
  assert_null(tags);
  /* three more of a class that training does not have: no loss, but wrong, and one more class whose F1 is 0 */
  counts[16] = 3;
  counts[2] += 3; /* all taken for class 0 */
  n = lk_task_metrics(f.task, 9, counts, m);
  assert_int_equal(lk_task_unseen_units(f.task, counts), 3);
  expect_metric(m, n, "loss", 1);
  expect_metric(m, n, "accuracy", 5.0 / 12);
  expect_metric(m, n, "macro_f1", (6.0 / 12 + 4.0 / 8 + 0 + 0) / 4);
  /* only such: no loss; nothing: no figures */
  memset(counts, 0, sizeof counts);
  counts[16] = counts[2] = 3;
  n = lk_task_metrics(f.task, 0, counts, m);
  assert_true(isnan(m[0].value));
  expect_metric(m, n, "accuracy", 0);
  memset(counts, 0, sizeof counts);
  n = lk_task_metrics(f.task, 0, counts, m);
  assert_int_equal(n, 3);
  for (int i = 0; i < n; i++) assert_true(isnan(m[i].value));
  fixture_task_close(&f);

  fixture_task_open(&f, LK_CORPUS_LABEL, 0, V, label);
  assert_int_equal(lk_task_counts(f.task), 3 + 3 * 6 + 3 * 3);
  static const lk_tally by_tag[6] = {{6, 5, 5}, {3, 2, 1}, {2, 4, 2}, {0}, {0}, {1, 0, 0}};
  static const lk_tally by_type[3] = {{4, 3, 2}, {1, 2, 1}, {1, 0, 0}};
  int64_t words[30] = {11, 4, 1};
  memcpy(words + 3, by_tag, sizeof by_tag);
  memcpy(words + 21, by_type, sizeof by_type);
  n = lk_task_metrics(f.task, 5.5, words, m);
  expect_metric(m, n, "loss", 0.5); /* of the 11 words that have one */
  expect_metric(m, n, "accuracy", 8.0 / 12);
  expect_metric(m, n, "unknown_accuracy", 0.25);
  expect_metric(m, n, "precision", 3.0 / 5);
  expect_metric(m, n, "recall", 3.0 / 6);
  expect_metric(m, n, "f1", 6.0 / 11);
  expect_choice(&f, m, n);
  assert_int_equal(lk_task_unseen_units(f.task, words), 1);
  assert_memory_equal(lk_task_tallies(f.task, words, &labels), by_tag, sizeof by_tag);
  assert_memory_equal(lk_task_spans(f.task, words, &tags), by_type, sizeof by_type);
  assert_int_equal(tags->types.count, 2);
  memset(words, 0, sizeof words);
  n = lk_task_metrics(f.task, 0, words, m);
  assert_int_equal(n, 6);
  for (int i = 0; i < n; i++) assert_true(isnan(m[i].value));
  words[0] = words[3] = words[4] = words[5] = 1; /* one O, found: nothing to find and nothing found */
  n = lk_task_metrics(f.task, 0, words, m);
  expect_metric(m, n, "accuracy", 1);
  expect_metric(m, n, "f1", 0);
  fixture_task_close(&f);
}

/* Counts by class, not a matrix: 100,000 classes take 2.4 MB. Named labels that training does not have are classes
 * too. */
static void test_many_classes(void **state) {
  (void)state;
  enum { CLASSES = 100000 };
  static const char *const classify[] = {"task=classify", "model.hidden=4", "model.embedding=4", NULL};
  fixture_task f;
  lk_strings unseen = {0};
  ptrdiff_t classes;
  fixture_task_settings(&f, LK_CORPUS_CLASSIFY, V, classify);
  lk_strings_release(&f.info.label);
  fixture_names(&f.info.label, CLASSES, 0);
  assert_int_equal(lk_task_create(&f.task, &f.config, &f.info, f.params), LK_OK);
  assert_int_equal(lk_task_counts(f.task), 1 + 3 * (CLASSES + 1));
  fixture_names(&unseen, 5, 0);
  assert_int_equal(lk_task_unseen(f.task, &unseen), LK_OK);
  assert_int_equal(lk_task_counts(f.task), 1 + 3 * (CLASSES + 5));
  int64_t *counts = calloc((size_t)lk_task_counts(f.task), sizeof *counts);
  counts[1 + 3 * (CLASSES + 4)] = 7;
  assert_int_equal(lk_task_tallies(f.task, counts, &classes)[CLASSES + 4].gold, 7);
  assert_int_equal(classes, CLASSES + 5);
  assert_int_equal(lk_task_unseen_units(f.task, counts), 7);
  free(counts);
  lk_strings_release(&unseen);
  fixture_task_close(&f);
}

static lk_tally tally_of(const int64_t *counts, ptrdiff_t at) {
  return (lk_tally){counts[3 * at], counts[3 * at + 1], counts[3 * at + 2]};
}

/* An output bias so large that the prediction is label 1 (B-x) everywhere. Every fifth label becomes one that training
 * does not have. */
static void test_counts_by_hand(void **state) {
  (void)state;
  static const char *const label[] = {"task=label", NET, NULL};
  single t;
  double loss[S] = {0}, without[S] = {0};
  int64_t counts[64] = {0}, unknown = 0, unknown_right = 0, units = 0;
  lk_tally by_tag[6] = {0}, by_type[3] = {0};
  lk_pairs pairs = {0};
  single_open(&t, LK_CORPUS_LABEL, 0, label, 0);
  lk_params_value(t.f.params, t.f.task->head.dense.bias)[1] = 1000;
  lk_task_note_pairs(t.f.task, &pairs);
  for (ptrdiff_t r = 0, n = 0; r < t.batch.pack.N; r++)
    if (t.batch.target[r] >= 0 && n++ % 5 == 0) t.batch.target[r] = LK_UNSEEN_LABEL;
  assert_int_equal(lk_task_evaluate(t.f.task, t.f.params, &t.batch, NULL, loss, counts), LK_OK);
  for (ptrdiff_t r = 0; r < t.batch.pack.N; r++) {
    const int32_t gold = t.batch.target[r];
    if (gold == LK_NO_LABEL) continue;
    units += gold >= 0;
    by_tag[gold < 0 ? 5 : gold].gold++;
    by_tag[1].found++;
    by_tag[1].correct += gold == 1;
    unknown += lk_batch_ids(&t.batch)[r] == LK_UNK;
    unknown_right += lk_batch_ids(&t.batch)[r] == LK_UNK && gold == 1;
  }
  assert_true(by_tag[1].correct > 0 && unknown > 0 && by_tag[5].gold > 2);
  assert_int_equal(counts[0], units);
  assert_int_equal(counts[1], unknown);
  assert_int_equal(counts[2], unknown_right);
  for (int i = 0; i < 6; i++) {
    const lk_tally found = tally_of(counts + 3, i);
    assert_memory_equal(&found, &by_tag[i], sizeof found);
  }
  for (ptrdiff_t b = 0; b < t.batch.pack.B; b++) {
    int32_t gold[T], found[T];
    for (ptrdiff_t i = 0; i < t.batch.pack.length[b]; i++) {
      gold[i] = t.batch.target[lk_pack_row(&t.batch.pack, b, i)];
      found[i] = 1;
    }
    const lk_tagset *tags;
    (void)lk_task_spans(t.f.task, counts, &tags);
    lk_spans_count(tags, gold, found, t.batch.pack.length[b], by_type);
  }
  assert_true(by_type[0].correct > 0 && by_type[2].gold > 0);
  assert_int_equal(by_type[0].found, by_tag[1].found); /* B-x at every word: a span each */
  for (int i = 0; i < 3; i++) {
    const lk_tally found = tally_of(counts + 21, i);
    assert_memory_equal(&found, &by_type[i], sizeof found);
  }
  lk_pair *list;
  ptrdiff_t n, noted = 0;
  lk_pairs_take(&pairs, &list, &n);
  for (ptrdiff_t i = 0; i < n; i++) {
    assert_int_equal(list[i].found, 1);
    assert_int_equal(list[i].count, by_tag[list[i].gold].gold);
    noted += by_tag[list[i].gold].gold;
  }
  assert_int_equal(noted, by_tag[1].found);
  free(list);
  /* the loss is that of the words that have one */
  for (ptrdiff_t r = 0; r < t.batch.pack.N; r++)
    if (t.batch.target[r] == LK_UNSEEN_LABEL) t.batch.target[r] = LK_NO_LABEL;
  lk_task_note_pairs(t.f.task, NULL);
  assert_int_equal(lk_task_evaluate(t.f.task, t.f.params, &t.batch, NULL, without, counts), LK_OK);
  assert_memory_equal(loss, without, sizeof loss);
  single_close(&t);
}

/* The same for a classifier, which predicts class 3 everywhere. */
static void test_classes_by_hand(void **state) {
  (void)state;
  static const char *const classify[] = {"task=classify", NET, NULL};
  single t;
  double loss[S] = {0};
  int64_t counts[64] = {0}, units = 0;
  lk_tally classes[6] = {0};
  single_open(&t, LK_CORPUS_CLASSIFY, 0, classify, 0);
  lk_params_value(t.f.params, t.f.task->head.dense.bias)[3] = 1000;
  t.batch.target[0] = LK_NO_LABEL;
  t.batch.target[1] = LK_UNSEEN_LABEL;
  for (ptrdiff_t b = 0; b < t.batch.pack.B; b++) {
    const int32_t gold = t.batch.target[b];
    if (gold == LK_NO_LABEL) continue;
    units += gold >= 0;
    classes[gold < 0 ? 5 : gold].gold++;
    classes[3].found++;
    classes[3].correct += gold == 3;
  }
  assert_int_equal(lk_task_evaluate(t.f.task, t.f.params, &t.batch, NULL, loss, counts), LK_OK);
  assert_int_equal(counts[0], units);
  assert_int_equal(classes[5].gold, 1);
  assert_int_equal(classes[3].found, t.batch.pack.B - 1);
  for (int i = 0; i < 6; i++) {
    const lk_tally found = tally_of(counts + 1, i);
    assert_memory_equal(&found, &classes[i], sizeof found);
  }
  single_close(&t);
}

static void expect_usage(lk_corpus_kind kind, const char *const *settings, const char *word) {
  fixture_task f;
  lk_error_clear();
  fixture_task_settings(&f, kind, V, settings);
  assert_int_equal(lk_task_create(&f.task, &f.config, &f.info, f.params), LK_USAGE);
  assert_null(f.task);
  if (strstr(lk_error_get()->text, word) == NULL) fail_msg("'%s' does not say '%s'", lk_error_get()->text, word);
  lk_error_clear();
  fixture_task_close(&f);
}

static void test_mistakes(void **state) {
  (void)state;
  static const char *const unknown[] = {"task=labell", NULL}, *const lm[] = {"task=lm", NULL};
  static const char *const label[] = {"task=label", NULL}, *const classify[] = {"task=classify", NULL};
  static const char *const both[] = {"task=lm", "model.bidirectional=true", NULL};
  static const char *const unequal[] = {"task=lm", NET, "model.tied=true", NULL};
  static const char *const onehot[] = {"task=lm", "model.input=onehot", "model.tied=true", NULL};
  static const char *const tied[] = {"task=label", "model.tied=true", NULL};
  static const char *const pool[] = {"task=lm", "model.pooling=maxi", NULL};
  static const char *const few[] = {"task=lm", NET, "model.widths=5", NULL};
  static const char *const many[] = {"task=lm", NET, "model.widths=5,6,7", NULL};
  static const char *const zero[] = {"task=label", NET, "model.widths=5,0", NULL};
  static const char *const word[] = {"task=lm", NET, "model.widths=5,6x", NULL};
  static const char *const last[] = {"task=lm", NET, "model.widths=7,6", "model.tied=true", NULL};
  expect_usage(LK_CORPUS_TEXT, few, "expected 2 whole numbers");
  expect_usage(LK_CORPUS_TEXT, many, "found '5,6,7'");
  expect_usage(LK_CORPUS_LABEL, zero, "model.widths");
  expect_usage(LK_CORPUS_TEXT, word, "model.widths");
  expect_usage(LK_CORPUS_TEXT, last, "model.embedding = the last of model.widths, found 7 and 6");
  expect_usage(LK_CORPUS_LABEL, unknown, "label");
  expect_usage(LK_CORPUS_CLASSIFY, lm, "classify");
  expect_usage(LK_CORPUS_TEXT, label, "text");
  expect_usage(LK_CORPUS_LABEL, classify, "kind");
  expect_usage(LK_CORPUS_TEXT, both, "model.bidirectional");
  expect_usage(LK_CORPUS_TEXT, unequal, "model.tied");
  expect_usage(LK_CORPUS_TEXT, onehot, "model.tied");
  expect_usage(LK_CORPUS_LABEL, tied, "model.tied");
  expect_usage(LK_CORPUS_TEXT, pool, "max");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ranks_lm),
      cmocka_unit_test(test_ranks_lm_tied_lanes),
      cmocka_unit_test(test_ranks_lm_recipe),
      cmocka_unit_test(test_ranks_lm_onehot_gru),
      cmocka_unit_test(test_ranks_classify),
      cmocka_unit_test(test_ranks_label),
      cmocka_unit_test(test_evaluation_is_plain_cross_entropy),
      cmocka_unit_test(test_loss_from_scores),
      cmocka_unit_test(test_lanes_carry_on),
      cmocka_unit_test(test_empty_batch),
      cmocka_unit_test(test_reserve_again),
      cmocka_unit_test(test_metrics_by_hand),
      cmocka_unit_test(test_many_classes),
      cmocka_unit_test(test_counts_by_hand),
      cmocka_unit_test(test_classes_by_hand),
      cmocka_unit_test(test_mistakes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
