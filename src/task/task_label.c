/* task_label.c - a label for every word. */
#include <math.h>

#include "task_impl.h"

enum { UNITS, CORRECT, UNKNOWN, UNKNOWN_CORRECT, GOLD, FOUND, MATCHED, COUNTS };

static lk_status check(lk_task *task) {
  const lk_config *config = task->config;
  if (task->info->kind != LK_CORPUS_LABEL)
    return lk_config_error(config, "task", "a labeller needs a corpus of kind label, found %s",
                           lk_corpus_kind_names[task->info->kind]);
  task->V = task->info->label.count;
  if (task->V < 1) return LK_FAIL(LK_DATA, "the corpus has no labels");
  return lk_tagset_create(&task->tags, &task->info->label);
}

static void release(lk_task *task) { lk_tagset_release(&task->tags); }

static void layout(lk_task *task, lk_arena *arena) {
  task->gold = lk_arena_ints(arena, task->T);
  task->found = lk_arena_ints(arena, task->T);
}

static ptrdiff_t counts_of(const lk_task *task) {
  (void)task;
  return COUNTS;
}

static void count_words(const lk_task *task, const lk_batch *batch, int64_t *counts) {
  for (ptrdiff_t r = 0; r < batch->pack.N; r++) {
    if (batch->target[r] < 0) continue;
    int right = batch->target[r] == task->best[r], unknown = batch->source[r] == LK_UNK;
    counts[CORRECT] += right;
    counts[UNKNOWN] += unknown;
    counts[UNKNOWN_CORRECT] += unknown && right;
  }
}

static void count_spans(lk_task *task, const lk_batch *batch, int64_t *counts) {
  const lk_pack *pack = &batch->pack;
  lk_span_counts spans = {0};
  for (ptrdiff_t b = 0; b < pack->B; b++) {
    ptrdiff_t n = 0;
    for (ptrdiff_t r = lk_pack_row(pack, b, 0); r >= 0; r = pack->later[r], n++) {
      task->gold[n] = batch->target[r];
      task->found[n] = task->best[r];
    }
    lk_spans_count(&task->tags, task->gold, task->found, n, &spans);
  }
  counts[GOLD] += spans.gold;
  counts[FOUND] += spans.found;
  counts[MATCHED] += spans.correct;
}

static void count(lk_task *task, const lk_params *params, const lk_batch *batch, int64_t *counts) {
  (void)params;
  count_words(task, batch, counts);
  if (task->tags.spans) count_spans(task, batch, counts);
}

static int metrics_of(const lk_task *task, double loss, const int64_t *counts, lk_metric *metrics) {
  (void)loss;
  int n = lk_metric_put(metrics, 1, "accuracy", lk_ratio(counts[CORRECT], counts[UNITS]), 1);
  const double unknown = counts[UNKNOWN] > 0 ? lk_ratio(counts[UNKNOWN_CORRECT], counts[UNKNOWN]) : NAN; /* of none */
  n = lk_metric_put(metrics, n, "unknown_accuracy", unknown, 1);
  if (!task->tags.spans) return n;
  n = lk_metric_put(metrics, n, "precision", lk_ratio(counts[MATCHED], counts[FOUND]), 1);
  n = lk_metric_put(metrics, n, "recall", lk_ratio(counts[MATCHED], counts[GOLD]), 1);
  /* the harmonic mean 2 p r / (p + r), from whole numbers */
  return lk_metric_put(metrics, n, "f1", lk_ratio(2 * counts[MATCHED], counts[FOUND] + counts[GOLD]), 1);
}

static const char *const metric_names[] = {"loss", "accuracy", "unknown_accuracy", "precision", "recall", "f1", NULL};

const lk_task_kind lk_task_label = {.name = "label",
                                    .view = LK_VIEW_LABEL,
                                    .metric_names = metric_names,
                                    .settings = lk_task_untied,
                                    .check = check,
                                    .release = release,
                                    .layout = layout,
                                    .counts = counts_of,
                                    .count = count,
                                    .metrics = metrics_of};
