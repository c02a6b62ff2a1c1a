#include "lockstep/model.h"

#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "answers_impl.h"
#include "arena.h"
#include "decode.h"
#include "kernels.h"
#include "model_impl.h"

/* Kernels flush denormals and are chosen for the whole process: each call chooses its model's, and gives the caller's
 * floating-point environment back. */
typedef struct work {
  fenv_t numbers;
  lk_lines lines;
  size_t *size; /* [lines.count] bytes */
} work;

static lk_status begin(work *w, const lockstep_model *model, const char *const *lines, size_t count) {
  *w = (work){.lines = {.name = "lines", .text = lines, .count = (ptrdiff_t)count, .first = 1}};
  fegetenv(&w->numbers);
  LK_TRY(lk_kernels_choose(model->kernels, model->model.config.train.precision));
  if (count > PTRDIFF_MAX / sizeof *w->size) return LK_FAIL(LK_USAGE, "lines: more than memory can hold");
  LK_TRY(lk_alloc(&w->size, count, sizeof *w->size));
  for (size_t i = 0; i < count; i++) {
    w->size[i] = strlen(lines[i]);
    if (strchr(lines[i], '\n')) return LK_FAIL(LK_DATA, "lines:%zu: a newline within a line", i + 1);
  }
  w->lines.size = w->size;
  return LK_OK;
}

static lockstep_status end(work *w, lk_status status) {
  free(w->size);
  fesetenv(&w->numbers);
  return lk_api_leave(status);
}

static lk_status open_model(lockstep_model **model, const char *path) {
  LK_TRY(lk_alloc(model, 1, sizeof **model));
  LK_TRY(lk_model_open(&(*model)->model, path));
  (*model)->kernels = lk_kernels_get()->name;
  lk_model_limit_length(&(*model)->model, 0);
  return LK_OK;
}

lockstep_status lockstep_model_open(lockstep_model **model, const char *path) {
  LK_ENTER();
  lockstep_model *made = NULL;
  fenv_t numbers;
  fegetenv(&numbers);
  const lk_status status = open_model(&made, path);
  fesetenv(&numbers);
  if (status == LK_OK)
    *model = made;
  else
    free(made);
  return lk_api_leave(status);
}

lockstep_status lockstep_model_join(lockstep_model *model, const char *path) {
  LK_ENTER();
  fenv_t numbers;
  fegetenv(&numbers);
  const lk_status status = lk_model_join(&model->model, path);
  fesetenv(&numbers);
  return lk_api_leave(status);
}

void lockstep_model_close(lockstep_model **model) {
  if (*model == NULL || lk_api_enter() != LK_OK) return;
  lk_model_close(&(*model)->model);
  free(*model);
  *model = NULL;
  (void)lk_api_leave(LK_OK);
}

const char *lockstep_model_task(const lockstep_model *model) { return model->model.config.task; }

int64_t lockstep_model_parameters(const lockstep_model *model) { return lk_params_trainable(model->model.params); }

int64_t lockstep_model_step(const lockstep_model *model) { return lk_checkpoint_state(model->model.file)->step; }

const char *lockstep_model_config(const lockstep_model *model) { return lk_checkpoint_config(model->model.file); }

int64_t lockstep_model_vocabulary(const lockstep_model *model) { return model->model.corpus->source.count; }

int64_t lockstep_model_labels(const lockstep_model *model) { return model->model.corpus->label.count; }

const char *lockstep_model_label(const lockstep_model *model, int64_t i) {
  return lk_api_string(&model->model.corpus->label, i);
}

lockstep_status lockstep_model_predict(lockstep_model *model, const char *const *lines, size_t count,
                                       lockstep_answers **answers) {
  LK_ENTER();
  work w;
  lockstep_answers *made = NULL;
  lk_status status;
  LK_GO(begin(&w, model, lines, count));
  LK_GO(lk_alloc(&made, 1, sizeof *made));
  LK_GO(lk_predict_each(&model->model, &w.lines, lk_answers_add, made));
done:
  lk_answers_hand_over(made, status, answers);
  return end(&w, status);
}

lockstep_status lockstep_model_translate(lockstep_model *model, const char *const *lines, size_t count,
                                         const lockstep_translate_options *options, lockstep_answers **answers) {
  LK_ENTER();
  work w;
  lockstep_answers *made = NULL;
  lockstep_translate_options o = LOCKSTEP_TRANSLATE_OPTIONS;
  lk_status status;
  LK_GO(begin(&w, model, lines, count));
  LK_GO(lk_api_options(&o, sizeof o, options));
  if (o.beam > 1024) LK_GO(LK_FAIL(LK_USAGE, "beam: expected a number from 1 to 1024"));
  const lk_translate how = {
      .beam = o.beam, .nbest = o.best, .length_penalty = o.length_penalty, .coverage_penalty = o.coverage_penalty};
  lk_model_limit_length(&model->model, o.max_length);
  LK_GO(lk_alloc(&made, 1, sizeof *made));
  LK_GO(lk_translate_each(&model->model, &w.lines, &how, lk_answers_add, made));
done:
  lk_answers_hand_over(made, status, answers);
  return end(&w, status);
}

lockstep_status lockstep_model_score(lockstep_model *model, const char *const *lines, size_t count,
                                     lockstep_score *scores) {
  LK_ENTER();
  work w;
  lk_score *found = NULL;
  lk_status status;
  LK_GO(begin(&w, model, lines, count));
  LK_GO(lk_alloc(&found, count, sizeof *found));
  LK_GO(lk_score_lines(&model->model, &w.lines, found));
  for (size_t i = 0; i < count; i++)
    scores[i] = (lockstep_score){found[i].log_probability, found[i].units, found[i].unknown};
done:
  free(found);
  return end(&w, status);
}

/* Where generated text goes. */
typedef struct receiver {
  int (*put)(void *context, const char *text, size_t bytes);
  void *context;
  bool ended; /* put asked for it */
} receiver;

static lk_status receive(void *context, const char *text, size_t bytes) {
  receiver *r = context;
  r->ended = r->put(r->context, text, bytes) != 0;
  return r->ended ? LK_STOPPED : LK_OK;
}

lockstep_status lockstep_model_generate(lockstep_model *model, const lockstep_generate_options *options,
                                        int (*put)(void *context, const char *text, size_t bytes), void *context) {
  LK_ENTER();
  work w;
  receiver r = {.put = put, .context = context};
  lockstep_generate_options o = LOCKSTEP_GENERATE_OPTIONS;
  lk_status status;
  LK_GO(begin(&w, model, NULL, 0));
  LK_GO(lk_api_options(&o, sizeof o, options));
  if (!(o.temperature >= 0) || o.top_k < 0 || !(o.top_p >= 0 && o.top_p <= 1) || o.length < 1 || o.seed < 0)
    LK_GO(LK_FAIL(LK_USAGE, "temperature, top_k, top_p, length or seed: out of range"));
  const lk_generate how = {.prompt = o.prompt ? o.prompt : "",
                           .temperature = o.temperature,
                           .top_k = o.top_k,
                           .top_p = o.top_p,
                           .length = o.length,
                           .seed = o.seed,
                           .count = 1};
  LK_GO(lk_generate_text(&model->model, &how, receive, &r));
done:
  return end(&w, r.ended ? LK_OK : status);
}
