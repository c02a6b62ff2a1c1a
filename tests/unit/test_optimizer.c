/* Optimizers: by hand, against a reference in double and torch.optim over ten steps, and cut into slices. */
#include "optimizer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clip.h"
#include "decay.h"
#include "replicas.h"
#include "choices.h"
#include "config_impl.h"
#include "reference/optimizer_vectors.h"
#include "reference_optimizers.h"

enum { CASES = sizeof vector_cases / sizeof *vector_cases, MOST = 128 };

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

/* The settings that the vectors were made with. */
static lk_config settings(const char *optimizer, double decay, bool nesterov) {
  lk_config config = {0};
  assert_int_equal(lk_config_init(&config), LK_OK);
  config.train.optimizer = optimizer;
  config.train.momentum = vector_momentum;
  config.train.nesterov = nesterov;
  config.train.beta1 = vector_beta1;
  config.train.beta2 = vector_beta2;
  config.train.rho = vector_rho;
  config.train.epsilon = vector_epsilon;
  config.train.decay = decay;
  return config;
}

static double rate_of(int step) { return step <= 5 ? vector_rate : vector_rate / 2; }

static void check_case(const struct vector_case *c) {
  lk_params *params = two_tensors(VECTOR_ROWS, VECTOR_COLUMNS);
  float values[MOST], sum[MOST];
  assert_true(lk_params_count(params) <= MOST);
  lk_config config = settings(c->optimizer, c->decay, c->nesterov);
  lk_optimizer *optimizer = NULL;
  lk_range all = {0, lk_params_count(params)};
  assert_int_equal(lk_optimizer_create(&optimizer, &config, params, &(lk_ranges){1, {all}}), LK_OK);
  spread(params, vector_start, values);
  for (int step = 1; step <= VECTOR_STEPS; step++) {
    spread(params, vector_sums[step - 1], sum);
    lk_optimizer_step(optimizer, all, values, sum, 1 / vector_units, rate_of(step), step);
    if (step == 1) assert_near(params, values, c->first, c->name);
  }
  assert_near(params, values, c->last, c->name);
  int moments = lk_optimizer_moments(optimizer);
  assert_int_equal(moments, (c->moment_name[0] != NULL) + (c->moment_name[1] != NULL) + (c->moment_name[2] != NULL));
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

/* Calls check() for every optimizer of the table, with and without weight decay and Nesterov's form. */
static void every_optimizer(void (*check)(const lk_config *config)) {
  size_t count;
  const char *const *names = lk_optimizer_names(&count);
  for (size_t n = 0; n < count; n++)
    for (int bits = 0; bits < 4; bits++) {
      lk_config config = settings(names[n], bits & 1 ? 0.1 : 0, bits >> 1);
      check(&config);
      lk_config_release(&config);
    }
}

/* One step of the reference for the elements x [count] of a tensor. */
static void reference_tensor(const lk_config *config, const lk_param *p, const float *g, int step,
                             reference_weight *x) {
  reference_update *update = reference_update_of(config->train.optimizer);
  if (!update) fail_msg("the optimizer \"%s\" has no line in tests/reference_optimizers.h", config->train.optimizer);
  reference_step_of s = {.train = &config->train, .rate = rate_of(step), .step = step};
  s.decay = p->decay ? config->train.decay : 0;
  for (ptrdiff_t i = 0; i < p->count; i++) {
    s.g = (double)g[i] / vector_units;
    update(&s, &x[i]);
  }
}

static void assert_weight(const lk_config *config, const lk_param *p, ptrdiff_t i, double got, double truth,
                          const char *what) {
  if (!(fabs(got - truth) <= 2e-6 * fmax(1, fabs(truth))))
    fail_msg("%s of %s, decay %g, nesterov %d: %s[%td] is %.9g, should be %.9g", what, config->train.optimizer,
             config->train.decay, config->train.nesterov, p->name, i, got, truth);
}

static void compare_with_reference(const lk_config *config) {
  lk_params *params = two_tensors(VECTOR_ROWS, VECTOR_COLUMNS);
  float values[MOST], sum[MOST];
  reference_weight x[MOST] = {0};
  lk_optimizer *optimizer = NULL;
  lk_range all = {0, lk_params_count(params)};
  assert_int_equal(lk_optimizer_create(&optimizer, config, params, &(lk_ranges){1, {all}}), LK_OK);
  spread(params, vector_start, values);
  for (int i = 0; i < all.end; i++) x[i].w = (double)values[i];
  for (int step = 1; step <= VECTOR_STEPS; step++) {
    spread(params, vector_sums[step - 1], sum);
    lk_optimizer_step(optimizer, all, values, sum, 1 / vector_units, rate_of(step), step);
    for (int t = 0; t < lk_params_tensors(params); t++) {
      const lk_param *p = lk_params_at(params, t);
      reference_tensor(config, p, sum + p->offset, step, x + p->offset);
      for (ptrdiff_t i = 0; i < p->count; i++) {
        assert_weight(config, p, i, (double)values[p->offset + i], x[p->offset + i].w, "the weight");
        for (int m = 0; m < lk_optimizer_moments(optimizer); m++)
          assert_weight(config, p, i, (double)lk_optimizer_moment(optimizer, m)[p->offset + i],
                        x[p->offset + i].moment[m], lk_optimizer_moment_name(optimizer, m));
      }
    }
  }
  lk_optimizer_destroy(&optimizer);
  lk_params_destroy(&params);
}

static void test_ten_steps_as_the_reference(void **state) {
  (void)state;
  every_optimizer(compare_with_reference);
}

/* ---- settings ---- */

/* Two steps of the smallest net, with the setting at `value` where that is not NULL. */
static void run_with(const char *optimizer, const char *key, const char *value, float values[2 * LK_LANES]) {
  lk_params *params = two_tensors(1, 1);
  lk_config config = settings(optimizer, 0, false);
  lk_optimizer *made = NULL;
  char text[64];
  lk_range all = {0, 2 * LK_LANES};
  float sum[2 * LK_LANES] = {0};
  (void)snprintf(text, sizeof text, "%s=%s", key, value ? value : "");
  if (value && lk_config_override(&config, text) != LK_OK) fail_msg("%s", lk_error_get()->text);
  if (lk_optimizer_create(&made, &config, params, &(lk_ranges){1, {all}}) != LK_OK)
    fail_msg("%s", lk_error_get()->text);
  memset(values, 0, sizeof *values * 2 * LK_LANES);
  values[0] = values[LK_LANES] = 1;
  for (int step = 1; step <= 2; step++) {
    sum[0] = 3.0F / (float)step;
    sum[LK_LANES] = -0.25F * (float)step;
    lk_optimizer_step(made, all, values, sum, 1, 0.125, step);
  }
  lk_optimizer_destroy(&made);
  lk_config_release(&config);
  lk_params_destroy(&params);
}

/* Each optimizer depends on the settings that its table entry names (lk_rule.reads) and on no others. */
static void test_settings_that_are_read(void **state) {
  (void)state;
  size_t count;
  int readers = 0;
  const char *const *names = lk_optimizer_names(&count);
  for (size_t n = 0; n < count; n++)
    for (ptrdiff_t k = 0; k < lk_config_key_count; k++) {
      const config_key *key = &lk_config_keys[k];
      const bool number = key->kind == KEY_REAL, truth = key->kind == KEY_BOOLEAN;
      float usual[2 * LK_LANES], changed[2 * LK_LANES];
      if (strncmp(key->name, "train.", 6) != 0 || (!number && !truth) || strcmp(key->name, "train.decay") == 0)
        continue;
      if (number && (key->least > 0.5 || key->most < 0.5)) continue; /* optimizers read no such numbers */
      run_with(names[n], key->name, NULL, usual);
      run_with(names[n], key->name, truth ? "true" : "0.5", changed);
      const bool depends = memcmp(usual, changed, sizeof usual) != 0;
      if (depends != lk_choices_read("train.optimizer", n, key->name))
        fail_msg("%s %s %s, but its `reads` says otherwise", names[n], depends ? "reads" : "does not read", key->name);
      readers += depends;
    }
  assert_true(readers >= 10);
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
  assert_int_equal(lk_optimizer_create(&optimizer, &config, params, &(lk_ranges){1, {{0, 2 * LK_LANES}}}), LK_OK);
  float values[2 * LK_LANES] = {0}, sum[2 * LK_LANES] = {0};
  values[0] = values[LK_LANES] = 1;
  sum[0] = sum[LK_LANES] = 8;
  lk_optimizer_step(optimizer, (lk_range){0, 2 * LK_LANES}, values, sum, 0.25, 0.25, 1);
  assert_true(values[0] == 0.375F);
  assert_true(values[LK_LANES] == 0.5F);
  assert_int_equal(lk_optimizer_moments(optimizer), 0);
  lk_optimizer_destroy(&optimizer);
  lk_config_release(&config);
  lk_params_destroy(&params);
}

/* Adam's first step is the rate times the sign of the gradient. */
static void test_adam_starts_unbiased(void **state) {
  (void)state;
  lk_params *params = two_tensors(1, 1);
  lk_config config = {0};
  assert_int_equal(lk_config_init(&config), LK_OK);
  config.train.optimizer = "adam";
  config.train.decay = 0;
  config.train.epsilon = 1e-12;
  lk_optimizer *optimizer = NULL;
  assert_int_equal(lk_optimizer_create(&optimizer, &config, params, &(lk_ranges){1, {{0, 2 * LK_LANES}}}), LK_OK);
  float values[2 * LK_LANES] = {0}, sum[2 * LK_LANES] = {0};
  sum[0] = 1e3F;
  sum[LK_LANES] = -1e-3F;
  lk_optimizer_step(optimizer, (lk_range){0, 2 * LK_LANES}, values, sum, 1, 0.125, 1);
  assert_true(fabsf(values[0] + 0.125F) < 1e-6F);
  assert_true(fabsf(values[LK_LANES] - 0.125F) < 1e-6F);
  lk_optimizer_destroy(&optimizer);
  lk_config_release(&config);
  lk_params_destroy(&params);
}

/* Three steps of all slices of `size` ranks; values [P] and moments [3][P] come back whole. */
static void run_in_slices(const lk_config *config, const lk_params *params, int size, float *values, float *moments) {
  ptrdiff_t P = lk_params_count(params);
  float *sum = calloc((size_t)P, sizeof *sum);
  for (int rank = 0; rank < size; rank++) {
    lk_range slice = lk_replicas_cut(&(lk_replicas_spec){.P = P}, (lk_range){0, P}, rank, size);
    lk_optimizer *optimizer = NULL;
    assert_int_equal(lk_optimizer_create(&optimizer, config, params, &(lk_ranges){1, {slice}}), LK_OK);
    for (int step = 1; step <= 3; step++) {
      for (ptrdiff_t i = 0; i < P; i++) sum[i] = (float)((i * 37 + step * 11) % 101 - 50) / 7.0F;
      const ptrdiff_t n = slice.end - slice.begin, middle = n / 3; /* in two parts: cuts change nothing here either */
      lk_optimizer_step(optimizer, (lk_range){0, middle}, values + slice.begin, sum + slice.begin, 1.0 / 3, 0.01, step);
      lk_optimizer_step(optimizer, (lk_range){middle, n}, values + slice.begin + middle, sum + slice.begin + middle,
                        1.0 / 3, 0.01, step);
    }
    for (int m = 0; m < lk_optimizer_moments(optimizer); m++)
      memcpy(moments + m * P + slice.begin, lk_optimizer_moment(optimizer, m),
             sizeof *moments * (size_t)(slice.end - slice.begin));
    lk_optimizer_destroy(&optimizer);
  }
  free(sum);
}

static void compare_slices(const lk_config *config) {
  lk_params *params = two_tensors(67, 93); /* no tensor and no slice ends where the other does */
  size_t P = (size_t)lk_params_count(params);
  float *whole = calloc(4 * P, sizeof *whole), *cut = calloc(4 * P, sizeof *cut);
  memcpy(whole, lk_params_values(params), P * sizeof *whole);
  run_in_slices(config, params, 1, whole, whole + P);
  assert_memory_not_equal(whole, lk_params_values(params), P * sizeof *whole);
  for (int size = 2; size <= 9; size++) { /* 7 blocks: with 8 and 9 ranks some slices are empty */
    memcpy(cut, lk_params_values(params), P * sizeof *cut);
    memset(cut + P, 0, 3 * P * sizeof *cut);
    run_in_slices(config, params, size, cut, cut + P);
    assert_memory_equal(cut, whole, 4 * P * sizeof *cut);
  }
  free(cut);
  free(whole);
  lk_params_destroy(&params);
}

static void test_slices_do_not_change_bits(void **state) {
  (void)state;
  every_optimizer(compare_slices);
}

/* The mean gradient of 4 units keeps its length up to the limit, and has that of the limit beyond; or it has that
 * always, or each number of the sum of 4 has 4 times the limit. */
static void test_clipping_by_hand(void **state) {
  (void)state;
  const struct {
    lk_clip_way way;
    double limit, norm, scale, most;
  } cases[] = {{LK_CLIP_NORM, 5, 4.9, 0.25, INFINITY},      {LK_CLIP_NORM, 5, 5, 0.25, INFINITY},
               {LK_CLIP_NORM, 5, 10, 0.125, INFINITY},      {LK_CLIP_NORM, 0, 1e30, 0.25, INFINITY}, /* 0: no limit */
               {LK_CLIP_VALUE, 5, 1e30, 0.25, 20},          {LK_CLIP_VALUE, 0, 1e30, 0.25, INFINITY},
               {LK_CLIP_NORMALIZE, 5, 10, 0.125, INFINITY}, {LK_CLIP_NORMALIZE, 5, 2.5, 0.5, INFINITY},
               {LK_CLIP_NORMALIZE, 5, 0, 0.25, INFINITY},   {LK_CLIP_NORMALIZE, 0, 10, 0.25, INFINITY}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const lk_clip clip = lk_clip_of(cases[i].way, cases[i].limit, 4, cases[i].norm);
    assert_true(clip.scale == cases[i].scale && (double)clip.most == cases[i].most);
  }
}

/* ---- weight decay by kind ---- */

/* One step of gradient descent at rate 1 without a gradient: what is left of a weight 1. */
static void assert_decays(const lk_config *config, const char *name, int dims, int matrix, int sparse, double decay) {
  lk_params *params = NULL;
  lk_param p = tensor(name, dims, 3, dims > 1 ? 2 : 0, matrix);
  lk_optimizer *optimizer = NULL;
  float values[LK_LANES] = {0}, sum[LK_LANES] = {0};
  int id;
  p.sparse = sparse;
  assert_int_equal(lk_params_create(&params), LK_OK);
  assert_int_equal(lk_params_add(params, &p, &id), LK_OK);
  assert_int_equal(lk_params_commit(params, 3), LK_OK);
  assert_int_equal(lk_optimizer_create(&optimizer, config, params, &(lk_ranges){1, {{0, LK_LANES}}}), LK_OK);
  values[0] = 1;
  lk_optimizer_step(optimizer, (lk_range){0, LK_LANES}, values, sum, 1, 1, 1);
  if (!(fabs((double)values[0] - (1 - decay)) < 1e-6))
    fail_msg("%s: decays by %g, should by %g", name, 1 - (double)values[0], decay);
  lk_optimizer_destroy(&optimizer);
  lk_params_destroy(&params);
}

static void test_decay_by_kind(void **state) {
  (void)state;
  lk_config config = settings("sgd", 0.5, false);
  assert_false(lk_optimizer_skips_untouched(&config));
  assert_decays(&config, "rnn.0.forward.weight_hh", 2, 1, 0, 0.5);
  config.train.decay_of = "embedding:0,recurrent:0.25 , bias: 0.125, output:1e-3";
  assert_true(lk_optimizer_skips_untouched(&config));
  assert_decays(&config, "embedding.weight", 2, 1, 1, 0);
  assert_decays(&config, "decoder.embedding.weight", 2, 1, 0, 0);
  assert_decays(&config, "input.casing.weight", 2, 1, 1, 0);
  assert_decays(&config, "vectors.missing", 2, 1, 0, 0);
  assert_decays(&config, "rnn.0.forward.weight_hh", 2, 1, 0, 0.25);
  assert_decays(&config, "decoder.rnn.1.weight_ih", 2, 1, 0, 0.5);
  assert_decays(&config, "output.weight", 2, 1, 0, 1e-3);
  assert_decays(&config, "output.bias", 1, 0, 0, 0.125);
  assert_decays(&config, "decoder.attention.weight", 2, 1, 0, 0.5);
  lk_config_release(&config);
}

static void test_decay_that_is_none(void **state) {
  (void)state;
  lk_config config = settings("sgd", 0, false);
  const struct {
    const char *text, *message;
  } bad[] = {{"embeding:0", "KIND:DECAY"},
             {"embedding", "KIND:DECAY"},
             {":1", "KIND:DECAY"},
             {",", "KIND:DECAY"},
             {"bias:-1", "a number from 0"},
             {"bias:", "a number from 0"},
             {"bias: ", "a number from 0"},
             {"bias: , input:1", "a number from 0"},
             {"bias: 1 2", "a number from 0"},
             {"bias:1e39", "a number"},
             {"bias:1,bias:2", "two values"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    lk_decay decay;
    config.train.decay_of = bad[i].text;
    assert_int_equal(lk_decay_read(&decay, &config), LK_USAGE);
    if (!strstr(lk_error_get()->text, bad[i].message)) fail_msg("%s: %s", bad[i].text, lk_error_get()->text);
    lk_error_clear();
  }
  lk_config_release(&config);
}

static void test_unknown_name(void **state) {
  (void)state;
  lk_params *params = two_tensors(1, 1);
  lk_config config = {0};
  assert_int_equal(lk_config_init(&config), LK_OK);
  config.train.optimizer = "adom";
  lk_optimizer *optimizer = NULL;
  lk_error_clear();
  assert_int_equal(lk_optimizer_create(&optimizer, &config, params, &(lk_ranges){1, {{0, LK_LANES}}}), LK_USAGE);
  assert_null(optimizer);
  assert_non_null(strstr(lk_error_get()->text, "adam"));
  lk_error_clear();
  lk_config_release(&config);
  lk_params_destroy(&params);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ten_steps_as_torch),     cmocka_unit_test(test_ten_steps_as_the_reference),
      cmocka_unit_test(test_decay_by_kind),          cmocka_unit_test(test_decay_that_is_none),
      cmocka_unit_test(test_settings_that_are_read), cmocka_unit_test(test_sgd_by_hand),
      cmocka_unit_test(test_adam_starts_unbiased),   cmocka_unit_test(test_slices_do_not_change_bits),
      cmocka_unit_test(test_clipping_by_hand),       cmocka_unit_test(test_unknown_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
