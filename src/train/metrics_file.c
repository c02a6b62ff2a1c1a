#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "durable.h"
#include "trainer_impl.h"

static lk_status metrics_path(const char *run_dir, lk_buffer *path) {
  return lk_buffer_printf(path, "%s/metrics.jsonl", run_dir);
}

/* JSON has no infinity and no NaN. */
static json_t *real_or_null(double value) { return isfinite(value) ? json_real(value) : json_null(); }

/* The JSON object of a line. */
static json_t *make_line(const char *kind, int64_t run_step, int64_t averaged_since, const lk_metric *metrics,
                         int count, const double h[LK_HISTORY_COLUMNS]) {
  json_t *line = json_pack("{s:s, s:I, s:f}", "kind", kind, "step", (json_int_t)h[0], "epoch", h[1]);
  static const char *const names[LK_HISTORY_COLUMNS] = {"step", "epoch", "loss", "rate", "norm", "tokens", "seconds"};
  if (line && run_step != (int64_t)h[0]) json_object_set_new(line, "run_step", json_integer((json_int_t)run_step));
  if (line && averaged_since > 0) json_object_set_new(line, "averaged_since", json_integer((json_int_t)averaged_since));
  const bool trained = strcmp(kind, "train") == 0; /* only these lines have a rate and a norm */
  for (int i = 2; line && i < LK_HISTORY_COLUMNS; i++)
    if ((i == 3 || i == 4) && !trained)
      continue;
    else if (i == 5)
      json_object_set_new(line, names[i], json_integer((json_int_t)h[i]));
    else
      json_object_set_new(line, names[i], real_or_null(h[i]));
  if (line && h[6] > 0) json_object_set_new(line, "tokens_per_second", real_or_null(h[5] / h[6]));
  for (int i = 0; line && i < count; i++) json_object_set_new(line, metrics[i].name, real_or_null(metrics[i].value));
  return line;
}

lk_status lk_metrics_write(const char *run_dir, const char *kind, int64_t run_step, int64_t averaged_since,
                           const lk_metric *metrics, int count, const double history[LK_HISTORY_COLUMNS]) {
  lk_status status = LK_OK;
  lk_buffer path = {0};
  FILE *file = NULL;
  char *text = NULL;
  json_t *line = make_line(kind, run_step, averaged_since, metrics, count, history);
  LK_GO(metrics_path(run_dir, &path));
  if (!line || !(text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9))))
    LK_GO(LK_FAIL(LK_MEMORY, "out of memory for a line of %s", path.data));
  file = fopen(path.data, "a");
  if (!file || fprintf(file, "%s\n", text) < 0 || fflush(file) != 0)
    LK_GO(LK_FAIL(LK_IO, "cannot write %s: %s", path.data, strerror(errno)));
done:
  if (file && fclose(file) != 0 && status == LK_OK)
    status = LK_FAIL(LK_IO, "cannot write %s: %s", path.data, strerror(errno));
  free(text);
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
lk_status lk_metrics_cut(const char *run_dir, int64_t step, bool *tested) {
  lk_status status = LK_OK;
  lk_buffer path = {0}, old = {0}, kept = {0};
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
