#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "lockstep/corpus_ranks.h"
#include "lockstep/evaluate.h"
#include "lockstep/model.h"
#include "lockstep/trainer.h"

typedef struct arguments {
  const char *model, *corpus;
  lk_split split;
  bool json, confusion;
  long long batch;
} arguments;

enum { OPTION_SPLIT = 's', OPTION_JSON = 'j', OPTION_CONFUSION = 'c', OPTION_BATCH = 'b' };

static const struct argp_option options[] = {
    {"split", OPTION_SPLIT, "NAME", 0, "train, valid or test (the last that the corpus has)", 0},
    {"json", OPTION_JSON, NULL, 0, "one JSON object, the confusion matrix included", 0},
    {"confusion", OPTION_CONFUSION, NULL, 0, "print the confusion matrix", 0},
    {"batch", OPTION_BATCH, "N", 0,
     "sequences a step; of a running text its lanes, each read from zero states, so that figures hang on it a little "
     "(eval.batch)",
     0},
    {0}};

static int parse_split(const char *text, lk_split *split) {
  for (int s = 0; s < LK_SPLITS; s++)
    if (strcmp(text, lk_split_names[s]) == 0) return *split = (lk_split)s, 0;
  return lk_cli_bad_option("--split: expected train, valid or test, found '%s'", text);
}

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
    case OPTION_SPLIT:
      return parse_split(text, &a->split);
    case OPTION_JSON:
      a->json = true;
      return 0;
    case OPTION_CONFUSION:
      a->confusion = true;
      return 0;
    case OPTION_BATCH:
      return lk_cli_integer("batch", text, 1, 1000000, &a->batch);
    case ARGP_KEY_ARG:
      if (state->arg_num > 1) return ARGP_ERR_UNKNOWN;
      *(state->arg_num == 0 ? &a->model : &a->corpus) = text;
      return 0;
    case ARGP_KEY_END:
      if (a->corpus) return 0;
      return lk_cli_bad_option("lockstep eval: expected a model and a corpus; 'lockstep eval --help' has an example");
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "MODEL.h5 CORPUS.h5",
    .doc =
        "Evaluate a model on a part of a corpus, sharded over all ranks: the same figures "
        "for any number of them.\v"
        "Example:\n  mpirun -n 2 lockstep eval run/best.h5 names.h5 --split test --confusion"};

/* A corpus numbers its units by its own vocabulary: it must be the model's. */
static lk_status same_strings(const lk_strings *a, const lk_strings *b, const char *what, const char *corpus) {
  bool same = a->count == b->count;
  for (ptrdiff_t i = 0; same && i < a->count; i++) same = strcmp(lk_strings_get(a, i), lk_strings_get(b, i)) == 0;
  if (same) return LK_OK;
  return LK_FAIL(LK_DATA,
                 "%s: its %s vocabulary is not the one that the model was trained with; prepare training and "
                 "test parts together",
                 corpus, what);
}

