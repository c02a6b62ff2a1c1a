#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "durable.h"
#include "log.h"
#include "trainer_impl.h"

lk_status lk_progress_open(lk_trainer *t) {
  lk_status status = LK_OK;
  const char *dir = t->config->run.dir;
  lk_buffer path = {0}, checkpoints = {0};
  LK_GO(lk_buffer_printf(&checkpoints, "%s/checkpoints", dir));
  LK_GO(lk_durable_folder(checkpoints.data));
  LK_GO(lk_buffer_printf(&path, "%s/log.txt", dir));
  LK_GO(lk_log_open(path.data));
done:
  lk_buffer_release(&path);
  lk_buffer_release(&checkpoints);
  return status;
}

lk_status lk_progress_config(const lk_trainer *t) {
  lk_buffer path = {0};
  lk_status status = lk_buffer_printf(&path, "%s/config.yaml", t->config->run.dir);
  if (status == LK_OK) status = lk_durable_write(path.data, t->config_text.data, t->config_text.size);
  lk_buffer_release(&path);
  return status;
}

/* Validations from here to the last step, the one at the end included. */
static int64_t evaluations_left(const lk_trainer *t) {
  const int64_t every = t->config->eval.every > 0 ? t->config->eval.every : t->steps_in_epoch;
  return t->valid ? (t->last_step + every - 1) / every - t->state.step / every : 0;
}

/* Seconds until the nearest limit, evaluations included once one was measured; negative where there is no limit that
 * can be known beforehand. */
static double time_left(const lk_trainer *t) {
  double left = -1, spent = lk_trainer_spent(t);
  if (t->last_step > 0)
    left = (double)(t->last_step - t->state.step) * lk_meter_step_seconds(&t->meter) +
           (double)evaluations_left(t) * t->evaluation_seconds;
  double minutes = 60 * t->config->train.minutes - spent;
  if (t->config->train.minutes > 0 && (left < 0 || minutes < left)) left = minutes;
  return left;
}

static double epochs(const lk_trainer *t, const lk_state *at) {
  return (double)at->epoch + (double)at->step_in_epoch / (double)t->steps_in_epoch;
}

/* Prints as "nan", never as "-nan". */
static double unsigned_nan(double value) { return isnan(value) ? fabs(value) : value; }

/* Of the limit that comes first, as far as it can be known; negative where there is none. */
static double share_done(const lk_trainer *t) {
  double share = t->last_step > 0 ? (double)t->state.step / (double)t->last_step : -1;
  if (t->config->train.minutes > 0) share = fmax(share, lk_trainer_spent(t) / (60 * t->config->train.minutes));
  return share;
}

/* On every rank, alike but for what the caller makes of it. */
static void tell_host(const lk_trainer *t, lk_train_event event) {
  if (!t->host->event) return;
  event.step = t->state.step;
  event.epoch = epochs(t, &t->state);
  if (t->host->event(t->host->context, &event)) lk_train_stop();
}

static lk_series series(const lk_history *history) {
  return (lk_series){.at = history->rows, .count = history->count, .stride = LK_HISTORY_COLUMNS, .y = 2};
}

static void add_best(const lk_trainer *t, lk_live *live) {
  const char *metric = t->config->eval.metric;
  if (t->state.best_step > 0)
    lk_live_add_screen(live, 2, "best %s %.4f", strcmp(metric, "loss") == 0 ? "valid" : metric, t->state.best);
}

/* Rank 0. */
static lk_live live_state(const lk_trainer *t) {
  lk_live live = lk_live_make(share_done(t), time_left(t));
  char of[32] = "";
  if (t->last_step > 0) snprintf(of, sizeof of, "/%lld", (long long)t->last_step);
  lk_live_add(&live, 4, "step %lld%s", (long long)t->state.step, of);
  lk_live_add(&live, 6, "epoch %.2f", epochs(t, &t->state));
  lk_live_add(&live, 0, "loss %.4f", unsigned_nan(lk_meter_loss(&t->meter)));
  add_best(t, &live);
  lk_live_add(&live, 3, "%.0f tokens/s", lk_meter_tokens(&t->meter));
  lk_live_add(&live, 5, "rate %.3g", t->last.rate);
  if (t->lane_total > 0) lk_live_add(&live, 7, "state %.3g", t->last.state); /* the largest carried one */
  live.loss = series(&t->train_history);
  live.valid = series(&t->valid_history);
  return live;
}

void lk_progress_step(lk_trainer *t, const lk_step *step) {
  const double mean = step->units > 0 ? step->loss / (double)step->units : NAN;
  tell_host(t, (lk_train_event){.kind = LK_EVENT_STEP, .loss = mean, .rate = step->rate});
  if (t->rank != 0) return;
  lk_meter_step(&t->meter, lk_clock_seconds(), step->tokens, step->loss, step->skipped ? 0 : step->units);
  if (!lk_log_progress_due()) return;
  const lk_live live = live_state(t);
  lk_log_progress(t->config->log.every, &live);
}

void lk_progress_evaluating(void *trainer, double share) {
  const lk_trainer *t = trainer;
  if (t->rank != 0 || !lk_log_progress_due()) return;
  lk_live live = live_state(t);
  live.screen = true;
  lk_live_add(&live, 1, "validating %.0f%%", 100 * share);
  lk_log_progress(t->config->log.every, &live);
}

