#include "run_record.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "run_impl.h"

/* Keep the recorded error as a sentence for the page, unless memory ended. */
static lk_status explain(lk_buffer *why, lk_status status) {
  if (status == LK_OK || status == LK_MEMORY) return status;
  status = lk_buffer_printf(why, "%s", lk_error_get()->text);
  lk_error_clear();
  return status;
}

/* The last part of a path, at most 28 characters of it. */
static void name_of(const char *path, char out[64]) {
  enum { MOST = 28 };
  size_t size = strlen(path), at, used = 0;
  while (size > 1 && path[size - 1] == '/') size--;
  for (at = size; at > 0 && path[at - 1] != '/';) at--;
  if (at == size) at = 0;
  for (int n = 0; at < size && used < 56; n++) {
    size_t bytes = lk_utf8_next(path + at, size - at);
    if (bytes == 0) bytes = 1;
    if (n == MOST) {
      used += (size_t)snprintf(out + used, 64 - used, "…");
      break;
    }
    memcpy(out + used, path + at, bytes);
    used += bytes, at += bytes;
  }
  out[used] = '\0';
}

static lk_status read_config(lk_run *run, bool *found) {
  lk_buffer path = {0}, text = {0};
  lk_status status = LK_OK;
  LK_GO(lk_buffer_printf(&path, "%s/config.yaml", run->path));
  LK_GO(lk_buffer_read_file(&text, path.data));
  *found = true;
  LK_GO(lk_config_init(&run->config));
  run->has_config = true;
  LK_GO(lk_config_parse(&run->config, text.data ? text.data : "", text.size, path.data));
done:
  if (status != LK_OK && run->has_config) lk_config_release(&run->config), run->has_config = false;
  lk_buffer_release(&path);
  lk_buffer_release(&text);
  return explain(&run->why_config, status);
}

static lk_status find_model(lk_run *run, bool *found) {
  static const char *const names[] = {"best.h5", "last.h5"};
  struct stat facts;
  for (int i = 0; i < 2; i++) {
    lk_buffer_truncate(&run->model_path, 0);
    LK_TRY(lk_buffer_printf(&run->model_path, "%s/%s", run->path, names[i]));
    if (stat(run->model_path.data, &facts) == 0) return *found = true, LK_OK;
  }
  lk_buffer_truncate(&run->model_path, 0);
  return lk_buffer_printf(&run->why_model, "there is neither best.h5 nor last.h5");
}

lk_status lk_run_open(lk_run *run, const char *path) {
  struct stat facts;
  bool found = false;
  *run = (lk_run){.path = path, .test_step = -1};
  if (stat(path, &facts) != 0) return LK_FAIL(LK_IO, "cannot read '%s': %s", path, strerror(errno));
  if (!S_ISDIR(facts.st_mode)) return LK_FAIL(LK_USAGE, "'%s' is a file: expected the folder of a run (run.dir)", path);
  run->whole_path = realpath(path, NULL);
  name_of(run->whole_path ? run->whole_path : path, run->name);
  lk_status status = lk_run_read_lines(run, &found);
  if (status == LK_OK) status = read_config(run, &found);
  if (status == LK_OK) status = find_model(run, &found);
  if (status == LK_OK && !found)
    status = LK_FAIL(LK_DATA, "'%s' is not the folder of a run: it has no metrics.jsonl, config.yaml or model", path);
  if (status != LK_OK) lk_run_close(run);
  return status;
}

/* Whether a file is small enough to be read in the time there is; else a sentence that says so. */
static lk_status small_enough(const char *path, double most, lk_buffer *why, bool *small) {
  struct stat facts;
  *small = stat(path, &facts) != 0 || (double)facts.st_size <= most; /* what is missing is told by who opens it */
  if (*small) return LK_OK;
  return lk_buffer_printf(why, "%s has %.0f MB, more than is read for a report unless --seconds is raised", path,
                          (double)facts.st_size / 1e6);
}

static lk_status open_corpus(lk_run *run, double most) {
  const char *path = run->model.config.data.corpus;
  bool small;
  LK_TRY(small_enough(path, most, &run->why_corpus, &small));
  if (!small) return LK_OK;
  const lk_status status = lk_corpus_open(&run->corpus, path, true);
  if (status != LK_OK) return run->corpus = NULL, explain(&run->why_corpus, status);
  const char *trained = run->model.corpus->digest, *there = lk_corpus_about(run->corpus)->digest;
  if (strcmp(trained, there) == 0) return LK_OK;
  const lk_status told = lk_buffer_printf(
      &run->why_corpus, "%s is now another corpus (digest %s) than the run was trained on (%s)", path, there, trained);
  lk_corpus_close(&run->corpus); /* after the message, which has its digest */
  return told;
}

lk_status lk_run_open_model(lk_run *run, double most) {
  bool small = true;
  if (run->model_path.size == 0) return LK_OK;
  LK_TRY(small_enough(run->model_path.data, most, &run->why_model, &small));
  if (!small) return LK_OK;
  const lk_status status = lk_model_open(&run->model, run->model_path.data);
  if (status != LK_OK) return explain(&run->why_model, status);
  run->has_model = true;
  return open_corpus(run, most);
}

void lk_run_close_model(lk_run *run) {
  lk_corpus_close(&run->corpus);
  if (run->has_model) lk_model_close(&run->model);
  run->has_model = false;
}

void lk_run_close(lk_run *run) {
  lk_run_close_model(run);
  if (run->has_config) lk_config_release(&run->config);
  lk_curve_release(&run->train);
  lk_curve_release(&run->rate);
  lk_curve_release(&run->norm);
  lk_curve_release(&run->speed);
  for (int i = 0; i < run->metrics; i++) lk_curve_release(&run->metric[i].valid);
  for (int i = 0; i < run->starts; i++) lk_strings_release(&run->start[i].hosts);
  free(run->start);
  free(run->whole_path);
  lk_buffer_release(&run->why_config);
  lk_buffer_release(&run->model_path);
  lk_buffer_release(&run->why_model);
  lk_buffer_release(&run->why_corpus);
  *run = (lk_run){0};
}

const lk_run_metric *lk_run_find(const lk_run *run, const char *name) {
  for (int i = 0; i < run->metrics; i++)
    if (strcmp(run->metric[i].name, name) == 0 && run->metric[i].valid.n > 0) return &run->metric[i];
  return NULL;
}

const lk_run_metric *lk_run_chosen(const lk_run *run) {
  const lk_run_metric *m = run->has_config ? lk_run_find(run, run->config.eval.metric) : NULL;
  return m ? m : lk_run_find(run, "loss");
}

bool lk_run_rises(const char *metric) {
  static const char *const falling[] = {"loss", "perplexity", "bits", "error"};
  for (size_t i = 0; i < sizeof falling / sizeof *falling; i++)
    if (strstr(metric, falling[i])) return false;
  return true;
}

ptrdiff_t lk_run_best(const lk_run_metric *metric) {
  const lk_curve *c = &metric->valid;
  ptrdiff_t best = c->n > 0 ? 0 : -1;
  for (ptrdiff_t i = 1; i < c->n; i++)
    if (lk_run_rises(metric->name) ? c->y[i] > c->y[best] : c->y[i] < c->y[best]) best = i;
  return best;
}
