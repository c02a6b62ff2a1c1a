#include "lockstep/decode.h"

#include <stdlib.h>

#include "decode_impl.h"

typedef struct losses {
  double *loss; /* [N] */
  size_t capacity;
} losses;

static lk_status measure(losses *l, lk_model *model, const lk_batch *batch) {
  const lk_pack *pack = &batch->pack;
  LK_TRY(lk_task_reserve(model->task, pack->B, pack->N, pack->T, 0));
  LK_TRY(lk_grow(&l->loss, &l->capacity, (size_t)pack->N, sizeof *l->loss));
  ptrdiff_t units = lk_task_forward(model->task, model->params, batch, NULL), ld, V = lk_task_outputs(model->task, &ld);
  for (ptrdiff_t first = 0, n; first < units; first += n) {
    lk_real *logits = lk_task_logits(model->task, model->params, first, &n);
    lk_kernels_get()->softmax_loss(n, V, logits, ld, batch->target + first, 0, 0, l->loss + first, NULL);
  }
  return LK_OK;
}

static lk_score score_of(const losses *l, const lk_batch *batch, ptrdiff_t b) {
  lk_score score = {0};
  for (ptrdiff_t r = lk_pack_row(&batch->pack, b, 0); r >= 0; r = batch->pack.later[r]) {
    score.log_probability -= l->loss[r];
    score.units++;
    score.unknown += batch->target[r] == LK_UNK;
  }
  return score;
}

lk_status lk_score_lines(lk_model *model, const lk_lines *lines, lk_score *out) {
  if (lk_task_view(model->task) != LK_VIEW_LM)
    return LK_FAIL(LK_USAGE, "this model gives labels, no text: use predict; only a language model can score");
  lk_line_batch b = {.model = model, .lines = lines};
  losses l = {0};
  lk_status status;
  for (;;) {
    LK_GO(lk_line_batch_next(&b));
    if (b.count == 0) break;
    LK_GO(measure(&l, model, &b.batch));
    for (ptrdiff_t i = 0; i < b.count; i++)
      out[b.first + i] = b.seq[i] >= 0 ? score_of(&l, &b.batch, b.seq[i]) : (lk_score){0};
  }
done:
  free(l.loss);
  lk_line_batch_release(&b);
  return status;
}
