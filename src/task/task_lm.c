/* task_lm.c - a language model: the next unit, from all units before it. */
#include <string.h>

#include "fixed_math.h"
#include "task_impl.h"

static lk_status settings(const lk_config *config) {
  if (config->model.bidirectional)
    return lk_config_error(config, "model.bidirectional",
                           "a language model reads forward only: the other direction would see what it is to predict");
  if (config->model.tied && strcmp(config->model.input, "onehot") == 0)
    return lk_config_error(config, "model.tied", "tied weights need an embedding, but model.input is onehot");
  if (config->model.tied) LK_TRY(lk_task_embedding_alone(config, "model.tied"));
  return lk_task_tied_width(config);
}

static lk_status check(lk_task *task) {
  const lk_config *config = task->config;
  if (task->info->kind != LK_CORPUS_TEXT)
    return lk_config_error(config, "task", "a language model needs a corpus of text, found one of kind %s",
                           lk_corpus_kind_names[task->info->kind]);
  task->V = task->info->source.count;
  return LK_OK;
}

static ptrdiff_t counts_of(const lk_task *task) {
  (void)task;
  return 1;
}

static int metrics_of(const lk_task *task, double loss, const int64_t *counts, lk_metric *metrics) {
  (void)counts;
  int n = lk_metric_put(metrics, 1, "perplexity", lk_fixed_exp(loss), 0);
  if (strcmp(task->info->unit, "char") == 0) n = lk_metric_put(metrics, n, "bits_per_character", loss / M_LN2, 0);
  return n;
}

static const char *const metric_names[] = {"loss", "perplexity", "bits_per_character", NULL};

const lk_task_kind lk_task_lm = {.name = "lm",
                                 .help = "language model: the next unit",
                                 .reads = "train.unroll train.unroll_random train.lane_reset train.ar train.tar",
                                 .view = LK_VIEW_LM,
                                 .body = &lk_body_encoder,
                                 .needs_probabilities = 1,
                                 .metric_names = metric_names,
                                 .settings = settings,
                                 .check = check,
                                 .counts = counts_of,
                                 .metrics = metrics_of};
