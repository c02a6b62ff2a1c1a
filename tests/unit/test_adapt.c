/* Language models that learn from what they read: a unit is predicted before anything is learned from it; the neural cache
 * by its definition; what is forgotten by a reset. Dynamic evaluation against PyTorch: tests/double/test_adapt_vectors.c. */
#include "task_fixture.h"

#include <math.h>

#include "adapt.h"
#include "fixed_math.h"

enum { V = 13, UNITS = 61, WINDOW = 17, SEGMENT = 7 };
#define OK(call) assert_int_equal(call, LK_OK)

typedef struct net {
  fixture_task f;
  lk_model model;
  int32_t text[UNITS + 1];
} net;

static void net_open(net *n) {
  static const char *const settings[] = {"task=lm",        "model.hidden=10",     "model.embedding=6",
                                         "train.unroll=9", "train.smoothing=0.1", NULL};
  *n = (net){0};
  fixture_task_open(&n->f, LK_CORPUS_TEXT, 1, V, settings);
  lk_real *values = lk_params_values(n->f.params);
  for (ptrdiff_t i = 0; i < lk_params_count(n->f.params); i++) values[i] *= 4; /* clear preferences */
  n->model = (lk_model){.config = n->f.config,
                        .corpus = &n->f.info,
                        .params = n->f.params,
                        .task = n->f.task,
                        .one = lk_shards_make(1, 0, 1)};
  OK(lk_vocab_from(&n->model.vocab, &n->f.info.source, true));
  for (int i = 0; i <= UNITS; i++)
    n->text[i] = LK_SPECIALS + fixture_word(1, (uint32_t)i, 0, 5); /* few, so that they come again */
}

static void net_close(net *n) {
  lk_vocab_destroy(&n->model.vocab);
  fixture_task_close(&n->f);
}

static const lk_adapt_settings cases[] = {
    {.cache = WINDOW, .theta = 0.7, .weight = 0.3},
    {.dynamic = LK_DYNAMIC_SGD, .rate = 0.5, .decay = 0.1, .segment = SEGMENT},
    {.dynamic = LK_DYNAMIC_SGD,
     .rate = 0.5,
     .decay = 0.1,
     .segment = SEGMENT,
     .cache = WINDOW,
     .theta = 0.7,
     .weight = 0.3},
};
enum { CASES = sizeof cases / sizeof *cases };

static double read_from_start(lk_adapter *adapter, int32_t *ids, ptrdiff_t n) {
  double log_p = 0;
  const lk_inputs text = fixture_ids(ids);
  lk_adapter_reset(adapter);
  OK(lk_adapter_read(adapter, &text, 0, n, true, &log_p));
  return log_p;
}

/* The evaluation of a part of a text is that part of the evaluation of all of it: bit for bit. */
static void test_prefixes(void **state) {
  (void)state;
  for (int c = 0; c < CASES; c++) {
    net n;
    lk_adapter *adapter;
    net_open(&n);
    OK(lk_adapter_create(&adapter, &n.model, &cases[c]));
    const ptrdiff_t most = lk_adapter_segment(adapter);
    for (ptrdiff_t cut = most; cut < UNITS; cut += most) {
      double whole = 0;
      const lk_inputs text = fixture_ids(n.text);
      lk_adapter_reset(adapter);
      OK(lk_adapter_read(adapter, &text, 0, cut, true, &whole));
      const double there = whole;
      OK(lk_adapter_read(adapter, &text, cut, UNITS - cut, false, &whole));
      const double part = read_from_start(adapter, n.text, cut), all = read_from_start(adapter, n.text, UNITS);
      assert_memory_equal(&part, &there, sizeof part);
      assert_memory_equal(&all, &whole, sizeof all);
    }
    lk_adapter_destroy(&adapter);
    net_close(&n);
  }
}

/* The probabilities of all pairs of units that could come next sum to 1: so no unit was known, to itself or to one before
 * it in its segment, when it was predicted. */
