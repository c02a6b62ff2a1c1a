/* task.c - the table of tasks, and their life: create, reserve, pack, destroy. What a pass does is in net.c. */
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "task_impl.h"

static const lk_task_kind *const kinds[] = {&lk_task_lm, &lk_task_classify, &lk_task_label, &lk_task_translate};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Evaluation and decoding never hold more logits than this at once, however large the vocabulary. */
static const ptrdiff_t most_logits = (ptrdiff_t)4 << 20, fewest_rows = 64;

const char *const *lk_task_names(size_t *count) {
  static const char *names[KINDS];
  for (size_t i = 0; i < KINDS; i++) names[i] = kinds[i]->name;
  *count = KINDS;
  return names;
}

lk_status lk_task_untied(const lk_config *config) {
  if (!config->model.tied) return LK_OK;
  return lk_config_error(config, "model.tied", "only language models and translators can tie their weights");
}

lk_status lk_task_tied_width(const lk_config *config) {
  const lk_config_model *m = &config->model;
  if (!m->tied || m->embedding == m->hidden) return LK_OK;
  return lk_config_error(config, "model.tied", "tied weights need model.embedding = model.hidden, found %lld and %lld",
                         (long long)m->embedding, (long long)m->hidden);
}

static lk_status find_kind(const lk_config *config, const lk_task_kind **kind) {
  size_t count, index;
  const char *const *names = lk_task_names(&count);
  LK_TRY(lk_config_choice(config, "task", names, count, &index));
  *kind = kinds[index];
  return (*kind)->settings ? (*kind)->settings(config) : LK_OK;
}

lk_status lk_task_check(const lk_config *config) {
  const lk_task_kind *kind;
  size_t count = 0, index;
  LK_TRY(find_kind(config, &kind));
  while (kind->metric_names[count]) count++;
  return lk_config_choice(config, "eval.metric", kind->metric_names, count, &index);
}

/* Names in the configuration are checked whatever the task makes of them. */
static lk_status choose(lk_task *task) {
  size_t count, index;
  LK_TRY(find_kind(task->config, &task->kind));
  const char *const *names = lk_pool_names(&count);
  LK_TRY(lk_config_choice(task->config, "model.pool", names, count, &index));
  task->pool = (lk_pool)index;
  return task->kind->check(task);
}

static lk_status declare(lk_task *task, lk_params *params) {
  const lk_config *config = task->config;
  const lk_corpus_info *info = task->info;
  lk_column_form columns[LK_MAX_COLUMNS];
  const int count = lk_corpus_columns(info, columns);
  LK_TRY(lk_encoder_declare(&task->encoder, params, config, columns, count));
  int shared = -1;
  ptrdiff_t width = task->encoder.width;
  if (task->kind->declare)
    LK_TRY(task->kind->declare(task, params, &width, &shared));
  else if (task->tied)
    shared = lk_input_layer_embedding(&task->encoder.input)->weight;
  return lk_dense_declare(&task->head.dense, params, "output", width, task->V, shared);
}

lk_status lk_task_create(lk_task **out, const lk_config *config, const lk_corpus_info *info, lk_params *params) {
  lk_task *task;
  lk_status status;
  *out = NULL;
  LK_TRY(lk_alloc(&task, 1, sizeof *task));
  task->config = config;
  task->info = info;
  LK_GO(choose(task));
  task->Vp = lk_padded(task->V);
  task->part = LK_WHOLE;
  task->unseen = 1;
  LK_GO(declare(task, params));
  *out = task;
  return LK_OK;
done:
  lk_task_destroy(&task);
  return status;
}

void lk_task_destroy(lk_task **task) {
  if (*task == NULL) return;
  if ((*task)->kind && (*task)->kind->release) (*task)->kind->release(*task);
  if (!(*task)->lent) lk_arena_release(&(*task)->weights);
  lk_arena_release(&(*task)->arena);
  free(*task);
  *task = NULL;
}

