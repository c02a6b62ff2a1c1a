/* net.c - what a pass does, the same for all tasks: encoder, head, loss, and back. */
#include "task_impl.h"

#include <string.h>

/* The states that the sequences start from: their lanes' rows, NULL for zeros. */
static const lk_real *read_lanes(lk_task *task, const lk_batch *batch, const lk_real *lanes) {
  if (lanes == NULL || batch->lane == NULL || batch->reset) return NULL;
  ptrdiff_t width = lk_task_carry_width(task);
  for (ptrdiff_t b = 0; b < batch->pack.B; b++)
    memcpy(task->carry + b * width, lanes + batch->lane[b] * width, (size_t)width * sizeof *lanes);
  return task->carry;
}

static void write_lanes(lk_task *task, const lk_batch *batch, lk_real *lanes) {
  if (lanes == NULL || batch->lane == NULL || batch->pack.B == 0) return;
  ptrdiff_t width = lk_task_carry_width(task);
  lk_encoder_carry(&task->encoder, &batch->pack, task->carry_next);
  for (ptrdiff_t b = 0; b < batch->pack.B; b++)
    memcpy(lanes + batch->lane[b] * width, task->carry_next + b * width, (size_t)width * sizeof *lanes);
}

void lk_net_ready(lk_task *task, const lk_params *params) {
  LK_ASSERT(task->packed || task->part.count == 1); /* else all ranks would have to meet */
  if (!task->packed) lk_task_pack(task, params);
}

void lk_net_forward(lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode, lk_real *lanes) {
  const lk_pack *pack = &batch->pack;
  LK_ASSERT(pack->B <= task->B && pack->N <= task->N && pack->T <= task->T);
  lk_net_ready(task, params);
  if (task->kind->forward) {
    task->n = pack->N;
    task->kind->forward(task, params, batch, mode);
    return;
  }
  const lk_real *carry = read_lanes(task, batch, lanes);
  lk_encoder_forward(&task->encoder, params, pack, &batch->input, mode, carry);
  write_lanes(task, batch, lanes);
  task->x = lk_encoder_output(&task->encoder, &task->ldx);
  task->n = task->kind->per_sequence ? pack->B : pack->N;
  if (task->kind->gather) task->kind->gather(task, pack);
}

/* Sums of one shard, in the order of its rows. */
static double shard_loss(const lk_task *task, const int32_t *target, ptrdiff_t begin, ptrdiff_t end, int64_t *units) {
  double sum = 0;
  for (ptrdiff_t i = begin; i < end; i++) {
    if (target[i] < 0) continue;
    sum += task->loss[i];
    ++*units;
  }
  return sum;
}

static lk_targets targets_of(const lk_task *task, const lk_batch *batch) {
  return (lk_targets){batch->target, task->config->train.smoothing};
}

static void backward(lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode,
                     const lk_grads *grads) {
  const lk_pack *pack = &batch->pack;
  const ptrdiff_t *unit = lk_net_units(task, pack);
  ptrdiff_t lddx = task->ldx;
  lk_real *dx = task->dpooled;
  if (task->kind->gradient)
    dx = task->kind->gradient(task, &lddx);
  else if (!task->kind->per_sequence)
    dx = lk_encoder_output_gradient(&task->encoder, &lddx);
  lk_output_backward(&task->head, unit, task->x, task->ldx, targets_of(task, batch), task->logits, task->Vp, dx, lddx,
                     grads);
  if (task->kind->scatter) task->kind->scatter(task, pack);
  lk_shard_product tied = {
      unit, .dy = task->logits, .x = task->x, .ldy = task->Vp, .ldx = task->ldx, .K = task->head.dense.I};
  if (task->kind->backward)
    task->kind->backward(task, params, batch, mode, task->tied ? &tied : NULL, grads);
  else
    lk_encoder_backward(&task->encoder, pack, mode, NULL, task->tied ? &tied : NULL, NULL, grads);
}

static int64_t shard_rows(const lk_pack *pack, int s) { return pack->shard_row[s + 1] - pack->shard_row[s]; }

void lk_task_train(lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode, lk_real *lanes,
                   lk_shard_stat *stat, const lk_grads *grads) {
  LK_ASSERT(task->training);
  const lk_pack *pack = &batch->pack;
  lk_net_forward(task, params, batch, mode, lanes);
  LK_ASSERT(task->n <= task->logit_rows);
  lk_output_loss(&task->head, params, task->n, task->x, task->ldx, targets_of(task, batch), task->logits, task->Vp,
                 task->loss);
  const ptrdiff_t *unit = lk_net_units(task, pack);
  for (int s = 0; s < pack->shards->count; s++) {
    stat[s] = (lk_shard_stat){.tokens = shard_rows(pack, s)};
    if (batch->decoder_ids) stat[s].tokens += shard_rows(&batch->encoder_pack, s);
    stat[s].loss = shard_loss(task, batch->target, unit[s], unit[s + 1], &stat[s].units);
  }
  backward(task, params, batch, mode, grads);
}

ptrdiff_t lk_task_forward(lk_task *task, const lk_params *params, const lk_batch *batch, lk_real *lanes) {
  lk_net_forward(task, params, batch, (lk_mode){0}, lanes);
  return task->n;
}

ptrdiff_t lk_task_outputs(const lk_task *task, ptrdiff_t *ld) {
  *ld = task->Vp;
  return task->V;
}

lk_real *lk_task_logits(lk_task *task, const lk_params *params, ptrdiff_t first, ptrdiff_t *n) {
  LK_ASSERT(first >= 0 && first <= task->n);
  ptrdiff_t left = task->n - first;
  *n = left < task->logit_rows ? left : task->logit_rows;
  lk_dense_forward(&task->head.dense, params, *n, task->x + first * task->ldx, task->ldx, task->logits, task->Vp);
  return task->logits;
}

void lk_task_evaluate(lk_task *task, const lk_params *params, const lk_batch *batch, lk_real *lanes, double *loss,
                      int64_t *counts) {
  const lk_pack *pack = &batch->pack;
  LK_ASSERT(!lanes || lk_task_lane_width(task) > 0);
  ptrdiff_t units = lk_task_forward(task, params, batch, lanes);
  for (ptrdiff_t first = 0, n; first < units; first += n) {
    lk_real *logits = lk_task_logits(task, params, first, &n);
    lk_kernels_get()->softmax_loss(n, task->V, logits, task->Vp, batch->target + first, 0, task->loss + first,
                                   task->best + first, NULL);
  }
  const ptrdiff_t *unit = lk_net_units(task, pack);
  for (int s = 0; s < pack->shards->count; s++)
    loss[s] += shard_loss(task, batch->target, unit[s], unit[s + 1], &counts[0]);
  if (task->kind->count) task->kind->count(task, params, batch, counts);
}
