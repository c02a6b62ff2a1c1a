/* sequences.c - the best label sequences of sentences, with the probabilities of sequences and words. */
#include <stdlib.h>
#include <string.h>

#include "fixed_math.h"
#include "head_kind.h"
#include "mixture_impl.h"

/* Answers about a batch. */
typedef struct sequences {
  lk_joint_lines lines;
  lk_lattice lattice;
  size_t score_capacity, log_z_capacity, marginal_capacity;
  lk_chain chain;
  char *room;
  int32_t *label; /* [nbest, length] of one sentence */
  double *score;  /* [nbest] */
  int32_t *filed; /* [length] one of them, as the corpus' files have such labels */
  size_t room_capacity, label_capacity, path_capacity, filed_capacity;
} sequences;

static lk_status make_room(sequences *s, const lk_labelling *how, ptrdiff_t n, ptrdiff_t O) {
  const size_t reals = (size_t)(n * O);
  s->lattice.ld = O;
  LK_TRY(lk_grow(&s->lattice.score, &s->score_capacity, reals, sizeof *s->lattice.score));
  LK_TRY(lk_grow(&s->lattice.log_z, &s->log_z_capacity, (size_t)n, sizeof *s->lattice.log_z));
  if (!how->marginals) return LK_OK;
  return lk_grow(&s->lattice.marginal, &s->marginal_capacity, reals, sizeof *s->lattice.marginal);
}

/* Words by themselves, each with the mean of the probabilities that several models give to its labels. Scores are relative
 * to that of the best label, so that its probability is not rounded to a float. */
static lk_status fill_mixed(const lk_lattice *to, lk_mixture *m) {
  const ptrdiff_t n = m->voice[0].units.n;
  for (ptrdiff_t first = 0; first < n; first += m->n) {
    LK_TRY(lk_mixture_next(m, first));
    for (ptrdiff_t i = first; i < first + m->n; i++) {
      double best;
      lk_mixture_at(m, i, 0);
      (void)lk_mixture_best(m, &best);
      to->log_z[i] = -best;
      for (int32_t o = 0; o < (int32_t)to->ld; o++) {
        const double log_p = lk_mixture_log_p(m, o);
        to->score[i * to->ld + o] = (lk_real)(log_p - best);
        if (to->marginal) to->marginal[i * to->ld + o] = (lk_real)lk_fixed_exp(log_p);
      }
    }
  }
  return LK_OK;
}

static lk_status fill(sequences *s, const lk_labelling *how) {
  lk_mixture *m = &s->lines.mixture;
  const lk_voice *voice = &m->voice[0];
  lk_head *head = lk_task_head(voice->model->task);
  bool empty;
  LK_TRY(lk_joint_lines_forward(&s->lines, &empty));
  if (empty) return LK_OK;
  LK_TRY(make_room(s, how, voice->units.n, head->O));
  if (!lk_mixture_is_one(m)) LK_TRY(fill_mixed(&s->lattice, m));
  if (lk_mixture_is_one(m)) lk_head_lattice(head, voice->model->params, &voice->units, &s->lattice);
  s->chain = head->kind->chain ? head->kind->chain(head) : (lk_chain){.O = head->O};
  return LK_OK;
}

/* The sequences of sentence b: s->label, s->score; *found of them. */
static lk_status search(sequences *s, ptrdiff_t b, ptrdiff_t most, ptrdiff_t *found) {
  const lk_pack *pack = &s->lines.batch->batch.pack;
  const ptrdiff_t length = pack->length[b];
  LK_TRY(lk_grow(&s->room, &s->room_capacity, lk_chain_room(s->chain.O, length, most), 1));
  LK_TRY(lk_grow(&s->label, &s->label_capacity, (size_t)(most * length), sizeof *s->label));
  LK_TRY(lk_grow(&s->filed, &s->filed_capacity, (size_t)length, sizeof *s->filed));
  LK_TRY(lk_grow(&s->score, &s->path_capacity, (size_t)most, sizeof *s->score));
  *found = lk_chain_best(&s->chain, pack, b, s->lattice.score, s->lattice.ld, most, s->room, s->label, s->score);
  return LK_OK;
}