static void sum_to_one(const net *n, lk_adapter *adapter, ptrdiff_t after) {
  double sum = 0;
  int32_t text[UNITS + 1];
  memcpy(text, n->text, sizeof text);
  const double before = read_from_start(adapter, text, after);
  for (int32_t v = 0; v < V * V; v++) {
    text[after + 1] = v / V;
    text[after + 2] = v % V;
    sum += exp(read_from_start(adapter, text, after + 2) - before);
  }
  if (!(fabs(sum - 1) < 2e-5)) fail_msg("after %td units: %.9g", after, sum);
}

static void test_sums_to_one(void **state) {
  (void)state;
  static const ptrdiff_t after[] = {1, 5, 6, 7, 20, 41, UNITS - 2};
  for (int c = 0; c < CASES; c++) {
    net n;
    lk_adapter *adapter;
    net_open(&n);
    OK(lk_adapter_create(&adapter, &n.model, &cases[c]));
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) sum_to_one(&n, adapter, after[i]);
    lk_adapter_destroy(&adapter);
    net_close(&n);
  }
}

/* Outputs of the last layer [UNITS, 10] and log-probabilities [UNITS, V] of the model alone. */
static void pass(net *n, double (*h)[10], double (*log_p)[V]) {
  lk_batch batch;
  lk_arena arena = {0};
  const int32_t *ids = n->text;
  ptrdiff_t length = UNITS, perm;
  double norm[UNITS];
  OK(lk_batch_from_ids(&batch, &arena, &n->model.one, 1, &ids, &length, &perm));
  OK(lk_task_reserve(n->f.task, 1, UNITS, UNITS, 0));
  const lk_units u = lk_task_forward(n->f.task, n->f.params, &batch, NULL);
  for (int t = 0; t < UNITS; t++)
    for (int i = 0; i < 10; i++) h[t][i] = (double)u.x[t * u.ldx + i];
  const lk_next next = lk_head_next(lk_task_head(n->f.task), n->f.params, &u, 0);
  assert_int_equal(next.n, UNITS);
  lk_head_norms(lk_task_head(n->f.task), next, norm);
  for (int t = 0; t < UNITS; t++)
    for (int v = 0; v < V; v++) log_p[t][v] = (double)next.score[t * next.ld + v] - norm[t];
  lk_arena_release(&arena);
}

/* Equations 2 and 3 of Grave et al. 2017, word for word. */
static double mixture(const net *n, int t, double (*h)[10], double (*log_p)[V], const lk_adapt_settings *how) {
  double all = 0, found = 0;
  for (int i = t < WINDOW ? 0 : t - WINDOW; i < t; i++) {
    double product = 0;
    for (int k = 0; k < 10; k++) product += h[t][k] * h[i][k];
    all += exp(how->theta * product);
    if (n->text[i + 1] == n->text[t + 1]) found += exp(how->theta * product);
  }
  const double p = exp(log_p[t][n->text[t + 1]]);
  return t == 0 ? log(p) : log((1 - how->weight) * p + how->weight * found / all);
}

static void test_cache_by_definition(void **state) {
  (void)state;
  static double h[UNITS][10], log_p[UNITS][V];
  net n;
  lk_adapter *adapter;
  net_open(&n);
  pass(&n, h, log_p);
  OK(lk_adapter_create(&adapter, &n.model, &cases[0]));
  for (int t = 0; t < UNITS; t++) {
    double got = 0;
    const lk_inputs text = fixture_ids(n.text);
    OK(lk_adapter_read(adapter, &text, t, 1, t == 0, &got));
    const double want = mixture(&n, t, h, log_p, &cases[0]);
    if (!(fabs(got - want) < 1e-5)) fail_msg("unit %d: %.9g, by definition %.9g", t, got, want);
  }
  lk_adapter_destroy(&adapter);
  net_close(&n);
}

