/* task_classify.c - one label for a whole sequence, of text or of frames. */
#include <stdlib.h>

#include "task_impl.h"

/* counts: units, then a tally of each class, those that training never had at the end */
enum { UNITS, TALLIES };

static lk_status check(lk_task *task) {
  const lk_corpus_kind kind = task->info->kind;
  if (kind != LK_CORPUS_CLASSIFY && kind != LK_CORPUS_FRAMES)
    return lk_config_error(task->config, "task", "a classifier needs a corpus of kind classify or frames, found %s",
                           lk_corpus_kind_names[kind]);
  task->V = task->info->label.count;
  if (task->V < 1) return LK_FAIL(LK_DATA, "the corpus has no labels");
  LK_TRY(lk_alloc(&task->classes, 1, sizeof *task->classes));
  *task->classes = (lk_classes){.known = task->V, .unseen = 1};
  task->state = task->classes;
  return LK_OK;
}

static void release(lk_task *task) { free(task->state); }

static ptrdiff_t counts_of(const lk_task *task) { return TALLIES + lk_tally_counts(lk_classes_count(task->classes)); }

static lk_status count(lk_task *task, const lk_params *params, const lk_batch *batch, int64_t *counts) {
  (void)params;
  return lk_classes_add(task->classes, batch->pack.B, batch->target, task->head.best, (lk_tally *)(counts + TALLIES));
}

static int metrics_of(const lk_task *task, double loss, const int64_t *counts, lk_metric *metrics) {
  (void)loss;
  const ptrdiff_t classes = lk_classes_count(task->classes);
  const lk_tally *tally = (const lk_tally *)(counts + TALLIES);
  const lk_tally all = lk_tally_sum(tally, classes);
  const int n = lk_metric_put(metrics, 1, "accuracy", lk_ratio_or_nan(all.correct, all.gold), 1);
  return lk_metric_put(metrics, n, "macro_f1", lk_tally_macro_f1(tally, classes), 1);
}

static const char *const metric_names[] = {"loss", "accuracy", "macro_f1", NULL};

const lk_task_kind lk_task_classify = {.name = "classify",
                                       .help = "a class for each sequence",
                                       .reads = "model.pooling",
                                       .view = LK_VIEW_CLASSIFY,
                                       .body = &lk_body_encoder,
                                       .per_sequence = 1,
                                       .metric_names = metric_names,
                                       .settings = lk_task_untied,
                                       .check = check,
                                       .release = release,
                                       .counts = counts_of,
                                       .count = count,
                                       .metrics = metrics_of,
                                       .tallies = TALLIES};
