#include "nn_fixture.h"

#include <math.h>

#include "layers.h"

enum { I = 21, O = 35, LDX = 32, LDY = 48 };

typedef struct model {
  lk_params *params;
  lk_dense d;
  lk_arena arena;
  int other; /* an [O, I] tensor of another layer */
} model;

static model make(int tied) {
  model m = {0};
  const lk_param other = {.name = "table", .dims = 2, .shape = {O, I}, .init = {LK_INIT_NORMAL, 1}};
  assert_int_equal(lk_params_create(&m.params), LK_OK);
  assert_int_equal(lk_params_add(m.params, &other, &m.other), LK_OK);
  assert_int_equal(lk_dense_declare(&m.d, m.params, "output", I, O, tied ? m.other : -1), LK_OK);
  assert_int_equal(lk_params_commit(m.params, 3), LK_OK);
  lk_dense_layout_weights(&m.d, &m.arena, 1);
  lk_dense_layout(&m.d, &m.arena, 1);
  assert_int_equal(lk_arena_reserve(&m.arena), LK_OK);
  fixture_poison(&m.arena);
  lk_dense_layout_weights(&m.d, &m.arena, 1);
  lk_dense_layout(&m.d, &m.arena, 1);
  lk_dense_pack(&m.d, m.params, 1, LK_WHOLE);
  return m;
}

static void destroy(model *m) {
  lk_arena_release(&m->arena);
  lk_params_destroy(&m->params);
}

static void near(lk_real got, double want, double terms) {
  double epsilon = sizeof(lk_real) == 8 ? 0x1p-52 : 0x1p-23;
  assert_true(fabs((double)got - want) <= 4 * epsilon * terms * (1 + fabs(want)));
}

static void forward_is_the_product(void **state) {
  (void)state;
  model m = make(0);
  fixture_corpus c = fixture_deal(3, 3, 5, 1);
  fixture_rank k;
  fixture_rank_open(&k, &c, 0, 1, NULL);
  ptrdiff_t N = k.pack.N;
  lk_real *x = fixture_alloc(N * LDX), *y = fixture_alloc(N * LDY);
  const lk_real *w = lk_params_value(m.params, m.d.weight), *b = lk_params_value(m.params, m.d.bias);
  fixture_rows(&k.pack, 2, I, x, LDX);
  lk_dense_forward(&m.d, m.params, N, x, LDX, y, LDY);
  for (ptrdiff_t r = 0; r < N; r++) {
    for (int o = 0; o < O; o++) {
      double sum = (double)b[o];
      for (int i = 0; i < I; i++) sum += (double)w[o * I + i] * (double)x[r * LDX + i];
      near(y[r * LDY + o], sum, I);
    }
    for (int o = O; o < LDY; o++) assert_true(y[r * LDY + o] == 0);
  }
  free(x);
  free(y);
  fixture_rank_close(&k);
  destroy(&m);
}

static void check_dx(const model *m, ptrdiff_t N, const lk_real *dy, const lk_real *dx) {
  const lk_real *w = lk_params_value(m->params, m->d.weight);
  for (ptrdiff_t r = 0; r < N; r++) {
    for (int i = 0; i < I; i++) {
      double sum = 0;
      for (int o = 0; o < O; o++) sum += (double)w[o * I + i] * (double)dy[r * LDY + o];
      near(dx[r * LDX + i], sum, 4 * O);
    }
    for (int i = I; i < LDX; i++) assert_true(dx[r * LDX + i] == 0);
  }
}

static void check_weight(const lk_real *total, const model *m, ptrdiff_t N, const lk_real *x, const lk_real *dy) {
  const lk_real *dw = total + lk_params_at(m->params, m->d.weight)->offset;
  for (int o = 0; o < O; o++)
    for (int i = 0; i < I; i++) {
      double sum = 0;
      for (ptrdiff_t r = 0; r < N; r++) sum += (double)dy[r * LDY + o] * (double)x[r * LDX + i];
      if (m->d.tied)
        assert_true(isnan(dw[o * I + i])); /* assigned by its own layer */
      else
        near(dw[o * I + i], sum, (double)N);
    }
}

static void check_bias(const lk_real *total, const model *m, ptrdiff_t N, const lk_real *dy) {
  const lk_real *db = total + lk_params_at(m->params, m->d.bias)->offset;
  for (int o = 0; o < O; o++) {
    double sum = 0;
    for (ptrdiff_t r = 0; r < N; r++) sum += (double)dy[r * LDY + o];
    near(db[o], sum, (double)N);
  }
}

static void backward_is_the_gradient(void **state) {
  (void)state;
  for (int tied = 0; tied < 2; tied++) {
    model m = make(tied);
    fixture_corpus c = fixture_deal(6, 3, 5, 2);
    fixture_rank k;
    fixture_rank_open(&k, &c, 0, 1, m.params);
    ptrdiff_t N = k.pack.N;
    lk_real *x = fixture_alloc(N * LDX), *dy = fixture_alloc(N * LDY), *dx = fixture_alloc(N * LDX);
    fixture_rows(&k.pack, 2, I, x, LDX);
    fixture_rows(&k.pack, 3, O, dy, LDY);
    lk_dense_backward(&m.d, k.pack.shard_row, x, LDX, dy, LDY, dx, LDX, &k.grads);
    check_dx(&m, N, dy, dx);
    check_weight(k.grads.subtree[0], &m, N, x, dy);
    check_bias(k.grads.subtree[0], &m, N, dy);
    lk_dense_backward(&m.d, k.pack.shard_row, x, LDX, dy, LDY, NULL, 0, &k.grads);
    check_bias(k.grads.subtree[0], &m, N, dy);
    free(x);
    free(dy);
    free(dx);
    fixture_rank_close(&k);
    destroy(&m);
  }
}

static void a_tied_layer_owns_its_bias_only(void **state) {
  (void)state;
  model m = make(1);
  assert_int_equal(m.d.weight, m.other);
  assert_int_equal(lk_params_tensors(m.params), 2);
  assert_string_equal(lk_params_at(m.params, m.d.bias)->name, "output.bias");
  assert_int_equal(lk_params_at(m.params, m.d.bias)->decay, 0);
  destroy(&m);
}

static int select_kernels(void **state) {
  (void)state;
  return lk_kernels_select("auto") == LK_OK ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forward_is_the_product),
      cmocka_unit_test(backward_is_the_gradient),
      cmocka_unit_test(a_tied_layer_owns_its_bias_only),
  };
  return cmocka_run_group_tests(tests, select_kernels, NULL);
}
