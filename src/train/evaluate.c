#include "evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "watchdog.h"

struct lk_evaluator {
  lk_comm *comm;
  const lk_corpus *corpus;
  lk_task *task;
  lk_loader *loader;
  lk_shards shards;
  lk_arena arena; /* the batch, the lanes, the sums */
  lk_batch batch;
  lk_batch_parts parts;
  lk_real *lanes;
  ptrdiff_t own_lanes, all_lanes; /* of this rank, of all */
  double *state;                  /* [shards] of this rank: largest carried state of its lanes */
  double *loss;                   /* [shards] of this rank */
  double *all_loss;               /* [S] */
  int64_t *counts;                /* [count] */
  ptrdiff_t count;
  lk_evaluator_settings settings;
  int warned;
  lk_pairs pairs;                            /* of this rank */
  lk_adapter *adapter;                       /* NULL: the model is asked as it is */
  void (*tell)(void *context, double share); /* how far a run is; or NULL */
  void *told;
};

static void layout(lk_evaluator *e) {
  e->own_lanes = lk_loader_lanes(e->loader, NULL);
  e->count = lk_task_counts(e->task) + 1; /* the last one counts tokens */
  lk_loader_layout(e->loader, &e->batch, &e->arena);
  lk_batch_parts_layout(&e->parts, e->loader, e->settings.parts, &e->arena);
  e->lanes = e->own_lanes > 0 ? lk_arena_reals(&e->arena, e->own_lanes * lk_task_lane_width(e->task)) : NULL;
  e->state = lk_arena_take(&e->arena, sizeof(double) * (size_t)e->shards.count);
  e->loss = lk_arena_take(&e->arena, sizeof(double) * (size_t)e->shards.count);
  e->all_loss = lk_arena_take(&e->arena, sizeof(double) * (size_t)e->shards.total);
  e->counts = lk_arena_take(&e->arena, sizeof(int64_t) * (size_t)e->count);
}

static lk_status open_local(lk_evaluator *e) {
  const lk_evaluator_settings *s = &e->settings;
  lk_loader_settings settings = lk_task_loading(e->task, s->split);
  settings.batch = s->batch;
  settings.unroll = s->unroll;
  settings.memory = s->memory;
  LK_TRY(lk_loader_open(&e->loader, e->corpus, &e->shards, &settings));
  LK_TRY(lk_task_unseen(e->task, &lk_corpus_about(e->corpus)->unseen));
  LK_TRY(lk_task_reserve_for(e->task, e->loader, s->parts, 0));
  layout(e);
  LK_TRY(lk_arena_reserve(&e->arena));
  layout(e);
  return LK_OK;
}

lk_evaluator_settings lk_evaluator_settings_of(const lk_config *config, lk_split split) {
  return (lk_evaluator_settings){.split = split,
                                 .batch = (ptrdiff_t)config->eval.batch,
                                 .unroll = (ptrdiff_t)config->train.unroll,
                                 .parts = (int)config->train.accumulate};
}

lk_status lk_evaluator_create(lk_evaluator **evaluator, lk_comm *comm, const lk_corpus *corpus, const lk_shards *shards,
                              lk_task *task, lk_evaluator_settings settings) {
  lk_status status = LK_OK;
  lk_evaluator *e = NULL;
  LK_TRY(lk_comm_agree(comm, lk_alloc(&e, 1, sizeof *e)));
  e->comm = comm, e->corpus = corpus, e->task = task, e->shards = *shards, e->settings = settings;
  e->all_lanes = lk_corpus_about(corpus)->stream ? settings.batch : 0;
  LK_GO(lk_comm_agree(comm, open_local(e)));
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
  lk_arena_release(&e->arena);
  lk_pairs_release(&e->pairs);
  free(e);
}

static const char span_tags[] =
    "expected O, and B-TYPE, I-TYPE and the like (IOB, BIOES, BILOU, BMES), or these letters alone";

lk_status lk_evaluator_why_no_spans(const lk_evaluator *e, lk_buffer *why) {
  const lk_tagset *tags = NULL;
  char place[96], quoted[256];
  (void)lk_task_spans(e->task, e->counts, &tags);
  if (!tags) return lk_buffer_printf(why, "the task has no tags");
  if (tags->misfit < 0) return lk_buffer_printf(why, "its labels mark no spans: %s", span_tags);
  const lk_strings *labels = &lk_corpus_about(e->corpus)->label;
  const char *label = lk_strings_get(labels, tags->misfit);
  LK_TRY(lk_corpus_find_label(e->corpus, (int32_t)tags->misfit, place));
  return lk_buffer_printf(why, "the label %s%s%s%s is not a span tag: %s", lk_quote(quoted, label, strlen(label)),
                          place[0] ? " (first at " : "", place, place[0] ? ")" : "", span_tags);
}

