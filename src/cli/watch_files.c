#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"
#include "config.h"
#include "watch_impl.h"

enum { SILENT_SECONDS = 20, STAMP = 20 }; /* STAMP: "2031-05-04T12:00:00Z" */

static const char *path_of(const lk_watched *w, const char *name, char path[4096]) {
  (void)snprintf(path, 4096, "%s/%s", w->dir, name);
  return path;
}

/* ---- metrics.jsonl ---- */

static lk_status add_point(lk_points *p, double step, double value) {
  LK_TRY(lk_grow(&p->at, &p->capacity, 2 * (size_t)p->count + 2, sizeof *p->at));
  p->at[2 * p->count] = step;
  p->at[2 * p->count++ + 1] = value;
  return LK_OK;
}

static double number(const json_t *line, const char *key) {
  const json_t *value = json_object_get(line, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

static lk_status take_training(lk_watched *w, const json_t *line, double step) {
  w->step = step;
  w->epoch = number(line, "epoch"), w->mean = number(line, "loss"), w->rate = number(line, "rate");
  w->tokens = number(line, "tokens_per_second");
  return add_point(&w->loss, step, w->mean);
}

static lk_status take_metrics(lk_watched *w, const json_t *line) {
  const char *kind = json_string_value(json_object_get(line, "kind"));
  const double step = number(line, "step");
  if (!kind || !(step >= 0)) return LK_OK;
  if (number(line, "seconds") > 0) w->spent += number(line, "seconds");
  if (strcmp(kind, "train") == 0) return take_training(w, line, step);
  if (strcmp(kind, "valid") != 0) return LK_OK;
  LK_TRY(add_point(&w->chosen, step, number(line, w->metric)));
  return add_point(&w->valid, step, number(line, "loss"));
}

/* Where the configuration cannot be read, eval.metric counts as "loss". */
static void look_at_config(lk_watched *w) {
  char path[4096];
  struct stat about;
  lk_config config = {0};
  lk_buffer text = {0};
  if (stat(path_of(w, "config.yaml", path), &about) != 0) return;
  if (memcmp(&about.st_mtim, &w->configured, sizeof w->configured) == 0) return;
  w->configured = about.st_mtim;
  (void)snprintf(w->metric, sizeof w->metric, "loss");
  lk_status status = lk_config_init(&config);
  if (status == LK_OK) status = lk_buffer_read_file(&text, path);
  if (status == LK_OK) status = lk_config_parse(&config, text.data, text.size, path);
  if (status == LK_OK) {
    (void)snprintf(w->metric, sizeof w->metric, "%s", config.eval.metric);
    w->minutes = config.train.minutes;
  }
  lk_error_clear();
  lk_buffer_release(&text);
  lk_config_release(&config);
}

static lk_status look_at_metrics(lk_watched *w) {
  char path[4096];
  const char *line;
  size_t size;
  bool anew;
  LK_TRY(lk_tail_read(&w->metrics, path_of(w, "metrics.jsonl", path), &anew));
  if (anew) {
    w->loss.count = w->valid.count = w->chosen.count = 0;
    w->step = -1;
    w->spent = 0;
  }
  while (lk_tail_line(&w->metrics, &line, &size)) {
    json_t *object = json_loadb(line, size, 0, NULL);
    const lk_status status = object ? take_metrics(w, object) : LK_OK;
    json_decref(object);
    LK_TRY(status);
  }
  return LK_OK;
}

/* ---- log.txt ---- */

/* What would move the cursor becomes '?'. */
static void copy(char *to, size_t room, const char *text, size_t size) {
  (void)snprintf(to, room, "%.*s", (int)(size < room ? size : room - 1), text);
  lk_watched_plain(to);
}

static bool is_progress(const char *text, size_t size) {
  return size > 5 && memcmp(text, "step ", 5) == 0 && memmem(text, size, "  epoch ", 8) != NULL;
}

static lk_status look_at_log(lk_watched *w, bool first, void (*message)(void *, const char *), void *context) {
  char path[4096];
  const char *line;
  size_t size;
  bool anew;
  LK_TRY(lk_tail_read(&w->log, path_of(w, "log.txt", path), &anew));
  while (lk_tail_line(&w->log, &line, &size)) {
    if (size <= STAMP + 1 || line[STAMP] != ' ') continue;
    const char *text = line + STAMP + 1;
    const bool progress = is_progress(text, size - STAMP - 1);
    copy(progress ? w->progress : w->last, sizeof w->last, text, size - STAMP - 1);
    if (progress) copy(w->stamp, sizeof w->stamp, line, STAMP);
    w->progress_ended = !progress;
    if (!progress && message && !first) message(context, w->last);
  }
  return LK_OK;
}

/* ---- signs of life ---- */

/* Returns the time of the file, 0: it is not there. */
static double see_sign(lk_watched *w, const char *name) {
  char path[4096];
  struct stat about;
  if (lstat(path_of(w, name, path), &about) != 0) return 0;
  const double time = (double)about.st_mtim.tv_sec + 1e-9 * (double)about.st_mtim.tv_nsec;
  w->sign = fmax(w->sign, time);
  return time;
}

lk_status lk_watched_look(lk_watched *w, void (*message)(void *context, const char *line), void *context) {
  struct stat about;
  const bool first = w->metric[0] == '\0';
  if (first) w->step = -1, (void)snprintf(w->metric, sizeof w->metric, "loss");
  if (stat(w->dir, &about) != 0)
    return LK_FAIL(LK_IO, "%s: %s%s", w->dir, strerror(errno),
                   errno == ENOENT && first ? "; to wait for a run that has not begun, make its folder" : "");
  if (!S_ISDIR(about.st_mode))
    return LK_FAIL(LK_USAGE, "%s: expected the folder of a run (run.dir), found a file", w->dir);
  if (access(w->dir, R_OK | X_OK) != 0) return LK_FAIL(LK_IO, "%s: %s", w->dir, strerror(errno));
  look_at_config(w);
  /* metrics.jsonl last: a run that is done by its log has written all figures before */
  LK_TRY(look_at_log(w, first, message, context));
  w->owned = see_sign(w, "owner") > 0;
  LK_TRY(look_at_metrics(w));
  (void)see_sign(w, "log.txt");
  w->counted = see_sign(w, "metrics.jsonl");
  return LK_OK;
}

void lk_watched_plain(char *text) {
  for (; *text; text++)
    if ((unsigned char)*text < ' ' || *text == 0x7f) *text = '?';
}

lk_run_phase lk_watched_phase(const lk_watched *w, double now) {
  if (w->sign == 0) return LK_RUN_WAITING;
  if (w->owned) return now - w->sign > SILENT_SECONDS ? LK_RUN_SILENT : LK_RUN_GOES_ON;
  return strncmp(w->last, "done at step ", 13) == 0 ? LK_RUN_DONE : LK_RUN_STOPPED;
}

void lk_watched_release(lk_watched *w) {
  lk_tail_release(&w->metrics);
  lk_tail_release(&w->log);
  free(w->loss.at);
  free(w->valid.at);
  free(w->chosen.at);
}
