/* task_classify.c - one label for a whole sequence, of text or of frames. */
#include "task_impl.h"

static lk_status check(lk_task *task) {
  const lk_config *config = task->config;
  lk_corpus_kind kind = task->info->kind;
  if (kind != LK_CORPUS_CLASSIFY && kind != LK_CORPUS_FRAMES)
    return lk_config_error(config, "task", "a classifier needs a corpus of kind classify or frames, found %s",
                           lk_corpus_kind_names[kind]);
  task->V = task->info->label.count;
  if (task->V < 1) return LK_FAIL(LK_DATA, "the corpus has no labels");
  return LK_OK;
}

static void layout(lk_task *task, lk_arena *arena) {
  ptrdiff_t width = task->encoder.width, ld = lk_padded(width);
  task->pooled = lk_arena_reals(arena, task->B * ld);
  task->dpooled = lk_arena_reals(arena, task->training ? task->B * ld : 0);
  task->arg = lk_arena_ints(arena, task->B * width);
}

static ptrdiff_t forward_half(const lk_task *task) { return task->encoder.width / task->encoder.directions; }

static void gather(lk_task *task, const lk_pack *pack) {
  ptrdiff_t width = task->encoder.width, ld = lk_padded(width), ldy;
  const lk_real *y = lk_encoder_output(&task->encoder, &ldy);
  lk_pool_forward(task->pool, pack, width, forward_half(task), y, ldy, task->pooled, ld, task->arg);
  task->x = task->pooled;
  task->ldx = ld;
}

static void scatter(lk_task *task, const lk_pack *pack) {
  ptrdiff_t width = task->encoder.width, lddy;
  lk_real *dy = lk_encoder_output_gradient(&task->encoder, &lddy);
  lk_pool_backward(task->pool, pack, width, forward_half(task), task->dpooled, lk_padded(width), task->arg, dy, lddy);
}

/* counts: units, then the confusion matrix [V, V] */
static ptrdiff_t counts_of(const lk_task *task) { return 1 + task->V * task->V; }

static void count(lk_task *task, const lk_params *params, const lk_batch *batch, int64_t *counts) {
  (void)params;
  for (ptrdiff_t b = 0; b < batch->pack.B; b++)
    if (batch->target[b] >= 0) counts[1 + batch->target[b] * task->V + task->best[b]]++;
}

static const int64_t *confusion_of(const lk_task *task, const int64_t *counts, ptrdiff_t *labels) {
  *labels = task->V;
  return counts + 1;
}

/* Mean of the labels' F1 = 2 tp / (gold + found) over the labels that occur, in gold or among the predictions, as
 * scikit-learn's f1_score(average="macro") takes it. */
static double macro_f1(const int64_t *confusion, ptrdiff_t V) {
  double sum = 0;
  int64_t labels = 0;
  for (ptrdiff_t label = 0; label < V; label++) {
    int64_t either = 0;
    for (ptrdiff_t other = 0; other < V; other++) either += confusion[label * V + other] + confusion[other * V + label];
    if (either == 0) continue;
    sum += lk_ratio(2 * confusion[label * V + label], either);
    labels++;
  }
  return labels > 0 ? sum / (double)labels : 0;
}

static int metrics_of(const lk_task *task, double loss, const int64_t *counts, lk_metric *metrics) {
  (void)loss;
  int64_t correct = 0;
  for (ptrdiff_t label = 0; label < task->V; label++) correct += counts[1 + label * task->V + label];
  int n = lk_metric_put(metrics, 1, "accuracy", lk_ratio(correct, counts[0]), 1);
  return lk_metric_put(metrics, n, "macro_f1", macro_f1(counts + 1, task->V), 1);
}

static const char *const metric_names[] = {"loss", "accuracy", "macro_f1", NULL};

const lk_task_kind lk_task_classify = {.name = "classify",
                                       .view = LK_VIEW_CLASSIFY,
                                       .per_sequence = 1,
                                       .metric_names = metric_names,
                                       .settings = lk_task_untied,
                                       .check = check,
                                       .layout = layout,
                                       .gather = gather,
                                       .scatter = scatter,
                                       .counts = counts_of,
                                       .count = count,
                                       .metrics = metrics_of,
                                       .confusion = confusion_of};