static double log_z(const sequences *s, ptrdiff_t b) {
  double sum = 0;
  const lk_pack *pack = &s->lines.batch->batch.pack;
  for (ptrdiff_t r = lk_pack_row(pack, b, 0); r >= 0; r = pack->later[r]) sum += s->lattice.log_z[r];
  return sum;
}

/* Write a sequence, in the tags of the corpus' files; marginals are those of the labels that the model knows. */
static lk_status put(const sequences *s, ptrdiff_t i, const int32_t *label, double score, bool tabs,
                     const lk_labelling *how, lk_buffer *out) {
  const lk_line_batch *b = s->lines.batch;
  const lk_strings *labels = &b->model->corpus->label;
  const ptrdiff_t first = lk_pack_row(&b->batch.pack, b->seq[i], 0);
  const ptrdiff_t length = b->batch.pack.length[b->seq[i]];
  memcpy(s->filed, label, (size_t)length * sizeof *label);
  lk_task_tags_as_filed(b->model->task, s->filed, length);
  if (how->nbest > 0) LK_TRY(lk_buffer_printf(out, "%lld\t", (long long)(b->lines->first + b->first + i)));
  for (ptrdiff_t t = 0; t < length; t++) {
    if (t > 0) LK_TRY(lk_buffer_append(out, tabs ? "\t" : " ", 1));
    LK_TRY(lk_buffer_append(out, lk_strings_get(labels, s->filed[t]), lk_strings_size(labels, s->filed[t])));
  }
  if (how->scores) LK_TRY(lk_buffer_printf(out, "\t%.6f", lk_shown_log_p(score)));
  for (ptrdiff_t r = first, t = 0; how->marginals && r >= 0; r = b->batch.pack.later[r], t++)
    LK_TRY(
        lk_buffer_printf(out, "%s%.4f", t > 0 ? " " : "\t", (double)s->lattice.marginal[r * s->lattice.ld + label[t]]));
  return lk_buffer_append(out, "\n", 1);
}

/* The answers to line i of the batch. */
static lk_status put_line(sequences *s, ptrdiff_t i, bool tabs, const lk_labelling *how, lk_buffer *out) {
  const ptrdiff_t b = s->lines.batch->seq[i];
  ptrdiff_t found;
  if (b < 0) return how->nbest > 0 ? LK_OK : lk_buffer_append(out, "\n", 1);
  LK_TRY(search(s, b, how->nbest > 0 ? (ptrdiff_t)how->nbest : 1, &found));
  const double sum = log_z(s, b);
  for (ptrdiff_t k = 0; k < found; k++)
    LK_TRY(put(s, i, s->label + k * s->lines.batch->batch.pack.length[b], s->score[k] - sum, tabs, how, out));
  return LK_OK;
}

static lk_status check(const lk_model *model) {
  const lk_head *head = lk_task_head(model->task);
  if (lk_task_view(model->task) != LK_VIEW_LABEL)
    return LK_FAIL(LK_USAGE, "label sequences are for taggers, and the model's task is %s", model->config.task);
  if (!head->kind->log_z)
    return LK_FAIL(LK_USAGE,
                   "this model (model.output: %s) gives no probabilities: predict without --nbest and --marginals",
                   model->config.model.output);
  return LK_OK;
}

lk_status lk_label_lines(lk_model *model, const lk_lines *lines, const lk_labelling *how, lk_buffer *out) {
  LK_TRY(check(model));
  sequences s = {0};
  const bool blanks = lk_labels_have_blanks(&model->corpus->label);
  lk_status status;
  LK_GO(lk_joint_lines_begin(&s.lines, model, lines));
  for (;;) {
    const lk_line_batch *b = s.lines.batch;
    LK_GO(lk_joint_lines_next(&s.lines));
    if (b->count == 0) break;
    LK_GO(fill(&s, how));
    for (ptrdiff_t i = 0; i < b->count; i++) LK_GO(put_line(&s, i, b->tabs[i] || blanks, how, out));
  }
done:
  lk_joint_lines_end(&s.lines);
  free(s.lattice.score), free(s.lattice.log_z), free(s.lattice.marginal);
  free(s.room), free(s.label), free(s.filed), free(s.score);
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
