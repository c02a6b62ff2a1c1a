/* Translators against signed central differences: every kind of attention with every cell, direction and feeding. */
#include <stdio.h>

#include "attention.h"
#include "choices.h"
#include "task_gradient.h"

enum { V = GRADIENT_V, TARGET_V = GRADIENT_V - 1 };

static void check(ptrdiff_t target_V, const char *const *settings) {
  gradient_check(LK_CORPUS_PAIRS, 0, target_V, settings);
}

#define NET "task=translate", "model.hidden=4", "model.embedding=3"

/* Whether a net of these settings can be built. */
static bool possible(const char *const *settings) {
  fixture_task f;
  fixture_pairs_settings(&f, V, TARGET_V, settings);
  const lk_status status = lk_task_create(&f.task, &f.config, &f.info, f.params);
  lk_error_clear();
  fixture_pairs_close(&f);
  return status == LK_OK;
}

/* Both directions where the attention allows it (dot wants an encoder as wide as the decoder), with and without
 * feeding. */
static void check_attention(const char *attention, const char *cell, const char *layers) {
  static const char *const directions[] = {"model.bidirectional=false", "model.bidirectional=true"};
  static const char *const feeding[] = {"model.input_feeding=true", "model.input_feeding=false"};
  for (int d = 0; d < 2; d++)
    for (int i = 0; i < 2; i++) {
      const char *settings[] = {NET, attention, cell, directions[d], feeding[i], layers, NULL};
      if (d == 0 || possible(settings)) check(TARGET_V, settings);
    }
}

static void test_every_attention_and_cell(void **state) {
  (void)state;
  const char *kind[LK_MOST_CHOICES], *cell[LK_MOST_CHOICES];
  const size_t kinds = lk_choices_names("model.attention", kind), cells = lk_choices_names("model.cell", cell);
  for (size_t k = 0; k < kinds; k++)
    for (size_t c = 0; c < cells; c++) {
      char attention[64], name[64];
      (void)snprintf(attention, sizeof attention, "model.attention=%s", kind[k]);
      (void)snprintf(name, sizeof name, "model.cell=%s", cell[c]);
      check_attention(attention, name, c == 1 ? "model.layers=2" : "model.layers=1");
    }
}

static void test_copied_states(void **state) {
  (void)state;
  static const char *const lstm[] = {
      NET, "model.attention=dot", "model.bridge=copy", "model.layers=2", "model.cell=lstm", NULL};
  static const char *const gru[] = {
      NET, "model.attention=none", "model.bridge=copy", "model.cell=gru", "model.layers=2", NULL};
  check(TARGET_V, lstm);
  check(TARGET_V, gru);
}

static void test_dropout_and_smoothing(void **state) {
  (void)state;
  static const char *const fed[] = {
      NET, "model.layers=2", "model.dropout=0.3", "train.smoothing=0.1", "model.input_dropout=0.2", NULL};
  static const char *const variational[] = {NET,
                                            "model.attention=additive",
                                            "model.input_feeding=false",
                                            "model.variational=true",
                                            "model.dropout=0.3",
                                            "model.layers=2",
                                            NULL};
  check(TARGET_V, fed);
  check(TARGET_V, variational);
}

/* The sampled units do not change under a small step, so the gradient is that of a fixed input. */
static void test_scheduled_sampling(void **state) {
  (void)state;
  static const char *const fed[] = {
      NET, "model.layers=2", "train.sampling=0.5", "model.attention=general", "model.input_feeding=true", NULL};
  static const char *const plain[] = {
      NET, "model.layers=1", "train.sampling=0.7", "model.attention=additive", "model.input_feeding=false", NULL};
  check(TARGET_V, fed);
  check(TARGET_V, plain);
}

static void test_shared_and_tied(void **state) {
  (void)state;
  static const char *const tied[] = {
      NET, "model.embedding=4", "model.tied=true", "model.layers=1", "model.bidirectional=true", NULL};
  static const char *const shared[] = {
      NET, "model.shared_embedding=true", "model.layers=2", "model.dropout=0.2", "model.attention=additive", NULL};
  static const char *const all[] = {
      NET, "model.embedding=4", "model.tied=true", "model.shared_embedding=true", "model.layers=1", NULL};
  static const char *const onehot[] = {
      NET, "model.input=onehot", "model.layers=1", "model.attention=general", "model.bidirectional=true", NULL};
  check(TARGET_V, tied);
  check(V, shared);
  check(V, all);
  check(TARGET_V, onehot);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_attention_and_cell), cmocka_unit_test(test_copied_states),
      cmocka_unit_test(test_dropout_and_smoothing),    cmocka_unit_test(test_scheduled_sampling),
      cmocka_unit_test(test_shared_and_tied),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  print_message("largest relative error of a tensor: %.2g\n", gradient_worst);
  return failed;
}