void lk_progress_close(const lk_trainer *t) {
  if (t->rank == 0 && t->meter.now.steps > 0) {
    lk_live live = live_state(t);
    live.screen = true;
    live.left = -1;
    lk_log_progress_after(0, 0);
    lk_log_progress(t->config->log.every, &live);
  }
  lk_log_progress_end(false);
}

static void record(const lk_trainer *t, const lk_state *at, double loss, double rate, double norm, double tokens,
                   double seconds, double row[LK_HISTORY_COLUMNS]) {
  const double values[LK_HISTORY_COLUMNS] = {(double)at->step, epochs(t, at), loss, rate, norm, tokens, seconds};
  memcpy(row, values, sizeof values);
}

int64_t lk_history_end(const lk_history *history) {
  return history->count > 0 ? (int64_t)history->rows[(history->count - 1) * LK_HISTORY_COLUMNS] : -1;
}

static lk_status remember(lk_history *history, const double row[LK_HISTORY_COLUMNS]) {
  size_t at = (size_t)history->count * LK_HISTORY_COLUMNS;
  LK_TRY(lk_grow(&history->rows, &history->capacity, at + LK_HISTORY_COLUMNS, sizeof(double)));
  memcpy(history->rows + at, row, LK_HISTORY_COLUMNS * sizeof(double));
  history->count++;
  return LK_OK;
}

/* Append the mean loss of the window to the history and record it; rank 0. */
static lk_status write_window(lk_trainer *t, double loss, const lk_step *step) {
  const lk_metric state = {.name = "largest_state", .value = step->state};
  lk_record row = {.kind = "train", .run_step = t->state.step, .metrics = &state, .count = t->lane_total > 0};
  record(t, &t->state, loss, step->rate, step->norm, (double)t->window_tokens, lk_clock_seconds() - t->window_start,
         row.row);
  if (t->rank != 0) return LK_OK;
  LK_TRY(remember(&t->train_history, row.row));
  LK_TRY(lk_owner_check(t->owner));
  return lk_recorders_write(&t->recorders, t->config, &row);
}

/* The end of a window: all ranks compare its mean loss with train.target_loss, rank 0 writes it down. */
lk_status lk_progress_window(lk_trainer *t, const lk_step *step) {
  if (t->state.loss_units > 0) t->state.last_train_loss = t->state.loss_sum / t->state.loss_units;
  const lk_status status = write_window(t, t->state.last_train_loss, step);
  t->state.loss_sum = t->state.loss_units = 0;
  t->window_tokens = 0;
  t->window_start = lk_clock_seconds();
  return status;
}

lk_status lk_progress_remainder(lk_trainer *t) {
  if (t->state.loss_units <= 0 || t->remainder_logged) return LK_OK;
  t->remainder_logged = true;
  t->saved = false; /* the last checkpoint lacks this */
  return write_window(t, t->state.loss_sum / t->state.loss_units, &t->last);
}

lk_status lk_progress_evaluation(lk_trainer *t, const char *kind, const lk_state *at, const lk_evaluation *result) {
  const lk_metric *metric = lk_evaluation_metric(result, t->config->eval.metric);
  tell_host(t, (lk_train_event){.kind = strcmp(kind, "test") == 0 ? LK_EVENT_TEST : LK_EVENT_VALID,
                                .loss = result->metric[0].value,
                                .metric = metric ? metric->name : NULL,
                                .value = metric ? metric->value : 0});
  if (t->rank != 0) return LK_OK;
  const int64_t since = lk_average_holds(at) ? (int64_t)at->average[LK_AVERAGE_BEGAN] : 0;
  lk_record row = {.kind = kind, .run_step = t->state.step, .averaged_since = since};
  record(t, at, result->metric[0].value, 0, 0, (double)result->tokens, result->seconds, row.row);
  lk_buffer words = {0};
  lk_status status = LK_OK;
  int count = result->metrics;
  lk_metric metric_of[LK_MAX_METRICS + 1];
  memcpy(metric_of, result->metric, (size_t)count * sizeof *metric_of);
  if (result->lanes > 0) metric_of[count++] = (lk_metric){.name = "largest_state", .value = result->largest_state};
  for (int i = 0; i < result->metrics; i++)
    LK_GO(lk_buffer_printf(&words, "  %s %.4f", result->metric[i].name, unsigned_nan(result->metric[i].value)));
  if (since > 0) LK_GO(lk_buffer_printf(&words, "  averaged since step %lld", (long long)since));
  const char *best = at->step < t->state.step ? "best of " : "";
  if (result->lanes > 0)
    LK_GO(lk_buffer_printf(&words, "  (%td lanes, largest state %.4g)", result->lanes, result->largest_state));
  LK_INFO("%s  %sstep %lld  epoch %.2f%s", kind, best, (long long)at->step, epochs(t, at), words.data);
  if (strcmp(kind, "valid") == 0) LK_GO(remember(&t->valid_history, row.row));
  LK_GO(lk_owner_check(t->owner));
  row.metrics = metric_of, row.count = count;
  LK_GO(lk_recorders_write(&t->recorders, t->config, &row));
done:
  lk_buffer_release(&words);
  return status;
}
