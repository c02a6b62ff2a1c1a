/* sequences.c - the best label sequences of sentences, with the probabilities of sequences and words. */
#include <stdlib.h>
#include <string.h>

#include "decode_impl.h"
#include "head_kind.h"

/* Answers about a batch. */
typedef struct sequences {
  lk_line_batch lines;
  lk_lattice lattice;
  size_t score_capacity, log_z_capacity, marginal_capacity;
  lk_chain chain;
  char *room;
  int32_t *label; /* [nbest, length] of one sentence */
  double *score;  /* [nbest] */
  size_t room_capacity, label_capacity, path_capacity;
} sequences;

static lk_status fill(sequences *s, const lk_labelling *how) {
  lk_model *model = s->lines.model;
  const lk_pack *pack = &s->lines.batch.pack;
  lk_head *head = lk_task_head(model->task);
  LK_TRY(lk_task_reserve(model->task, pack->B, pack->N, pack->T, 0));
  const lk_units units = lk_task_forward(model->task, model->params, &s->lines.batch, NULL);
  const size_t reals = (size_t)(units.n * head->O);
  s->lattice.ld = head->O;
  LK_TRY(lk_grow(&s->lattice.score, &s->score_capacity, reals, sizeof *s->lattice.score));
  LK_TRY(lk_grow(&s->lattice.log_z, &s->log_z_capacity, (size_t)units.n, sizeof *s->lattice.log_z));
  if (how->marginals) LK_TRY(lk_grow(&s->lattice.marginal, &s->marginal_capacity, reals, sizeof *s->lattice.marginal));
  lk_head_lattice(head, model->params, &units, &s->lattice);
  s->chain = head->kind->chain ? head->kind->chain(head) : (lk_chain){.O = head->O};
  return LK_OK;
}

/* The sequences of sentence b: s->label, s->score; *found of them. */
static lk_status search(sequences *s, ptrdiff_t b, ptrdiff_t most, ptrdiff_t *found) {
  const lk_pack *pack = &s->lines.batch.pack;
  const ptrdiff_t length = pack->length[b];
  LK_TRY(lk_grow(&s->room, &s->room_capacity, lk_chain_room(s->chain.O, length, most), 1));
  LK_TRY(lk_grow(&s->label, &s->label_capacity, (size_t)(most * length), sizeof *s->label));
  LK_TRY(lk_grow(&s->score, &s->path_capacity, (size_t)most, sizeof *s->score));
  *found = lk_chain_best(&s->chain, pack, b, s->lattice.score, s->lattice.ld, most, s->room, s->label, s->score);
  return LK_OK;
}

static double log_z(const sequences *s, ptrdiff_t b) {
  double sum = 0;
  for (ptrdiff_t r = lk_pack_row(&s->lines.batch.pack, b, 0); r >= 0; r = s->lines.batch.pack.later[r])
    sum += s->lattice.log_z[r];
  return sum;
}

static lk_status put(const sequences *s, ptrdiff_t i, const int32_t *label, double score, bool tabs,
                     const lk_labelling *how, lk_buffer *out) {
  const lk_line_batch *b = &s->lines;
  const lk_strings *labels = &b->model->corpus->label;
  const ptrdiff_t first = lk_pack_row(&b->batch.pack, b->seq[i], 0);
  if (how->nbest > 0) LK_TRY(lk_buffer_printf(out, "%lld\t", (long long)(b->lines->first + b->first + i)));
  for (ptrdiff_t r = first, t = 0; r >= 0; r = b->batch.pack.later[r], t++) {
    if (t > 0) LK_TRY(lk_buffer_append(out, tabs ? "\t" : " ", 1));
    LK_TRY(lk_buffer_append(out, lk_strings_get(labels, label[t]), lk_strings_size(labels, label[t])));
  }
  if (how->scores) LK_TRY(lk_buffer_printf(out, "\t%.6f", score < 0 ? score : 0.0));
  for (ptrdiff_t r = first, t = 0; how->marginals && r >= 0; r = b->batch.pack.later[r], t++)
    LK_TRY(
        lk_buffer_printf(out, "%s%.4f", t > 0 ? " " : "\t", (double)s->lattice.marginal[r * s->lattice.ld + label[t]]));
  return lk_buffer_append(out, "\n", 1);
}

/* The answers to line i of the batch. */
static lk_status put_line(sequences *s, ptrdiff_t i, bool tabs, const lk_labelling *how, lk_buffer *out) {
  const ptrdiff_t b = s->lines.seq[i];
  ptrdiff_t found;
  if (b < 0) return how->nbest > 0 ? LK_OK : lk_buffer_append(out, "\n", 1);
  LK_TRY(search(s, b, how->nbest > 0 ? (ptrdiff_t)how->nbest : 1, &found));
  const double sum = log_z(s, b);
  for (ptrdiff_t k = 0; k < found; k++)
    LK_TRY(put(s, i, s->label + k * s->lines.batch.pack.length[b], s->score[k] - sum, tabs, how, out));
  return LK_OK;
}

static lk_status check(const lk_model *model) {
  const lk_head *head = lk_task_head(model->task);
  if (lk_task_view(model->task) != LK_VIEW_LABEL)
    return LK_FAIL(LK_USAGE, "label sequences are for taggers, and the model's task is %s", model->config.task);
  if (model->next) return LK_FAIL(LK_USAGE, "--nbest and --marginals of taggers are for one model, found several");
  if (!head->kind->log_z)
    return LK_FAIL(LK_USAGE,
                   "this model (model.output: %s) gives no probabilities: predict without --nbest and --marginals",
                   model->config.model.output);
  return LK_OK;
}

lk_status lk_label_lines(lk_model *model, const lk_lines *lines, const lk_labelling *how, lk_buffer *out) {
  LK_TRY(check(model));
  sequences s = {.lines = {.model = model, .lines = lines}};
  const bool blanks = lk_labels_have_blanks(&model->corpus->label);
  lk_status status;
  for (;;) {
    LK_GO(lk_line_batch_next(&s.lines));
    if (s.lines.count == 0) break;
    LK_GO(fill(&s, how));
    for (ptrdiff_t i = 0; i < s.lines.count; i++) LK_GO(put_line(&s, i, s.lines.tabs[i] || blanks, how, out));
  }
done:
  lk_line_batch_release(&s.lines);
  free(s.lattice.score), free(s.lattice.log_z), free(s.lattice.marginal);
  free(s.room), free(s.label), free(s.score);
  return status;
}

lk_status lk_model_unconstrain(lk_model *model) {
  for (; model; model = model->next) {
    lk_head *head = lk_task_head(model->task);
    if (!lk_head_is_whole(head))
      return LK_FAIL(LK_USAGE, "--unconstrained is for taggers of model.output: crf, and the model's is %s",
                     model->config.model.output);
    head->tags = NULL;
  }
  return LK_OK;
}
