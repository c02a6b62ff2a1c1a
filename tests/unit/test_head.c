/* Heads: the gradient, computed in blocks of outputs, has the bits of the whole at once; margins by hand. */
#include "nn_fixture.h"

#include <math.h>

#include "head_kind.h"

enum { I = 21, O = 4801, LDX = 32, LDY = 4816, MOST = 600 }; /* several blocks, the last one short */
static const double smoothing = 0.1;

typedef struct model {
  lk_params *params;
  lk_head o;
  lk_config config;
  lk_arena weights, arena;
  int other; /* an [O, I] tensor of another layer */
} model;

static void layout(model *m, ptrdiff_t n) {
  lk_head_layout_weights(&m->o, &m->weights, 1);
  lk_head_layout(&m->o, &m->arena, n, n, 1);
}

static model make(int tied, ptrdiff_t n) {
  model m = {0};
  const lk_param other = {.name = "table", .dims = 2, .shape = {O, I}, .init = {LK_INIT_NORMAL, 1}};
  assert_int_equal(lk_config_init(&m.config), LK_OK);
  m.config.train.smoothing = smoothing;
  assert_int_equal(lk_params_create(&m.params), LK_OK);
  assert_int_equal(lk_params_add(m.params, &other, &m.other), LK_OK);
  assert_int_equal(lk_head_declare(&m.o, m.params, &m.config, I, O, tied ? m.other : -1), LK_OK);
  assert_int_equal(lk_params_commit(m.params, 3), LK_OK);
  layout(&m, n);
  assert_int_equal(lk_arena_reserve(&m.weights), LK_OK);
  assert_int_equal(lk_arena_reserve(&m.arena), LK_OK);
  fixture_poison(&m.weights);
  fixture_poison(&m.arena);
  layout(&m, n);
  lk_head_pack(&m.o, m.params, 1, LK_WHOLE);
  return m;
}

static void destroy(model *m) {
  lk_arena_release(&m->weights);
  lk_arena_release(&m->arena);
  lk_params_destroy(&m->params);
  lk_config_release(&m->config);
}

/* Without blocks: the whole gradient by the scores, then the backward pass of the dense layer. */
static void plainly(const model *m, const fixture_rank *k, const lk_real *x, const int32_t *id, lk_real *logits,
                    double *loss, lk_real *dx) {
  const ptrdiff_t N = k->pack.N;
  lk_softmax *softmax = malloc((size_t)N * sizeof *softmax);
  lk_dense_forward(&m->o.dense, m->params, N, x, LDX, logits, LDY);
  lk_kernels_get()->softmax_loss(N, O, logits, LDY, id, smoothing, loss, NULL, softmax);
  lk_kernels_get()->softmax_gradient(N, O, (lk_range){0, O}, logits, LDY, id, smoothing, softmax, logits, LDY);
  lk_dense_backward(&m->o.dense, k->pack.shard_row, x, LDX, logits, LDY, dx, LDX, &k->grads);
  free(softmax);
}

static void same(const lk_real *got, const lk_real *want, ptrdiff_t n) {
  assert_memory_equal(got, want, (size_t)n * sizeof *got);
}

/* Shards of one rank of two or of one, so that subtrees of one shard and of several occur. */
static void check(int tied, int rank, int size) {
  fixture_corpus c = fixture_deal(6, 8, 40, 2);
  fixture_rank k, plain;
  model m = make(tied, MOST);
  fixture_rank_open(&k, &c, rank, size, m.params);
  fixture_rank_open(&plain, &c, rank, size, m.params);
  const ptrdiff_t N = k.pack.N;
  assert_true(N > 0 && N <= MOST && N * LDY > 2 * 96 * 1024);
  lk_real *x = fixture_alloc(N * LDX), *dx = fixture_alloc(N * LDX), *want_dx = fixture_alloc(N * LDX);
  lk_real *want = fixture_alloc(N * LDY);
  double *want_loss = calloc((size_t)N, sizeof *want_loss);
  int32_t *id = malloc((size_t)N * sizeof *id);
  fixture_rows(&k.pack, 2, I, x, LDX);
  for (ptrdiff_t r = 0; r < N; r++) id[r] = r % 7 == 3 ? -1 : (int32_t)(r * 1009 % O);
  const lk_units units = {.pack = &k.pack, .n = N, .x = x, .ldx = LDX, .target = id};

  plainly(&m, &plain, x, id, want, want_loss, want_dx);
  lk_head_loss(&m.o, m.params, &units);
  lk_head_backward(&m.o, &units, dx, LDX, &k.grads);

  assert_memory_equal(m.o.loss, want_loss, (size_t)N * sizeof *want_loss);
  same(dx, want_dx, N * LDX);
  if (tied) same(lk_head_tied(&m.o, &units).dy, want, N * LDY);
  const lk_param *weight = lk_params_at(m.params, m.o.dense.weight), *bias = lk_params_at(m.params, m.o.dense.bias);
  for (int p = 0; p < k.shards.subtrees; p++) {
    same(k.grads.subtree[p] + bias->offset, plain.grads.subtree[p] + bias->offset, O);
    if (!tied) same(k.grads.subtree[p] + weight->offset, plain.grads.subtree[p] + weight->offset, (ptrdiff_t)O * I);
  }

  free(x), free(dx), free(want_dx), free(want), free(want_loss), free(id);
  fixture_rank_close(&k);
  fixture_rank_close(&plain);
  destroy(&m);
}

