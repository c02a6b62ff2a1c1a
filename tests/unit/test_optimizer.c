/* Optimizers: by hand, against torch.optim over ten steps, and cut into slices. */
#include "optimizer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reducer.h"
#include "reference/optimizer_vectors.h"

enum { CASES = sizeof vector_cases / sizeof *vector_cases };

static lk_param tensor(const char *name, int dims, ptrdiff_t rows, ptrdiff_t columns, int decay) {
  lk_param p = {.note = "", .dims = dims, .shape = {rows, columns}, .decay = decay};
  p.init = (lk_init){LK_INIT_UNIFORM, 0.5};
  snprintf(p.name, sizeof p.name, "%s", name);
  return p;
}

/* A matrix with decay and a bias without; between them and behind them gaps. */
static lk_params *two_tensors(ptrdiff_t rows, ptrdiff_t columns) {
  lk_params *params = NULL;
  lk_param matrix = tensor("layer.weight", 2, rows, columns, 1), bias = tensor("layer.bias", 1, rows, 0, 0);
  int id;
  assert_int_equal(lk_params_create(&params), LK_OK);
  assert_int_equal(lk_params_add(params, &matrix, &id), LK_OK);
  assert_int_equal(lk_params_add(params, &bias, &id), LK_OK);
  assert_int_equal(lk_params_commit(params, 3), LK_OK);
  return params;
}

/* From the vectors' layout without gaps to the table's, and back. */
static void spread(const lk_params *params, const float *from, float *to) {
  memset(to, 0, sizeof *to * (size_t)lk_params_count(params));
  for (int t = 0; t < lk_params_tensors(params); from += lk_params_at(params, t++)->count)
    memcpy(to + lk_params_at(params, t)->offset, from, sizeof *to * (size_t)lk_params_at(params, t)->count);
}

static void assert_near(const lk_params *params, const float *got, const float *expected, const char *what) {
  for (int t = 0; t < lk_params_tensors(params); t++) {
    const lk_param *p = lk_params_at(params, t);
    for (ptrdiff_t i = 0; i < p->count; i++, expected++) {
      double error = fabs((double)got[p->offset + i] - (double)*expected), scale = fmax(1, fabs((double)*expected));
      if (!(error <= 1e-6 * scale))
        fail_msg("%s, %s[%td]: %.9g, expected %.9g", what, p->name, i, (double)got[p->offset + i], (double)*expected);
    }
    for (ptrdiff_t i = p->count; i < lk_padded(p->count); i++) assert_true(got[p->offset + i] == 0);
  }
}

static lk_config settings(const struct vector_case *c) {
  lk_config config = {0};
  assert_int_equal(lk_config_init(&config), LK_OK);
  config.train.optimizer = c->optimizer;
  config.train.momentum = vector_momentum;
  config.train.nesterov = c->nesterov;
  config.train.beta1 = vector_beta1;
  config.train.beta2 = vector_beta2;
  config.train.rho = vector_rho;
  config.train.epsilon = vector_epsilon;
  config.train.decay = c->decay;
  return config;
}

static void check_case(const struct vector_case *c) {
  lk_params *params = two_tensors(VECTOR_ROWS, VECTOR_COLUMNS);
  float values[128], sum[128];
  assert_true(lk_params_count(params) <= 128);
  lk_config config = settings(c);
  lk_optimizer *optimizer = NULL;
  lk_slice all = {0, lk_params_count(params)};
  assert_int_equal(lk_optimizer_create(&optimizer, &config, params, all), LK_OK);
  spread(params, vector_start, values);
  for (int step = 1; step <= VECTOR_STEPS; step++) {
    spread(params, vector_sums[step - 1], sum);
    lk_optimizer_step(optimizer, all, values, sum, 1 / vector_units, step <= 5 ? vector_rate : vector_rate / 2, step);
    if (step == 1) assert_near(params, values, c->first, c->name);
  }
  assert_near(params, values, c->last, c->name);
  int moments = lk_optimizer_moments(optimizer);
  assert_int_equal(moments, (c->moment_name[0] != NULL) + (c->moment_name[1] != NULL));
  for (int i = 0; i < moments; i++) {
    assert_string_equal(lk_optimizer_moment_name(optimizer, i), c->moment_name[i]);
    assert_near(params, lk_optimizer_moment(optimizer, i), c->moment[i], c->moment_name[i]);
  }
  lk_optimizer_destroy(&optimizer);
  assert_null(optimizer);
  lk_config_release(&config);
  lk_params_destroy(&params);
}