/* The task has the metric, but not on this corpus. */
static lk_status not_on_this_corpus(const lk_evaluator *e, const lk_config *config) {
  lk_buffer why = {0};
  lk_status status = LK_OK;
  if (lk_task_view(e->task) == LK_VIEW_LABEL)
    status = lk_evaluator_why_no_spans(e, &why);
  else
    status = lk_buffer_printf(&why, "bits need units of characters");
  if (status == LK_OK)
    status = lk_config_error(config, "eval.metric", "this corpus gives no %s: %s", config->eval.metric, why.data);
  lk_buffer_release(&why);
  return status;
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
  if (lk_task_check(config) == LK_OK) return not_on_this_corpus(e, config);
  return lk_config_choice_of(config, "eval.metric", names, (size_t)n, &chosen);
}

/* Warns once, as validation is repeated. */
static void warn(lk_evaluator *e, const lk_evaluation *result) {
  const char *what = lk_task_view(e->task) == LK_VIEW_LABEL ? "words" : "sequences",
             *split = lk_split_names[e->settings.split];
  if (e->warned || lk_comm_rank(e->comm) != 0) return;
  e->warned = 1;
  if (result->units == 0) LK_WARN("/%s: none of its %s has a label: there is nothing to measure", split, what);
  if (result->unseen > 0)
    LK_WARN(
        "/%s: %lld of %lld %s have labels that training never had: they count as wrong and are left out of the loss",
        split, (long long)result->unseen, (long long)result->units, what);
}

/* The largest of all ranks' carried states, after all_loss was used. */
static lk_status gather_state(lk_evaluator *e, double *largest) {
  LK_TRY(lk_comm_allgather_shards(e->comm, e->shards.total, e->state, e->all_loss, sizeof(double)));
  for (int s = 0; s < e->shards.total; s++) *largest = fmax(*largest, e->all_loss[s]);
  return LK_OK;
}

void lk_evaluator_tell(lk_evaluator *e, void (*tell)(void *context, double share), void *context) {
  e->tell = tell, e->told = context;
}

static void have_done(const lk_evaluator *e, double share) {
  lk_watchdog_beat(e->comm);
  if (e->tell) e->tell(e->told, share);
}

static lk_status run_batch(lk_evaluator *e, const lk_params *params) {
  int first;
  for (int i = 0; i < e->parts.count; i++) {
    const lk_batch *part = lk_batch_part(&e->parts, &e->batch, i, &first);
    LK_TRY(lk_task_evaluate(e->task, params, part, e->lanes, e->loss + first, e->counts));
  }
  e->counts[e->count - 1] += e->batch.tokens;
  return LK_OK;
}

/* *state: the largest carried state. */
static lk_status run_batches(lk_evaluator *e, const lk_params *params, double *state) {
  lk_status status = LK_OK;
  const int64_t steps = lk_loader_steps(e->loader);
  for (int64_t step = 0; step < steps && status == LK_OK; step++) {
    status = lk_loader_batch(e->loader, 0, step, &e->batch);
    if (status == LK_OK) status = run_batch(e, params);
    *state = fmax(*state, lk_task_largest_state(e->task, e->lanes, e->own_lanes));
    have_done(e, (double)(step + 1) / (double)steps);
  }
  return status;
}

static lk_status read_lane(lk_evaluator *e, ptrdiff_t lane, double *state) {
  int shard;
  ptrdiff_t n;
  lk_inputs text;
  double log_p = 0;
  const ptrdiff_t most = lk_adapter_segment(e->adapter);
  lk_loader_lane(e->loader, lane, &text, &n, &shard);
  lk_adapter_reset(e->adapter);
  for (ptrdiff_t at = 0, some; at < n; at += some) {
    some = n - at < most ? n - at : most;
    LK_TRY(lk_adapter_read(e->adapter, &text, at, some, at == 0, &log_p));
    *state = fmax(*state, lk_task_largest_state(e->task, lk_adapter_states(e->adapter), 1));
    have_done(e, ((double)lane + (double)(at + some) / (double)n) / (double)e->own_lanes);
  }
  e->loss[shard] -= log_p;
  e->counts[0] += n;
  e->counts[e->count - 1] += n;
  return LK_OK;
}

