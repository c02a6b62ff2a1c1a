/* run_lines.c - metrics.jsonl and starts.jsonl, line by line. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "run_impl.h"

static double number(const json_t *line, const char *key) {
  const json_t *value = json_object_get(line, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

static void copy_text(char *to, size_t size, const json_t *value) {
  (void)snprintf(to, size, "%s", json_is_string(value) ? json_string_value(value) : "");
}

/* The metric of that name, made where it is new; NULL where there are too many. */
static lk_run_metric *metric_of(lk_run *run, const char *name) {
  for (int i = 0; i < run->metrics; i++)
    if (strcmp(run->metric[i].name, name) == 0) return &run->metric[i];
  if (run->metrics == LK_RUN_METRICS || strlen(name) >= sizeof run->metric->name) return NULL;
  lk_run_metric *m = &run->metric[run->metrics++];
  *m = (lk_run_metric){.test = NAN};
  strcpy(m->name, name);
  return m;
}

static bool is_figure(const char *key) {
  static const char *const others[] = {
      "kind", "step", "run_step", "epoch", "tokens", "seconds", "tokens_per_second", "averaged_since", "largest_state"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (strcmp(key, others[i]) == 0) return false;
  return true;
}

/* Windows of training end with an epoch. One of a few steps, whose mean says little, is counted into the one before. */
static bool is_rest(const lk_run *run, double tokens) {
  enum { PART = 3 };
  return run->train.n > 0 && run->window_tokens > 0 && tokens < run->window_tokens / PART;
}

static void join(lk_curve *curve, double step, double value, double share) {
  if (curve->n == 0 || !isfinite(value) || step < curve->x[curve->n - 1]) return;
  curve->x[curve->n - 1] = step;
  curve->y[curve->n - 1] += share * (value - curve->y[curve->n - 1]);
}

static void take_training(lk_run *run, const json_t *line, double step, lk_status *status) {
  const double loss = number(line, "loss"), speed = number(line, "tokens_per_second"), tokens = number(line, "tokens");
  const double seconds = number(line, "seconds");
  if (is_rest(run, tokens)) {
    const double share = tokens / (tokens + run->window_tokens);
    join(&run->train, step, loss, share);
    join(&run->speed, step, speed, share);
  } else {
    (void)lk_curve_add(&run->train, step, loss, status);
    (void)lk_curve_add(&run->speed, step, speed, status);
    run->window_tokens = tokens;
  }
  (void)lk_curve_add(&run->rate, step, number(line, "rate"), status);
  (void)lk_curve_add(&run->norm, step, number(line, "norm"), status);
  if (seconds > 0) run->trained_seconds += seconds;
}

static void take_evaluation(lk_run *run, json_t *line, double step, bool test, lk_status *status) {
  const char *key;
  json_t *value;
  json_object_foreach(line, key, value) {
    lk_run_metric *m = json_is_number(value) && is_figure(key) ? metric_of(run, key) : NULL;
    if (!m) continue;
    if (test)
      m->test = json_number_value(value);
    else
      (void)lk_curve_add(&m->valid, step, json_number_value(value), status);
  }
  if (test) run->test_step = step;
}

/* False: it is no line of this file. */
static bool take_metrics(lk_run *run, json_t *line, lk_status *status) {
  const char *kind = json_string_value(json_object_get(line, "kind"));
  const double step = number(line, "step"), epoch = number(line, "epoch");
  if (!kind || !(step >= 0)) return false;
  if (strcmp(kind, "train") == 0)
    take_training(run, line, step, status);
  else if (strcmp(kind, "valid") == 0 || strcmp(kind, "test") == 0)
    take_evaluation(run, line, step, *kind == 't', status);
  else
    return false;
  run->last_step = fmax(run->last_step, step);
  if (epoch > run->epoch) run->epoch = epoch;
  return true;
}

static void take_start(lk_run *run, const json_t *line, double step, lk_status *status) {
  *status = lk_grow(&run->start, &run->start_capacity, (size_t)run->starts + 1, sizeof *run->start);
  if (*status != LK_OK) return;
  lk_run_start *s = &run->start[run->starts++];
  const double ranks = number(line, "ranks");
  *s = (lk_run_start){.step = step, .last_step = -1, .steps = -1, .memory = -1, .ranks = ranks >= 1 ? ranks : -1};
  copy_text(s->time, sizeof s->time, json_object_get(line, "time"));
  copy_text(s->version, sizeof s->version, json_object_get(line, "version"));
  copy_text(s->commit, sizeof s->commit, json_object_get(line, "commit"));
  copy_text(s->kernels, sizeof s->kernels, json_object_get(line, "kernels"));
  const char *host;
  json_t *value;
  json_object_foreach(json_object_get(line, "hosts"), host, value) {
    if (*status == LK_OK) *status = lk_strings_add(&s->hosts, host, strlen(host), (int64_t)json_integer_value(value));
  }
}

/* What the last start has used: each line has all so far. */
static void take_use(lk_run_start *s, const json_t *line, double step) {
  const char *name;
  size_t i;
  json_t *value;
  s->last_step = step;
  s->steps = number(line, "steps");
  s->parts = 0;
  json_object_foreach(json_object_get(line, "seconds"), name, value) {
    if (s->parts == LK_RUN_PARTS || !json_is_number(value)) continue;
    (void)snprintf(s->part[s->parts], sizeof s->part[0], "%s", name);
    s->seconds[s->parts++] = fmax(json_number_value(value), 0);
  }
  s->memory = s->largest_memory = 0;
  json_array_foreach(json_object_get(line, "memory"), i, value) {
    s->memory += json_number_value(value);
    s->largest_memory = fmax(s->largest_memory, json_number_value(value));
  }
  copy_text(s->end, sizeof s->end, json_object_get(line, "reason"));
}

static bool take_starts(lk_run *run, json_t *line, lk_status *status) {
  const char *kind = json_string_value(json_object_get(line, "kind"));
  const double step = number(line, "step");
  if (!kind || !(step >= 0)) return false;
  if (strcmp(kind, "start") == 0)
    take_start(run, line, step, status);
  else if ((strcmp(kind, "use") == 0 || strcmp(kind, "end") == 0) && run->starts > 0)
    take_use(&run->start[run->starts - 1], line, step);
  else
    return false;
  return true;
}

static lk_status read_lines(lk_run *run, const lk_buffer *text, bool (*take)(lk_run *, json_t *, lk_status *)) {
  lk_status status = LK_OK;
  for (size_t at = 0; at < text->size && status == LK_OK;) {
    const char *begin = text->data + at, *end = memchr(begin, '\n', text->size - at);
    const size_t size = end ? (size_t)(end - begin) : text->size - at;
    json_t *line = size > 0 ? json_loadb(begin, size, 0, NULL) : NULL;
    run->lines++;
    if (!take(run, line, &status)) run->bad_lines++;
    json_decref(line);
    at += size + 1;
  }
  return status;
}

/* A file that is not there has no lines. */
static lk_status read_file(lk_run *run, const char *name, bool *found, bool (*take)(lk_run *, json_t *, lk_status *)) {
  lk_buffer path = {0}, text = {0};
  lk_status status = lk_buffer_printf(&path, "%s/%s", run->path, name);
  if (status == LK_OK) {
    const lk_status read = lk_buffer_read_file(&text, path.data);
    if (read == LK_OK) *found = true, status = read_lines(run, &text, take);
    if (read == LK_MEMORY) status = read;
    if (read != LK_OK && status == LK_OK) lk_error_clear();
  }
  lk_buffer_release(&path);
  lk_buffer_release(&text);
  return status;
}

lk_status lk_run_read_lines(lk_run *run, bool *found) {
  LK_TRY(read_file(run, "metrics.jsonl", found, take_metrics));
  return read_file(run, "starts.jsonl", found, take_starts);
}
