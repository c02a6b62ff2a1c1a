/* Whole tasks against signed central differences. A task of src/task/task.c without a net here fails by its name. */
#include <stdio.h>

#include "choices.h"
#include "task_gradient.h"

#define NET "model.hidden=4", "model.layers=2", "model.embedding=3"

typedef struct net_case {
  const char *task;
  lk_corpus_kind kind;
  int stream;
  const char *settings[8];
} net_case;

/* The output of a translator, whose encoder and decoder test_translate_gradient.c varies. */
static const net_case cases[] = {
    {"lm", LK_CORPUS_TEXT, 0, {NET, "model.dropout=0.25"}},
    {"lm", LK_CORPUS_TEXT, 1, {NET, "model.dropout=0.25"}},
    {"lm", LK_CORPUS_TEXT, 1, {NET, "train.smoothing=0.2"}},
    {"lm", LK_CORPUS_TEXT, 1, {NET, "model.input=onehot"}},
    {"lm", LK_CORPUS_TEXT, 0, {NET, "model.embedding=4", "model.tied=true"}},
    {"lm", LK_CORPUS_TEXT, 1, {NET, "model.embedding=4", "model.tied=true"}},
    {"lm", LK_CORPUS_TEXT, 1, {NET, "model.dropout=0.25", "train.ar=3", "train.tar=2"}},
    {"lm",
     LK_CORPUS_TEXT,
     1,
     {NET, "model.weight_dropout=0.4", "model.embedding_dropout=0.3", "model.input_dropout=0.2"}},
    {"lm",
     LK_CORPUS_TEXT,
     1,
     {NET, "model.weight_dropout=0.4", "model.embedding=4", "model.tied=true", "model.embedding_dropout=0.3"}},
    {"lm", LK_CORPUS_TEXT, 0, {NET, "model.weight_dropout=0.4", "model.cell=gru", "model.word_dropout=2"}},
    {"lm", LK_CORPUS_TEXT, 1, {"model.layers=3", "model.widths=4,6,3", "model.embedding=3", "model.tied=true"}},
    {"lm", LK_CORPUS_TEXT, 0, {NET, "model.output=adaptive"}},
    {"lm", LK_CORPUS_TEXT, 1, {NET, "model.hidden=17", "model.output=adaptive", "model.cutoffs=2, 4, 7"}},
    {"lm", LK_CORPUS_TEXT, 1, {NET, "model.output=adaptive", "model.cutoffs=5"}},
    {"translate", LK_CORPUS_PAIRS, 0, {NET, "model.output=adaptive", "model.cutoffs=3,6"}},
    {"classify", LK_CORPUS_CLASSIFY, 0, {NET, "model.bidirectional=true"}},
    {"classify", LK_CORPUS_CLASSIFY, 0, {NET, "model.bidirectional=true", "model.widths=2, 5"}},
    {"classify", LK_CORPUS_FRAMES, 0, {NET, "model.weight_dropout=0.3"}},
    {"classify", LK_CORPUS_FRAMES, 0, {NET, "model.dropout=0.2"}},
    {"label",
     LK_CORPUS_LABEL,
     0,
     {NET, "model.bidirectional=true", "model.variational=true", "model.dropout=0.2", "train.smoothing=0.1"}},
    {"label", LK_CORPUS_LABEL, 0, {NET, "model.bidirectional=true", "model.widths=5,3", "train.ar=3", "train.tar=2"}},
    {"label", LK_CORPUS_LABEL, 0, {NET, "model.word_dropout=2", "model.recurrent_bias=false"}},
    {"translate", LK_CORPUS_PAIRS, 0, {NET, "model.dropout=0.3", "train.smoothing=0.1", "model.input_dropout=0.2"}},
    {"translate", LK_CORPUS_PAIRS, 0, {NET, "model.weight_dropout=0.3", "model.embedding_dropout=0.3"}},
};
enum { CASES = sizeof cases / sizeof *cases };

/* The case with one more setting, or NULL. */
static void check(const net_case *c, const char *more) {
  char task[64];
  const char *settings[12] = {task};
  int n = 1;
  (void)snprintf(task, sizeof task, "task=%s", c->task);
  while (c->settings[n - 1]) settings[n] = c->settings[n - 1], n++;
  settings[n] = more;
  gradient_check(c->kind, c->stream, GRADIENT_V - 1, settings);
}

static void test_every_task(void **state) {
  (void)state;
  const char *names[LK_MOST_CHOICES];
  const size_t count = lk_choices_names("task", names);
  for (size_t t = 0; t < count; t++) {
    int found = 0;
    for (size_t i = 0; i < CASES; i++) {
      if (strcmp(cases[i].task, names[t]) != 0) continue;
      check(&cases[i], NULL);
      found++;
    }
    if (found == 0) fail_msg("the task \"%s\" has no net in the table of tests/double/test_task_gradient.c", names[t]);
  }
}

/* Whether the task takes the setting: a classifier has no use for a head over whole sequences. */
static bool is_taken(const char *task, const char *setting) {
  lk_config config;
  char text[64];
  (void)snprintf(text, sizeof text, "task=%s", task);
  assert_int_equal(lk_config_init(&config), LK_OK);
  assert_int_equal(lk_config_override(&config, text), LK_OK);
  assert_int_equal(lk_config_override(&config, setting), LK_OK);
  const bool taken = lk_task_check(&config) == LK_OK;
  if (!taken) print_message("%s: %s\n", task, lk_error_get()->text);
  lk_error_clear();
  lk_config_release(&config);
  return taken;
}

/* Each choice of `key` that the task takes. */
static void check_choices(const net_case *c, const char *key) {
  const char *names[LK_MOST_CHOICES];
  const size_t count = lk_choices_names(key, names);
  for (size_t i = 0; i < count; i++) {
    char setting[64];
    (void)snprintf(setting, sizeof setting, "%s=%s", key, names[i]);
    if (is_taken(c->task, setting)) check(c, setting);
  }
}

static void test_every_head(void **state) {
  (void)state;
  check_choices(&(net_case){"classify", LK_CORPUS_CLASSIFY, 0, {NET}}, "model.output");
  check_choices(&(net_case){"label", LK_CORPUS_LABEL, 0, {NET}}, "model.output");
}

static void test_every_cell(void **state) {
  (void)state;
  check_choices(&(net_case){"lm", LK_CORPUS_TEXT, 1, {NET}}, "model.cell");
}

static void test_every_pooling(void **state) {
  (void)state;
  check_choices(&(net_case){"classify", LK_CORPUS_CLASSIFY, 0, {NET, "model.bidirectional=true"}}, "model.pooling");
  check_choices(&(net_case){"classify", LK_CORPUS_FRAMES, 0, {NET, "model.cell=gru"}}, "model.pooling");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_task),
      cmocka_unit_test(test_every_head),
      cmocka_unit_test(test_every_cell),
      cmocka_unit_test(test_every_pooling),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  print_message("largest relative error of a tensor: %.2g\n", gradient_worst);
  return failed;
}
