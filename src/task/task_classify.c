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

/* counts: units, then a tally of each class, those that training never had at the end */
enum { UNITS, TALLIES };

static ptrdiff_t counts_of(const lk_task *task) { return TALLIES + lk_tally_counts(task->V + task->unseen); }

static ptrdiff_t tallies_of(const lk_task *task) {
  (void)task;
  return TALLIES;
}

static void count(lk_task *task, const lk_params *params, const lk_batch *batch, int64_t *counts) {
  (void)params;
  lk_task_tally(task, batch->target, batch->pack.B, (lk_tally *)(counts + TALLIES));
}

static int metrics_of(const lk_task *task, double loss, const int64_t *counts, lk_metric *metrics) {
  (void)loss;
  ptrdiff_t classes;
  const lk_tally *tally = lk_task_tallies(task, counts, &classes);
  const lk_tally all = lk_tally_sum(tally, classes);
  int n = lk_metric_put(metrics, 1, "accuracy", lk_ratio_or_nan(all.correct, all.gold), 1);
  return lk_metric_put(metrics, n, "macro_f1", lk_tally_macro_f1(tally, classes), 1);
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
                                       .tallies = tallies_of};