lk_view lk_task_view(const lk_task *task) { return task->kind->view; }

ptrdiff_t lk_task_carry_width(const lk_task *task) { return lk_encoder_carry_size(&task->encoder); }

ptrdiff_t lk_task_lane_width(const lk_task *task) {
  return task->kind->view == LK_VIEW_LM && task->info->stream ? lk_task_carry_width(task) : 0;
}

static ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

static ptrdiff_t train_units(const lk_task *task) { return task->kind->per_sequence ? task->train_B : task->train_N; }

/* Rows of logits: all of a training batch, for its gradient is made from them; else as many as the bound allows. */
static ptrdiff_t plan_logits(const lk_task *task) {
  ptrdiff_t units = task->kind->per_sequence ? task->B : task->N;
  ptrdiff_t rows = larger(most_logits / task->Vp, fewest_rows);
  return larger(train_units(task), units < rows ? units : rows);
}

static void layout_weights(lk_task *task, lk_arena *weights, int training) {
  lk_encoder_layout_weights(&task->encoder, weights, training);
  lk_dense_layout_weights(&task->head.dense, weights, training);
  if (task->kind->layout_weights) task->kind->layout_weights(task, weights, training);
}

size_t lk_task_weights(lk_task *task) {
  lk_arena plan = {0};
  layout_weights(task, &plan, 1);
  return plan.used;
}

void lk_task_weights_at(lk_task *task, void *memory, lk_part part) {
  LK_ASSERT(!task->weights.base && !task->arena.base);
  task->weights = (lk_arena){.base = memory, .reserved = lk_task_weights(task)};
  task->lent = task->weights_trained = 1;
  task->part = part;
  layout_weights(task, &task->weights, 1);
}

static lk_status reserve_weights(lk_task *task, int training) {
  lk_arena plan = {0};
  if (task->lent || (task->weights.base && task->weights_trained >= training)) return LK_OK;
  layout_weights(task, &plan, training);
  task->weights_trained = training;
  task->packed = 0;
  task->weights.used = plan.used;
  LK_TRY(lk_arena_reserve(&task->weights));
  layout_weights(task, &task->weights, training);
  return LK_OK;
}

static void layout(lk_task *task, lk_arena *arena) {
  ptrdiff_t units = task->kind->per_sequence ? task->B : task->N, carry = lk_task_carry_width(task);
  lk_encoder_layout(&task->encoder, arena, task->B, task->N, task->training);
  lk_dense_layout(&task->head.dense, arena, task->training);
  if (task->training) lk_output_layout(&task->head, arena, train_units(task));
  task->logit_rows = plan_logits(task);
  task->logits = lk_arena_reals(arena, task->logit_rows * task->Vp);
  task->loss = lk_arena_take(arena, (size_t)units * sizeof *task->loss);
  task->best = lk_arena_ints(arena, units);
  task->carry = lk_arena_reals(arena, task->B * carry);
  task->carry_next = lk_arena_reals(arena, task->B * carry);
  if (task->kind->layout) task->kind->layout(task, arena);
}

static lk_status reserve(lk_task *task, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T, int training, int by_steps) {
  int enough = B <= task->B && N <= task->N && T <= task->T && (by_steps || !task->by_steps);
  if (training) enough = enough && task->training && B <= task->train_B && N <= task->train_N;
  if (enough && task->arena.base) return LK_OK;
  task->by_steps = by_steps && (task->by_steps || !task->arena.base);
  task->B = larger(task->B, B);
  task->N = larger(task->N, N);
  task->T = larger(task->T, T);
  if (training) {
    task->train_B = larger(task->train_B, B);
    task->train_N = larger(task->train_N, N);
    task->training = 1;
  }
  LK_TRY(reserve_weights(task, task->training));
  lk_arena plan = {0};
  layout(task, &plan);
  task->arena.used = plan.used;
  LK_TRY(lk_arena_reserve(&task->arena));
  layout(task, &task->arena);
  return LK_OK;
}