static lk_status read_lanes(lk_evaluator *e, double *state) {
  for (ptrdiff_t lane = 0; lane < e->own_lanes; lane++) LK_TRY(read_lane(e, lane, state));
  return LK_OK;
}

void lk_evaluator_adapt(lk_evaluator *e, lk_adapter *adapter) { e->adapter = adapter; }

lk_status lk_evaluator_run(lk_evaluator *e, const lk_params *params, lk_evaluation *result) {
  double start = lk_clock_seconds(), state = 0;
  memset(e->loss, 0, sizeof(double) * (size_t)e->shards.count);
  memset(e->counts, 0, sizeof(int64_t) * (size_t)e->count);
  LK_TRY(lk_comm_agree(e->comm, e->adapter ? read_lanes(e, &state) : run_batches(e, params, &state)));
  LK_TRY(lk_comm_allgather_shards(e->comm, e->shards.total, e->loss, e->all_loss, sizeof(double)));
  LK_TRY(lk_comm_sum_counts(e->comm, e->counts, e->count));
  *result = (lk_evaluation){.counts = e->counts, .tokens = e->counts[e->count - 1]};
  result->unseen = lk_task_unseen_units(e->task, e->counts);
  result->units = e->counts[0] + result->unseen;
  result->metrics = lk_task_metrics(e->task, lk_tree_sum(e->all_loss, e->shards.total), e->counts, result->metric);
  for (int s = 0; s < e->shards.count; s++) e->state[s] = state;
  result->lanes = e->all_lanes;
  LK_TRY(gather_state(e, &result->largest_state));
  result->seconds = lk_clock_seconds() - start;
  warn(e, result);
  return LK_OK;
}

void lk_evaluator_note_pairs(lk_evaluator *e) { lk_task_note_pairs(e->task, &e->pairs); }

/* Merge the concatenated lists of all ranks; rank 0. */
static lk_status merge(lk_pair **list, ptrdiff_t *count) {
  lk_pairs all = {0};
  lk_status status = LK_OK;
  for (ptrdiff_t i = 0; i < *count && status == LK_OK; i++)
    status = lk_pairs_add(&all, (*list)[i].gold, (*list)[i].found, (*list)[i].count);
  free(*list);
  lk_pairs_take(&all, list, count);
  return status;
}

static lk_status gather(lk_evaluator *e, const lk_pair *mine, const size_t *bytes_of, lk_pair **list,
                        ptrdiff_t *count) {
  const int root = lk_comm_rank(e->comm) == 0;
  size_t bytes = 0;
  for (int r = 0; r < lk_comm_size(e->comm); r++) bytes += bytes_of[r];
  LK_TRY(lk_comm_agree(e->comm, root ? lk_alloc(list, bytes / sizeof **list + 1, sizeof **list) : LK_OK));
  LK_TRY(lk_comm_gather(e->comm, mine, *list, bytes_of, 0));
  *count = root ? (ptrdiff_t)(bytes / sizeof **list) : 0;
  return lk_comm_agree(e->comm, root ? merge(list, count) : LK_OK);
}

lk_status lk_evaluator_pairs(lk_evaluator *e, lk_pair **list, ptrdiff_t *count) {
  lk_pair *mine = NULL;
  ptrdiff_t n = 0;
  size_t *bytes_of = NULL;
  lk_status status;
  *list = NULL;
  *count = 0;
  lk_pairs_take(&e->pairs, &mine, &n);
  LK_GO(lk_comm_agree(e->comm, lk_alloc(&bytes_of, (size_t)lk_comm_size(e->comm), sizeof *bytes_of)));
  const size_t bytes = (size_t)n * sizeof *mine;
  LK_GO(lk_comm_allgather_each(e->comm, &bytes, bytes_of, sizeof bytes));
  LK_GO(gather(e, mine, bytes_of, list, count));
done:
  if (status != LK_OK) {
    free(*list);
    *list = NULL;
  }
  free(mine);
  free(bytes_of);
  return status;
}

const lk_metric *lk_evaluation_metric(const lk_evaluation *result, const char *name) {
  for (int i = 0; i < result->metrics; i++)
    if (strcmp(result->metric[i].name, name) == 0) return &result->metric[i];
  return NULL;
}
