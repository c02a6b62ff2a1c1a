/* The adaptive softmax with many outputs: evaluation in parts has the bits of training, whichever tails the targets are in,
 * also all in one; the log-probabilities of all outputs are those of evaluation, and the best is the best of them. Against
 * PyTorch: tests/double/test_adaptive.c. */
#include "nn_fixture.h"

#include <math.h>

#include "head.h"

enum { I = 36, O = 70001, LDX = 48, N = 150 };
#define OK(call) assert_int_equal(call, LK_OK)

typedef struct model {
  lk_config config;
  lk_params *params;
  lk_head head;
  lk_arena weights, arena;
} model;

static void lay_out(model *m, int training) {
  lk_head_layout_weights(&m->head, &m->weights, training);
  lk_head_layout(&m->head, &m->arena, N, training ? N : 0, training);
}

static void open_model(model *m, int training) {
  *m = (model){0};
  OK(lk_config_init(&m->config));
  OK(lk_config_override(&m->config, "model.output=adaptive"));
  OK(lk_params_create(&m->params));
  OK(lk_head_declare(&m->head, m->params, &m->config, I, O, -1));
  OK(lk_params_commit(m->params, 3));
  lay_out(m, training);
  OK(lk_arena_reserve(&m->weights));
  OK(lk_arena_reserve(&m->arena));
  fixture_poison(&m->weights);
  fixture_poison(&m->arena);
  lay_out(m, training);
  lk_head_pack(&m->head, m->params, training, LK_WHOLE);
}

static void close_model(model *m) {
  lk_arena_release(&m->weights);
  lk_arena_release(&m->arena);
  lk_params_destroy(&m->params);
  lk_config_release(&m->config);
}

/* Targets from outputs begin .. end, every seventh missing. */
static void check_losses(const model *trained, model *m, const lk_units *u, int32_t *target, int begin, int end) {
  model t = *trained;
  for (int r = 0; r < N; r++) target[r] = r % 7 == 3 ? -1 : begin + (int)((long long)r * 1009 * 53 % (end - begin));
  lk_head_loss(&t.head, t.params, u);
  lk_head_evaluate(&m->head, m->params, u);
  assert_memory_equal(m->head.loss, t.head.loss, N * sizeof(double));
  for (int r = 0; r < N; r++)
    assert_true(target[r] < 0 ? t.head.loss[r] == 0 : t.head.loss[r] > 1 && t.head.loss[r] < 40);
}

static void check_all(model *m, const lk_units *u) {
  double log_p[N];
  int32_t best[N];
  lk_next next;
  lk_head_answer(&m->head, m->params, u, log_p);
  memcpy(best, m->head.best, sizeof best);
  for (ptrdiff_t first = 0; first < N; first += next.n) {
    next = lk_head_next(&m->head, m->params, u, first);
    assert_true(next.n > 0 && next.n < N && first + next.n <= N); /* in parts */
    for (ptrdiff_t k = 0; k < next.n; k++) {
      const lk_real *score = next.score + k * next.ld;
      double sum = 0;
      int32_t most = 0;
      for (int32_t o = 0; o < O; o++) {
        sum += exp((double)score[o]);
        if (score[o] > score[most]) most = o;
      }
      assert_true(fabs(sum - 1) < 1e-4);
      assert_true(fabs((double)score[best[first + k]] - log_p[first + k]) < 1e-5);
      assert_true((double)score[most] - log_p[first + k] < 1e-5);
    }
  }
}

static void test_many_outputs(void **state) {
  (void)state;
  model trained, m;
  fixture_rank k;
  const fixture_corpus c = fixture_deal(3, 15, 10, 2);
  int32_t target[N];
  lk_real *x = fixture_alloc(N * LDX);
  fixture_rank_open(&k, &c, 0, 1, NULL);
  lk_pack pack = k.pack;
  ptrdiff_t shard_row[4] = {0, 40, 90, N};
  pack.N = N, pack.shard_row = shard_row;
  for (int i = 0; i < N * LDX; i++) x[i] = i % LDX < I ? 3 * fixture_real(1, (uint32_t)i, 0, 0) : 0;
  const lk_units u = {.pack = &pack, .n = N, .x = x, .ldx = LDX, .target = target};
  open_model(&trained, 1);
  open_model(&m, 0);
  check_losses(&trained, &m, &u, target, 0, O);
  check_losses(&trained, &m, &u, target, O / 2, O);
  check_losses(&trained, &m, &u, target, O / 20 + 1, O / 4);
  check_losses(&trained, &m, &u, target, 0, O / 20);
  check_all(&m, &u);
  close_model(&m);
  close_model(&trained);
  fixture_rank_close(&k);
  free(x);
}

static int all(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_many_outputs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void) { return fixture_every_kernel(all); }
