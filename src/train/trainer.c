#include "trainer.h"

#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "build_impl.h"

typedef struct run_end {
  const char *reason; /* why it stopped, for a message */
  int64_t step;
} run_end;

static bool evaluation_due(const lk_trainer *t) {
  int64_t every = t->config->eval.every;
  return every > 0 ? t->state.step % every == 0 : t->state.step_in_epoch == 0;
}

static bool improves(const lk_trainer *t, const lk_metric *metric) {
  if (!isfinite(metric->value)) return false;
  if (t->state.best_step == 0) return true;
  return metric->rising ? metric->value > t->state.best : metric->value < t->state.best;
}

/* What a regular evaluation changes. The one at the end of a run is not counted, as the run may be resumed with another
 * limit and would then have evaluated at other steps; a best model that it found stays the best. True: the rate falls.
 */
static bool count_evaluation(lk_trainer *t, const lk_metric *metric, int best) {
  t->state.evaluations++;
  t->state.bad_evaluations = best ? 0 : t->state.bad_evaluations + 1;
  const bool falls = lk_schedule_evaluated(t->schedule, metric->value, metric->rising);
  if (lk_average_evaluated(t->average, &t->state, metric->value, metric->rising))
    LK_INFO("step %lld: validation no longer improves: the average of the weights begins with the next step",
            (long long)t->state.step);
  return falls;
}

/* Validate (the average of the weights, where there is one), remember the best model, inform the schedule. *best: this
 * is the best so far. */
static lk_status evaluate(lk_trainer *t, int *best) {
  lk_evaluation result;
  *best = 0;
  if (!t->valid || t->evaluated) return LK_OK;
  lk_watchdog_phase(t->comm, LK_PHASE_EVALUATION, t->state.step);
  LK_TRY(lk_weights_settle(&t->weights));
  LK_TRY(lk_trainer_swap_average(t));
  LK_TRY(lk_evaluator_run(t->valid, t->params, &result));
  LK_TRY(lk_trainer_swap_average(t));
  if (result.seconds > t->evaluation_seconds) t->evaluation_seconds = result.seconds;
  const lk_metric *metric = lk_evaluation_metric(&result, t->config->eval.metric);
  LK_ASSERT(metric); /* lk_evaluator_check() */
  *best = improves(t, metric);
  if (*best) t->state.best = metric->value, t->state.best_step = t->state.step;
  const bool falls = evaluation_due(t) && count_evaluation(t, metric, *best);
  t->evaluated = true;
  t->saved = false; /* the last checkpoint lacks this */
  LK_TRY(lk_comm_agree(t->comm, lk_progress_evaluation(t, "valid", &t->state, &result)));
  t->times.seconds[LK_TIME_EVALUATION] += result.seconds;
  LK_TRY(lk_starts_use(t, NULL));
  t->window_start += result.seconds; /* the window measures training alone */
  lk_meter_pause(&t->meter, result.seconds);
  return falls && t->config->train.restore_best ? lk_trainer_restore_best(t) : LK_OK;
}

/* Update the counters after a step. The window of the training loss ends with the epoch at the latest. */
static lk_status count_step(lk_trainer *t, const lk_step *step) {
  t->evaluated = t->saved = t->tested = t->remainder_logged = false;
  t->state.step++;
  t->state.step_in_epoch++;
  if (!step->skipped) {
    t->state.units += step->units;
    t->state.loss_sum += step->loss;
    t->state.loss_units += (double)step->units;
  }
  if (t->state.step >= t->state.rollback_from) t->state.rollbacks = 0;
  t->window_tokens += step->tokens;
  t->last = *step;
  bool epoch_ends = t->state.step_in_epoch == t->steps_in_epoch;
  if (epoch_ends) t->state.epoch++, t->state.step_in_epoch = 0;
  lk_progress_step(t, step);
  if (epoch_ends || t->state.step % LK_LOSS_WINDOW == 0) return lk_comm_agree(t->comm, lk_progress_window(t, step));
  return LK_OK;
}

