/* Event files for TensorBoard (log.tensorboard): the figures of metrics.jsonl, one event a line of it. Each start of a
 * run, and each return to an earlier step, begins a new file with the event that TensorBoard takes as a restart: what
 * older files have of its step and later ones is not shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensorboard.pb-c.h>
#include <time.h>

#include "arena.h"
#include "recorder_impl.h"
#include "tensorboard_impl.h"

enum { MOST_VALUES = LK_MAX_METRICS + 5 };

typedef struct events {
  int64_t begins; /* the first step that is recorded from now on */
  lk_buffer path; /* of the file; "" before its first event */
} events;

static bool wanted(const lk_config *config) { return config->log.tensorboard; }

/* Append the event as a record, with the time of now. */
static lk_status put_event(lk_buffer *to, Tensorboard__Event *event) {
  struct timespec now;
  uint8_t *bytes = NULL;
  clock_gettime(CLOCK_REALTIME, &now);
  event->wall_time = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
  const size_t size = tensorboard__event__get_packed_size(event);
  LK_TRY(lk_alloc(&bytes, size, 1));
  const lk_status status = lk_tfrecord_append(to, bytes, tensorboard__event__pack(event, bytes));
  free(bytes);
  return status;
}

/* The first record of a file. */
static lk_status put_version(lk_buffer *to) {
  Tensorboard__Event event = TENSORBOARD__EVENT__INIT;
  event.what_case = TENSORBOARD__EVENT__WHAT_FILE_VERSION;
  event.file_version = "brain.Event:2";
  return put_event(to, &event);
}

static lk_status put_start(lk_buffer *to, int64_t step) {
  Tensorboard__SessionLog log = TENSORBOARD__SESSION_LOG__INIT;
  Tensorboard__Event event = TENSORBOARD__EVENT__INIT;
  log.status = TENSORBOARD__SESSION_LOG__SESSION_STATUS__START;
  event.step = step;
  event.what_case = TENSORBOARD__EVENT__WHAT_SESSION_LOG;
  event.session_log = &log;
  return put_event(to, &event);
}

/* ---- the figures, each with a tag; TensorBoard groups tags by what is before the slash ---- */

typedef struct values {
  Tensorboard__Summary__Value value[MOST_VALUES], *pointer[MOST_VALUES];
  char tag[MOST_VALUES][64];
  size_t count;
} values;

static void put_value(values *v, const char *group, const char *name, double value) {
  LK_ASSERT(v->count < MOST_VALUES);
  Tensorboard__Summary__Value *one = &v->value[v->count];
  tensorboard__summary__value__init(one);
  (void)snprintf(v->tag[v->count], sizeof *v->tag, "%s/%s", group, name);
  one->tag = v->tag[v->count];
  one->value_case = TENSORBOARD__SUMMARY__VALUE__VALUE_SIMPLE_VALUE;
  one->simple_value = (float)value;
  v->pointer[v->count++] = one;
}

/* loss/valid beside loss/train, f1/valid beside f1/test; and what only training has. */
static void collect(values *v, const lk_record *r) {
  put_value(v, "loss", r->kind, r->row[2]);
  for (int i = 0; i < r->count; i++)
    if (strcmp(r->metrics[i].name, "loss") != 0) put_value(v, r->metrics[i].name, r->kind, r->metrics[i].value);
  if (strcmp(r->kind, "train") != 0) return;
  put_value(v, "training", "rate", r->row[3]);
  put_value(v, "training", "gradient_norm", r->row[4]);
  if (r->row[6] > 0) put_value(v, "training", "tokens_per_second", r->row[5] / r->row[6]);
}

/* At the run's step, also a test of an earlier best model: a restart hides events by their steps. */
static lk_status put_figures(lk_buffer *to, const lk_record *record) {
  values v = {.count = 0};
  Tensorboard__Summary summary = TENSORBOARD__SUMMARY__INIT;
  Tensorboard__Event event = TENSORBOARD__EVENT__INIT;
  collect(&v, record);
  summary.n_value = v.count;
  summary.value = v.pointer;
  event.step = record->run_step;
  event.what_case = TENSORBOARD__EVENT__WHAT_SUMMARY;
  event.summary = &summary;
  return put_event(to, &event);
}

/* ---- the recorder ---- */

/* The file is made with its first event: a start that records nothing leaves none. */
static lk_status resume(const char *run_dir, int64_t step, bool *tested, void **state) {
  (void)run_dir, (void)tested;
  events *e = *state;
  if (!e) LK_TRY(lk_alloc(&e, 1, sizeof *e));
  *state = e;
  e->begins = step + 1;
  lk_buffer_truncate(&e->path, 0);
  return LK_OK;
}

static lk_status record(const char *run_dir, const lk_record *figures, void *state) {
  events *e = state;
  lk_buffer first = {0}, records = {0}, path = {0};
  lk_status status = LK_OK;
  LK_GO(put_version(&first));
  if (e->path.size > 0)
    LK_GO(lk_buffer_append(&path, e->path.data, e->path.size));
  else
    LK_GO(lk_events_path(run_dir, &path));
  if (e->path.size == 0) LK_GO(put_start(&records, e->begins));
  LK_GO(put_figures(&records, figures));
  LK_GO(lk_events_write(path.data, &first, &records));
  if (e->path.size == 0) LK_GO(lk_buffer_append(&e->path, path.data, path.size));
done:
  lk_buffer_release(&first);
  lk_buffer_release(&records);
  lk_buffer_release(&path);
  return status;
}

static void release(void *state) {
  events *e = state;
  if (e) lk_buffer_release(&e->path);
  free(e);
}

const lk_recorder_kind lk_recorder_tensorboard = {
    .wanted = wanted, .resume = resume, .write = record, .release = release};
