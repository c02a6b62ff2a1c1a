/* task.c - the table of tasks; how one is made, and what its counts say. Its memory: reserve.c; its passes: net.c. */
#include "task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "choices.h"
#include "head_kind.h"
#include "task_impl.h"

/* The table of tasks: one line each. */
#define TASKS(X) \
  X(lm)          \
  X(classify)    \
  X(label)       \
  X(translate)

#define DECLARE(name) extern const lk_task_kind lk_task_##name;
#define ADDRESS(name) &lk_task_##name,
TASKS(DECLARE)
static const lk_task_kind *const kinds[] = {TASKS(ADDRESS)};
enum { KINDS = sizeof kinds / sizeof *kinds };

static lk_choice kind_choice(size_t i) {
  return i < KINDS ? (lk_choice){kinds[i]->name, kinds[i]->help, kinds[i]->reads} : (lk_choice){0};
}
LK_CHOICES("task", kind_choice)

static bool has_metric(const lk_task_kind *kind, const char *name) {
  for (const char *const *metric = kind->metric_names; *metric; metric++)
    if (strcmp(*metric, name) == 0) return true;
  return false;
}

/* The metrics of all kinds, each once. */
static lk_choice metric_choice(size_t i) {
  for (size_t k = 0; k < KINDS; k++)
    for (const char *const *name = kinds[k]->metric_names; *name; name++) {
      size_t before = 0;
      while (before < k && !has_metric(kinds[before], *name)) before++;
      if (before == k && i-- == 0) return (lk_choice){.name = *name};
    }
  return (lk_choice){0};
}
LK_CHOICES("eval.metric", metric_choice)

/* A head without probabilities of single outputs suits no task that goes on from what it said. */
static lk_status check_head(const lk_config *config, const lk_task_kind *kind) {
  const lk_head_kind *head;
  LK_TRY(lk_head_find(config, &head));
  if (head->whole && kind->per_sequence)
    return lk_config_error(config, "model.output", "%s is for a label for each word, and a classifier gives one a line",
                           head->name);
  if (head->next && !kind->needs_probabilities)
    return lk_config_error(config, "model.output",
                           "%s is for language models and translators: it needs outputs that are "
                           "numbered by their frequency, and labels are not",
                           head->name);
  if (!kind->needs_probabilities || head->norm) return LK_OK;
  return lk_config_error(config, "model.output", "%s gives no probabilities of single units, which %s needs",
                         head->name, kind->view == LK_VIEW_PAIRS ? "a translator" : "a language model");
}

static lk_status find_kind(const lk_config *config, const lk_task_kind **kind) {
  size_t index;
  LK_TRY(lk_config_choice(config, "task", &index));
  *kind = kinds[index];
  LK_TRY(lk_encoder_check(config));
  if ((*kind)->settings) LK_TRY((*kind)->settings(config));
  return check_head(config, *kind);
}

lk_status lk_task_check(const lk_config *config) {
  const lk_task_kind *kind;
  size_t count = 0, index;
  LK_TRY(find_kind(config, &kind));
  while (kind->metric_names[count]) count++;
  return lk_config_choice_of(config, "eval.metric", kind->metric_names, count, &index);
}

static lk_status declare(lk_task *task, lk_params *params) {
  ptrdiff_t width;
  int tied = -1;
  LK_TRY(task->kind->body->declare(task, params, &width, &tied));
  LK_TRY(lk_pooling_declare(&task->pooling, task->config, width, task->encoder.directions));
  task->head_first = lk_params_tensors(params);
  LK_TRY(lk_head_declare(&task->head, params, task->config, width, task->V, tied));
  task->head.tags = task->tags;
  return LK_OK;
}

lk_status lk_task_create(lk_task **out, const lk_config *config, const lk_corpus_info *info, lk_params *params) {
  lk_task *task;
  lk_status status;
  *out = NULL;
  LK_TRY(lk_alloc(&task, 1, sizeof *task));
  task->config = config;
  task->info = info;
  task->part = LK_WHOLE;
  LK_GO(find_kind(config, &task->kind));
  LK_GO(task->kind->check(task));
  LK_GO(declare(task, params));
  *out = task;
  return LK_OK;
done:
  lk_task_destroy(&task);
  return status;
}

void lk_task_destroy(lk_task **task) {
  if (*task == NULL) return;
  if ((*task)->kind && (*task)->kind->release) (*task)->kind->release(*task);
  if (!(*task)->lent) lk_arena_release(&(*task)->weights);
  lk_arena_release(&(*task)->arena);
  free(*task);
  *task = NULL;
}

lk_view lk_task_view(const lk_task *task) { return task->kind->view; }

lk_column_names lk_task_columns(const lk_task *task) { return lk_input_layer_columns(&task->encoder.input); }

lk_loader_settings lk_task_loading(const lk_task *task, lk_split split) {
  return (lk_loader_settings){.view = lk_task_view(task), .split = split, .columns = lk_task_columns(task)};
}

ptrdiff_t lk_task_counts(const lk_task *task) { return task->kind->counts(task); }

lk_status lk_task_unseen(lk_task *task, const lk_strings *unseen) {
  if (task->classes) task->classes->unseen = unseen->count > 0 ? unseen->count : 1;
  return task->kind->unseen ? task->kind->unseen(task, unseen) : LK_OK;
}

const lk_tally *lk_task_tallies(const lk_task *task, const int64_t *counts, ptrdiff_t *classes) {
  *classes = task->classes ? lk_classes_count(task->classes) : 0;
  return task->classes ? (const lk_tally *)(counts + task->kind->tallies) : NULL;
}

int64_t lk_task_unseen_units(const lk_task *task, const int64_t *counts) {
  ptrdiff_t classes;
  const lk_tally *tally = lk_task_tallies(task, counts, &classes);
  return tally ? lk_tally_sum(tally + task->V, task->classes->unseen).gold : 0;
}

const lk_tally *lk_task_spans(const lk_task *task, const int64_t *counts, const lk_tagset **tags) {
  *tags = NULL;
  return task->kind->spans ? task->kind->spans(task, counts, tags) : NULL;
}

void lk_task_note_pairs(lk_task *task, lk_pairs *pairs) {
  if (task->classes) task->classes->pairs = pairs;
}

int lk_task_metrics(const lk_task *task, double loss, const int64_t *counts, lk_metric metrics[LK_MAX_METRICS]) {
  double mean = counts[0] > 0 ? loss / (double)counts[0] : NAN;
  (void)lk_metric_put(metrics, 0, "loss", mean, 0);
  return task->kind->metrics(task, mean, counts, metrics);
}
