/* net.c - one pass through a net, the same for all tasks: body, pooling, head, and back. */
#include "task_impl.h"

void lk_net_ready(lk_task *task, const lk_params *params) {
  LK_ASSERT(task->packed || task->part.count == 1); /* shared weights need all ranks that pack a part of them */
  if (!task->packed) lk_task_pack(task, params);
}

static void forward(lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode, lk_real *lanes) {
  const lk_pack *pack = &batch->pack;
  lk_units *u = &task->units;
  LK_ASSERT(pack->B <= task->B && pack->N <= task->N && pack->T <= task->T);
  lk_net_ready(task, params);
  *u = (lk_units){.pack = pack, .n = pack->N, .target = batch->target};
  u->x = task->kind->body->forward(task, params, batch, mode, lanes, &u->ldx);
  lk_params_need(params, lk_params_tensors(params)); /* by the head */
  if (!task->kind->per_sequence) return;
  lk_pooling_forward(&task->pooling, pack, u->x, u->ldx);
  *u = (lk_units){.pack = pack,
                  .n = pack->B,
                  .target = batch->target,
                  .per_sequence = 1,
                  .x = task->pooling.y,
                  .ldx = task->pooling.ld};
}

static void backward(lk_task *task, const lk_batch *batch, lk_mode mode, const lk_grads *grads) {
  const lk_body *body = task->kind->body;
  const int pooled = task->kind->per_sequence;
  ptrdiff_t ld;
  lk_real *dy = body->gradient(task, &ld);
  lk_head_backward(&task->head, &task->units, pooled ? task->pooling.dy : dy, pooled ? task->pooling.ld : ld, grads);
  lk_grads_final(grads, task->head_first);
  if (pooled) lk_pooling_backward(&task->pooling, &batch->pack, dy, ld);
  const lk_shard_product tied = lk_head_tied(&task->head, &task->units);
  body->backward(task, batch, mode, task->head.dense.tied ? &tied : NULL, grads);
}

static int64_t shard_rows(const lk_pack *pack, int s) { return pack->shard_row[s + 1] - pack->shard_row[s]; }

void lk_task_train(lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode, lk_real *lanes,
                   lk_shard_stat *stat, const lk_grads *grads) {
  const lk_pack *pack = &batch->pack;
  LK_ASSERT(task->training);
  forward(task, params, batch, mode, lanes);
  lk_head_loss(&task->head, params, &task->units);
  for (int s = 0; s < pack->shards->count; s++) {
    stat[s] = (lk_shard_stat){.tokens = shard_rows(pack, s)};
    if (batch->decoder_ids) stat[s].tokens += shard_rows(&batch->encoder_pack, s);
    stat[s].loss = lk_head_shard_loss(&task->head, &task->units, s, &stat[s].units);
    if (mode.training) stat[s].loss += lk_encoder_penalty(&task->encoder, pack, s);
  }
  backward(task, batch, mode, grads);
}

lk_units lk_task_forward(lk_task *task, const lk_params *params, const lk_batch *batch, lk_real *lanes) {
  forward(task, params, batch, (lk_mode){0}, lanes);
  return task->units;
}

double lk_task_largest_state(const lk_task *task, const lk_real *lanes, ptrdiff_t count) {
  const ptrdiff_t n = lanes ? count * lk_task_lane_width(task) : 0;
  lk_real largest = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    const lk_real size = lanes[i] < 0 ? -lanes[i] : lanes[i]; /* fmax() with fabs() ends gcc 12 for aarch64 */
    if (size > largest) largest = size;
  }
  return (double)largest;
}

ptrdiff_t lk_task_carry_width(const lk_task *task) { return lk_encoder_carry_size(&task->encoder); }

ptrdiff_t lk_task_lane_width(const lk_task *task) {
  return task->kind->view == LK_VIEW_LM && task->info->stream ? lk_task_carry_width(task) : 0;
}

const lk_units *lk_task_units(const lk_task *task) { return &task->units; }

void lk_task_judged_by(lk_task *task, const lk_judge *judge) { task->judge = judge; }

lk_head *lk_task_head(lk_task *task) { return &task->head; }

lk_status lk_task_evaluate(lk_task *task, const lk_params *params, const lk_batch *batch, lk_real *lanes, double *loss,
                           int64_t *counts) {
  LK_ASSERT(!lanes || lk_task_lane_width(task) > 0);
  forward(task, params, batch, (lk_mode){0}, lanes);
  if (task->judge)
    LK_TRY(task->judge->judge(task->judge->context, batch, &task->units, task->head.loss, task->head.best));
  else
    lk_head_evaluate(&task->head, params, &task->units);
  for (int s = 0; s < batch->pack.shards->count; s++)
    loss[s] += lk_head_shard_loss(&task->head, &task->units, s, &counts[0]);
  return task->kind->count ? task->kind->count(task, params, batch, counts) : LK_OK;
}
