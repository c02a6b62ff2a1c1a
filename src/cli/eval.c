#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "eval_impl.h"
#include "corpus_ranks.h"
#include "log.h"
#include "work.h"

enum {
  OPTION_SPLIT = 's',
  OPTION_JSON = 'j',
  OPTION_CONFUSION = 'c',
  OPTION_BATCH = 'b',
  OPTION_BEAM = 256,
  OPTION_LENGTH,
  OPTION_COVERAGE,
  OPTION_BY,
  OPTION_UNCONSTRAINED,
  OPTION_PRECISION
};

static const struct argp_option options[] = {
    {"split", OPTION_SPLIT, "train|valid|test", 0, "part of the corpus (default: the last of them that the corpus has)",
     0},
    {"json", OPTION_JSON, NULL, 0, "print one JSON object", 0},
    {"by", OPTION_BY, "class|tag", 0,
     "also print precision, recall, F1 and support (number of true items) of each class or tag, sorted by name", 0},
    {"confusion", OPTION_CONFUSION, NULL, 0,
     "also print the confusion matrix of classes or tags, sorted by name; of more than 40 classes a list of the "
     "mistakes. With --json: \"pairs\" [true, predicted, count], and up to 1,000 classes \"matrix\"",
     0},
    {"batch", OPTION_BATCH, "N", 0,
     "sequences evaluated together (default: the model's eval.batch). A running text is cut into N parts that each "
     "start from a zero state, so its loss depends slightly on N",
     0},
    {"unconstrained", OPTION_UNCONSTRAINED, NULL, 0,
     "for taggers of model.output: crf: allow sequences that the scheme of the tags does not (BIO, BIOES ...), such as "
     "I after O",
     0},
    LK_CLI_PRECISION(OPTION_PRECISION),
    LK_ADAPT_OPTIONS(2),
    {0, 0, 0, 0, "Options for translators:", 1},
    {"beam", OPTION_BEAM, "N", 0, "measure translations of a beam search of width N (default: greedy translations)", 1},
    {"length-penalty", OPTION_LENGTH, "X", 0,
     "with --beam: rank translations by log P / ((5 + units) / 6)^X (default 0.6; 0 favours short ones)", 1},
    {"coverage-penalty", OPTION_COVERAGE, "X", 0,
     "with --beam: penalise source units that received little attention, with weight X (default 0)", 1},
    {0}};

static int parse_split(const char *text, lk_split *split) {
  for (int s = 0; s < LK_SPLITS; s++)
    if (strcmp(text, lk_split_names[s]) == 0) return *split = (lk_split)s, 0;
  return lk_cli_bad_option("--split: expected train, valid or test, found '%s'", text);
}

static int parse_by(const char *text, bool *by_class) {
  if (strcmp(text, "class") == 0 || strcmp(text, "tag") == 0) return *by_class = true, 0;
  return lk_cli_bad_option("--by: expected class or tag, found '%s'", text);
}

static error_t parse_translation(int key, const char *text, lk_eval_arguments *a) {
  long long beam;
  if (key == OPTION_BEAM) {
    const error_t error = lk_cli_integer("beam", text, 1, 1024, "hypotheses", &beam);
    if (!error) a->how.beam = beam;
    return error;
  }
  a->penalties = true;
  if (key == OPTION_LENGTH) return lk_cli_real("length-penalty", text, 0, 10, "", &a->how.length_penalty);
  return lk_cli_real("coverage-penalty", text, 0, 100, "", &a->how.coverage_penalty);
}

static error_t parse_end(lk_eval_arguments *a) {
  if (a->models.count > 1) a->corpus = a->models.path[--a->models.count]; /* the last of the files */
  if (!a->corpus)
    return lk_cli_bad_option("lockstep eval: expected a model and a corpus; 'lockstep eval --help' has an example");
  if (a->penalties && a->how.beam < 2)
    return lk_cli_bad_option("--length-penalty and --coverage-penalty need a beam search: give --beam N, N above 1");
  if (lk_adapts(&a->adapt.how) && a->batch == 0) a->batch = 1;
  return lk_adapt_check(&a->adapt);
}

