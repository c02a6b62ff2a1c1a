#include "decode.h"

#include <stdlib.h>
#include <string.h>

#include "mixture_impl.h"

/* What is answered for each unit of a batch. */
typedef struct answers {
  const int32_t *best; /* [n] the best label, the first of equals; the head's, until it is asked again, or `mixed` */
  double *log_p;       /* [n] its log-probability, where scores are asked for */
  size_t capacity;
  int32_t *mixed; /* the best of several models */
  size_t mixed_capacity;
} answers;

/* Lines on their way through one model or several, each of which makes its own batch of them. */
typedef struct predicting {
  lk_line_batch *batch; /* [models] */
  lk_mixture mixture;
  answers answers;
  lk_buffer text;
} predicting;

static lk_status forward(lk_voice *voice, const lk_batch *batch) {
  const lk_pack *pack = &batch->pack;
  LK_TRY(lk_task_reserve(voice->model->task, pack->B, pack->N, pack->T, 0));
  voice->units = lk_task_forward(voice->model->task, voice->model->params, batch, NULL);
  return LK_OK;
}

static lk_status answer_alone(answers *a, const lk_voice *voice) {
  lk_head *head = lk_task_head(voice->model->task);
  const bool scores = lk_head_has_probabilities(head);
  if (scores) LK_TRY(lk_grow(&a->log_p, &a->capacity, (size_t)voice->units.n, sizeof *a->log_p));
  lk_head_answer(head, voice->model->params, &voice->units, scores ? a->log_p : NULL);
  a->best = head->best;
  return LK_OK;
}

/* The rows of a further model that belong to the first model's units of a line. */
static lk_status align(const lk_line_batch *first, const lk_line_batch *own, ptrdiff_t i, int32_t *rows) {
  const lk_pack *a = &first->batch.pack, *b = &own->batch.pack;
  if (lk_task_view(first->model->task) == LK_VIEW_CLASSIFY) {
    rows[first->seq[i]] = (int32_t)own->seq[i];
    return LK_OK;
  }
  ptrdiff_t r = lk_pack_row(a, first->seq[i], 0), s = lk_pack_row(b, own->seq[i], 0);
  for (; r >= 0 && s >= 0; r = a->later[r], s = b->later[s]) rows[r] = (int32_t)s;
  if (r < 0 && s < 0) return LK_OK;
  return LK_FAIL(LK_DATA, "%s:%lld: the models cut it into different numbers of words", first->lines->name,
                 (long long)(first->lines->first + first->first + i));
}

static lk_status align_all(predicting *p, int k) {
  const lk_line_batch *first = &p->batch[0];
  lk_voice *voice = &p->mixture.voice[k];
  LK_TRY(lk_mixture_rows(voice, p->mixture.voice[0].units.n));
  for (ptrdiff_t i = 0; i < first->count; i++)
    if (first->seq[i] >= 0) LK_TRY(align(first, &p->batch[k], i, voice->rows));
  return LK_OK;
}

/* A line that is empty for one of the models is empty. True where all are. */
static bool drop_empty(predicting *p) {
  bool empty = true;
  for (ptrdiff_t i = 0; i < p->batch[0].count; i++) {
    bool one = false;
    for (int k = 0; k < p->mixture.count; k++) one = one || p->batch[k].seq[i] < 0;
    if (one) p->batch[0].seq[i] = -1;
    empty = empty && one;
  }
  return empty;
}

static lk_status answer_together(predicting *p) {
  answers *a = &p->answers;
  lk_mixture *m = &p->mixture;
  const ptrdiff_t n = m->voice[0].units.n;
  if (drop_empty(p)) return LK_OK;
  for (int k = 1; k < m->count; k++) LK_TRY(align_all(p, k));
  if (lk_head_is_whole(lk_task_head(m->voice[0].model->task))) {
    LK_TRY(lk_mixture_join(m));
    return answer_alone(a, &m->voice[0]);
  }
  LK_TRY(lk_grow(&a->log_p, &a->capacity, (size_t)n, sizeof *a->log_p));
  LK_TRY(lk_grow(&a->mixed, &a->mixed_capacity, (size_t)n, sizeof *a->mixed));
  for (ptrdiff_t first = 0; first < n; first += m->n) {
    LK_TRY(lk_mixture_next(m, first));
    for (ptrdiff_t i = first; i < first + m->n; i++) {
      lk_mixture_at(m, i, 0);
      a->mixed[i] = lk_mixture_best(m, &a->log_p[i]);
    }
  }
  a->best = a->mixed;
  return LK_OK;
}

static lk_status answer(predicting *p) {
  for (int k = 0; k < p->mixture.count; k++) LK_TRY(forward(&p->mixture.voice[k], &p->batch[k].batch));
  return p->mixture.count == 1 ? answer_alone(&p->answers, &p->mixture.voice[0]) : answer_together(p);
}

