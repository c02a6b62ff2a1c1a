#include "measure.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "kernels.h"

typedef struct work {
  lk_run *run;
  lk_loader *loader;
  lk_arena arena;
  lk_batch batch;
  lk_shards shards;
  double *loss; /* [shards] */
  lk_pairs pairs;
} work;

lk_split lk_measured_split(const lk_corpus_info *info) {
  for (int s = LK_SPLITS - 1; s > 0; s--)
    if (info->tokens[s] > 0) return (lk_split)s;
  return LK_TRAIN;
}

static void layout(work *w) {
  lk_loader_layout(w->loader, &w->batch, &w->arena);
  w->loss = lk_arena_take(&w->arena, sizeof(double) * (size_t)w->shards.count);
}

/* Each batch is a random sample of all lengths (pools of one batch), so that the first of them stand for all. */
static lk_status open_loader(work *w, lk_measured *m) {
  lk_task *task = w->run->model.task;
  lk_loader_settings settings = lk_task_loading(task, m->split);
  settings.seed = 1;
  settings.batch = (ptrdiff_t)w->run->model.config.eval.batch;
  settings.pool = 1;
  settings.shuffle = true;
  LK_TRY(lk_loader_open(&w->loader, w->run->corpus, &w->shards, &settings));
  LK_TRY(lk_task_unseen(task, &lk_corpus_about(w->run->corpus)->unseen));
  LK_TRY(lk_task_reserve_for(task, w->loader, 1, 0));
  layout(w);
  LK_TRY(lk_arena_reserve(&w->arena));
  layout(w);
  return lk_alloc(&m->counts, (size_t)lk_task_counts(task) + 1, sizeof *m->counts);
}

static lk_status evaluate(work *w, double seconds, lk_measured *m) {
  const double until = lk_clock_seconds() + seconds;
  lk_task *task = w->run->model.task;
  m->all_steps = lk_loader_steps(w->loader);
  lk_task_pack(task, w->run->model.params);
  lk_task_note_pairs(task, &w->pairs);
  do {
    LK_TRY(lk_loader_batch(w->loader, 0, m->steps, &w->batch));
    LK_TRY(lk_task_evaluate(task, w->run->model.params, &w->batch, NULL, w->loss, m->counts));
  } while (++m->steps < m->all_steps && lk_clock_seconds() < until);
  m->metrics = lk_task_metrics(task, lk_tree_sum(w->loss, w->shards.total), m->counts, m->metric);
  lk_pairs_take(&w->pairs, &m->pair, &m->pairs);
  return LK_OK;
}

lk_status lk_measure(lk_run *run, double seconds, lk_measured *m) {
  work w = {.run = run, .shards = lk_shards_make((int)lk_checkpoint_state(run->model.file)->shards, 0, 1)};
  *m = (lk_measured){.split = lk_measured_split(lk_corpus_about(run->corpus))};
  lk_status status = open_loader(&w, m);
  if (status == LK_OK) status = evaluate(&w, seconds, m);
  lk_task_note_pairs(run->model.task, NULL);
  lk_loader_close(&w.loader);
  lk_arena_release(&w.arena);
  lk_pairs_release(&w.pairs);
  if (status != LK_OK) lk_measured_release(m);
  return status;
}

void lk_measured_release(lk_measured *m) {
  free(m->counts);
  free(m->pair);
  *m = (lk_measured){0};
}
