/* score_labels.c - log P of given labels of sentences, under a tagger. */
#include <stdlib.h>
#include <string.h>

#include "decode_impl.h"

/* Lines of words and labels in turn, cut into lines of words, and the labels. */
typedef struct labelled {
  lk_model *model;
  const lk_lines *lines;
  lk_vocab *labels;
  lk_buffer words;      /* all lines, each ended by a NUL */
  size_t *begin, *size; /* [lines] in words */
  const char **text;    /* [lines] */
  int32_t *label;       /* of all words in turn */
  ptrdiff_t *first;     /* [lines] in label */
  size_t label_capacity;
  ptrdiff_t label_count;
  int32_t *target; /* [N] of a batch */
  size_t target_capacity;
  lk_scores scores;
} labelled;

static lk_status bad_line(const labelled *l, ptrdiff_t line, const char *why) {
  return LK_FAIL(LK_DATA, "%s:%lld: %s", l->lines->name, (long long)(l->lines->first + line), why);
}

static lk_status take_label(labelled *l, ptrdiff_t line, const char *text, size_t size) {
  char quoted[256];
  const int32_t label = lk_vocab_find(l->labels, text, size, -1);
  if (label < 0)
    return LK_FAIL(LK_DATA,
                   "%s:%lld: the model does not know the label %s; it has %td labels ('lockstep inspect' lists them)",
                   l->lines->name, (long long)(l->lines->first + line), lk_quote(quoted, text, size),
                   l->model->corpus->label.count);
  LK_TRY(lk_grow(&l->label, &l->label_capacity, (size_t)l->label_count + 1, sizeof *l->label));
  l->label[l->label_count++] = label;
  return LK_OK;
}

static lk_status cut_line(labelled *l, ptrdiff_t line) {
  const char *cell;
  size_t at = 0, size;
  l->first[line] = l->label_count;
  l->begin[line] = l->words.size;
  if (lk_is_blank(l->lines->text[line], l->lines->size[line])) return LK_OK;
  for (bool word = true; lk_line_next_word(l->lines, line, &at, &cell, &size); word = !word) {
    const bool last = at > l->lines->size[line];
    if (word && last)
      return bad_line(l, line, "expected words and labels in turn, separated by TABs; a label is missing");
    if (word && l->words.size > l->begin[line]) LK_TRY(lk_buffer_append(&l->words, "\t", 1));
    if (word)
      LK_TRY(lk_buffer_append(&l->words, cell, size));
    else
      LK_TRY(take_label(l, line, cell, size));
  }
  l->size[line] = l->words.size - l->begin[line];
  lk_task_tags_as_trained(l->model->task, l->label + l->first[line], l->label_count - l->first[line]);
  return LK_OK;
}

static lk_status cut_lines(labelled *l) {
  const size_t count = (size_t)l->lines->count + 1;
  LK_TRY(lk_alloc(&l->begin, count, sizeof *l->begin));
  LK_TRY(lk_alloc(&l->size, count, sizeof *l->size));
  LK_TRY(lk_alloc(&l->first, count, sizeof *l->first));
  LK_TRY(lk_alloc(&l->text, count, sizeof *l->text));
  LK_TRY(lk_vocab_from(&l->labels, &l->model->corpus->label, false));
  for (ptrdiff_t i = 0; i < l->lines->count; i++) {
    LK_TRY(cut_line(l, i));
    LK_TRY(lk_buffer_append(&l->words, "", 1));
  }
  for (ptrdiff_t i = 0; i < l->lines->count; i++) l->text[i] = l->words.data + l->begin[i];
  return LK_OK;
}

static lk_status score_batch(labelled *l, lk_line_batch *b, lk_score *out) {
  const lk_pack *pack = &b->batch.pack;
  LK_TRY(lk_grow(&l->target, &l->target_capacity, (size_t)pack->N + 1, sizeof *l->target));
  for (ptrdiff_t i = 0; i < b->count; i++) {
    const int32_t *label = l->label + l->first[b->first + i];
    if (b->seq[i] < 0) continue;
    for (ptrdiff_t r = lk_pack_row(pack, b->seq[i], 0); r >= 0; r = pack->later[r]) l->target[r] = *label++;
  }
  b->batch.target = l->target;
  LK_TRY(lk_scores_measure(&l->scores, l->model, &b->batch));
  for (ptrdiff_t i = 0; i < b->count; i++) {
    lk_score *score = &out[b->first + i];
    *score = (lk_score){0};
    for (ptrdiff_t r = b->seq[i] < 0 ? -1 : lk_pack_row(pack, b->seq[i], 0); r >= 0; r = pack->later[r]) {
      score->log_probability += l->scores.log_p[r];
      score->units++;
    }
  }
  return LK_OK;
}

static lk_status score_all(labelled *l, lk_score *out) {
  const lk_lines words = {.name = l->lines->name,
                          .text = l->text,
                          .size = l->size,
                          .count = l->lines->count,
                          .first = l->lines->first,
                          .cut = LK_CUT_TABS};
  lk_line_batch b = {.model = l->model, .lines = &words};
  lk_status status;
  for (;;) {
    LK_GO(lk_line_batch_next(&b));
    if (b.count == 0) break;
    LK_GO(score_batch(l, &b, out));
  }
done:
  lk_line_batch_release(&b);
  return status;
}

lk_status lk_score_labels(lk_model *model, const lk_lines *lines, lk_score *out) {
  labelled l = {.model = model, .lines = lines};
  lk_status status;
  if (!lk_head_has_probabilities(lk_task_head(model->task)))
    return LK_FAIL(LK_USAGE, "this model (model.output: %s) gives no probabilities", model->config.model.output);
  LK_GO(cut_lines(&l));
  LK_GO(score_all(&l, out));
done:
  lk_vocab_destroy(&l.labels);
  lk_buffer_release(&l.words);
  free(l.begin), free(l.size), free(l.text), free(l.label), free(l.first), free(l.target), free(l.scores.log_p);
  return status;
}