/* The last validation, then the last checkpoint. Called a second time it does nothing. */
static lk_status conclude(lk_trainer *t) {
  int best = 0;
  LK_TRY(lk_comm_agree(t->comm, lk_progress_remainder(t)));
  LK_TRY(evaluate(t, &best));
  return t->saved ? LK_OK : lk_trainer_save(t, best);
}

/* After a step: evaluate, save, compare the replicas, where due. */
static lk_status evaluate_and_save(lk_trainer *t, const lk_step *step) {
  int best = 0;
  if (lk_trainer_over(t)) return conclude(t);
  int64_t every = t->config->checkpoint.every, check = t->config->parallel.check_every;
  if (evaluation_due(t)) LK_TRY(evaluate(t, &best));
  /* while steps are skipped the weights may be bad already: a checkpoint of them could displace a good one */
  if (t->saved) return LK_OK; /* lk_trainer_restore_best() */
  if (best || (t->state.skips == 0 && ((every > 0 && t->state.step % every == 0) || (step->flags & LK_FLAG_SAVE))))
    return lk_trainer_save(t, best);
  if (check > 0 && t->state.step % check == 0) return lk_trainer_check_replicas(t);
  return LK_OK;
}

static lk_status after_step(lk_trainer *t, const lk_step *step) {
  LK_TRY(count_step(t, step));
  LK_TRY(evaluate_and_save(t, step));
  return lk_trainer_follow_restart_plan(t);
}

static lk_status loop(lk_trainer *t, run_end *end, int64_t *flags) {
  lk_step step;
  t->started = t->saved_at = t->window_start = lk_clock_seconds();
  lk_meter_start(&t->meter, t->started);
  LK_TRY(lk_trainer_start_point(t));
  while (!(end->reason = lk_trainer_over(t))) {
    const double began = lk_clock_seconds();
    LK_TRY(lk_trainer_step(t, &step));
    const double seconds = lk_clock_seconds() - began;
    if (seconds > t->longest_step) t->longest_step = seconds;
    lk_watchdog_stepped(t->comm, seconds);
    if (step.rollback) LK_TRY(lk_trainer_rollback(t, &step));
    if (!step.rollback) LK_TRY(after_step(t, &step));
    *flags = step.flags;
    if (step.flags & LK_FLAG_SIGNAL)
      end->reason = t->host->owns_process ? "a signal asked for it" : "it was asked to stop";
    else if (step.flags & LK_FLAG_LIMIT)
      end->reason = "the job's time is nearly over";
    else if (step.flags & LK_FLAG_TIME)
      lk_trainer_time_over(t);
    if (end->reason) break;
  }
  return lk_weights_settle(&t->weights);
}

static void warn_of_no_average(const lk_trainer *t) {
  if (lk_average_wanted(t->config) && !lk_average_holds(&t->state))
    LK_WARN("train.average: at the end of the run there is no average (%s) yet: last.h5 has the weights as they are",
            t->config->train.average);
}

static bool test_due(const lk_trainer *t) { return lk_trainer_has(t, LK_TEST) && !t->tested; }

/* Evaluate the test split with the best weights. */
static lk_status test(lk_trainer *t) {
  lk_status status = LK_OK;
  lk_evaluator *test = NULL;
  lk_evaluation result;
  lk_state of = {0};
  lk_buffer path = {0};
  const char *name = t->state.best_step > 0 ? "best" : "last";
  LK_GO(lk_comm_agree(t->comm, lk_buffer_printf(&path, "%s/%s.h5", t->config->run.dir, name)));
  LK_GO(
      lk_evaluator_create(&test, t->comm, t->corpus, &t->shards, t->task, lk_trainer_evaluation_settings(t, LK_TEST)));
  LK_GO(lk_trainer_load(t, path.data, &of));
  LK_GO(lk_evaluator_run(test, t->params, &result));
  LK_GO(lk_comm_agree(t->comm, lk_progress_evaluation(t, "test", &of, &result)));
done:
  lk_evaluator_destroy(&test);
  lk_buffer_release(&path);
  return status;
}

