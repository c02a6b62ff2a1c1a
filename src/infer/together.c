/* together.c - evaluations measure what several models say of a unit together. */
#include <stdlib.h>

#include "mixture_impl.h"

struct lk_together {
  lk_model *model;
  lk_mixture mixture;
  lk_judge judge;
};

static ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

/* A further model's pass over the batch that the first has just seen. */
static lk_status forward(lk_voice *voice, const lk_batch *batch) {
  const lk_pack *pack = &batch->pack, *other = &batch->encoder_pack;
  lk_task *task = voice->model->task;
  LK_TRY(lk_task_reserve(task, larger(pack->B, other->B), larger(pack->N, other->N), larger(pack->T, other->T), 0));
  voice->units = lk_task_forward(task, voice->model->params, batch, NULL);
  return LK_OK;
}

static lk_status judge(void *context, const lk_batch *batch, const lk_units *units, double *loss, int32_t *best) {
  lk_mixture *m = context;
  m->voice[0].units = *units;
  for (int k = 1; k < m->count; k++) LK_TRY(forward(&m->voice[k], batch));
  lk_model *model = m->voice[0].model;
  lk_head *head = lk_task_head(model->task);
  if (lk_head_is_whole(head)) { /* loss and best are the head's */
    LK_TRY(lk_mixture_join(m));
    lk_head_evaluate(head, model->params, units);
    return LK_OK;
  }
  for (ptrdiff_t first = 0; first < units->n; first += m->n) {
    LK_TRY(lk_mixture_next(m, first));
    for (ptrdiff_t i = first; i < first + m->n; i++) {
      lk_mixture_at(m, i, 0);
      loss[i] = units->target[i] < 0 ? 0 : -lk_mixture_log_p(m, units->target[i]);
      best[i] = lk_mixture_best(m, NULL);
    }
  }
  return LK_OK;
}

lk_status lk_together_create(lk_together **together, lk_model *model) {
  LK_TRY(lk_alloc(together, 1, sizeof **together));
  lk_together *t = *together;
  t->model = model;
  t->judge = (lk_judge){.judge = judge, .context = &t->mixture};
  const lk_status status = lk_mixture_create(&t->mixture, model);
  if (status == LK_OK) lk_task_judged_by(model->task, &t->judge);
  if (status != LK_OK) lk_together_destroy(together);
  return status;
}

void lk_together_destroy(lk_together **together) {
  lk_together *t = *together;
  *together = NULL;
  if (!t) return;
  lk_task_judged_by(t->model->task, NULL);
  lk_mixture_release(&t->mixture);
  free(t);
}