static void test_ten_steps_as_torch(void **state) {
  (void)state;
  for (size_t i = 0; i < CASES; i++) check_case(&vector_cases[i]);
}

/* Every name of ours is among the vectors: a new optimizer without them fails here. */
static void test_every_optimizer_has_vectors(void **state) {
  (void)state;
  size_t count;
  const char *const *names = lk_optimizer_names(&count);
  for (size_t n = 0; n < count; n++) {
    int found = 0;
    for (size_t i = 0; i < CASES; i++) found += strcmp(names[n], vector_cases[i].optimizer) == 0;
    if (found == 0) fail_msg("no vectors for %s", names[n]);
  }
}

/* One number, w = 1, gradient 8 over 4 units, rate 1/4, decay 1/2:  g = 2 + 1/2,  w = 1 - 5/8. Then as a bias. */
static void test_sgd_by_hand(void **state) {
  (void)state;
  lk_params *params = two_tensors(1, 1);
  lk_config config = {0};
  assert_int_equal(lk_config_init(&config), LK_OK);
  config.train.optimizer = "sgd";
  config.train.decay = 0.5;
  lk_optimizer *optimizer = NULL;
  assert_int_equal(lk_optimizer_create(&optimizer, &config, params, (lk_slice){0, 2 * LK_LANES}), LK_OK);
  float values[2 * LK_LANES] = {0}, sum[2 * LK_LANES] = {0};
  values[0] = values[LK_LANES] = 1;
  sum[0] = sum[LK_LANES] = 8;
  lk_optimizer_step(optimizer, (lk_slice){0, 2 * LK_LANES}, values, sum, 0.25, 0.25, 1);
  assert_true(values[0] == 0.375F);
  assert_true(values[LK_LANES] == 0.5F);
  assert_int_equal(lk_optimizer_moments(optimizer), 0);
  lk_optimizer_destroy(&optimizer);
  lk_config_release(&config);
  lk_params_destroy(&params);
}

/* Adam's first step is rate times the sign of the gradient, whatever its size. */
static void test_adam_starts_unbiased(void **state) {
  (void)state;
  lk_params *params = two_tensors(1, 1);
  lk_config config = {0};
  assert_int_equal(lk_config_init(&config), LK_OK);
  config.train.optimizer = "adam";
  config.train.decay = 0;
  config.train.epsilon = 1e-12;
  lk_optimizer *optimizer = NULL;
  assert_int_equal(lk_optimizer_create(&optimizer, &config, params, (lk_slice){0, 2 * LK_LANES}), LK_OK);
  float values[2 * LK_LANES] = {0}, sum[2 * LK_LANES] = {0};
  sum[0] = 1e3F;
  sum[LK_LANES] = -1e-3F;
  lk_optimizer_step(optimizer, (lk_slice){0, 2 * LK_LANES}, values, sum, 1, 0.125, 1);
  assert_true(fabsf(values[0] + 0.125F) < 1e-6F);
  assert_true(fabsf(values[LK_LANES] - 0.125F) < 1e-6F);
  lk_optimizer_destroy(&optimizer);
  lk_config_release(&config);
  lk_params_destroy(&params);
}

