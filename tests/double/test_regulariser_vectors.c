/* The encoder with AWD-LSTM's regularisers against PyTorch in double (tests/reference/make_regulariser_vectors.py, which
 * draws the same masks by itself): outputs, penalties and all gradients, to 1e-10. */
#include "nn_fixture.h"

#include <math.h>

#include "encoder.h"
#include "reference/regulariser_vectors.h"

enum { V = REGULARISED_V, H = REGULARISED_H, B = REGULARISED_B, T = REGULARISED_T };

static const lk_mode mode = {.training = 1, .seed = REGULARISED_SEED, .step = REGULARISED_STEP};

static void near(double got, double want, const char *what) {
  if (!(fabs(got - want) <= 1e-10 * fmax(1, fabs(want)))) fail_msg("%s: %.15g, PyTorch has %.15g", what, got, want);
}

typedef struct subject {
  lk_config config;
  lk_params *params;
  lk_encoder e;
  lk_arena arena;
  fixture_rank k;
  int32_t ids[B * T];
} subject;

static void lay_out(subject *s) {
  lk_encoder_layout_weights(&s->e, &s->arena, 1);
  lk_encoder_layout(&s->e, &s->arena, B, s->k.pack.N, 1);
}

static void configure(lk_config *config) {
  static const char *const net[] = {"model.layers=1", "model.hidden=5", "model.embedding=3"};
  assert_int_equal(lk_config_init(config), LK_OK);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(lk_config_override(config, net[i]), LK_OK);
    assert_int_equal(lk_config_override(config, regularised_settings[i]), LK_OK);
  }
}

static void create(subject *s) {
  const fixture_corpus corpus = {.S = 2, .sequences = B, .shard_seq = {0, 1, 2}, .length = {T, T}, .id = {0, 1}};
  const lk_column_form form = {.name = "source", .values = V, .width = 1};
  *s = (subject){0};
  configure(&s->config);
  assert_int_equal(lk_params_create(&s->params), LK_OK);
  assert_int_equal(lk_encoder_declare(&s->e, s->params, &s->config, &form, 1), LK_OK);
  assert_int_equal(lk_params_commit(s->params, 1), LK_OK);
  s->e.ar = regularised_ar;
  s->e.tar = regularised_tar;
  const double *from = regularised_weights;
  for (int i = 0; i < lk_params_tensors(s->params); i++)
    for (ptrdiff_t j = 0; j < lk_params_at(s->params, i)->count; j++) lk_params_value(s->params, i)[j] = *from++;
  fixture_rank_open(&s->k, &corpus, 0, 1, s->params);
  lay_out(s);
  assert_int_equal(lk_arena_reserve(&s->arena), LK_OK);
  lay_out(s);
  for (ptrdiff_t r = 0; r < s->k.pack.N; r++) s->ids[r] = regularised_ids[s->k.pack.time[r] * B + s->k.pack.seq[r]];
}

static void destroy(subject *s) {
  fixture_rank_close(&s->k);
  lk_arena_release(&s->arena);
  lk_params_destroy(&s->params);
  lk_config_release(&s->config);
}

/* Where PyTorch has row r's numbers. */
static ptrdiff_t place(const lk_pack *p, ptrdiff_t r) { return (p->time[r] * B + p->seq[r]) * H; }

static void test_recipe(void **state) {
  (void)state;
  subject s;
  ptrdiff_t ld;
  create(&s);
  const lk_pack *p = &s.k.pack;
  const lk_inputs in = {.count = 1, .column = {{.name = "source", .ids = s.ids}}};
  lk_encoder_pack(&s.e, s.params, 1, LK_WHOLE);
  lk_encoder_forward(&s.e, s.params, p, &in, mode, NULL);
  const lk_real *y = lk_encoder_output(&s.e, &ld);
  for (ptrdiff_t r = 0; r < p->N; r++)
    for (ptrdiff_t u = 0; u < H; u++) near(y[r * ld + u], regularised_y[place(p, r) + u], "output");
  near(lk_encoder_penalty(&s.e, p, 0) + lk_encoder_penalty(&s.e, p, 1), regularised_penalty[0] + regularised_penalty[1],
       "penalties");
  lk_real *dy = lk_encoder_output_gradient(&s.e, &ld);
  for (ptrdiff_t r = 0; r < p->N; r++)
    for (ptrdiff_t u = 0; u < H; u++) dy[r * ld + u] = regularised_gy[place(p, r) + u];
  lk_encoder_backward(&s.e, p, mode, NULL, NULL, NULL, &s.k.grads);
  const double *want = regularised_gradients;
  for (int i = 0; i < lk_params_tensors(s.params); i++) {
    const lk_param *tensor = lk_params_at(s.params, i);
    for (ptrdiff_t j = 0; j < tensor->count; j++) near(s.k.grads.subtree[0][tensor->offset + j], *want++, tensor->name);
  }
  destroy(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_recipe)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
