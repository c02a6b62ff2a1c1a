#include <stdlib.h>

#include "cli_impl.h"
#include "forms_impl.h"
#include "lines_impl.h"

typedef struct arguments {
  lk_cli_models models;
  lk_translate how;
  int64_t most;           /* --max-length in units; 0: not given */
  int translates;         /* an option for translators was given */
  lk_labelling sequences; /* of a tagger */
  bool unconstrained;
  const char *precision; /* NULL: the run's */
  lk_forms forms;        /* input and output formats of a tagger */
  lk_cut cut;
  lk_model model;
} arguments;

enum {
  SCORES = 's',
  BEAM = 'b',
  NBEST = 'n',
  LENGTH_PENALTY = 256,
  COVERAGE_PENALTY,
  ALIGNMENT,
  MAX_LENGTH,
  MARGINALS,
  UNCONSTRAINED,
  PRECISION
};

static const struct argp_option options[] = {
    {"scores", SCORES, NULL, 0,
     "append a TAB and the log-probability (nats) to each answer; a tagger's is that of all tags of the sentence", 0},
    {"nbest", NBEST, "N", 0,
     "for translators and taggers: print the N best answers to each line, each after the line's number and a TAB; for "
     "translators N up to --beam",
     0},
    LK_CLI_PRECISION(PRECISION),
    {0, 0, 0, 0, "Options for translators:", 1},
    {"beam", BEAM, "N", 0, "width of the beam search (default 5; 1 takes the most probable unit at each step)", 1},
    {"length-penalty", LENGTH_PENALTY, "X", 0,
     "rank translations by log P / ((5 + units) / 6)^X (default 0.6; 0 favours short ones)", 1},
    {"coverage-penalty", COVERAGE_PENALTY, "X", 0,
     "penalise source units that received little attention, with weight X (default 0)", 1},
    {"alignment", ALIGNMENT, NULL, 0, "print a JSON object a line, with the attention weights, instead of text", 1},
    {"max-length", MAX_LENGTH, "N", 0, LK_MAX_LENGTH_HELP, 1},
    {0, 0, 0, 0, "Options for taggers:", 2},
    {"marginals", MARGINALS, NULL, 0,
     "append a TAB and, separated by spaces, the probability of each word's tag, whatever the tags of the other words "
     "are",
     2},
    {"unconstrained", UNCONSTRAINED, NULL, 0,
     "for models of model.output: crf: allow sequences that the scheme of the tags does not (BIO, BIOES ...), such as "
     "I "
     "after O",
     2},
    {"input", LK_FORMS_INPUT, "auto|lines|tabs|words|columns|conllu", 0,
     "format of the sentences. lines: one a line, words separated by spaces; tabs: one a line, words separated by TABs "
     "(words may contain spaces); words: one word a line, an empty line after each sentence; columns: the same with "
     "further columns, as prepare label reads them; conllu. Default: one sentence a line, words separated by TABs if "
     "the line has one",
     2},
    {"conllu", LK_FORMS_CONLLU, NULL, 0, "the same as --input conllu", 2},
    {"column", LK_FORMS_COLUMN, "word=I,tag=J", 0,
     "columns of the words and of the tags to fill in, counted from 0, or from the end with -1, -2 ... (default "
     "word=0,tag=-1; for CoNLL-U the columns that the model was trained on). J may be one more than the last column, "
     "which adds a column",
     2},
    {"output", LK_FORMS_OUTPUT, "auto|tags|columns|conllu", 0,
     "format of the answers. tags: a line of tags for each sentence; columns or conllu: the input with its tags filled "
     "in. Default: conllu for --input conllu, columns for --input columns and words, else tags",
     2},
    {0}};

static error_t parse_whole(const char *name, const char *text, long long most, const char *unit, int64_t *out) {
  long long value;
  const error_t error = lk_cli_integer(name, text, 1, most, unit, &value);
  if (!error) *out = value;
  return error;
}

static error_t parse_nbest(const char *text, arguments *a) {
  const error_t error = parse_whole("nbest", text, 1024, "answers", &a->how.nbest);
  a->sequences.nbest = a->how.nbest;
  return error;
}

