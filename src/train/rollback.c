/* rollback.c - go back to an earlier step and skip the batches that followed it (spike_impl.h). */
#include <string.h>

#include "clock.h"
#include "log.h"
#include "trainer_impl.h"

/* So that every run can go back at least to its beginning. */
lk_status lk_trainer_start_point(lk_trainer *t) {
  return t->spike.policy == LK_SPIKE_ROLLBACK && t->state.step == 0 ? lk_trainer_save(t, 0) : LK_OK;
}

/* Rank 0: put the checkpoint to resume from into resume_path and remove what was written after `step`. */
static lk_status rewind_folder(lk_trainer *t, int64_t step) {
  const lk_status status = lk_checkpoint_rewind(t->config->run.dir, step, &t->resume_path, &t->damaged);
  lk_trainer_warn_damaged(t);
  return status;
}

/* What the run does once it is at step plan.at again. The best model so far may be one of the steps that are undone: it
 * is forgotten then, since the best one before it may no longer exist. */
static lk_restart_plan plan(const lk_trainer *t) {
  const lk_state *s = &t->state;
  lk_restart_plan way = {.active = true, .epoch = s->epoch, .step_in_epoch = s->step_in_epoch + 1};
  if (way.step_in_epoch == t->steps_in_epoch) way.epoch++, way.step_in_epoch = 0;
  way.at = s->step > t->spike.back ? s->step - t->spike.back : 0;
  way.rollbacks = s->rollbacks + 1;
  way.from = s->rollback_from > s->step + 1 ? s->rollback_from : s->step + 1;
  way.forget_best = s->best_step > way.at;
  return way;
}

lk_status lk_trainer_follow_restart_plan(lk_trainer *t) {
  const lk_restart_plan way = t->restart_plan;
  if (!way.active || t->state.step != way.at) return LK_OK;
  t->restart_plan.active = false;
  t->state.epoch = way.epoch;
  t->state.step_in_epoch = way.step_in_epoch;
  t->state.rollbacks = way.rollbacks;
  t->state.rollback_from = way.from;
  if (way.forget_best) t->state.best = 0, t->state.best_step = 0;
  /* the running text continues at another place */
  if (t->lanes) memset(t->lanes, 0, sizeof *t->lanes * (size_t)(t->lane_count * t->lane_width));
  return lk_trainer_save(t, 0);
}

lk_status lk_trainer_rollback(lk_trainer *t, lk_step *step) {
  const lk_restart_plan way = plan(t);
  int64_t found = 0;
  lk_watchdog_phase(t->comm, LK_PHASE_CHECKPOINT, t->state.step);
  LK_TRY(lk_comm_agree(t->comm, lk_saver_wait(t)));
  LK_TRY(lk_comm_agree(t->comm, t->rank == 0 ? rewind_folder(t, way.at) : LK_OK));
  if (t->rank == 0) found = t->resume_path.size > 0;
  LK_TRY(lk_comm_broadcast(t->comm, &found, sizeof found, 0));
  if (!found) { /* train.spike was set after the run had begun, or its checkpoints were removed */
    LK_WARN("there is no intact checkpoint at or before step %lld to go back to: the step is skipped",
            (long long)way.at);
    step->rollback = false, step->skipped = true;
    LK_TRY(lk_trainer_count_skip(t, ++t->state.skips, LK_SPIKES_IN_A_ROW));
    return LK_OK;
  }
  const double now = lk_clock_seconds(), seconds = t->state.seconds + now - t->started;
  LK_TRY(lk_trainer_resume(t));
  t->state.seconds = seconds; /* training time does not go back */
  t->started = t->window_start = now;
  lk_meter_start(&t->meter, now);
  t->window_tokens = 0;
  t->restart_plan = way;
  return lk_trainer_follow_restart_plan(t);
}
