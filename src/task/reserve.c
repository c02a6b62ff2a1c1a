/* reserve.c - a task's memory: packed weights, and buffers for the largest batch. */
#include "task_impl.h"

static ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

/* Units of batches of at most B sequences and N rows. */
static ptrdiff_t units_of(const lk_task *task, ptrdiff_t B, ptrdiff_t N) { return task->kind->per_sequence ? B : N; }

static void layout_weights(lk_task *task, lk_arena *weights, int training) {
  task->kind->body->layout_weights(task, weights, training);
  lk_head_layout_weights(&task->head, weights, training);
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
  const bool same = task->kernels == lk_kernels_get();
  if (task->lent || (task->weights.base && task->weights_trained >= training && same)) return LK_OK;
  task->kernels = lk_kernels_get();
  layout_weights(task, &plan, training);
  task->weights_trained = training;
  task->packed = 0;
  task->weights.used = plan.used;
  LK_TRY(lk_arena_reserve(&task->weights));
  layout_weights(task, &task->weights, training);
  return LK_OK;
}

static void layout(lk_task *task, lk_arena *arena) {
  task->kind->body->layout(task, arena);
  if (task->kind->per_sequence) lk_pooling_layout(&task->pooling, arena, task->B, task->training);
  lk_head_layout(&task->head, arena, units_of(task, task->B, task->N), units_of(task, task->train_B, task->train_N),
                 task->training);
  if (task->kind->layout) task->kind->layout(task, arena);
}

static lk_status reserve(lk_task *task, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T, int training, int by_steps) {
  int enough = B <= task->B && N <= task->N && T <= task->T && (by_steps || !task->by_steps);
  if (training) enough = enough && task->training && B <= task->train_B && N <= task->train_N;
  if (enough && task->arena.base && (task->lent || task->kernels == lk_kernels_get())) return LK_OK;
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

/* Make room for so many rows of characters in a batch that is trained on; 0: as many as its words can have. */
static void expect_characters(lk_task *task, ptrdiff_t most) {
  ptrdiff_t *known = &task->encoder.input.characters_most;
  if (task->training && (*known == 0 || (most > 0 && most <= *known))) return;
  *known = most;
  task->train_B = task->train_N = 0; /* lay out again */
}

lk_status lk_task_reserve(lk_task *task, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T, int training) {
  if (training) expect_characters(task, 0);
  return reserve(task, B, N, T, training, 0);
}

lk_status lk_task_reserve_steps(lk_task *task, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T) {
  return reserve(task, B, N, T, 0, 1);
}

lk_status lk_task_reserve_for(lk_task *task, const lk_loader *loader, int parts, int training) {
  const lk_bounds most = lk_loader_bounds(loader, parts);
  if (training) expect_characters(task, most.characters);
  return reserve(task, most.B, larger(most.N, most.source_N), larger(most.T, most.source_T), training, 0);
}

/* ---- stages: the layers of the encoder, what else the body has, the head ---- */

int lk_task_stages(const lk_task *task) { return task->encoder.layers + (task->kind->body->pack != NULL) + 1; }

int lk_task_stage_end(const lk_task *task, const lk_params *params, int stage) {
  if (stage < task->encoder.layers) return task->encoder.end[stage];
  return stage + 1 < lk_task_stages(task) ? task->head_first : lk_params_tensors(params);
}

void lk_task_pack_stage(lk_task *task, const lk_params *params, int stage) {
  LK_ASSERT(task->weights.base);
  if (stage < task->encoder.layers)
    lk_encoder_pack_layer(&task->encoder, params, stage, task->weights_trained, task->part);
  else if (stage + 1 < lk_task_stages(task))
    task->kind->body->pack(task, params);
  else
    lk_head_pack(&task->head, params, task->weights_trained, task->part);
}

void lk_task_pack(lk_task *task, const lk_params *params) {
  for (int i = 0; i < lk_task_stages(task); i++) lk_task_pack_stage(task, params, i);
  task->packed = 1;
}
