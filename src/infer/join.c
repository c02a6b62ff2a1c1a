/* join.c - several models that answer together: whether they can, and which of their outputs mean the same. */
#include <stdlib.h>
#include <string.h>

#include "model.h"

static const char *reads(const lk_model *model) { return model->corpus->frames > 0 ? "frames" : "text"; }

static lk_status check_tasks(const lk_model *first, const lk_model *other, const char *path) {
  if (strcmp(first->config.task, other->config.task) != 0)
    return LK_FAIL(LK_USAGE, "%s: its task is %s, but the first model's is %s: models of one task answer together",
                   path, other->config.task, first->config.task);
  if (lk_task_view(first->task) == LK_VIEW_LM)
    return LK_FAIL(LK_USAGE, "%s: language models do not answer together: give one model", path);
  if (first->corpus->frames != other->corpus->frames)
    return LK_FAIL(LK_USAGE, "%s: it reads %s (numbers of a frame: %td), but the first model reads %s (%td)", path,
                   reads(other), other->corpus->frames, reads(first), first->corpus->frames);
  return LK_OK;
}

/* What is averaged are probabilities or, where labels are chosen together, scores; of one kind of output. */
static lk_status check_heads(const lk_model *first, const lk_model *other, const char *path) {
  const char *ours = first->config.model.output, *theirs = other->config.model.output;
  if (strcmp(ours, theirs) != 0)
    return LK_FAIL(LK_USAGE, "%s: model.output is %s, but %s in the first model", path, theirs, ours);
  const lk_head *head = lk_task_head(first->task);
  if (!lk_head_has_norms(head) && !(lk_head_is_whole(head) && lk_head_has_probabilities(head)))
    return LK_FAIL(LK_USAGE, "%s: models with model.output: %s have no probabilities to average: give one model", path,
                   ours);
  return LK_OK;
}

/* Labels of a tagger belong to words, units of a translation are joined to text in one way. */
static lk_status check_units(const lk_model *first, const lk_model *other, const char *path) {
  const lk_corpus_info *a = first->corpus, *b = other->corpus;
  if (lk_task_view(first->task) == LK_VIEW_LABEL && strcmp(a->unit, b->unit) != 0)
    return LK_FAIL(LK_USAGE, "%s: its units are %ss, but the first model's are %ss", path, b->unit, a->unit);
  if (strcmp(a->target_unit, b->target_unit) != 0)
    return LK_FAIL(LK_USAGE, "%s: units of its targets are %s, but %s in the first model", path, b->target_unit,
                   a->target_unit);
  if (a->target_model.size != b->target_model.size ||
      (a->target_model.size > 0 && memcmp(a->target_model.data, b->target_model.data, a->target_model.size) != 0))
    return LK_FAIL(LK_USAGE, "%s: its targets are cut by another SentencePiece model than the first model's", path);
  return LK_OK;
}

static const lk_strings *outputs_of(const lk_model *model) {
  return lk_task_view(model->task) == LK_VIEW_PAIRS ? &model->corpus->target : &model->corpus->label;
}

/* The place of each string of `wanted` in `among`: at [wanted->count]; *missing: the first that is not there, or NULL.
 * LK_MEMORY. */
static lk_status find_all(const lk_strings *wanted, const lk_strings *among, int32_t *at, const char **missing) {
  lk_vocab *vocab = NULL;
  *missing = NULL;
  LK_TRY(lk_vocab_from(&vocab, among, false));
  for (ptrdiff_t i = 0; i < wanted->count && !*missing; i++) {
    const char *text = lk_strings_get(wanted, i);
    const int32_t found = lk_vocab_find(vocab, text, lk_strings_size(wanted, i), -1);
    if (found < 0) *missing = text;
    if (at) at[i] = found;
  }
  lk_vocab_destroy(&vocab);
  return LK_OK;
}

/* other->output, by the text of the outputs. */
static lk_status map_outputs(const lk_model *first, lk_model *other, const char *path) {
  const lk_strings *ours = outputs_of(first), *theirs = outputs_of(other);
  const char *what = lk_task_view(first->task) == LK_VIEW_PAIRS ? "unit" : "label", *missing;
  char quoted[256];
  LK_TRY(lk_alloc(&other->output, (size_t)ours->count, sizeof *other->output));
  LK_TRY(find_all(ours, theirs, other->output, &missing));
  if (missing)
    return LK_FAIL(LK_USAGE, "%s: it has no %s %s, which the first model has", path, what,
                   lk_quote(quoted, missing, strlen(missing)));
  LK_TRY(find_all(theirs, ours, NULL, &missing));
  if (missing)
    return LK_FAIL(LK_USAGE, "%s: it has the %s %s, which the first model has not", path, what,
                   lk_quote(quoted, missing, strlen(missing)));
  for (ptrdiff_t i = 0; i < ours->count; i++)
    if (other->output[i] != i) return LK_OK;
  free(other->output);
  other->output = NULL;
  return LK_OK;
}

static lk_status check(const lk_model *model, lk_model *other, const char *path) {
  LK_TRY(lk_model_kernels(model));
  LK_TRY(check_tasks(model, other, path));
  LK_TRY(check_heads(model, other, path));
  LK_TRY(check_units(model, other, path));
  return map_outputs(model, other, path);
}

static void append(lk_model *model, lk_model *other) {
  while (model->next) model = model->next;
  model->next = other;
}

/* `comm` NULL: this process alone. */
static lk_status open_and_join(lk_model *model, lk_comm *comm, const char *path) {
  lk_model *other;
  lk_status status = lk_alloc(&other, 1, sizeof *other);
  if (comm) status = lk_comm_agree(comm, status);
  LK_TRY(status);
  status = comm ? lk_model_open_ranks(other, comm, path) : lk_model_open(other, path);
  if (status == LK_OK) status = check(model, other, path);
  if (comm) status = lk_comm_agree(comm, status);
  if (status == LK_OK) {
    append(model, other);
  } else {
    lk_model_close(other);
    free(other);
  }
  return status;
}

lk_status lk_model_join(lk_model *model, const char *path) { return open_and_join(model, NULL, path); }

lk_status lk_model_open_all(lk_model *model, lk_comm *comm, const char *const *paths, int count) {
  lk_status status = lk_model_open_ranks(model, comm, paths[0]);
  for (int i = 1; i < count && status == LK_OK; i++) status = open_and_join(model, comm, paths[i]);
  if (status != LK_OK) lk_model_close(model);
  return status;
}

int lk_model_count(const lk_model *model) {
  int count = 0;
  for (; model; model = model->next) count++;
  return count;
}
