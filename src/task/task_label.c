/* task_label.c - a label for every word. */
#include "task_impl.h"

/* counts: these, then a tally of each tag, those that training never had at the end, then of each type of span */
enum { UNITS, UNKNOWN, UNKNOWN_CORRECT, TALLIES };

static lk_status check(lk_task *task) {
  const lk_config *config = task->config;
  if (task->info->kind != LK_CORPUS_LABEL)
    return lk_config_error(config, "task", "a labeller needs a corpus of kind label, found %s",
                           lk_corpus_kind_names[task->info->kind]);
  task->V = task->info->label.count;
  if (task->V < 1) return LK_FAIL(LK_DATA, "the corpus has no labels");
  return lk_tagset_create(&task->tags, &task->info->label, NULL);
}

static void release(lk_task *task) { lk_tagset_release(&task->tags); }

static void layout(lk_task *task, lk_arena *arena) {
  task->gold = lk_arena_ints(arena, task->T);
  task->found = lk_arena_ints(arena, task->T);
}

static ptrdiff_t tallies_of(const lk_task *task) {
  (void)task;
  return TALLIES;
}

static ptrdiff_t spans_of(const lk_task *task) { return TALLIES + lk_tally_counts(task->V + task->unseen); }

static ptrdiff_t counts_of(const lk_task *task) {
  return spans_of(task) + (task->tags.spans ? lk_tally_counts(task->tags.types.count + 1) : 0);
}

static void count_unknown(const lk_task *task, const lk_batch *batch, int64_t *counts) {
  for (ptrdiff_t r = 0; r < batch->pack.N; r++) {
    if (batch->target[r] == LK_NO_LABEL || lk_batch_ids(batch)[r] != LK_UNK) continue;
    counts[UNKNOWN]++;
    counts[UNKNOWN_CORRECT] += batch->target[r] == task->best[r];
  }
}

static void count_spans(lk_task *task, const lk_batch *batch, lk_tally *by_type) {
  const lk_pack *pack = &batch->pack;
  for (ptrdiff_t b = 0; b < pack->B; b++) {
    ptrdiff_t n = 0;
    for (ptrdiff_t r = lk_pack_row(pack, b, 0); r >= 0; r = pack->later[r], n++) {
      task->gold[n] = batch->target[r];
      task->found[n] = task->best[r];
    }
    lk_spans_count(&task->tags, task->gold, task->found, n, by_type);
  }
}

static void count(lk_task *task, const lk_params *params, const lk_batch *batch, int64_t *counts) {
  (void)params;
  count_unknown(task, batch, counts);
  lk_task_tally(task, batch->target, batch->pack.N, (lk_tally *)(counts + TALLIES));
  if (task->tags.spans) count_spans(task, batch, (lk_tally *)(counts + spans_of(task)));
}

static int metrics_of(const lk_task *task, double loss, const int64_t *counts, lk_metric *metrics) {
  (void)loss;
  ptrdiff_t classes;
  const lk_tagset *tags;
  const lk_tally *by_tag = lk_task_tallies(task, counts, &classes);
  const lk_tally words = lk_tally_sum(by_tag, classes);
  const lk_tally *by_type = lk_task_spans(task, counts, &tags);
  int n = lk_metric_put(metrics, 1, "accuracy", lk_ratio_or_nan(words.correct, words.gold), 1);
  n = lk_metric_put(metrics, n, "unknown_accuracy", lk_ratio_or_nan(counts[UNKNOWN_CORRECT], counts[UNKNOWN]), 1);
  if (!by_type) return n;
  const lk_tally spans = lk_tally_sum(by_type, tags->types.count + 1);
  const double none = words.gold > 0 ? 0 : NAN; /* without a word to measure there is no figure, not even 0 */
  n = lk_metric_put(metrics, n, "precision", none + lk_tally_precision(spans), 1);
  n = lk_metric_put(metrics, n, "recall", none + lk_tally_recall(spans), 1);
  return lk_metric_put(metrics, n, "f1", none + lk_tally_f1(spans), 1);
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
                                    .metrics = metrics_of,
                                    .tallies = tallies_of,
                                    .spans = spans_of};