lk_status lk_task_reserve(lk_task *task, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T, int training) {
  return reserve(task, B, N, T, training, 0);
}

lk_status lk_task_reserve_steps(lk_task *task, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T) {
  return reserve(task, B, N, T, 0, 1);
}

lk_status lk_task_reserve_for(lk_task *task, const lk_loader *loader, int training) {
  ptrdiff_t B, N, T, source_B, source_N, source_T;
  lk_loader_limits(loader, &B, &N, &T);
  lk_loader_encoder_limits(loader, &source_B, &source_N, &source_T);
  return lk_task_reserve(task, larger(B, source_B), larger(N, source_N), larger(T, source_T), training);
}

void lk_task_pack(lk_task *task, const lk_params *params) {
  LK_ASSERT(task->weights.base);
  lk_encoder_pack(&task->encoder, params, task->weights_trained, task->part);
  lk_dense_pack(&task->head.dense, params, task->weights_trained, task->part);
  if (task->kind->pack) task->kind->pack(task, params);
  task->packed = 1;
}

lk_status lk_task_status(const lk_task *task) { return task->status; }

ptrdiff_t lk_task_counts(const lk_task *task) { return task->kind->counts(task); }

/* Counts are numbers, tallies three of them each. */
static const lk_tally *tallies_at(const int64_t *counts, ptrdiff_t at) { return (const lk_tally *)(counts + at); }

lk_status lk_task_unseen(lk_task *task, const lk_strings *unseen) {
  task->unseen = unseen->count > 0 ? unseen->count : 1;
  if (!task->kind->spans) return LK_OK;
  lk_tagset_release(&task->tags);
  return lk_tagset_create(&task->tags, &task->info->label, unseen);
}

const lk_tally *lk_task_tallies(const lk_task *task, const int64_t *counts, ptrdiff_t *classes) {
  *classes = task->kind->tallies ? task->V + task->unseen : 0;
  return task->kind->tallies ? tallies_at(counts, task->kind->tallies(task)) : NULL;
}

int64_t lk_task_unseen_units(const lk_task *task, const int64_t *counts) {
  ptrdiff_t classes;
  const lk_tally *tally = lk_task_tallies(task, counts, &classes);
  return tally ? lk_tally_sum(tally + task->V, task->unseen).gold : 0;
}

const lk_tally *lk_task_spans(const lk_task *task, const int64_t *counts, const lk_tagset **tags) {
  *tags = task->kind->spans ? &task->tags : NULL;
  return task->kind->spans && task->tags.spans ? tallies_at(counts, task->kind->spans(task)) : NULL;
}

void lk_task_note_pairs(lk_task *task, lk_pairs *pairs) { task->pairs = pairs; }

void lk_task_tally(lk_task *task, const int32_t *target, ptrdiff_t n, lk_tally *tally) {
  for (ptrdiff_t i = 0; i < n; i++) {
    if (target[i] == LK_NO_LABEL) continue;
    const int32_t below = LK_UNSEEN_LABEL - target[i], found = task->best[i];
    const int32_t gold = below >= 0 ? (int32_t)task->V + below : target[i];
    LK_ASSERT(gold < task->V + task->unseen);
    tally[gold].gold++;
    tally[found].found++;
    if (gold == found) tally[gold].correct++;
    if (task->pairs && task->status == LK_OK) task->status = lk_pairs_add(task->pairs, gold, found, 1);
  }
}

int lk_task_metrics(const lk_task *task, double loss, const int64_t *counts, lk_metric metrics[LK_MAX_METRICS]) {
  double mean = counts[0] > 0 ? loss / (double)counts[0] : NAN;
  (void)lk_metric_put(metrics, 0, "loss", mean, 0);
  return task->kind->metrics(task, mean, counts, metrics);
}