/* It learns: a text that repeats itself is predicted better with each way of learning than without. */
static void test_learns(void **state) {
  (void)state;
  static double h[UNITS][10], log_p[UNITS][V];
  net n;
  double plain = 0;
  net_open(&n);
  for (int i = 0; i <= UNITS; i++) n.text[i] = LK_SPECIALS + i % 3;
  pass(&n, h, log_p);
  for (int t = 0; t < UNITS; t++) plain += log_p[t][n.text[t + 1]];
  for (int c = 0; c < CASES; c++) {
    lk_adapter *adapter;
    OK(lk_adapter_create(&adapter, &n.model, &cases[c]));
    const double learnt = read_from_start(adapter, n.text, UNITS);
    if (!(learnt > 0.75 * plain)) fail_msg("case %d: log P %g, without learning %g", c, learnt, plain);
    lk_adapter_destroy(&adapter);
  }
  net_close(&n);
}

/* Afterwards the model is as it was: its weights, bit for bit, its answers, and the smoothing of its training loss. */
static void test_gives_back(void **state) {
  (void)state;
  net n;
  lk_score before, during, after;
  static const char line[] = "w5 w6 w5 w7 w6 w5 w5 w8 w9 w4 w5 w6";
  const char *text = line;
  const size_t size = sizeof line - 1;
  const lk_lines lines = {.name = "lines", .text = &text, .size = &size, .count = 1, .first = 1};
  net_open(&n);
  (void)snprintf(n.f.info.unit, sizeof n.f.info.unit, "word");
  const size_t bytes = (size_t)lk_params_count(n.f.params) * sizeof(lk_real);
  lk_real *kept = malloc(bytes);
  memcpy(kept, lk_params_values(n.f.params), bytes);
  OK(lk_score_lines(&n.model, &lines, &before));
  for (int c = 0; c < CASES; c++) {
    lk_adapter *adapter;
    OK(lk_adapter_create(&adapter, &n.model, &cases[c]));
    OK(lk_adapter_score(adapter, &lines, &during));
    assert_int_equal(during.units, before.units);
    if (c == 1) assert_true(fabs(during.log_probability - before.log_probability) > 1e-3);
    const double first = during.log_probability;
    OK(lk_adapter_score(adapter, &lines, &during)); /* what it has seen once it knows better */
    assert_true(during.log_probability > first);
    lk_adapter_reset(adapter);
    OK(lk_adapter_score(adapter, &lines, &during));
    assert_memory_equal(&during.log_probability, &first, sizeof first);
    lk_adapter_destroy(&adapter);
    assert_memory_equal(lk_params_values(n.f.params), kept, bytes);
    OK(lk_score_lines(&n.model, &lines, &after));
    assert_memory_equal(&after, &before, sizeof after);
    assert_true(lk_task_head(n.f.task)->smoothing == 0.1);
  }
  free(kept);
  net_close(&n);
}

/* A rate that destroys the model is told of. */
static void test_diverges(void **state) {
  (void)state;
  net n;
  lk_adapter *adapter;
  double log_p = 0;
  const lk_adapt_settings how = {.dynamic = LK_DYNAMIC_SGD, .rate = 1e38, .segment = SEGMENT};
  net_open(&n);
  const lk_inputs text = fixture_ids(n.text);
  OK(lk_adapter_create(&adapter, &n.model, &how));
  assert_int_equal(lk_adapter_read(adapter, &text, 0, UNITS, true, &log_p), LK_DATA);
  assert_non_null(strstr(lk_error_get()->text, "give a lower --dynamic-rate"));
  lk_error_clear();
  lk_adapter_destroy(&adapter);
  net_close(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_prefixes), cmocka_unit_test(test_sums_to_one), cmocka_unit_test(test_cache_by_definition),
      cmocka_unit_test(test_learns),   cmocka_unit_test(test_gives_back),  cmocka_unit_test(test_diverges),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
