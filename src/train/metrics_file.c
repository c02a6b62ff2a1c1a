/* metrics.jsonl: one JSON object a line for each window of training and each evaluation. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "durable.h"
#include "json_line_impl.h"
#include "recorder_impl.h"

static lk_status metrics_path(const char *run_dir, lk_buffer *path) {
  return lk_buffer_printf(path, "%s/metrics.jsonl", run_dir);
}

/* JSON has no infinity and no NaN. */
static json_t *real_or_null(double value) { return isfinite(value) ? json_real(value) : json_null(); }

/* The JSON object of a line. */
static json_t *make_line(const lk_record *r) {
  const double *h = r->row;
  json_t *line = json_pack("{s:s, s:I, s:f}", "kind", r->kind, "step", (json_int_t)h[0], "epoch", h[1]);
  static const char *const names[LK_HISTORY_COLUMNS] = {"step", "epoch", "loss", "rate", "norm", "tokens", "seconds"};
  if (line && r->run_step != (int64_t)h[0])
    json_object_set_new(line, "run_step", json_integer((json_int_t)r->run_step));
  if (line && r->averaged_since > 0)
    json_object_set_new(line, "averaged_since", json_integer((json_int_t)r->averaged_since));
  const bool trained = strcmp(r->kind, "train") == 0; /* only these lines have a rate and a norm */
  for (int i = 2; line && i < LK_HISTORY_COLUMNS; i++)
    if ((i == 3 || i == 4) && !trained)
      continue;
    else if (i == 5)
      json_object_set_new(line, names[i], json_integer((json_int_t)h[i]));
    else
      json_object_set_new(line, names[i], real_or_null(h[i]));
  if (line && h[6] > 0) json_object_set_new(line, "tokens_per_second", real_or_null(h[5] / h[6]));
  for (int i = 0; line && i < r->count; i++)
    json_object_set_new(line, r->metrics[i].name, real_or_null(r->metrics[i].value));
  return line;
}

static lk_status write_line(const char *run_dir, const lk_record *record, void *none) {
  lk_buffer path = {0};
  (void)none;
  json_t *line = make_line(record);
  lk_status status = metrics_path(run_dir, &path);
  if (status == LK_OK) status = lk_json_append(path.data, line, 9, false);
  json_decref(line);
  lk_buffer_release(&path);
  return status;
}

/* Whether the line was written at `step` or before. */
static bool line_stays(const char *text, size_t size, int64_t step, bool *tested) {
  json_t *line = json_loadb(text, size, 0, NULL);
  const json_t *run_step = json_object_get(line, json_object_get(line, "run_step") ? "run_step" : "step");
  const int64_t at = line ? json_integer_value(run_step) : step + 1;
  const char *kind = json_string_value(json_object_get(line, "kind"));
  if (at == step && kind && strcmp(kind, "test") == 0) *tested = true;
  json_decref(line);
  return at <= step;
}

/* Remove the lines written after `step`, which a resumed run writes again, and a half-written last line. */
static lk_status cut(const char *run_dir, int64_t step, bool *tested, void **none) {
  lk_status status = LK_OK;
  lk_buffer path = {0}, old = {0}, kept = {0};
  (void)none;
  LK_GO(metrics_path(run_dir, &path));
  FILE *file = fopen(path.data, "r");
  if (!file) goto done; /* none yet */
  fclose(file);
  LK_GO(lk_buffer_read_file(&old, path.data));
  for (size_t at = 0; at < old.size;) {
    const char *end = memchr(old.data + at, '\n', old.size - at);
    if (!end) break;
    size_t size = (size_t)(end - (old.data + at)) + 1;
    if (line_stays(old.data + at, size - 1, step, tested)) LK_GO(lk_buffer_append(&kept, old.data + at, size));
    at += size;
  }
  LK_GO(lk_durable_write(path.data, kept.data ? kept.data : "", kept.size));
done:
  lk_buffer_release(&path);
  lk_buffer_release(&old);
  lk_buffer_release(&kept);
  return status;
}

const lk_recorder_kind lk_recorder_metrics = {.resume = cut, .write = write_line};
