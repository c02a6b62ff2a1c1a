/* Gradients of every cell by signed central differences in double.
 *
 * Loss: a fixed random weight times every h, and times the last c of each sequence. The error of an element is
 * (gradient - difference) / largest |gradient| of its tensor, with its sign: a wrong sign or a gate left out gives
 * errors near 1. */
#include "nn_fixture.h"

#include <math.h>

#include "cell.h"
#include "tile.h"

#ifndef LK_DOUBLE
#error "finite differences need lk_real = double"
#endif

static const double step = 1e-4, most = 1e-6;

enum { MOST = 4 };

typedef struct subject {
  const char *cell;
  int backward, onehot, recurrent_bias;
  lk_params *params;
  lk_recurrent layer;
  fixture_rank rank;
  lk_arena arena;
  double *x, *dx;        /* [N,ld] */
  double *initial[MOST]; /* [B,H] of each state that a step reads */
  int32_t *ids;
  ptrdiff_t I, H, ld;
  ptrdiff_t every; /* every n-th element is tested */
} subject;

static void lay_out(subject *s) {
  const lk_pack *p = &s->rank.pack;
  lk_recurrent_layout_weights(&s->layer, &s->arena, 1);
  lk_recurrent_layout(&s->layer, &s->arena, p->B, p->N, 1);
  s->x = lk_arena_reals(&s->arena, p->N * s->ld);
  s->dx = lk_arena_reals(&s->arena, p->N * s->ld);
  assert_true(lk_cell_states(s->cell) <= MOST);
  for (int i = 0; i < lk_cell_states(s->cell); i++) s->initial[i] = lk_arena_reals(&s->arena, p->B * s->H);
  s->ids = lk_arena_ints(&s->arena, p->N);
}

/* crowd: the maximal number of sequences of a shard. */
static void create(subject *s, const char *cell, int bits, ptrdiff_t H, int crowd) {
  *s = (subject){.cell = cell,
                 .backward = bits & 1,
                 .onehot = bits >> 1 & 1,
                 .recurrent_bias = !(bits >> 2),
                 .I = 4,
                 .H = H,
                 .every = crowd > 3 ? 13 : 1};
  s->ld = lk_padded(s->I);
  const lk_recurrent_spec spec = {.cell = cell,
                                  .name = "rnn",
                                  .I = s->I,
                                  .H = H,
                                  .backward = s->backward,
                                  .onehot = s->onehot,
                                  .recurrent_bias = s->recurrent_bias,
                                  .forget_bias = 1,
                                  .highway_bias = -0.5};
  assert_int_equal(lk_params_create(&s->params), LK_OK);
  assert_int_equal(lk_recurrent_declare(&s->layer, s->params, &spec), LK_OK);
  assert_int_equal(lk_params_commit(s->params, 8), LK_OK);
  const fixture_corpus corpus = fixture_deal(2, crowd, crowd > 3 ? 2 : 4, 6);
  fixture_rank_open(&s->rank, &corpus, 0, 1, s->params);
  lay_out(s);
  assert_int_equal(lk_arena_reserve(&s->arena), LK_OK);
  fixture_poison(&s->arena);
  lay_out(s);
  const lk_pack *p = &s->rank.pack;
  fixture_rows(p, 1, s->I, s->x, s->ld);
  fixture_words(p, 2, s->I, s->ids);
  for (int j = 0; j < lk_cell_states(cell); j++)
    for (ptrdiff_t i = 0; i < p->B * H; i++) s->initial[j][i] = fixture_real((uint32_t)(3 + 7 * j), 0, 0, i);
}

static void destroy(subject *s) {
  lk_params_destroy(&s->params);
  lk_arena_release(&s->arena);
  fixture_rank_close(&s->rank);
}

static int is_last(const subject *s, ptrdiff_t row) {
  const lk_pack *p = &s->rank.pack;
  return (s->backward ? p->earlier[row] : p->later[row]) < 0;
}

static double weight_of_h(ptrdiff_t row, ptrdiff_t u) { return fixture_real(5, (uint32_t)row, 0, u); }
static double weight_of_c(ptrdiff_t row, ptrdiff_t u) { return fixture_real(6, (uint32_t)row, 0, u); }

static lk_rows rows_of(const subject *s) {
  return (lk_rows){.x = s->onehot ? NULL : s->x, .ld = s->ld, .ids = s->onehot ? s->ids : NULL};
}

static double loss(subject *s) {
  const lk_pack *p = &s->rank.pack;
  lk_recurrent *l = &s->layer;
  double sum = 0;
  lk_recurrent_pack(l, s->params, 1, LK_WHOLE);
  for (ptrdiff_t b = 0; b < p->B; b++)
    for (int i = 0; i < lk_cell_states(s->cell); i++)
      memcpy(lk_recurrent_state(l, p, i, b), s->initial[i] + b * s->H, (size_t)s->H * sizeof *l->h);
  lk_recurrent_forward(l, s->params, p, rows_of(s), 1);
  for (ptrdiff_t row = 0; row < p->N; row++)
    for (ptrdiff_t u = 0; u < s->H; u++) {
      sum += weight_of_h(row, u) * l->h[(p->B + row) * l->Hp + u];
      if (l->c && is_last(s, row)) sum += weight_of_c(row, u) * l->c[(p->B + row) * l->Hp + u];
    }
  return sum;
}

