/* Dynamic evaluation against PyTorch in double (tests/reference/make_adapt_vectors.py): the log-probability of each unit of
 * two texts, under both rules, and the gradients that rms measures on training data. */
#include "data_fixture.h"

#include <math.h>

#include "adapt.h"
#include "prepare.h"
#include "reference/adapt_vectors.h"

#define OK(call) assert_int_equal(call, LK_OK)

typedef struct net {
  lk_corpus *corpus;
  lk_model model;
} net;

static void prepare(net *n) {
  lk_prepare p;
  lk_prepare_report report;
  lk_prepare_init(&p);
  p.kind = "text", p.input[LK_TRAIN] = write_text("train.txt", adapt_train), p.output = path_of("train.h5");
  p.unit = LK_CHAR, p.stream = true;
  OK(lk_prepare_run(&p, &report));
  OK(lk_corpus_open(&n->corpus, p.output, true));
  assert_int_equal(lk_corpus_about(n->corpus)->source.count, ADAPT_V);
}

static void open_net(net *n) {
  lk_model *m = &n->model;
  const double *weight = adapt_weights;
  *n = (net){0};
  prepare(n);
  *m = (lk_model){.corpus = lk_corpus_about(n->corpus), .one = lk_shards_make(1, 0, 1)};
  OK(lk_config_init(&m->config));
  for (const char *const *s = adapt_settings; *s; s++) OK(lk_config_override(&m->config, *s));
  OK(lk_params_create(&m->params));
  OK(lk_task_create(&m->task, &m->config, m->corpus, m->params));
  OK(lk_params_commit(m->params, 1));
  for (int i = 0; i < lk_params_tensors(m->params); i++)
    for (ptrdiff_t j = 0; j < lk_params_at(m->params, i)->count; j++) lk_params_value(m->params, i)[j] = *weight++;
  assert_int_equal(weight - adapt_weights, sizeof adapt_weights / sizeof *adapt_weights);
  OK(lk_vocab_from(&m->vocab, &m->corpus->source, true));
}

static void close_net(net *n) {
  lk_vocab_destroy(&n->model.vocab);
  lk_task_destroy(&n->model.task);
  lk_params_destroy(&n->model.params);
  lk_config_release(&n->model.config);
  lk_corpus_close(&n->corpus);
}

/* Read a text a segment at a time; *want is PyTorch's list. */
static void read_text(net *n, lk_adapter *adapter, const char *text, const double **want) {
  int32_t *ids = NULL;
  ptrdiff_t count = 0;
  size_t capacity = 0;
  OK(lk_model_encode(&n->model, text, strlen(text), &ids, &count, &capacity));
  assert_int_equal(count, strlen(text));
  for (ptrdiff_t at = 0, some; at + 1 < count; at += some) {
    double log_p = 0, sum = 0;
    some = count - 1 - at < ADAPT_SEGMENT ? count - 1 - at : ADAPT_SEGMENT;
    const lk_inputs units = {.count = 1, .column = {{.name = "source", .ids = ids}}};
    OK(lk_adapter_read(adapter, &units, at, some, at == 0, &log_p));
    for (ptrdiff_t i = 0; i < some; i++) sum += *(*want)++;
    if (!(fabs(log_p - sum) <= 1e-10 * fabs(sum))) fail_msg("units %td on: %.15g, PyTorch has %.15g", at, log_p, sum);
  }
  free(ids);
}

static void test_rules(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof adapt_rules / sizeof *adapt_rules; i++) {
    net n;
    lk_adapter *adapter;
    lk_adapt_settings how = {
        .rate = adapt_rules[i].rate, .decay = adapt_rules[i].decay, .segment = ADAPT_SEGMENT, .epsilon = adapt_epsilon};
    const double *want = adapt_rules[i].log_p;
    open_net(&n);
    while (strcmp(lk_dynamic_names[how.dynamic], adapt_rules[i].rule) != 0) how.dynamic++;
    OK(lk_adapter_create(&adapter, &n.model, &how));
    if (how.dynamic == LK_DYNAMIC_RMS) OK(lk_adapter_measure(adapter, n.corpus));
    for (int t = 0; t < ADAPT_TEXTS; t++) read_text(&n, adapter, adapt_text[t], &want);
    /* the same again from the trained weights */
    lk_adapter_reset(adapter);
    want = adapt_rules[i].log_p;
    read_text(&n, adapter, adapt_text[0], &want);
    lk_adapter_destroy(&adapter);
    close_net(&n);
  }
}

static int drop_folder(void **state) {
  (void)state;
  (void)clear_folder(NULL);
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_rules, make_folder, drop_folder)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