static error_t parse_translation(int key, const char *text, arguments *a) {
  a->translates = 1;
  switch (key) {
    case BEAM:
      return parse_whole("beam", text, 1024, "hypotheses", &a->how.beam);
    case LENGTH_PENALTY:
      return lk_cli_real("length-penalty", text, 0, 10, "", &a->how.length_penalty);
    case COVERAGE_PENALTY:
      return lk_cli_real("coverage-penalty", text, 0, 100, "", &a->how.coverage_penalty);
    case ALIGNMENT:
      a->how.alignment = true;
      return 0;
    case MAX_LENGTH:
      return parse_whole("max-length", text, INT32_MAX, "units", &a->most);
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
    case SCORES:
      a->how.scores = a->sequences.scores = true;
      return 0;
    case MARGINALS:
      a->sequences.marginals = true;
      return 0;
    case UNCONSTRAINED:
      a->unconstrained = true;
      return 0;
    case NBEST:
      return parse_nbest(text, a);
    case PRECISION:
      return lk_cli_precision(text, &a->precision);
    case ARGP_KEY_ARG:
      return lk_cli_take_model(&a->models, text);
    case ARGP_KEY_END:
      if (a->models.count == 0)
        return lk_cli_bad_option("lockstep predict: expected a model; 'lockstep predict --help' has an example");
      return 0;
    case BEAM:
    case LENGTH_PENALTY:
    case COVERAGE_PENALTY:
    case ALIGNMENT:
    case MAX_LENGTH:
      return parse_translation(key, text, a);
    default:
      return lk_forms_parse(key, text, &a->forms);
  }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "MODEL.h5 [MODEL.h5 ...]",
    .doc =
        "Print one answer for each line of standard input: a class, a tag for every word, or a translation.\v"
        "Examples:\n  echo Papadopoulos | lockstep predict run/best.h5 --scores\n"
        "  mpirun -n 2 lockstep predict run/best.h5 --beam 8 < words.txt\n"
        "  lockstep predict tagger/best.h5 --conllu < test.conllu > tagged.conllu\n"
        "  lockstep predict tagger/best.h5 --nbest 3 --scores < sentences.txt\n"
        "  lockstep predict seed1/best.h5 seed2/best.h5 seed3/best.h5 < words.txt\n\n"
        "Several models of one task answer together (an ensemble): the probability of each label, or of each next unit "
        "of a translation, is the mean of theirs; of taggers with model.output: crf the scores are averaged. Their "
        "labels or target vocabularies must have the same entries, in "
        "any "
        "order; what they read may differ in units, vocabulary, columns and size.\n\n"
        "A tagger prints as many tags as the sentence has words, separated as the words are. A classifier of frames "
        "reads lines such as '1.5,0.2 1.4,0.3': spaces between frames, commas between the numbers of a frame. An empty "
        "line is answered by an empty line, and left out with --nbest and --alignment.\n\n"
        "Under mpirun all ranks share the lines; answers come in the order of the lines and do not depend on the "
        "number "
        "of ranks. Each line is answered as soon as it is read, so another program can write and read through pipes."};

static lk_status work(void *context, const lk_lines *lines, lk_buffer *out) {
  arguments *a = context;
  if (lk_task_view(a->model.task) == LK_VIEW_PAIRS) return lk_translate_lines(&a->model, lines, &a->how, out);
  lk_lines cut = *lines;
  cut.cut = a->cut;
  if (a->sequences.nbest > 0 || a->sequences.marginals) return lk_label_lines(&a->model, &cut, &a->sequences, out);
  return lk_predict(&a->model, &cut, a->how.scores, out);
}

static lk_status check_task(const arguments *a) {
  const lk_view view = lk_task_view(a->model.task);
  if (a->translates && view != LK_VIEW_PAIRS)
    return LK_FAIL(
        LK_USAGE,
        "--beam, --length-penalty, --coverage-penalty, --alignment and --max-length are for translators, and "
        "the model's task is %s",
        a->model.config.task);
  if (a->sequences.nbest > 0 && view != LK_VIEW_PAIRS && view != LK_VIEW_LABEL)
    return LK_FAIL(LK_USAGE, "--nbest is for translators and taggers, and the model's task is %s",
                   a->model.config.task);
  if (view == LK_VIEW_PAIRS && a->how.nbest > a->how.beam)
    return LK_FAIL(LK_USAGE, "--nbest %lld needs --beam %lld or more, found %lld", (long long)a->how.nbest,
                   (long long)a->how.nbest, (long long)a->how.beam);
  if ((a->sequences.marginals || a->unconstrained) && view != LK_VIEW_LABEL)
    return LK_FAIL(LK_USAGE, "--marginals and --unconstrained are for taggers, and the model's task is %s",
                   a->model.config.task);
  if (a->forms.given && view != LK_VIEW_LABEL)
    return LK_FAIL(LK_USAGE, "--input, --output and --column are for taggers, and the model's task is %s",
                   a->model.config.task);
  return LK_OK;
}

/* A file of lines may stand where a further model is expected. */
static lk_status open_models(arguments *a, lk_comm *comm) {
  const lk_status status = lk_model_open_all(&a->model, comm, a->models.path, a->models.count);
  for (int i = 1; i < a->models.count && status == LK_DATA; i++) {
    if (lk_h5_is_ours(a->models.path[i])) continue;
    lk_error_clear();
    (void)lk_cli_extra_argument("lockstep predict", a->models.path[i]);
    return LK_USAGE;
  }
  return status;
}

lk_status lk_command_predict(int argc, char **argv, lk_comm *comm) {
  arguments a = {.how = {.beam = 5, .nbest = 1, .length_penalty = 0.6}};
  lk_answering how = {.context = &a, .forms = &a.forms, .work = work};
  lk_status status;
  int help = 0;
  lk_forms_init(&a.forms);
  LK_GO(lk_cli_parse(&argp, "lockstep predict", argc, argv, &a, &help));
  if (help) goto done;
  LK_GO(lk_forms_check(&a.forms, a.sequences.nbest > 0   ? "--nbest"
                                 : a.sequences.marginals ? "--marginals"
                                 : a.how.scores          ? "--scores"
                                                         : NULL));
  LK_GO(open_models(&a, comm));
  LK_GO(lk_model_precision(&a.model, a.precision));
  LK_GO(check_task(&a));
  if (a.unconstrained) LK_GO(lk_model_unconstrain(&a.model));
  a.forms.apart = a.sequences.nbest > 0;
  if (a.forms.given) LK_GO(lk_forms_begin(&a.forms, a.model.corpus, &how, &a.cut));
  lk_model_limit_length(&a.model, a.most);
  LK_GO(lk_cli_answer(comm, &how));
  for (lk_model *model = &a.model; model; model = model->next) LK_GO(lk_cli_warn_unknown(comm, model));
done:
  lk_forms_release(&a.forms);
  lk_model_close(&a.model);
  free(a.models.path);
  return status;
}
