/* beam_writer.c - translations for evaluation, by beam search. */
#include <stdlib.h>

#include "beam_impl.h"

struct lk_beam_writer {
  lk_model *model;
  lk_translate how;
  lk_writer writer;
  lk_beam beam;
  lk_sources *sources;     /* [models] which read the same batch */
  int32_t *units, *length; /* [B, room], [B] the best of each source */
  size_t unit_capacity, length_capacity;
};

/* The units of a translation, its last node first. */
static void trace(const lk_beam *beam, const lk_finished *f, int32_t *units) {
  int32_t node = f->node;
  for (ptrdiff_t u = f->units - 1; u >= 0; u--, node = beam->node[node].parent) units[u] = beam->node[node].id;
}

static lk_status write_best(void *context, const lk_batch *batch, const int32_t **units, ptrdiff_t *room,
                            const int32_t **length) {
  lk_beam_writer *w = context;
  const lk_beam *beam = &w->beam;
  const ptrdiff_t B = batch->encoder_pack.B;
  ptrdiff_t longest = 1;
  for (int k = lk_model_count(w->model) - 1; k >= 0; k--) w->sources[k].batch = batch;
  LK_TRY(lk_beam_search(&w->beam, w->sources));
  for (ptrdiff_t b = 0; b < B; b++)
    if (beam->found[b] > 0 && beam->finished[b * beam->K].units > longest) longest = beam->finished[b * beam->K].units;
  LK_TRY(lk_grow(&w->units, &w->unit_capacity, (size_t)(B * longest), sizeof *w->units));
  LK_TRY(lk_grow(&w->length, &w->length_capacity, (size_t)B, sizeof *w->length));
  for (ptrdiff_t b = 0; b < B; b++) {
    const lk_finished *best = &beam->finished[b * beam->K];
    w->length[b] = beam->found[b] > 0 ? (int32_t)best->units : 0;
    if (beam->found[b] > 0) trace(beam, best, w->units + b * longest);
  }
  *units = w->units;
  *room = longest;
  *length = w->length;
  return LK_OK;
}

lk_status lk_beam_writer_create(lk_beam_writer **writer, lk_model *model, const lk_translate *how) {
  lk_beam_writer *w;
  LK_ASSERT(lk_task_view(model->task) == LK_VIEW_PAIRS && how->beam >= 1);
  LK_TRY(lk_alloc(writer, 1, sizeof **writer));
  w = *writer;
  w->model = model;
  const lk_status status = lk_alloc(&w->sources, (size_t)lk_model_count(model), sizeof *w->sources);
  if (status != LK_OK) lk_beam_writer_destroy(writer);
  LK_TRY(status);
  w->how = *how;
  w->how.nbest = 1;
  w->how.alignment = w->how.scores = false;
  w->beam = (lk_beam){.model = model, .how = &w->how};
  w->writer = (lk_writer){.write = write_best, .context = w};
  lk_translate_by(model->task, &w->writer);
  return LK_OK;
}

void lk_beam_writer_destroy(lk_beam_writer **writer) {
  lk_beam_writer *w = *writer;
  *writer = NULL;
  if (!w) return;
  lk_translate_by(w->model->task, NULL);
  lk_beam_release(&w->beam);
  free(w->sources);
  free(w->units);
  free(w->length);
  free(w);
}