static lk_status tell_stopped(const lk_trainer *t, int64_t flags, int64_t step) {
  const char *why = t->host->owns_process ? "by a signal" : "on request";
  if (!(flags & LK_FLAG_SIGNAL)) why = "before the job's time is over";
  return LK_FAIL(LK_STOPPED, "stopped %s at step %lld with the state saved in %s: %s again to go on", why,
                 (long long)step, t->config->run.dir,
                 t->host->owns_process ? "run the same command" : "train with the same settings");
}

static lk_status run(lk_trainer *t, run_end *end) {
  int64_t flags = 0;
  const bool over = lk_trainer_over(t) && (t->evaluated || !t->valid) && !test_due(t);
  if (!over) LK_TRY(lk_starts_begin(t));
  LK_TRY(loop(t, end, &flags));
  lk_progress_close(t);
  end->step = t->state.step;
  if (over) {
    LK_INFO("this run is over already (%s at step %lld): raise the limit, or choose another run.dir to begin anew",
            end->reason, (long long)end->step);
    return LK_OK;
  }
  const bool stopped = flags & (LK_FLAG_SIGNAL | LK_FLAG_LIMIT);
  if (!stopped)
    LK_TRY(conclude(t));
  else if (!t->saved)
    LK_TRY(lk_trainer_save(t, 0));
  LK_TRY(lk_comm_agree(t->comm, lk_saver_wait(t)));
  LK_TRY(lk_starts_use(t, end->reason));
  if (stopped) return tell_stopped(t, flags, end->step);
  warn_of_no_average(t);
  return test_due(t) ? test(t) : LK_OK;
}

void lk_trainer_release(lk_trainer *t) {
  lk_status ignored = lk_saver_wait(t);
  (void)ignored; /* reported already, or less important than an earlier failure */
  lk_evaluator_destroy(&t->valid);
  lk_schedule_destroy(&t->schedule);
  lk_optimizer_destroy(&t->optimizer);
  lk_average_destroy(&t->average);
  lk_reduction_destroy(&t->reduction);
  lk_replicas_destroy(&t->replicas);
  lk_loader_close(&t->loader);
  lk_task_destroy(&t->task);
  lk_params_destroy(&t->params);
  lk_corpus_close(&t->corpus);
  lk_arena_release(&t->arena);
  lk_buffer_release(&t->config_text);
  lk_buffer_release(&t->whole_dir);
  lk_buffer_release(&t->whole_corpus);
  lk_buffer_release(&t->resume_path);
  lk_buffer_release(&t->damaged);
  free(t->tensors);
  lk_recorders_release(&t->recorders);
  free(t->train_history.rows);
  free(t->valid_history.rows);
  lk_watchdog_stop(t->comm);
  lk_log_close();
  lk_owner_release(&t->owner);
}

/* How the run ended. A failure goes to the log file only: the caller prints it. */
static void log_end(const lk_trainer *t, lk_status status, const run_end *end) {
  if (t->rank != 0) return;
  if (status == LK_OK)
    LK_INFO("done at step %lld: %s", (long long)end->step, end->reason);
  else
    lk_log_record(status == LK_STOPPED ? LK_LOG_INFO : LK_LOG_ERROR, "%s", lk_error_get()->text);
}

lk_status lk_train(const lk_config *config, lk_comm *comm, const lk_train_host *host) {
  lk_trainer t = {.config = config, .host = host, .comm = comm, .rank = lk_comm_rank(comm), .size = lk_comm_size(comm)};
  run_end end = {.reason = "it did not start"};
  fenv_t caller; /* denormals are flushed to zero during the run only */
  fegetenv(&caller);
  lk_stop_begin(host->owns_process);
  lk_status status = lk_trainer_build(&t);
  if (status == LK_OK) status = run(&t, &end);
  lk_log_progress_end(false);
  log_end(&t, status, &end);
  lk_trainer_release(&t);
  lk_stop_end(host->owns_process);
  fesetenv(&caller);
  return status;
}