/* The next lines: as many as fit into a batch of each model. */
static lk_status next_batch(predicting *p) {
  ptrdiff_t count = LK_LINES_MOST;
  for (int k = 0; k < p->mixture.count; k++) {
    LK_TRY(lk_line_batch_read(&p->batch[k]));
    if (p->batch[k].count < count) count = p->batch[k].count;
  }
  for (int k = 0; k < p->mixture.count && count > 0; k++) LK_TRY(lk_line_batch_make(&p->batch[k], count));
  return LK_OK;
}

bool lk_labels_have_blanks(const lk_strings *labels) {
  for (ptrdiff_t i = 0; i < labels->count; i++)
    if (strpbrk(lk_strings_get(labels, i), " \v\f")) return true;
  return false;
}

static lk_status put_label(lk_buffer *out, const lk_strings *labels, int32_t label) {
  return lk_buffer_append(out, lk_strings_get(labels, label), lk_strings_size(labels, label));
}

/* The answer for one sequence: its label, or the labels of its rows in the order of time; and its log-probability. */
static lk_status put_answer(lk_buffer *out, const lk_model *model, const lk_batch *batch, const answers *a, ptrdiff_t b,
                            bool tabs, double *log_probability) {
  const lk_strings *labels = &model->corpus->label;
  const lk_pack *pack = &batch->pack;
  double sum = 0;
  if (lk_task_view(model->task) == LK_VIEW_CLASSIFY) {
    LK_TRY(put_label(out, labels, a->best[b]));
    if (a->log_p) sum = a->log_p[b];
  } else {
    for (ptrdiff_t r = lk_pack_row(pack, b, 0); r >= 0; r = pack->later[r]) {
      if (pack->earlier[r] >= 0) LK_TRY(lk_buffer_append(out, tabs ? "\t" : " ", 1));
      LK_TRY(put_label(out, labels, a->best[r]));
      if (a->log_p) sum += a->log_p[r];
    }
  }
  *log_probability = sum < 0 ? sum : 0;
  return LK_OK;
}

/* The answer to line i of a batch. */
static lk_status take_line(const lk_line_batch *b, ptrdiff_t i, const answers *a, bool tabs, lk_buffer *text,
                           lk_take_answer *take, void *context) {
  lk_answer one = {.line = b->first + i};
  lk_buffer_truncate(text, 0);
  if (b->seq[i] >= 0) {
    LK_TRY(put_answer(text, b->model, &b->batch, a, b->seq[i], tabs, &one.log_probability));
    one.text = text->size > 0 ? text->data : "";
    one.size = text->size;
  }
  return take(context, &one);
}

static lk_status begin(predicting *p, lk_model *model, const lk_lines *lines) {
  LK_TRY(lk_mixture_create(&p->mixture, model));
  LK_TRY(lk_alloc(&p->batch, (size_t)p->mixture.count, sizeof *p->batch));
  for (int k = 0; k < p->mixture.count; k++)
    p->batch[k] = (lk_line_batch){.model = p->mixture.voice[k].model, .lines = lines};
  return LK_OK;
}

static void end(predicting *p) {
  for (int k = 0; k < p->mixture.count && p->batch; k++) lk_line_batch_release(&p->batch[k]);
  free(p->batch);
  lk_mixture_release(&p->mixture);
  lk_buffer_release(&p->text);
  free(p->answers.log_p);
  free(p->answers.mixed);
}

lk_status lk_predict_each(lk_model *model, const lk_lines *lines, lk_take_answer *take, void *context) {
  if (lk_task_view(model->task) == LK_VIEW_LM)
    return LK_FAIL(LK_USAGE, "this is a language model: it predicts no labels; use score or generate");
  if (lk_task_view(model->task) == LK_VIEW_PAIRS)
    return LK_FAIL(LK_USAGE, "this is a translator: it predicts no labels; use lk_translate_lines()");
  predicting p = {0};
  lk_status status;
  const bool blanks = lk_task_view(model->task) == LK_VIEW_LABEL && lk_labels_have_blanks(&model->corpus->label);
  LK_GO(begin(&p, model, lines));
  for (;;) {
    const lk_line_batch *b = p.batch;
    LK_GO(next_batch(&p));
    if (b->count == 0) break;
    LK_GO(answer(&p));
    for (ptrdiff_t i = 0; i < b->count; i++)
      LK_GO(take_line(b, i, &p.answers, b->tabs[i] || blanks, &p.text, take, context));
  }
done:
  end(&p);
  return status;
}

typedef struct writer {
  lk_buffer *out;
  bool scores;
} writer;

static lk_status write_answer(void *context, const lk_answer *answer) {
  const writer *w = context;
  if (answer->text) LK_TRY(lk_buffer_append(w->out, answer->text, answer->size));
  if (answer->text && w->scores) LK_TRY(lk_buffer_printf(w->out, "\t%.6f", answer->log_probability));
  return lk_buffer_append(w->out, "\n", 1);
}

lk_status lk_predict(lk_model *model, const lk_lines *lines, bool scores, lk_buffer *out) {
  if (scores && !lk_head_has_probabilities(lk_task_head(model->task)))
    return LK_FAIL(LK_USAGE, "this model (model.output: %s) gives no probabilities: predict without --scores",
                   model->config.model.output);
  return lk_predict_each(model, lines, write_answer, &(writer){out, scores});
}
