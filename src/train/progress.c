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

/* "1h 02m", "3m 20s", "12s" */
static const char *say_seconds(double seconds, char out[32]) {
  long s = seconds < 0 ? 0 : (long)(seconds + 0.5);
  if (s >= 3600)
    snprintf(out, 32, "%ldh %02ldm", s / 3600, s % 3600 / 60);
  else if (s >= 60)
    snprintf(out, 32, "%ldm %02lds", s / 60, s % 60);
  else
    snprintf(out, 32, "%lds", s);
  return out;
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

/* "  3m 20s left"; never "0s left", as the last evaluation and save take time too. */
static const char *say_left(const lk_trainer *t, char out[48]) {
  char left[32];
  const double remaining = time_left(t);
  *out = '\0';
  if (remaining >= 0.5) (void)snprintf(out, 48, "  %s left", say_seconds(remaining, left));
  if (remaining >= 0 && remaining < 0.5) (void)snprintf(out, 48, "  nearly done");
  return out;
}

/* On every rank, alike but for what the caller makes of it. */
static void tell_host(const lk_trainer *t, lk_train_event event) {
  if (!t->host->event) return;
  event.step = t->state.step;
  event.epoch = epochs(t, &t->state);
  if (t->host->event(t->host->context, &event)) lk_train_stop();
}

/* "  state 3.1": the largest carried state, where there are lanes. */
static const char *say_state(const lk_trainer *t, double state, char out[32]) {
  *out = '\0';
  if (t->lane_total > 0) (void)snprintf(out, 32, "  state %.3g", state);
  return out;
}

void lk_progress_step(lk_trainer *t, const lk_step *step) {
  const double mean = step->units > 0 ? step->loss / (double)step->units : NAN;
  tell_host(t, (lk_train_event){.kind = LK_EVENT_STEP, .loss = mean, .rate = step->rate});
  if (t->rank != 0) return;
  lk_meter_step(&t->meter, lk_clock_seconds(), step->tokens, step->loss, step->skipped ? 0 : step->units);
  if (!lk_log_progress_due()) return;
  char of[32] = "", ends[48], state[32];
  if (t->last_step > 0) snprintf(of, sizeof of, "/%lld", (long long)t->last_step);
  const double loss = lk_meter_loss(&t->meter);
  lk_log_progress(t->config->log.every, "step %lld%s  epoch %.2f  loss %.4f  %.0f tokens/s  rate %.3g%s%s",
                  (long long)t->state.step, of, epochs(t, &t->state), unsigned_nan(loss), lk_meter_tokens(&t->meter),
                  step->rate, say_state(t, step->state, state), say_left(t, ends));
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

/* Append the mean loss of the window to the history and the metrics file; rank 0. */
static lk_status write_window(lk_trainer *t, double loss, const lk_step *step) {
  double row[LK_HISTORY_COLUMNS];
  const lk_metric state = {.name = "largest_state", .value = step->state};
  record(t, &t->state, loss, step->rate, step->norm, (double)t->window_tokens, lk_clock_seconds() - t->window_start,
         row);
  if (t->rank != 0) return LK_OK;
  LK_TRY(remember(&t->train_history, row));
  LK_TRY(lk_owner_check(t->owner));
  return lk_metrics_write(t->config->run.dir, "train", t->state.step, 0, &state, t->lane_total > 0, row);
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
  double row[LK_HISTORY_COLUMNS];
  record(t, at, result->metric[0].value, 0, 0, (double)result->tokens, result->seconds, row);
  const int64_t since = lk_average_holds(at) ? (int64_t)at->average[LK_AVERAGE_BEGAN] : 0;
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
  if (strcmp(kind, "valid") == 0) LK_GO(remember(&t->valid_history, row));
  LK_GO(lk_owner_check(t->owner));
  LK_GO(lk_metrics_write(t->config->run.dir, kind, t->state.step, since, metric_of, count, row));
done:
  lk_buffer_release(&words);
  return status;
}
