#include "cli_impl.h"
#include "forms_impl.h"
#include "lines_impl.h"

typedef struct arguments {
  const char *path;
  lk_translate how;
  int64_t most;   /* units of a line; 0: as the model has it */
  int translates; /* options of a translator were given */
  lk_forms forms; /* of a tagger's sentences */
  lk_cut cut;
  lk_model model;
} arguments;

enum { SCORES = 's', BEAM = 'b', NBEST = 'n', LENGTH_PENALTY = 256, COVERAGE_PENALTY, ALIGNMENT, MAX_LENGTH };

static const struct argp_option options[] = {
    {"scores", SCORES, NULL, 0, "after each answer, a tab and its log-probability (nats)", 0},
    {0, 0, 0, 0, "Of translators:", 1},
    {"beam", BEAM, "N", 0, "beginnings that go on side by side (default 5; 1: the most probable unit each time)", 1},
    {"nbest", NBEST, "N", 0, "the N best translations of a line, each led by the line's number and a tab", 1},
    {"length-penalty", LENGTH_PENALTY, "X", 0,
     "rank by log P / ((5 + units) / 6)^X (default 0.6; 0 favours short translations)", 1},
    {"coverage-penalty", COVERAGE_PENALTY, "X", 0,
     "rank lower what leaves parts of the source unattended (default 0: no matter)", 1},
    {"alignment", ALIGNMENT, NULL, 0, "instead of text an object of JSON a line, with the attention weights", 1},
    {"max-length", MAX_LENGTH, "N", 0, LK_MAX_LENGTH_WORDS, 1},
    LK_FORMS_OPTIONS,
    {0}};

static error_t parse_whole(const char *name, const char *text, long long most, const char *unit, int64_t *out) {
  long long value;
  const error_t error = lk_cli_integer(name, text, 1, most, unit, &value);
  if (!error) *out = value;
  return error;
}

static error_t parse_translation(int key, const char *text, arguments *a) {
  a->translates = 1;
  switch (key) {
    case BEAM:
      return parse_whole("beam", text, 1024, "beginnings", &a->how.beam);
    case NBEST:
      return parse_whole("nbest", text, 1024, "translations", &a->how.nbest);
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
      a->how.scores = true;
      return 0;
    case ARGP_KEY_ARG:
      if (a->path) return lk_cli_surplus_line("lockstep predict", text);
      a->path = text;
      return 0;
    case ARGP_KEY_END:
      if (!a->path)
        return lk_cli_bad_option("lockstep predict: expected a model; 'lockstep predict --help' has an example");
      if (a->how.nbest > a->how.beam)
        return lk_cli_bad_option("--nbest: %lld translations need a beam as wide: raise --beam, now %lld",
                                 (long long)a->how.nbest, (long long)a->how.beam);
      return 0;
    case BEAM:
    case NBEST:
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
    .args_doc = "MODEL.h5",
    .doc =
        "One line of answer for each line of standard input: a classifier's label, a tag for every word, or "
        "a translation. Sentences for a tagger come in several forms, see --input; the tags are set apart as their "
        "words "
        "are, and there are as many. A classifier of frames reads lines of frames, 'number,number,... "
        "number,number,...'. An empty line gives an empty line, and no line in lists and alignments. Under mpirun "
        "the lines are dealt to all ranks; answers come in the order of the lines, the same for any number of ranks. A "
        "program that writes a line through a pipe and waits gets its answer at once.\v"
        "Example:\n  echo Papadopoulos | lockstep predict run/best.h5 --scores\n"
        "  mpirun -n 2 lockstep predict run/best.h5 --beam 8 < words.txt\n"
        "  lockstep predict tagger/best.h5 --conllu < test.conllu > tagged.conllu"};

static lk_status work(void *context, const lk_lines *lines, lk_buffer *out) {
  arguments *a = context;
  if (lk_task_view(a->model.task) == LK_VIEW_PAIRS) return lk_translate_lines(&a->model, lines, &a->how, out);
  lk_lines cut = *lines;
  cut.cut = a->cut;
  return lk_predict(&a->model, &cut, a->how.scores, out);
}

static lk_status check_task(const arguments *a) {
  const lk_view view = lk_task_view(a->model.task);
  if (a->translates && view != LK_VIEW_PAIRS)
    return LK_FAIL(LK_USAGE, "--beam, --nbest and the like are for translators: this model has another task");
  if (a->forms.told && view != LK_VIEW_LABEL)
    return LK_FAIL(LK_USAGE, "--input, --output and --column are for taggers: this model has another task");
  return LK_OK;
}

lk_status lk_command_predict(int argc, char **argv, lk_comm *comm) {
  arguments a = {.how = {.beam = 5, .nbest = 1, .length_penalty = 0.6}};
  lk_answering how = {.context = &a, .forms = &a.forms, .work = work};
  lk_status status;
  int help = 0;
  lk_forms_init(&a.forms);
  LK_TRY(lk_cli_parse(&argp, "lockstep predict", argc, argv, &a, &help));
  if (help) return LK_OK;
  LK_TRY(lk_forms_check(&a.forms, a.how.scores));
  LK_TRY(lk_model_open_ranks(&a.model, comm, a.path));
  LK_GO(check_task(&a));
  if (a.forms.told) LK_GO(lk_forms_begin(&a.forms, a.model.corpus, &how, &a.cut));
  lk_cli_limit_length(&a.model, a.most);
  LK_GO(lk_cli_answer(comm, &how));
  LK_GO(lk_cli_tell_unknown(comm, &a.model));
done:
  lk_forms_release(&a.forms);
  lk_model_close(&a.model);
  return status;
}
