/* scores.c - what the head says of the targets of a batch. */
#include "decode_impl.h"

static ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

lk_status lk_scores_measure(lk_scores *s, lk_model *model, const lk_batch *batch) {
  const lk_pack *pack = &batch->pack, *other = &batch->encoder_pack;
  LK_TRY(
      lk_task_reserve(model->task, larger(pack->B, other->B), larger(pack->N, other->N), larger(pack->T, other->T), 0));
  LK_TRY(lk_grow(&s->log_p, &s->capacity, (size_t)pack->N, sizeof *s->log_p));
  const lk_units units = lk_task_forward(model->task, model->params, batch, NULL);
  lk_head_log_probability(lk_task_head(model->task), model->params, &units, s->log_p);
  return LK_OK;
}

lk_score lk_scores_sum(const lk_scores *s, const lk_batch *batch, ptrdiff_t b) {
  lk_score score = {0};
  for (ptrdiff_t r = lk_pack_row(&batch->pack, b, 0); r >= 0; r = batch->pack.later[r]) {
    score.log_probability += s->log_p[r];
    score.units++;
    score.unknown += batch->target[r] == LK_UNK;
  }
  return score;
}
