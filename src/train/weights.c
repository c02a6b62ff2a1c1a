#include "weights.h"

#include "clock.h"

static ptrdiff_t offset_of(const lk_weights *w, int tensor) {
  return tensor < lk_params_tensors(w->params) ? lk_params_at(w->params, tensor)->offset : lk_params_count(w->params);
}

static int end_of(const lk_weights *w, int stage) { return lk_task_stage_end(w->task, w->params, stage); }

/* Pack this rank's part of all stages whose values have arrived. */
static void pack_arrived(lk_weights *w) {
  const int before = w->packed;
  const double began = lk_clock_seconds();
  while (w->packed < w->stages && lk_replicas_reached(w->replicas, offset_of(w, end_of(w, w->packed))))
    lk_task_pack_stage(w->task, w->params, w->packed++);
  if (w->packed == before) return;
  lk_replicas_tell_packed(w->replicas, w->packed);
  w->packing += lk_clock_seconds() - began;
}

/* The first stages, ready to be read. */
static lk_status await_stages(lk_weights *w, int stages) {
  LK_TRY(lk_replicas_await(w->replicas, offset_of(w, end_of(w, stages - 1))));
  pack_arrived(w);
  return lk_replicas_await_packed(w->replicas, stages);
}

/* lk_params_awaited(): for all tensors before that one. */
static void need(void *context, int before) {
  lk_weights *w = context;
  int stages = 0;
  if (!w->under_way || w->failed != LK_OK) return;
  while (stages < w->stages && end_of(w, stages) <= before) stages++;
  if (stages > 0) {
    const double began = lk_clock_seconds(), packing = w->packing;
    w->failed = await_stages(w, stages);
    w->waited += lk_clock_seconds() - began - (w->packing - packing);
  } else if (lk_replicas_move(w->replicas) || w->packed < w->stages) {
    pack_arrived(w);
  }
}

lk_weights lk_weights_make(lk_task *task, lk_params *params, lk_replicas *replicas) {
  return (lk_weights){.task = task, .params = params, .replicas = replicas, .stages = lk_task_stages(task)};
}

lk_status lk_weights_begin(lk_weights *weights, const float *master, const uint8_t *changed, bool behind) {
  LK_ASSERT(!weights->under_way);
  weights->under_way = true;
  weights->packed = 0;
  weights->waited = weights->packing = 0;
  lk_params_awaited(weights->params, behind ? need : NULL, weights);
  LK_TRY(lk_replicas_begin(weights->replicas, master, changed));
  return behind ? LK_OK : lk_weights_settle(weights);
}

lk_status lk_weights_settle(lk_weights *weights) {
  if (!weights->under_way) return LK_OK;
  weights->under_way = false;
  lk_params_awaited(weights->params, NULL, NULL);
  LK_TRY(weights->failed);
  LK_TRY(lk_replicas_await(weights->replicas, lk_params_count(weights->params)));
  return await_stages(weights, weights->stages);
}

lk_status lk_weights_pack(lk_weights *weights) {
  LK_ASSERT(!weights->under_way);
  lk_task_pack(weights->task, weights->params);
  return lk_replicas_meet(weights->replicas);
}
