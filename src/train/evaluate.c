#include "lockstep/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "lockstep/clock.h"
#include "lockstep/reducer.h"
#include "lockstep/watchdog.h"

struct lk_evaluator {
  lk_comm *comm;
  lk_task *task;
  lk_loader *loader;
  lk_reducer *reducer; /* for the per-shard records only: P = 0 */
  lk_shards shards;
  lk_arena arena; /* the batch, the lanes, the sums */
  lk_batch batch;
  lk_real *lanes;
  double *loss;     /* [shards] of this rank */
  double *all_loss; /* [S] */
  int64_t *counts;  /* [count] */
  ptrdiff_t count;
};

static void layout(lk_evaluator *e) {
  ptrdiff_t first = 0, lanes = lk_loader_lanes(e->loader, &first);
  e->count = lk_task_counts(e->task) + 1; /* the last one counts tokens */
  lk_loader_layout(e->loader, &e->batch, &e->arena);
  e->lanes = lanes > 0 ? lk_arena_reals(&e->arena, lanes * lk_task_lane_width(e->task)) : NULL;
  e->loss = lk_arena_take(&e->arena, sizeof(double) * (size_t)e->shards.count);
  e->all_loss = lk_arena_take(&e->arena, sizeof(double) * (size_t)e->shards.total);
  e->counts = lk_arena_take(&e->arena, sizeof(int64_t) * (size_t)e->count);
}

static lk_status open_local(lk_evaluator *e, const lk_corpus *corpus, const lk_loader_settings *settings) {
  LK_TRY(lk_loader_open(&e->loader, corpus, &e->shards, settings));
  LK_TRY(lk_task_reserve_for(e->task, e->loader, 0));
  layout(e);
  LK_TRY(lk_arena_reserve(&e->arena));
  layout(e);
  return LK_OK;
}

lk_status lk_evaluator_create(lk_evaluator **evaluator, lk_comm *comm, const lk_corpus *corpus, const lk_shards *shards,
                              lk_task *task, lk_split split, ptrdiff_t batch, ptrdiff_t unroll) {
  lk_status status = LK_OK;
  lk_evaluator *e = NULL;
  LK_TRY(lk_comm_agree(comm, lk_alloc(&e, 1, sizeof *e)));
  e->comm = comm, e->task = task, e->shards = *shards;
  lk_loader_settings settings = {.view = lk_task_view(task), .split = split, .batch = batch, .unroll = unroll};
  LK_GO(lk_comm_agree(comm, open_local(e, corpus, &settings)));
  LK_GO(lk_reducer_create(&e->reducer, comm, &(lk_reducer_spec){.shards = shards->total}));
done:
  if (status != LK_OK) lk_evaluator_destroy(&e);
  *evaluator = e;
  return status;
}

void lk_evaluator_destroy(lk_evaluator **evaluator) {
  lk_evaluator *e = *evaluator;
  *evaluator = NULL;
  if (!e) return;
  lk_loader_close(&e->loader);
  lk_reducer_destroy(&e->reducer);
  lk_arena_release(&e->arena);
  free(e);
}

lk_status lk_evaluator_check(lk_evaluator *e, const lk_config *config) {
  lk_metric metrics[LK_MAX_METRICS];
  const char *names[LK_MAX_METRICS];
  size_t chosen;
  memset(e->counts, 0, sizeof(int64_t) * (size_t)e->count);
  const int n = lk_task_metrics(e->task, 0, e->counts, metrics);
  for (int i = 0; i < n; i++) names[i] = metrics[i].name;
  for (int i = 0; i < n; i++)
    if (strcmp(names[i], config->eval.metric) == 0) return LK_OK;
  if (lk_task_check(config) == LK_OK) /* the task has it on other corpora */
    return lk_config_error(
        config, "eval.metric",
        "this corpus gives no %s: spans need tags that are all O, B-x or I-x, bits units of characters",
        config->eval.metric);
  return lk_config_choice(config, "eval.metric", names, (size_t)n, &chosen);
}

lk_status lk_evaluator_run(lk_evaluator *e, const lk_params *params, lk_evaluation *result) {
  double start = lk_clock_seconds();
  memset(e->loss, 0, sizeof(double) * (size_t)e->shards.count);
  memset(e->counts, 0, sizeof(int64_t) * (size_t)e->count);
  int64_t steps = lk_loader_steps(e->loader);
  for (int64_t step = 0; step < steps; step++) {
    lk_loader_batch(e->loader, 0, step, &e->batch);
    lk_task_evaluate(e->task, params, &e->batch, e->lanes, e->loss, e->counts);
    e->counts[e->count - 1] += e->batch.tokens;
    lk_watchdog_beat(e->comm);
  }
  LK_TRY(lk_comm_agree(e->comm, lk_task_trouble(e->task)));
  LK_TRY(lk_reducer_records(e->reducer, e->loss, e->all_loss, sizeof(double)));
  LK_TRY(lk_comm_sum_counts(e->comm, e->counts, e->count));
  *result = (lk_evaluation){.counts = e->counts, .units = e->counts[0], .tokens = e->counts[e->count - 1]};
  result->metrics = lk_task_metrics(e->task, lk_tree_sum(e->all_loss, e->shards.total), e->counts, result->metric);
  result->seconds = lk_clock_seconds() - start;
  return LK_OK;
}

const lk_metric *lk_evaluation_metric(const lk_evaluation *result, const char *name) {
  for (int i = 0; i < result->metrics; i++)
    if (strcmp(result->metric[i].name, name) == 0) return &result->metric[i];
  return NULL;
}
