/* The adaptive softmax against PyTorch in double (tests/reference/make_adaptive_vectors.py), to 1e-10: losses, all gradients,
 * best outputs, the log-probabilities of all outputs. */
#include "nn_fixture.h"

#include <math.h>

#include "head.h"
#include "reference/adaptive_vectors.h"

enum { N = ADAPTIVE_ROWS, CASES = sizeof adaptive_cases / sizeof *adaptive_cases };
#define OK(call) assert_int_equal(call, LK_OK)

typedef struct model {
  lk_config config;
  lk_params *params;
  lk_head head;
  lk_arena weights, arena;
  fixture_rank rank;
  lk_real *x, *dx;
  ptrdiff_t ldx;
  int32_t target[N], rows[N];
  lk_units units;
} model;

static void near(double got, double want, const char *what) {
  if (!(fabs(got - want) <= 1e-10 * fmax(1, fabs(want)))) fail_msg("%s: %.15g, PyTorch has %.15g", what, got, want);
}

static void lay_out(model *m) {
  lk_head_layout_weights(&m->head, &m->weights, 1);
  lk_head_layout(&m->head, &m->arena, N, N, 1);
}

/* Rows of one unit each, in two shards; x holds them in reverse order, found through rows[], where `indirect`. */
static void open_case(model *m, int i, int indirect) {
  fixture_corpus corpus = {.S = 2, .sequences = N, .shard_seq = {0, 5, N}};
  *m = (model){.ldx = lk_padded(adaptive_cases[i].inputs)};
  for (int r = 0; r < N; r++) corpus.length[r] = 1, corpus.id[r] = (uint32_t)r;
  OK(lk_config_init(&m->config));
  OK(lk_config_override(&m->config, "model.output=adaptive"));
  OK(lk_config_override(&m->config, adaptive_cases[i].cutoffs));
  OK(lk_params_create(&m->params));
  OK(lk_head_declare(&m->head, m->params, &m->config, adaptive_cases[i].inputs, adaptive_cases[i].outputs, -1));
  OK(lk_params_commit(m->params, 1));
  const double *weight = adaptive_cases[i].weights;
  for (int t = 0; t < lk_params_tensors(m->params); t++)
    for (ptrdiff_t j = 0; j < lk_params_at(m->params, t)->count; j++) lk_params_value(m->params, t)[j] = *weight++;
  lay_out(m);
  OK(lk_arena_reserve(&m->weights));
  OK(lk_arena_reserve(&m->arena));
  fixture_poison(&m->weights);
  fixture_poison(&m->arena);
  lay_out(m);
  lk_head_pack(&m->head, m->params, 1, LK_WHOLE);
  fixture_rank_open(&m->rank, &corpus, 0, 1, m->params);
  m->x = fixture_alloc(N * m->ldx);
  m->dx = fixture_alloc(N * m->ldx);
  for (int r = 0; r < N; r++) {
    m->rows[r] = indirect ? N - 1 - r : r;
    m->target[r] = adaptive_cases[i].target[r];
    for (int k = 0; k < adaptive_cases[i].inputs; k++)
      m->x[m->rows[r] * m->ldx + k] = adaptive_cases[i].x[r * adaptive_cases[i].inputs + k];
  }
  m->units = (lk_units){.pack = &m->rank.pack, .n = N, .x = m->x, .ldx = m->ldx, .target = m->target};
  if (indirect) m->units.rows = m->rows;
}

static void close_case(model *m) {
  free(m->x), free(m->dx);
  fixture_rank_close(&m->rank);
  lk_arena_release(&m->weights);
  lk_arena_release(&m->arena);
  lk_params_destroy(&m->params);
  lk_config_release(&m->config);
}

static void test_training(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++) {
    model m;
    open_case(&m, i, 0);
    const double *want = adaptive_cases[i].gradients;
    const int I = adaptive_cases[i].inputs;
    lk_head_loss(&m.head, m.params, &m.units);
    lk_head_backward(&m.head, &m.units, m.dx, m.ldx, &m.rank.grads);
    assert_int_equal(m.rank.shards.subtrees, 1);
    for (int r = 0; r < N; r++) near(m.head.loss[r], adaptive_cases[i].loss[r], "loss");
    for (int r = 0; r < N * I; r++) near(m.dx[r / I * m.ldx + r % I], adaptive_cases[i].dx[r], "gradient of the input");
    for (int t = 0; t < lk_params_tensors(m.params); t++) {
      const lk_param *p = lk_params_at(m.params, t);
      for (ptrdiff_t j = 0; j < p->count; j++) near(m.rank.grads.subtree[0][p->offset + j], *want++, p->name);
    }
    close_case(&m);
  }
}

static void check_answers(model *m, int i) {
  double log_p[N], norm[N];
  const ptrdiff_t O = adaptive_cases[i].outputs;
  const double *all = adaptive_cases[i].all;
  lk_head_evaluate(&m->head, m->params, &m->units);
  for (int r = 0; r < N; r++) {
    near(m->head.loss[r], adaptive_cases[i].loss[r], "loss of an evaluation");
    assert_int_equal(m->head.best[r], adaptive_cases[i].best[r]);
  }
  lk_head_log_probability(&m->head, m->params, &m->units, log_p);
  for (int r = 0; r < N; r++) near(log_p[r], -adaptive_cases[i].loss[r], "log-probability");
  lk_head_answer(&m->head, m->params, &m->units, log_p);
  for (int r = 0; r < N; r++) {
    assert_int_equal(m->head.best[r], adaptive_cases[i].best[r]);
    near(log_p[r], all[r * O + adaptive_cases[i].best[r]], "log-probability of the best output");
  }
  for (ptrdiff_t first = 0; first < N; first += 5) {
    const lk_next next = lk_head_next(&m->head, m->params, &m->units, first);
    assert_int_equal(next.n, N - first);
    lk_head_norms(&m->head, next, norm);
    for (ptrdiff_t k = 0; k < next.n * O; k++)
      near((double)next.score[k / O * next.ld + k % O] - norm[k / O], all[first * O + k],
           "one of all log-probabilities");
  }
}

static void test_answers(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++)
    for (int indirect = 0; indirect < 2; indirect++) {
      model m;
      open_case(&m, i, indirect);
      check_answers(&m, i);
      close_case(&m);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_training), cmocka_unit_test(test_answers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
