#include "trial.h"

#include <fenv.h>
#include <stdlib.h>
#include <string.h>

#include "build_impl.h"

enum { WARM_UP = 2, LEAST_STEPS = 3 };

static lk_status step(lk_trainer *t, double *tokens) {
  lk_step step;
  LK_TRY(lk_trainer_step(t, &step));
  t->state.step++;
  if (++t->state.step_in_epoch == t->steps_in_epoch) t->state.epoch++, t->state.step_in_epoch = 0;
  *tokens += (double)step.tokens;
  return LK_OK;
}

/* The rows of this rank's ranges that a measured step touches. */
static void note_rows(const lk_trainer *t, lk_trial *trial) {
  const uint8_t *touched = lk_reduction_touched(t->reduction);
  const int64_t number = trial->steps < LK_TRIAL_UNUSED ? trial->steps : LK_TRIAL_UNUSED - 1;
  for (int i = 0; touched && i < t->own->count; i++) {
    const lk_range rows = lk_replicas_rows(t->replicas, i);
    for (ptrdiff_t r = rows.begin; r < rows.end; r++)
      if (touched[r] && number < trial->first_use[r]) trial->first_use[r] = (uint8_t)number;
  }
}

/* ---- where the passes are when ---- */

typedef struct watcher {
  lk_trainer *t;
  lk_trial *trial;
  double began; /* the step at hand */
} watcher;

static void note(const watcher *w, lk_moments *moments, ptrdiff_t at) {
  lk_moments_note(moments, at, lk_clock_seconds() - w->began, w->trial->steps);
}

static void note_need(void *context, int before) {
  const watcher *w = context;
  const lk_params *params = w->t->params;
  if (before == 0) return;
  note(w, &w->trial->needed,
       before < lk_params_tensors(params) ? lk_params_at(params, before)->offset : lk_params_count(params));
}

static void note_final(void *context, ptrdiff_t offset) {
  const watcher *w = context;
  if (offset < lk_params_count(w->t->params)) note(w, &w->trial->final, offset);
}

static lk_status watch_step(watcher *w) {
  lk_params_awaited(w->t->params, note_need, w); /* until the update */
  w->began = lk_clock_seconds();
  return step(w->t, &w->trial->tokens);
}

/* Rank 0's clock decides for all. */
static lk_status is_over(const lk_trainer *t, const lk_trial *trial, double end, bool *over) {
  *over = trial->steps >= LEAST_STEPS && lk_clock_seconds() >= end;
  return lk_comm_broadcast(t->comm, over, sizeof *over, 0);
}

static lk_status measure(lk_trainer *t, lk_trial *trial, double seconds) {
  watcher w = {.t = t, .trial = trial};
  double ignored = 0;
  bool over = false;
  for (int i = 0; i < WARM_UP; i++) LK_TRY(step(t, &ignored));
  LK_TRY(lk_comm_barrier(t->comm));
  t->accumulate.whole.tell = note_final, t->accumulate.whole.context = &w;
  t->times = (lk_times){0};
  for (const double end = lk_clock_seconds() + seconds; !over; trial->steps++) {
    LK_TRY(watch_step(&w));
    note_rows(t, trial);
    LK_TRY(is_over(t, trial, end, &over));
  }
  t->accumulate.whole.tell = NULL;
  lk_params_awaited(t->params, NULL, NULL); /* the last step may not have been applied */
  trial->tokens /= (double)trial->steps;
  for (int i = 0; i < LK_TIME_PARTS; i++) trial->seconds[i] = t->times.seconds[i] / (double)trial->steps;
  return LK_OK;
}

/* The first use of each row over all ranks. */
static lk_status gather_rows(const lk_trainer *t, lk_trial *trial) {
  uint8_t *all = NULL;
  lk_status status = LK_OK;
  if (trial->rows == 0) return LK_OK;
  LK_GO(lk_comm_agree(t->comm, lk_alloc(&all, (size_t)(trial->rows * t->size), 1)));
  LK_GO(lk_comm_allgather_each(t->comm, trial->first_use, all, (size_t)trial->rows));
  for (int rank = 0; rank < t->size; rank++)
    for (ptrdiff_t r = 0; r < trial->rows; r++) {
      const uint8_t use = all[rank * trial->rows + r];
      if (use < trial->first_use[r]) trial->first_use[r] = use;
    }
done:
  free(all);
  return status;
}