/* Three steps of all slices of `size` ranks; values [P] and moments [2][P] come back whole. */
static void run_in_slices(const lk_config *config, const lk_params *params, int size, float *values, float *moments) {
  ptrdiff_t P = lk_params_count(params);
  float *sum = calloc((size_t)P, sizeof *sum);
  for (int rank = 0; rank < size; rank++) {
    lk_slice slice = lk_reducer_cut(&(lk_reducer_spec){.P = P}, rank, size);
    lk_optimizer *optimizer = NULL;
    assert_int_equal(lk_optimizer_create(&optimizer, config, params, slice), LK_OK);
    for (int step = 1; step <= 3; step++) {
      for (ptrdiff_t i = 0; i < P; i++) sum[i] = (float)((i * 37 + step * 11) % 101 - 50) / 7.0F;
      const ptrdiff_t n = slice.end - slice.begin, middle = n / 3; /* in two parts: cuts change nothing here either */
      lk_optimizer_step(optimizer, (lk_slice){0, middle}, values + slice.begin, sum + slice.begin, 1.0 / 3, 0.01, step);
      lk_optimizer_step(optimizer, (lk_slice){middle, n}, values + slice.begin, sum + slice.begin, 1.0 / 3, 0.01, step);
    }
    for (int m = 0; m < lk_optimizer_moments(optimizer); m++)
      memcpy(moments + m * P + slice.begin, lk_optimizer_moment(optimizer, m),
             sizeof *moments * (size_t)(slice.end - slice.begin));
    lk_optimizer_destroy(&optimizer);
  }
  free(sum);
}

static void test_slices_do_not_change_bits(void **state) {
  (void)state;
  lk_params *params = two_tensors(67, 93); /* no tensor and no slice ends where the other does */
  size_t P = (size_t)lk_params_count(params);
  float *whole = calloc(3 * P, sizeof *whole), *cut = calloc(3 * P, sizeof *cut);
  for (size_t c = 0; c < CASES; c++) {
    lk_config config = settings(&vector_cases[c]);
    memcpy(whole, lk_params_values(params), P * sizeof *whole);
    memset(whole + P, 0, 2 * P * sizeof *whole);
    run_in_slices(&config, params, 1, whole, whole + P);
    assert_memory_not_equal(whole, lk_params_values(params), P * sizeof *whole);
    for (int size = 2; size <= 9; size++) { /* 7 blocks: with 8 and 9 ranks some slices are empty */
      memcpy(cut, lk_params_values(params), P * sizeof *cut);
      memset(cut + P, 0, 2 * P * sizeof *cut);
      run_in_slices(&config, params, size, cut, cut + P);
      assert_memory_equal(cut, whole, 3 * P * sizeof *cut);
    }
    lk_config_release(&config);
  }
  free(cut);
  free(whole);
  lk_params_destroy(&params);
}

/* The mean gradient of 4 units keeps its length up to the limit, and has that of the limit beyond. */
static void test_clipping_by_hand(void **state) {
  (void)state;
  assert_true(lk_optimizer_scale(4, 4.9, 5) == 0.25);
  assert_true(lk_optimizer_scale(4, 5, 5) == 0.25);
  assert_true(lk_optimizer_scale(4, 10, 5) == 0.125);
  assert_true(lk_optimizer_scale(4, 1e30, 0) == 0.25); /* 0: no limit */
}

static void test_unknown_name(void **state) {
  (void)state;
  lk_params *params = two_tensors(1, 1);
  lk_config config = {0};
  assert_int_equal(lk_config_init(&config), LK_OK);
  config.train.optimizer = "adom";
  lk_optimizer *optimizer = NULL;
  lk_error_clear();
  assert_int_equal(lk_optimizer_create(&optimizer, &config, params, (lk_slice){0, LK_LANES}), LK_USAGE);
  assert_null(optimizer);
  assert_non_null(strstr(lk_error_get()->text, "adam"));
  lk_error_clear();
  lk_config_release(&config);
  lk_params_destroy(&params);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ten_steps_as_torch),
      cmocka_unit_test(test_every_optimizer_has_vectors),
      cmocka_unit_test(test_sgd_by_hand),
      cmocka_unit_test(test_adam_starts_unbiased),
      cmocka_unit_test(test_slices_do_not_change_bits),
      cmocka_unit_test(test_clipping_by_hand),
      cmocka_unit_test(test_unknown_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