static error_t parse(int key, char *text, struct argp_state *state) {
  lk_eval_arguments *a = state->input;
  switch (key) {
    case OPTION_SPLIT:
      return parse_split(text, &a->split);
    case OPTION_JSON:
      a->json = true;
      return 0;
    case OPTION_CONFUSION:
      a->confusion = true;
      return 0;
    case OPTION_UNCONSTRAINED:
      a->unconstrained = true;
      return 0;
    case OPTION_BY:
      return parse_by(text, &a->by_class);
    case OPTION_BATCH:
      return lk_cli_integer("batch", text, 1, 1000000, "sequences", &a->batch);
    case OPTION_PRECISION:
      return lk_cli_precision(text, &a->precision);
    case ARGP_KEY_ARG:
      return lk_cli_take_model(&a->models, text);
    case OPTION_BEAM:
    case OPTION_LENGTH:
    case OPTION_COVERAGE:
      return parse_translation(key, text, a);
    case ARGP_KEY_END:
      return parse_end(a);
    default:
      return lk_adapt_parse(key, text, &a->adapt);
  }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "MODEL.h5 [MODEL.h5 ...] CORPUS.h5",
    .doc =
        "Compute the loss and the metrics of a model on one split of a corpus.\v"
        "Examples:\n  mpirun -n 2 lockstep eval run/best.h5 names.h5 --split test --confusion\n"
        "  lockstep eval run/best.h5 pairs.h5 --beam 5\n"
        "  lockstep eval seed1/best.h5 seed2/best.h5 pairs.h5\n"
        "  lockstep eval run/best.h5 text.h5 --dynamic rms --cache 2000\n\n"
        "Several models are evaluated as one whose probabilities are the means of theirs, as 'lockstep predict' "
        "answers "
        "with them.\n\n"
        "The corpus must have the model's vocabulary: prepare it with --like MODEL.h5. All ranks of mpirun share the "
        "work; the figures do not depend on their number."};

static lk_split last_split(const lk_corpus_info *info) {
  for (int s = LK_SPLITS - 1; s > 0; s--)
    if (info->tokens[s] > 0) return (lk_split)s;
  return LK_TRAIN;
}

/* Where most labels are span tags but not all, name the first label that keeps spans from being counted. */
static lk_status warn_of_tags(const lk_model *model, const lk_evaluator *evaluator, const lk_evaluation *result) {
  const lk_tagset *tags;
  lk_buffer why = {0};
  (void)lk_task_spans(model->task, result->counts, &tags);
  if (!tags || !lk_tagset_spoilt(tags)) return LK_OK;
  lk_status status = lk_evaluator_why_no_spans(evaluator, &why);
  if (status == LK_OK) LK_WARN("spans are not evaluated: %s", why.data);
  lk_buffer_release(&why);
  return status;
}

/* On rank 0 only. */
static lk_status print(const lk_eval_arguments *a, const lk_model *model, const lk_evaluator *evaluator,
                       const lk_evaluation *result, const lk_strings *unseen, lk_eval_report *report) {
  report->asked = a;
  report->model = model;
  report->found = result;
  report->unseen = unseen;
  LK_TRY(warn_of_tags(model, evaluator, result));
  LK_TRY(lk_eval_sort_classes(report));
  if (a->json) return lk_eval_print_json(report);
  lk_eval_print_text(report);
  return LK_OK;
}

static void tell(void *context, double share) {
  (void)context;
  lk_work_at(share);
}

