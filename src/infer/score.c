#include "decode.h"

#include <stdlib.h>

#include "decode_impl.h"

static ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

lk_status lk_losses_measure(lk_losses *l, lk_model *model, const lk_batch *batch) {
  const lk_pack *pack = &batch->pack, *other = &batch->encoder_pack;
  LK_TRY(
      lk_task_reserve(model->task, larger(pack->B, other->B), larger(pack->N, other->N), larger(pack->T, other->T), 0));
  LK_TRY(lk_grow(&l->loss, &l->capacity, (size_t)pack->N, sizeof *l->loss));
  ptrdiff_t units = lk_task_forward(model->task, model->params, batch, NULL), ld, V = lk_task_outputs(model->task, &ld);
  for (ptrdiff_t first = 0, n; first < units; first += n) {
    lk_real *logits = lk_task_logits(model->task, model->params, first, &n);
    lk_kernels_get()->softmax_loss(n, V, logits, ld, batch->target + first, 0, l->loss + first, NULL, NULL);
  }
  return LK_OK;
}

lk_score lk_losses_score(const lk_losses *l, const lk_batch *batch, ptrdiff_t b) {
  lk_score score = {0};
  for (ptrdiff_t r = lk_pack_row(&batch->pack, b, 0); r >= 0; r = batch->pack.later[r]) {
    score.log_probability -= l->loss[r];
    score.units++;
    score.unknown += batch->target[r] == LK_UNK;
  }
  return score;
}

lk_status lk_score_lines(lk_model *model, const lk_lines *lines, lk_score *out) {
  if (lk_task_view(model->task) == LK_VIEW_PAIRS) return lk_score_pairs(model, lines, out);
  if (lk_task_view(model->task) != LK_VIEW_LM)
    return LK_FAIL(LK_USAGE,
                   "this model gives labels, no text: use predict; only a language model or a translator can score");
  lk_line_batch b = {.model = model, .lines = lines};
  lk_losses l = {0};
  lk_status status;
  for (;;) {
    LK_GO(lk_line_batch_next(&b));
    if (b.count == 0) break;
    LK_GO(lk_losses_measure(&l, model, &b.batch));
    for (ptrdiff_t i = 0; i < b.count; i++)
      out[b.first + i] = b.seq[i] >= 0 ? lk_losses_score(&l, &b.batch, b.seq[i]) : (lk_score){0};
  }
done:
  free(l.loss);
  lk_line_batch_release(&b);
  return status;
}
