#include "decode.h"

#include <stdlib.h>
#include <string.h>

#include "decode_impl.h"

/* What the head answers for each unit of a batch. */
typedef struct answers {
  const int32_t *best; /* [n] the best label, the first of equals; the head's, until it is asked again */
  double *log_p;       /* [n] its log-probability, where scores are asked for */
  size_t capacity;
} answers;

static lk_status answer(answers *a, lk_model *model, const lk_batch *batch, bool scores) {
  const lk_pack *pack = &batch->pack;
  lk_head *head = lk_task_head(model->task);
  LK_TRY(lk_task_reserve(model->task, pack->B, pack->N, pack->T, 0));
  const lk_units units = lk_task_forward(model->task, model->params, batch, NULL);
  if (scores) LK_TRY(lk_grow(&a->log_p, &a->capacity, (size_t)units.n, sizeof *a->log_p));
  lk_head_answer(head, model->params, &units, scores ? a->log_p : NULL);
  a->best = head->best;
  return LK_OK;
}

/* Labels with blanks inside are set apart by TABs, whatever stands between the words. */
static bool has_blanks(const lk_strings *labels) {
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

lk_status lk_predict_each(lk_model *model, const lk_lines *lines, lk_take_answer *take, void *context) {
  if (lk_task_view(model->task) == LK_VIEW_LM)
    return LK_FAIL(LK_USAGE, "this is a language model: it predicts no labels; use score or generate");
  if (lk_task_view(model->task) == LK_VIEW_PAIRS)
    return LK_FAIL(LK_USAGE, "this is a translator: it predicts no labels; use lk_translate_lines()");
  lk_line_batch b = {.model = model, .lines = lines};
  answers a = {0};
  lk_buffer text = {0};
  lk_status status;
  const bool blanks = lk_task_view(model->task) == LK_VIEW_LABEL && has_blanks(&model->corpus->label);
  for (;;) {
    LK_GO(lk_line_batch_next(&b));
    if (b.count == 0) break;
    LK_GO(answer(&a, model, &b.batch, lk_head_has_probabilities(lk_task_head(model->task))));
    for (ptrdiff_t i = 0; i < b.count; i++) LK_GO(take_line(&b, i, &a, b.tabs[i] || blanks, &text, take, context));
  }
done:
  lk_buffer_release(&text);
  free(a.log_p);
  lk_line_batch_release(&b);
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