static lk_status run(lk_eval_arguments *a, lk_comm *comm, lk_model *model, const lk_corpus *corpus) {
  lk_status status = LK_OK;
  lk_evaluator *evaluator = NULL;
  lk_beam_writer *writer = NULL;
  lk_together *together = NULL;
  lk_adapter *adapter = NULL;
  lk_evaluation result;
  lk_eval_report report = {0};
  int total =
      (int)lk_checkpoint_state(model->file)->shards; /* as in training, so that sums are made in the same order */
  if (total < lk_comm_size(comm))
    return LK_FAIL(LK_USAGE, "%d ranks are more than the %d shard%s that the model was trained with (parallel.shards)",
                   lk_comm_size(comm), total, lk_plural(total));
  if (a->split == LK_SPLITS) a->split = last_split(lk_corpus_about(corpus));
  lk_shards shards = lk_shards_make(total, lk_comm_rank(comm), lk_comm_size(comm));
  lk_evaluator_settings settings = lk_evaluator_settings_of(&model->config, a->split);
  if (a->batch > 0) settings.batch = (ptrdiff_t)a->batch;
  if (!lk_adapts(&a->adapt.how)) LK_GO(lk_corpus_memory(comm, &settings.memory));
  LK_GO(lk_evaluator_create(&evaluator, comm, corpus, &shards, model->task, settings));
  lk_task_pack(model->task, model->params);
  if (a->confusion) lk_evaluator_note_pairs(evaluator);
  if (model->next) LK_GO(lk_comm_agree(comm, lk_together_create(&together, model)));
  LK_GO(lk_adapt_begin(&adapter, comm, model, &a->adapt, corpus));
  lk_evaluator_adapt(evaluator, adapter);
  if (a->how.beam > 1 || (model->next && a->how.beam > 0))
    LK_GO(lk_comm_agree(comm, lk_beam_writer_create(&writer, model, &a->how)));
  lk_work_next("evaluating", NULL, 1);
  lk_evaluator_tell(evaluator, tell, NULL);
  LK_GO(lk_evaluator_run(evaluator, model->params, &result));
  lk_work_end();
  if (a->confusion) LK_GO(lk_evaluator_pairs(evaluator, &report.pair, &report.pairs));
  if (lk_comm_rank(comm) == 0) LK_GO(print(a, model, evaluator, &result, &lk_corpus_about(corpus)->unseen, &report));
done:
  lk_eval_release(&report);
  lk_beam_writer_destroy(&writer);
  lk_together_destroy(&together);
  lk_adapter_destroy(&adapter);
  lk_evaluator_destroy(&evaluator);
  return status;
}

/* Whether the options fit the model's task. */
static lk_status check_options(const lk_eval_arguments *a, const lk_model *model, const lk_corpus_info *info) {
  const lk_view view = lk_task_view(model->task);
  const char *option = a->confusion ? "--confusion" : a->by_class ? "--by class" : NULL;
  if (option && view != LK_VIEW_CLASSIFY && view != LK_VIEW_LABEL)
    return LK_FAIL(LK_USAGE, "%s is for classifiers and taggers, and the model's task is %s", option,
                   model->config.task);
  if (a->how.beam > 0 && view != LK_VIEW_PAIRS)
    return LK_FAIL(LK_USAGE, "--beam is for translators, and the model's task is %s", model->config.task);
  if (lk_adapts(&a->adapt.how) && view == LK_VIEW_LM && !info->stream)
    return LK_FAIL(LK_USAGE,
                   "--dynamic and --cache need a running text, but %s holds separate lines in no order: score "
                   "reads them in theirs",
                   a->corpus);
  return LK_OK;
}

lk_status lk_command_eval(int argc, char **argv, lk_comm *comm) {
  lk_status status = LK_OK;
  int help = 0;
  lk_eval_arguments a = {.split = LK_SPLITS, .how = {.nbest = 1, .length_penalty = 0.6}, .adapt = LK_ADAPT_DEFAULTS};
  lk_model model = {0};
  lk_corpus *corpus = NULL;
  LK_GO(lk_cli_parse(&argp, "lockstep eval", argc, argv, &a, &help));
  if (help) goto done;
  lk_work_begin();
  LK_GO(lk_model_open_all(&model, comm, a.models.path, a.models.count));
  LK_GO(lk_comm_agree(comm, lk_model_precision(&model, a.precision)));
  LK_GO(lk_corpus_open_ranks(&corpus, comm, a.corpus));
  for (const lk_model *one = &model; one; one = one->next)
    LK_GO(lk_comm_agree(comm, lk_model_check_corpus(one, lk_corpus_about(corpus), a.corpus)));
  LK_GO(check_options(&a, &model, lk_corpus_about(corpus)));
  if (a.unconstrained) LK_GO(lk_model_unconstrain(&model));
  /* greedy search is one model's: several write with a beam of one */
  if (model.next && lk_task_view(model.task) == LK_VIEW_PAIRS && a.how.beam == 0) a.how.beam = 1;
  LK_GO(run(&a, comm, &model, corpus));
done:
  lk_work_end();
  lk_corpus_close(&corpus);
  lk_model_close(&model);
  free(a.models.path);
  return status;
}