static void differentiate(subject *s) {
  const lk_pack *p = &s->rank.pack;
  lk_recurrent *l = &s->layer;
  (void)loss(s);
  memset(l->dh, 0, (size_t)((p->B + p->N) * l->Hp) * sizeof *l->dh);
  if (l->dc) memset(l->dc, 0, (size_t)((p->B + p->N) * l->Hp) * sizeof *l->dc);
  for (ptrdiff_t row = 0; row < p->N; row++)
    for (ptrdiff_t u = 0; u < s->H; u++) {
      l->dh[(p->B + row) * l->Hp + u] = weight_of_h(row, u);
      if (l->dc && is_last(s, row)) l->dc[(p->B + row) * l->Hp + u] = weight_of_c(row, u);
    }
  lk_recurrent_backward(l, p, rows_of(s), 1, 1, s->onehot ? NULL : s->dx, s->ld, 0, &s->rank.grads);
}

/* Fourth order: (8 (f(+h) - f(-h)) - (f(+2h) - f(-2h))) / 12 h. */
static double difference(subject *s, double *at) {
  const double x = *at;
  double f[4];
  for (int i = 0; i < 4; i++) {
    static const double offset[4] = {1, -1, 2, -2};
    *at = x + offset[i] * step;
    f[i] = loss(s);
  }
  *at = x;
  return (8 * (f[0] - f[1]) - (f[2] - f[3])) / (12 * step);
}

/* values [rows, width] row stride ldv, their gradients likewise. */
static void check(subject *s, const char *what, double *values, ptrdiff_t ldv, const double *gradient, ptrdiff_t ldg,
                  ptrdiff_t rows, ptrdiff_t width) {
  double largest = 0, worst = 0;
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t i = 0; i < width; i++) largest = fmax(largest, fabs(gradient[r * ldg + i]));
  assert_true(largest > 1e-4 && largest < 1e6);
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t i = 0; i < width; i++) {
      if ((r * width + i) % s->every) continue;
      const double error = (gradient[r * ldg + i] - difference(s, &values[r * ldv + i])) / largest;
      if (!(fabs(error) <= fabs(worst))) worst = error;
    }
  if (!(fabs(worst) < most))
    fail_msg("%s, %s%s, %s: error %+.3g of the largest gradient", s->cell, s->backward ? "backward" : "forward",
             s->onehot ? ", ids" : "", what, worst);
}

static void check_cell(const char *cell, int bits, ptrdiff_t H, int crowd) {
  subject s;
  create(&s, cell, bits, H, crowd);
  if (crowd > 3) assert_true(s.rank.pack.B >= 2 * LK_TILE_MOST_ROWS); /* all rows of time 0 start from states */
  differentiate(&s);
  const lk_pack *p = &s.rank.pack;
  const ptrdiff_t P = lk_params_count(s.params);
  /* loss() runs forward again: keep what backward left */
  const int states = lk_cell_states(cell);
  double *initial = fixture_alloc(states * p->B * H), *dx = fixture_alloc(p->N * s.ld), *total = fixture_alloc(P);
  for (int i = 0; i < states; i++)
    for (ptrdiff_t b = 0; b < p->B; b++)
      memcpy(initial + (i * p->B + b) * H, lk_recurrent_state_gradient(&s.layer, p, i, b), (size_t)H * sizeof *initial);
  memcpy(dx, s.dx, (size_t)(p->N * s.ld) * sizeof *dx);
  fixture_combine(&s.rank, 1, P, total);
  assert_int_equal(lk_params_tensors(s.params),
                   lk_cell_recurrent(cell) ? 3 + s.recurrent_bias : 2 + (s.layer.weight_c >= 0));
  for (int i = 0; i < lk_params_tensors(s.params); i++) {
    const lk_param *q = lk_params_at(s.params, i);
    check(&s, q->name, lk_params_value(s.params, i), 1, total + q->offset, 1, q->count, 1);
  }
  for (int i = 0; i < states; i++) check(&s, "an initial state", s.initial[i], H, initial + i * p->B * H, H, p->B, H);
  if (!s.onehot) check(&s, "x", s.x, s.ld, dx, s.ld, p->N, s.I);
  free(initial);
  free(dx);
  free(total);
  destroy(&s);
}

static void check_all(const char *kernels) {
  size_t count;
  const char *const *names = lk_cell_names(&count);
  const bool has = lk_kernels_select(kernels) == LK_OK;
  lk_error_clear();
  for (size_t cell = 0; has && cell < count; cell++)
    for (int bits = 0; bits < 8; bits++) check_cell(names[cell], bits, (bits ^ bits >> 1) & 1 ? 3 : 17, 3);
  for (int bits = 0; has && bits < 8; bits++) check_cell("sru", bits, 4, 3); /* as wide as its input */
  /* two panels of every width, and at one time more rows than two of the highest tiles */
  for (size_t cell = 0; has && cell < count; cell++) check_cell(names[cell], 0, 19, 64);
}

static void test_gradients_portable(void **state) {
  (void)state;
  check_all("portable");
}
static void test_gradients_avx2(void **state) {
  (void)state;
  check_all("avx2");
}
static void test_gradients_avx512(void **state) {
  (void)state;
  check_all("avx512");
}

static void test_gradients_blas(void **state) {
  (void)state;
  check_all("blas");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_gradients_portable),
      cmocka_unit_test(test_gradients_avx2),
      cmocka_unit_test(test_gradients_avx512),
      cmocka_unit_test(test_gradients_blas),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
