#include "cli_impl.h"
#include "lines_impl.h"

typedef struct arguments {
  const char *path;
  bool scores;
  lk_model model;
} arguments;

enum { OPTION_SCORES = 's' };

static const struct argp_option options[] = {
    {"scores", OPTION_SCORES, NULL, 0, "after each answer, a tab and its log-probability (nats)", 0}, {0}};

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
    case OPTION_SCORES:
      a->scores = true;
      return 0;
    case ARGP_KEY_ARG:
      if (a->path) return ARGP_ERR_UNKNOWN;
      a->path = text;
      return 0;
    case ARGP_KEY_END:
      if (a->path) return 0;
      return lk_cli_bad_option("lockstep predict: expected a model; 'lockstep predict --help' has an example");
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "MODEL.h5",
    .doc =
        "One line of answer for each line of standard input: a classifier's label, or a tag for every blank-separated "
        "word. A classifier of frames reads lines of frames, 'number,number,... number,number,...'. An empty line "
        "gives an empty line.\v"
        "Example:\n  echo Papadopoulos | lockstep predict run/best.h5 --scores"};

static lk_status work(void *context, const lk_lines *lines, lk_buffer *out) {
  arguments *a = context;
  return lk_predict(&a->model, lines, a->scores, out);
}

lk_status lk_command_predict(int argc, char **argv, lk_comm *comm) {
  (void)comm;
  arguments a = {0};
  int help = 0;
  LK_TRY(lk_cli_parse(&argp, "lockstep predict", argc, argv, &a, &help));
  if (help) return LK_OK;
  LK_TRY(lk_model_open(&a.model, a.path));
  lk_status status = lk_cli_each_block(work, &a);
  lk_model_close(&a.model);
  return status;
}