/* As the ranks of a host do it, all at once. */
static lk_status measure_adding(const lk_trainer *t, lk_trial *trial) {
  enum { REPEATS = 5 };
  const ptrdiff_t n = trial->spec.P;
  float *x = NULL;
  lk_status status;
  LK_GO(lk_comm_agree(t->comm, lk_alloc(&x, 2 * (size_t)n, sizeof *x)));
  for (ptrdiff_t i = 0; i < 2 * n; i++) x[i] = 1; /* what was never written is one page of zeros, and stays in cache */
  for (int i = 0; i < REPEATS; i++) {
    const double began = lk_clock_seconds();
    lk_kernels_get()->add(n, x, x + n);
    const double seconds = (lk_clock_seconds() - began) / (double)n;
    if (i == 0 || seconds < trial->move_seconds) trial->move_seconds = seconds;
  }
done:
  free(x);
  return status;
}

static lk_status describe(const lk_trainer *t, lk_trial *trial) {
  trial->shards = t->shards.total;
  trial->spec = t->spec;
  trial->spec.blocks = trial->block;
  memcpy(trial->block, t->block, sizeof trial->block);
  for (int i = 0; i < trial->spec.block_count; i++) trial->rows += trial->block[i].rows;
  LK_TRY(lk_alloc(&trial->first_use, (size_t)trial->rows, 1));
  memset(trial->first_use, LK_TRIAL_UNUSED, (size_t)trial->rows);
  return LK_OK;
}

static lk_status run(lk_trainer *t, lk_trial *trial, double seconds) {
  LK_TRY(lk_trainer_read(t));
  LK_TRY(lk_trainer_join(t, (lk_kept){0}));
  lk_optimizer_begin(t->optimizer, lk_params_values(t->params));
  LK_TRY(lk_weights_pack(&t->weights));
  LK_TRY(lk_comm_agree(t->comm, describe(t, trial)));
  t->started = lk_clock_seconds();
  LK_TRY(measure(t, trial, seconds));
  LK_TRY(measure_adding(t, trial));
  return gather_rows(t, trial);
}

lk_status lk_trial_run(lk_trial *trial, const lk_config *config, lk_comm *comm, double seconds) {
  const lk_train_host nobody = {0};
  lk_trainer t = {
      .config = config, .host = &nobody, .comm = comm, .rank = lk_comm_rank(comm), .size = lk_comm_size(comm)};
  fenv_t caller;
  *trial = (lk_trial){0};
  fegetenv(&caller);
  lk_stop_begin(false);
  const lk_status status = run(&t, trial, seconds);
  lk_trainer_release(&t);
  lk_stop_end(false);
  fesetenv(&caller);
  if (status != LK_OK) lk_trial_release(trial);
  return status;
}

void lk_trial_release(lk_trial *trial) {
  free(trial->first_use);
  trial->first_use = NULL;
}

void lk_trial_rows(const lk_trial *trial, int steps, uint8_t *marks) {
  for (ptrdiff_t r = 0; r < trial->rows; r++)
    marks[r] = trial->first_use[r] != LK_TRIAL_UNUSED && trial->first_use[r] < steps;
}

void lk_moments_note(lk_moments *moments, ptrdiff_t at, double seconds, int64_t steps) {
  int i = 0;
  while (i < moments->count && moments->moment[i].at != at) i++;
  if (i == LK_MOST_MOMENTS) return;
  struct lk_moment *m = &moments->moment[i];
  if (i == moments->count) moments->count++, m->at = at;
  if (m->steps > steps) return;
  m->seconds += (seconds - m->seconds) / (double)++m->steps;
}
