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
  int32_t *labels; /* of one sentence */
  size_t label_capacity;
} answers;

typedef struct predicting {
  lk_joint_lines lines;
  answers answers;
  lk_buffer text;
} predicting;

static lk_status answer_alone(answers *a, const lk_voice *voice) {
  lk_head *head = lk_task_head(voice->model->task);
  const bool scores = lk_head_has_probabilities(head);
  if (scores) LK_TRY(lk_grow(&a->log_p, &a->capacity, (size_t)voice->units.n, sizeof *a->log_p));
  lk_head_answer(head, voice->model->params, &voice->units, scores ? a->log_p : NULL);
  a->best = head->best;
  return LK_OK;
}

static lk_status answer_mixed(answers *a, lk_mixture *m) {
  const ptrdiff_t n = m->voice[0].units.n;
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
  lk_mixture *m = &p->lines.mixture;
  bool empty;
  LK_TRY(lk_joint_lines_forward(&p->lines, &empty));
  if (empty) return LK_OK;
  return lk_mixture_is_one(m) ? answer_alone(&p->answers, &m->voice[0]) : answer_mixed(&p->answers, m);
}

bool lk_labels_have_blanks(const lk_strings *labels) {
  for (ptrdiff_t i = 0; i < labels->count; i++)
    if (strpbrk(lk_strings_get(labels, i), " \v\f")) return true;
  return false;
}

static lk_status put_label(lk_buffer *out, const lk_strings *labels, int32_t label) {
  return lk_buffer_append(out, lk_strings_get(labels, label), lk_strings_size(labels, label));
}

/* The labels of a sequence's rows in the order of time. */
static lk_status put_labels(lk_buffer *out, const lk_model *model, const lk_pack *pack, answers *a, ptrdiff_t b,
                            bool tabs) {
  ptrdiff_t n = 0;
  LK_TRY(lk_grow(&a->labels, &a->label_capacity, (size_t)pack->length[b], sizeof *a->labels));
  for (ptrdiff_t r = lk_pack_row(pack, b, 0); r >= 0; r = pack->later[r]) a->labels[n++] = a->best[r];
  lk_task_tags_as_filed(model->task, a->labels, n);
  for (ptrdiff_t i = 0; i < n; i++) {
    if (i > 0) LK_TRY(lk_buffer_append(out, tabs ? "\t" : " ", 1));
    LK_TRY(put_label(out, &model->corpus->label, a->labels[i]));
  }
  return LK_OK;
}

/* The answer for one sequence: its label, or the labels of its rows; and its log-probability. */
static lk_status put_answer(lk_buffer *out, const lk_model *model, const lk_batch *batch, answers *a, ptrdiff_t b,
                            bool tabs, double *log_probability) {
  const lk_pack *pack = &batch->pack;
  double sum = 0;
  if (lk_task_view(model->task) == LK_VIEW_CLASSIFY) {
    LK_TRY(put_label(out, &model->corpus->label, a->best[b]));
    if (a->log_p) sum = a->log_p[b];
  } else {
    LK_TRY(put_labels(out, model, pack, a, b, tabs));
    for (ptrdiff_t r = lk_pack_row(pack, b, 0); r >= 0 && a->log_p; r = pack->later[r]) sum += a->log_p[r];
  }
  *log_probability = sum > 0 ? 0 : sum; /* NaN stays what it is */
  return LK_OK;
}

/* The answer to line i of a batch. */
static lk_status take_line(const lk_line_batch *b, ptrdiff_t i, answers *a, bool tabs, lk_buffer *text,
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

static void end(predicting *p) {
  lk_joint_lines_end(&p->lines);
  lk_buffer_release(&p->text);
  free(p->answers.log_p);
  free(p->answers.mixed);
  free(p->answers.labels);
}

lk_status lk_predict_each(lk_model *model, const lk_lines *lines, lk_take_answer *take, void *context) {
  if (lk_task_view(model->task) == LK_VIEW_LM)
    return LK_FAIL(LK_USAGE, "this is a language model: it predicts no labels; use score or generate");
  if (lk_task_view(model->task) == LK_VIEW_PAIRS)
    return LK_FAIL(LK_USAGE, "this is a translator: it predicts no labels; use lk_translate_lines()");
  predicting p = {0};
  lk_status status;
  const bool blanks = lk_task_view(model->task) == LK_VIEW_LABEL && lk_labels_have_blanks(&model->corpus->label);
  LK_GO(lk_joint_lines_begin(&p.lines, model, lines));
  for (;;) {
    const lk_line_batch *b = p.lines.batch;
    LK_GO(lk_joint_lines_next(&p.lines));
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
  if (answer->text && w->scores) LK_TRY(lk_buffer_printf(w->out, "\t%.6f", lk_shown_log_p(answer->log_probability)));
  return lk_buffer_append(w->out, "\n", 1);
}

lk_status lk_predict(lk_model *model, const lk_lines *lines, bool scores, lk_buffer *out) {
  if (scores && !lk_head_has_probabilities(lk_task_head(model->task)))
    return LK_FAIL(LK_USAGE, "this model (model.output: %s) gives no probabilities: predict without --scores",
                   model->config.model.output);
  return lk_predict_each(model, lines, write_answer, &(writer){out, scores});
}