static bool same_bytes(const lk_buffer *a, const lk_buffer *b) {
  return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Cut into the same units, in lines or one running text. */
static lk_status check_units(const lk_corpus_info *ours, const lk_corpus_info *info, const char *path) {
  if (info->stream != ours->stream)
    return LK_FAIL(LK_DATA, "%s: %s, but the model was trained on %s", path,
                   info->stream ? "one running text" : "sequences, one a line",
                   ours->stream ? "one running text (prepare --stream)" : "sequences, one a line");
  if (strcmp(info->unit, ours->unit) != 0 || strcmp(info->target_unit, ours->target_unit) != 0)
    return LK_FAIL(LK_DATA, "%s: units %s %s, but the model was trained on %s %s", path, info->unit, info->target_unit,
                   ours->unit, ours->target_unit);
  if (!same_bytes(&info->source_model, &ours->source_model) || !same_bytes(&info->target_model, &ours->target_model))
    return LK_FAIL(LK_DATA, "%s: its SentencePiece models are not those that the model was trained with", path);
  return LK_OK;
}

static lk_status check_corpus(const lk_model *model, const lk_corpus_info *info, const char *path) {
  const lk_corpus_info *ours = model->corpus;
  if (info->kind != ours->kind)
    return LK_FAIL(LK_DATA, "%s: a corpus of kind '%s', but the model was trained on '%s'", path,
                   lk_corpus_kind_names[info->kind], lk_corpus_kind_names[ours->kind]);
  if (info->frames != ours->frames)
    return LK_FAIL(LK_DATA, "%s: frames of %td numbers, but the model reads %td", path, info->frames, ours->frames);
  LK_TRY(check_units(ours, info, path));
  LK_TRY(same_strings(&info->source, &ours->source, "source", path));
  LK_TRY(same_strings(&info->target, &ours->target, "target", path));
  return same_strings(&info->label, &ours->label, "label", path);
}

static void print_text(const lk_model *model, const arguments *a, const lk_evaluation *e) {
  printf("split\t%s\nunits\t%lld\n", lk_split_names[a->split], (long long)e->units);
  for (int i = 0; i < e->metrics; i++) {
    const double value = e->metric[i].value;
    if (isnan(value))
      printf("%s\t-\n", e->metric[i].name); /* there was nothing to measure it on */
    else
      printf("%s\t%.6f\n", e->metric[i].name, value);
  }
  ptrdiff_t n = 0;
  const int64_t *cell = lk_task_confusion(model->task, e->counts, &n);
  if (!a->confusion || n == 0) return;
  printf("\nconfusion: a row for each true label, a column for each predicted one, in the same order\n");
  for (ptrdiff_t i = 0; i < n; i++) {
    printf("%s", lk_strings_get(&model->corpus->label, i));
    for (ptrdiff_t j = 0; j < n; j++) printf("\t%lld", (long long)cell[i * n + j]);
    putchar('\n');
  }
}

static json_t *confusion_json(const lk_model *model, const lk_evaluation *e) {
  ptrdiff_t n = 0;
  const int64_t *cell = lk_task_confusion(model->task, e->counts, &n);
  json_t *labels = json_array(), *rows = json_array();
  for (ptrdiff_t i = 0; i < n; i++) {
    json_t *row = json_array();
    for (ptrdiff_t j = 0; j < n; j++) json_array_append_new(row, json_integer((json_int_t)cell[i * n + j]));
    json_array_append_new(rows, row);
    json_array_append_new(labels, json_string(lk_strings_get(&model->corpus->label, i)));
  }
  return json_pack("{s:o, s:o}", "labels", labels, "matrix", rows);
}

static lk_status print_json(const lk_model *model, const arguments *a, const lk_evaluation *e) {
  json_t *root = json_pack("{s:s, s:s, s:I, s:I}", "model", a->model, "split", lk_split_names[a->split], "units",
                           (json_int_t)e->units, "tokens", (json_int_t)e->tokens);
  for (int i = 0; root && i < e->metrics; i++)
    json_object_set_new(root, e->metric[i].name,
                        isfinite(e->metric[i].value) ? json_real(e->metric[i].value) : json_null());
  ptrdiff_t labels = 0;
  lk_task_confusion(model->task, e->counts, &labels);
  if (root && labels > 0) json_object_set_new(root, "confusion", confusion_json(model, e));
  char *text = root ? json_dumps(root, JSON_REAL_PRECISION(9)) : NULL;
  json_decref(root);
  if (!text) return LK_FAIL(LK_MEMORY, "out of memory for the result");
  puts(text);
  free(text);
  return LK_OK;
}

static lk_split last_split(const lk_corpus_info *info) {
  for (int s = LK_SPLITS - 1; s > 0; s--)
    if (info->tokens[s] > 0) return (lk_split)s;
  return LK_TRAIN;
}

static lk_status run(arguments *a, lk_comm *comm, lk_model *model, const lk_corpus *corpus) {
  lk_status status = LK_OK;
  lk_evaluator *evaluator = NULL;
  lk_evaluation result;
  int total = (int)lk_checkpoint_state(model->file)->shards; /* those of training: the same sums in the same order */
  if (total < lk_comm_size(comm))
    return LK_FAIL(LK_USAGE, "%d ranks need at least as many shards, and the model was trained with %d",
                   lk_comm_size(comm), total);
  if (a->split == LK_SPLITS) a->split = last_split(lk_corpus_about(corpus));
  lk_shards shards = lk_shards_make(total, lk_comm_rank(comm), lk_comm_size(comm));
  LK_GO(lk_evaluator_create(&evaluator, comm, corpus, &shards, model->task, a->split,
                            (ptrdiff_t)(a->batch > 0 ? a->batch : model->config.eval.batch),
                            (ptrdiff_t)model->config.train.unroll));
  lk_task_pack(model->task, model->params);
  LK_GO(lk_evaluator_run(evaluator, model->params, &result));
  if (lk_comm_rank(comm) != 0) goto done;
  if (a->json)
    LK_GO(print_json(model, a, &result));
  else
    print_text(model, a, &result);
done:
  lk_evaluator_destroy(&evaluator);
  return status;
}

lk_status lk_command_eval(int argc, char **argv, lk_comm *comm) {
  lk_status status = LK_OK;
  int help = 0;
  arguments a = {.split = LK_SPLITS};
  lk_model model = {0};
  lk_corpus *corpus = NULL;
  LK_TRY(lk_cli_parse(&argp, "lockstep eval", argc, argv, &a, &help));
  if (help) return LK_OK;
  LK_GO(lk_model_open_ranks(&model, comm, a.model));
  LK_GO(lk_corpus_open_ranks(&corpus, comm, a.corpus));
  LK_GO(lk_comm_agree(comm, check_corpus(&model, lk_corpus_about(corpus), a.corpus)));
  if (a.confusion && strcmp(model.config.task, "classify") != 0)
    LK_GO(LK_FAIL(LK_USAGE, "--confusion: only a classifier has one, and the model is of task %s", model.config.task));
  LK_GO(run(&a, comm, &model, corpus));
done:
  lk_corpus_close(&corpus);
  lk_model_close(&model);
  return status;
}
