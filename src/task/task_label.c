/* task_label.c - a label for every word. */
#include <stdlib.h>

#include "task_impl.h"

/* counts: these, then a tally of each tag, those that training never had at the end, then of each type of span */
enum { UNITS, UNKNOWN, UNKNOWN_CORRECT, TALLIES };

typedef struct labeller {
  lk_classes classes;
  lk_tagset tags;
  lk_scheme_labels labels; /* of tags */
  int32_t *gold, *found;   /* [T] tags of one sentence */
} labeller;

/* `names` of labels that training does not have, or NULL. */
static lk_status read_tags(lk_task *task, const lk_strings *names) {
  labeller *l = task->state;
  lk_scheme_labels_release(&l->labels);
  lk_tagset_release(&l->tags);
  LK_TRY(lk_tagset_create(&l->tags, &task->info->label, names));
  if (!task->info->tags) return LK_OK;
  task->tag_labels = &l->labels;
  return lk_scheme_labels_create(&l->labels, &l->tags, names ? names->count : 0);
}

static lk_status check(lk_task *task) {
  labeller *l;
  if (task->info->kind != LK_CORPUS_LABEL)
    return lk_config_error(task->config, "task", "a labeller needs a corpus of kind label, found %s",
                           lk_corpus_kind_names[task->info->kind]);
  task->V = task->info->label.count;
  if (task->V < 1) return LK_FAIL(LK_DATA, "the corpus has no labels");
  LK_TRY(lk_alloc(&l, 1, sizeof *l));
  task->state = l;
  task->classes = &l->classes;
  task->tags = &l->tags;
  l->classes = (lk_classes){.known = task->V, .unseen = 1};
  return read_tags(task, NULL);
}

static void release(lk_task *task) {
  labeller *l = task->state;
  if (l == NULL) return;
  lk_scheme_labels_release(&l->labels);
  lk_tagset_release(&l->tags);
  free(l);
}

static void layout(lk_task *task, lk_arena *arena) {
  labeller *l = task->state;
  l->gold = lk_arena_ints(arena, task->T);
  l->found = lk_arena_ints(arena, task->T);
}

/* Where in counts the tallies of spans begin. */
static ptrdiff_t first_span(const labeller *l) { return TALLIES + lk_tally_counts(lk_classes_count(&l->classes)); }

static ptrdiff_t counts_of(const lk_task *task) {
  const labeller *l = task->state;
  return first_span(l) + (l->tags.spans ? lk_tally_counts(l->tags.types.count + 1) : 0);
}

static const lk_tally *spans(const lk_task *task, const int64_t *counts, const lk_tagset **tags) {
  const labeller *l = task->state;
  *tags = &l->tags;
  return l->tags.spans ? (const lk_tally *)(counts + first_span(l)) : NULL;
}

/* The tags of sentence b, as the corpus' files have them; returns how many. */
static ptrdiff_t take_sentence(const lk_task *task, const lk_batch *batch, ptrdiff_t b) {
  const labeller *l = task->state;
  const lk_pack *pack = &batch->pack;
  ptrdiff_t n = 0;
  for (ptrdiff_t r = lk_pack_row(pack, b, 0); r >= 0; r = pack->later[r], n++) {
    l->gold[n] = batch->target[r];
    l->found[n] = task->head.best[r];
  }
  lk_task_tags_as_filed(task, l->gold, n);
  lk_task_tags_as_filed(task, l->found, n);
  return n;
}

static void count_unknown(const labeller *l, const lk_batch *batch, ptrdiff_t b, int64_t *counts) {
  const lk_pack *pack = &batch->pack;
  ptrdiff_t i = 0;
  for (ptrdiff_t r = lk_pack_row(pack, b, 0); r >= 0; r = pack->later[r], i++) {
    if (l->gold[i] == LK_NO_LABEL || lk_batch_ids(batch)[r] != LK_UNK) continue;
    counts[UNKNOWN]++;
    counts[UNKNOWN_CORRECT] += l->gold[i] == l->found[i];
  }
}

static lk_status count(lk_task *task, const lk_params *params, const lk_batch *batch, int64_t *counts) {
  (void)params;
  const labeller *l = task->state;
  for (ptrdiff_t b = 0; b < batch->pack.B; b++) {
    const ptrdiff_t n = take_sentence(task, batch, b);
    count_unknown(l, batch, b, counts);
    if (l->tags.spans) lk_spans_count(&l->tags, l->gold, l->found, n, (lk_tally *)(counts + first_span(l)));
    LK_TRY(lk_classes_add(&l->classes, n, l->gold, l->found, (lk_tally *)(counts + TALLIES)));
  }
  return LK_OK;
}

static int metrics_of(const lk_task *task, double loss, const int64_t *counts, lk_metric *metrics) {
  (void)loss;
  const lk_tagset *tags;
  const lk_tally words = lk_tally_sum((const lk_tally *)(counts + TALLIES), lk_classes_count(task->classes));
  const lk_tally *by_type = spans(task, counts, &tags);
  int n = lk_metric_put(metrics, 1, "accuracy", lk_ratio_or_nan(words.correct, words.gold), 1);
  n = lk_metric_put(metrics, n, "unknown_accuracy", lk_ratio_or_nan(counts[UNKNOWN_CORRECT], counts[UNKNOWN]), 1);
  if (!by_type) return n;
  const lk_tally all = lk_tally_sum(by_type, tags->types.count + 1);
  const double none = words.gold > 0 ? 0 : NAN; /* no labelled word: there is nothing to measure, so no figure, not 0 */
  n = lk_metric_put(metrics, n, "precision", none + lk_tally_precision(all), 1);
  n = lk_metric_put(metrics, n, "recall", none + lk_tally_recall(all), 1);
  return lk_metric_put(metrics, n, "f1", none + lk_tally_f1(all), 1);
}

static const char *const metric_names[] = {"loss", "accuracy", "unknown_accuracy", "precision", "recall", "f1", NULL};

const lk_task_kind lk_task_label = {.name = "label",
                                    .reads = "train.ar train.tar",
                                    .help = "a label for each token",
                                    .view = LK_VIEW_LABEL,
                                    .body = &lk_body_encoder,
                                    .metric_names = metric_names,
                                    .settings = lk_task_untied,
                                    .check = check,
                                    .release = release,
                                    .layout = layout,
                                    .counts = counts_of,
                                    .count = count,
                                    .metrics = metrics_of,
                                    .tallies = TALLIES,
                                    .unseen = read_tags,
                                    .spans = spans};