static void blocks_have_the_bits_of_the_whole(void **state) {
  (void)state;
  for (int tied = 0; tied < 2; tied++) {
    check(tied, 0, 1);
    check(tied, 0, 2);
    check(tied, 1, 2);
  }
}

/* Four units, three outputs; x is 0, so that the scores are the biases: 2, 0.5, 1.75. */
static void margins_by_hand(void **state) {
  (void)state;
  enum { UNITS = 4, OUTPUTS = 3 };
  static const fixture_corpus corpus = {
      .S = 1, .sequences = UNITS, .shard_seq = {0, UNITS}, .length = {1, 1, 1, 1}, .id = {1, 2, 3, 4}};
  static const int32_t target[UNITS] = {0, 1, 2, -1}, rival[UNITS] = {2, 0, 0, -1};
  static const double want[UNITS] = {0.75, 2.5, 1.25, 0};
  fixture_rank k;
  lk_params *params;
  lk_config config;
  lk_head h;
  lk_arena arena = {0};
  fixture_rank_open(&k, &corpus, 0, 1, NULL);
  assert_int_equal(lk_config_init(&config), LK_OK);
  assert_int_equal(lk_config_override(&config, "model.output=hinge"), LK_OK);
  assert_int_equal(lk_params_create(&params), LK_OK);
  assert_int_equal(lk_head_declare(&h, params, &config, 1, OUTPUTS, -1), LK_OK);
  assert_int_equal(lk_params_commit(params, 3), LK_OK);
  memcpy(lk_params_value(params, h.dense.bias), (const lk_real[]){2, (lk_real)0.5, (lk_real)1.75},
         OUTPUTS * sizeof(lk_real));
  for (int bound = 0; bound < 2; bound++) {
    lk_head_layout_weights(&h, &arena, 1);
    lk_head_layout(&h, &arena, UNITS, UNITS, 1);
    if (!bound) assert_int_equal(lk_arena_reserve(&arena), LK_OK);
  }
  lk_head_pack(&h, params, 1, LK_WHOLE);
  static const lk_real x[UNITS * LK_LANES];
  const lk_units u = {.pack = &k.pack, .n = UNITS, .x = x, .ldx = LK_LANES, .target = target};
  assert_false(lk_head_has_probabilities(&h));
  lk_head_loss(&h, params, &u);
  for (int i = 0; i < UNITS; i++) {
    lk_real dy[LK_LANES];
    const lk_units one = {.n = 1, .target = target + i};
    lk_head single = h;
    single.kept = (int32_t *)h.kept + i;
    h.kind->gradient(&single, &one, (lk_range){0, OUTPUTS}, dy, LK_LANES);
    assert_true(h.loss[i] == want[i]);
    for (int o = 0; o < LK_LANES; o++)
      assert_true(dy[o] == (target[i] < 0 ? 0 : (lk_real)(o == rival[i]) - (lk_real)(o == target[i])));
  }
  lk_head_evaluate(&h, params, &u);
  for (int i = 0; i < UNITS; i++) assert_true(h.loss[i] == want[i] && h.best[i] == 0);
  lk_arena_release(&arena);
  lk_params_destroy(&params);
  lk_config_release(&config);
  fixture_rank_close(&k);
}

static int all(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_have_the_bits_of_the_whole),
                                     cmocka_unit_test(margins_by_hand)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void) { return fixture_every_kernel(all); }
