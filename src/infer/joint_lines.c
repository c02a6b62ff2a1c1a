/* joint_lines.c - lines on their way through one model or several. */
#include <stdlib.h>

#include "mixture_impl.h"

lk_status lk_joint_lines_begin(lk_joint_lines *j, lk_model *model, const lk_lines *lines) {
  LK_TRY(lk_mixture_create(&j->mixture, model));
  LK_TRY(lk_alloc(&j->batch, (size_t)j->mixture.count, sizeof *j->batch));
  for (int k = 0; k < j->mixture.count; k++)
    j->batch[k] = (lk_line_batch){.model = j->mixture.voice[k].model, .lines = lines};
  return LK_OK;
}

void lk_joint_lines_end(lk_joint_lines *j) {
  for (int k = 0; k < j->mixture.count && j->batch; k++) lk_line_batch_release(&j->batch[k]);
  free(j->batch);
  lk_mixture_release(&j->mixture);
}

lk_status lk_joint_lines_next(lk_joint_lines *j) {
  ptrdiff_t count = LK_LINES_MOST;
  for (int k = 0; k < j->mixture.count; k++) {
    LK_TRY(lk_line_batch_read(&j->batch[k]));
    if (j->batch[k].count < count) count = j->batch[k].count;
  }
  for (int k = 0; k < j->mixture.count && count > 0; k++) LK_TRY(lk_line_batch_make(&j->batch[k], count));
  return LK_OK;
}

/* The rows of a further model that belong to the first model's units of a line. */
static lk_status align(const lk_line_batch *first, const lk_line_batch *own, ptrdiff_t i, int32_t *rows) {
  const lk_pack *a = &first->batch.pack, *b = &own->batch.pack;
  if (lk_task_view(first->model->task) == LK_VIEW_CLASSIFY) {
    rows[first->seq[i]] = (int32_t)own->seq[i];
    return LK_OK;
  }
  ptrdiff_t r = lk_pack_row(a, first->seq[i], 0), s = lk_pack_row(b, own->seq[i], 0);
  for (; r >= 0 && s >= 0; r = a->later[r], s = b->later[s]) rows[r] = (int32_t)s;
  if (r < 0 && s < 0) return LK_OK;
  return LK_FAIL(LK_DATA, "%s:%lld: the models cut it into different numbers of words", first->lines->name,
                 (long long)(first->lines->first + first->first + i));
}

static lk_status align_all(lk_joint_lines *j, int k) {
  const lk_line_batch *first = &j->batch[0];
  lk_voice *voice = &j->mixture.voice[k];
  LK_TRY(lk_mixture_rows(voice, j->mixture.voice[0].units.n));
  for (ptrdiff_t i = 0; i < first->count; i++)
    if (first->seq[i] >= 0) LK_TRY(align(first, &j->batch[k], i, voice->rows));
  return LK_OK;
}

/* A line that is empty for one of the models is empty. True where all are. */
static bool drop_empty(lk_joint_lines *j) {
  bool empty = true;
  for (ptrdiff_t i = 0; i < j->batch[0].count; i++) {
    bool one = false;
    for (int k = 0; k < j->mixture.count; k++) one = one || j->batch[k].seq[i] < 0;
    if (one) j->batch[0].seq[i] = -1;
    empty = empty && one;
  }
  return empty;
}

static lk_status forward(lk_voice *voice, const lk_batch *batch) {
  const lk_pack *pack = &batch->pack;
  LK_TRY(lk_task_reserve(voice->model->task, pack->B, pack->N, pack->T, 0));
  voice->units = lk_task_forward(voice->model->task, voice->model->params, batch, NULL);
  return LK_OK;
}

lk_status lk_joint_lines_forward(lk_joint_lines *j, bool *empty) {
  lk_mixture *m = &j->mixture;
  for (int k = 0; k < m->count; k++) LK_TRY(forward(&m->voice[k], &j->batch[k].batch));
  *empty = drop_empty(j);
  for (int k = 1; k < m->count && !*empty; k++) LK_TRY(align_all(j, k));
  return m->count > 1 && !*empty && lk_mixture_is_one(m) ? lk_mixture_join(m) : LK_OK;
}
