#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "adapt_options_impl.h"
#include "cli_impl.h"
#include "forms_impl.h"
#include "lines_impl.h"

typedef struct arguments {
  const char *path, *precision; /* precision NULL: the run's */
  int64_t most;                 /* --max-length in units; 0: not given */
  lk_model model;
  lk_adapt_options adapt;
  lk_forms forms;      /* of a tagger's sentences */
  lk_adapter *adapter; /* NULL: each line is scored by the model as it is */
  lk_score *scores;
  size_t capacity;
} arguments;

enum { MAX_LENGTH = 256, PRECISION };

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  long long most = 0;
  switch (key) {
    case MAX_LENGTH:
      if (lk_cli_integer("max-length", text, 1, INT32_MAX, "units", &most)) return EINVAL;
      return a->most = most, 0;
    case PRECISION:
      return lk_cli_precision(text, &a->precision);
    case ARGP_KEY_ARG:
      if (a->path) return lk_cli_extra_argument("lockstep score", text);
      a->path = text;
      return 0;
    case ARGP_KEY_END:
      if (a->path) return lk_adapt_check(&a->adapt);
      return lk_cli_bad_option("lockstep score: expected a model; 'lockstep score --help' has an example");
    case LK_FORMS_INPUT:
    case LK_FORMS_COLUMN:
    case LK_FORMS_CONLLU:
      return lk_forms_parse(key, text, &a->forms);
    default:
      return lk_adapt_parse(key, text, &a->adapt);
  }
}

static const struct argp_option options[] = {
    {"max-length", MAX_LENGTH, "N", 0, "for translators: " LK_MAX_LENGTH_HELP, 0},
    LK_CLI_PRECISION(PRECISION),
    LK_ADAPT_OPTIONS(1),
    {0, 0, 0, 0, "Options for taggers:", 2},
    {"input", LK_FORMS_INPUT, "columns|conllu|tabs", 0,
     "format of the labelled sentences. columns (default): one word a line with its label, an empty line after each "
     "sentence, as prepare label reads them; conllu; tabs: one sentence a line, words and labels in turn, separated by "
     "TABs",
     2},
    {"conllu", LK_FORMS_CONLLU, NULL, 0, "the same as --input conllu", 2},
    {"column", LK_FORMS_COLUMN, "word=I,tag=J", 0,
     "columns of the words and of their labels, counted from 0, or from the end with -1, -2 ... (default "
     "word=0,tag=-1; "
     "for CoNLL-U the columns that the model was trained on)",
     2},
    {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "MODEL.h5",
    .doc =
        "Print log-probability and perplexity of each line of standard input, under a language model, translator or "
        "tagger.\v"
        "Examples:\n  lockstep score run/best.h5 < lines.txt | sort -n\n"
        "  lockstep score tagger/best.h5 --conllu < test.conllu\n\n"
        "Printed for each line, separated by TABs: log-probability (nats), number of predicted units, perplexity.\n\n"
        "A language model of separate lines predicts every unit and the end of the line. One of running text predicts "
        "every unit but the first, each line by itself; a line of one unit has nothing to predict and gives 0, 0 and "
        "nan. A translator reads lines of source TAB target and gives the probability of the target given the source; "
        "an empty line gives an empty line. A tagger reads labelled sentences and gives the probability of all labels "
        "of "
        "a sentence given its words; units are words.\n\n"
        "With --dynamic or --cache a language model also learns from the lines that it has read. Each line is still "
        "read from a zero state.\n\n"
        "Unknown units count as <unk>. With a SentencePiece model the target is segmented anew. Each line is answered "
        "as soon as it is read."};

static lk_status work(void *context, const lk_lines *lines, lk_buffer *out) {
  arguments *a = context;
  LK_TRY(lk_grow(&a->scores, &a->capacity, (size_t)lines->count, sizeof *a->scores));
  LK_TRY(a->adapter ? lk_adapter_score(a->adapter, lines, a->scores) : lk_score_lines(&a->model, lines, a->scores));
  for (ptrdiff_t i = 0; i < lines->count; i++) {
    const lk_score *s = &a->scores[i];
    if (s->units == 0 && lk_task_view(a->model.task) != LK_VIEW_LM) /* an empty line */
      LK_TRY(lk_buffer_append(out, "\n", 1));
    else if (s->units > 0)
      LK_TRY(lk_buffer_printf(out, "%.6f\t%lld\t%.6g\n", lk_shown_log_p(s->log_probability), (long long)s->units,
                              exp(-s->log_probability / (double)s->units)));
    else
      LK_TRY(lk_buffer_printf(out, "0\t0\tnan\n"));
  }
  return LK_OK;
}

/* How labelled sentences are read. */
static lk_status begin_forms(arguments *a, lk_answering *how) {
  lk_forms *f = &a->forms;
  lk_cut cut;
  if (lk_task_view(a->model.task) != LK_VIEW_LABEL) {
    if (!f->given) return LK_OK;
    return LK_FAIL(LK_USAGE, "--input and --column are for taggers, and the model's task is %s", a->model.config.task);
  }
  if (f->input == LK_FORM_AUTO) f->input = LK_FORM_COLUMNS;
  if (f->input == LK_FORM_LINES || f->input == LK_FORM_WORDS)
    return LK_FAIL(LK_USAGE, "--input: expected columns, conllu or tabs, which have labels");
  f->apart = f->labels = true;
  LK_TRY(lk_forms_check(f, NULL));
  return f->input == LK_FORM_TABS ? LK_OK : lk_forms_begin(f, a->model.corpus, how, &cut);
}

lk_status lk_command_score(int argc, char **argv, lk_comm *comm) {
  (void)comm;
  arguments a = {.adapt = LK_ADAPT_DEFAULTS};
  lk_answering how = {.context = &a, .forms = &a.forms, .work = work};
  int help = 0;
  lk_forms_init(&a.forms);
  LK_TRY(lk_cli_parse(&argp, "lockstep score", argc, argv, &a, &help));
  if (help) return LK_OK;
  LK_TRY(lk_model_open(&a.model, a.path));
  lk_model_limit_length(&a.model, a.most);
  lk_status status = lk_model_precision(&a.model, a.precision);
  if (status == LK_OK && a.most > 0 && lk_task_view(a.model.task) != LK_VIEW_PAIRS)
    status = LK_FAIL(LK_USAGE, "--max-length is for translators, and the model's task is %s", a.model.config.task);
  if (status == LK_OK) status = lk_adapt_begin(&a.adapter, NULL, &a.model, &a.adapt, NULL);
  if (status == LK_OK) lk_adapt_log(&a.adapt.how);
  if (status == LK_OK) status = begin_forms(&a, &how);
  if (status == LK_OK) status = lk_cli_answer(NULL, &how);
  if (status == LK_OK) status = lk_cli_warn_unknown(NULL, &a.model);
  lk_adapter_destroy(&a.adapter);
  lk_forms_release(&a.forms);
  lk_model_close(&a.model);
  free(a.scores);
  return status;
}
