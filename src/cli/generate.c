#include <unistd.h>

#include "cli_impl.h"
#include "lines_impl.h"
#include "work.h"

typedef struct arguments {
  const char *path, *precision; /* precision NULL: the run's */
  lk_generate how;
} arguments;

enum {
  PROMPT = 'p',
  TEMPERATURE = 't',
  TOP_K = 'k',
  TOP_P = 'q',
  LENGTH = 'l',
  COUNT = 'n',
  SEED = 's',
  PRECISION = 256
};

static const struct argp_option options[] = {
    {"prompt", PROMPT, "TEXT", 0, "begin with TEXT (default: empty)", 0},
    {"temperature", TEMPERATURE, "X", 0,
     "divide the logits by X: below 1 favours probable units, 0 always takes the most probable one (default 1)", 0},
    {"top-k", TOP_K, "N", 0, "sample from the N most probable units (default 0: from all)", 0},
    {"top-p", TOP_P, "X", 0, "sample from the fewest units whose probabilities add up to X (default 1)", 0},
    {"length", LENGTH, "N", 0, "longest text, in units: words or characters (default 500)", 0},
    {"count", COUNT, "N", 0, "number of texts, each ended by a newline (default 1)", 0},
    {"seed", SEED, "N", 0, "seed of the random numbers; the same seed gives the same text (default 1)", 0},
    LK_CLI_PRECISION(PRECISION),
    {0}};

static int read_integer(const char *option, const char *text, long long low, long long high, const char *unit,
                        int64_t *out) {
  long long value;
  int bad = lk_cli_integer(option, text, low, high, unit, &value);
  if (!bad) *out = value;
  return bad;
}

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
    case PROMPT:
      a->how.prompt = text;
      return 0;
    case TEMPERATURE:
      return lk_cli_real("temperature", text, 0, 1000, "", &a->how.temperature);
    case TOP_K:
      return read_integer("top-k", text, 0, INT32_MAX, "units", &a->how.top_k);
    case TOP_P:
      return lk_cli_real("top-p", text, 0, 1, "probability", &a->how.top_p);
    case LENGTH:
      return read_integer("length", text, 1, 1000000000, "units", &a->how.length);
    case COUNT:
      return read_integer("count", text, 1, 1000000000, "texts", &a->how.count);
    case SEED:
      return read_integer("seed", text, 0, INT64_MAX, "", &a->how.seed);
    case PRECISION:
      return lk_cli_precision(text, &a->precision);
    case ARGP_KEY_ARG:
      if (a->path) return ARGP_ERR_UNKNOWN;
      a->path = text;
      return 0;
    case ARGP_KEY_END:
      if (a->path) return 0;
      return lk_cli_bad_option("lockstep generate: expected a model; 'lockstep generate --help' has an example");
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp argp = {.options = options,
                                 .parser = parse,
                                 .args_doc = "MODEL.h5",
                                 .doc =
                                     "Sample text from a language model.\v"
                                     "Example:\n  lockstep generate run/best.h5 --prompt 'And God' --length 300\n\n"
                                     "A model of separate lines ends its text at the end of a line, or after --length "
                                     "units; a model of running text "
                                     "only after --length units."};

static lk_status put(void *context, const char *text, size_t size) {
  (void)context;
  return lk_cli_write(text, size);
}

lk_status lk_command_generate(int argc, char **argv, lk_comm *comm) {
  (void)comm;
  arguments a = {.how = {.prompt = "", .temperature = 1, .top_p = 1, .length = 500, .count = 1, .seed = 1}};
  int help = 0;
  LK_TRY(lk_cli_parse(&argp, "lockstep generate", argc, argv, &a, &help));
  if (help) return LK_OK;
  lk_model model;
  LK_TRY(lk_model_open(&model, a.path));
  if (isatty(STDOUT_FILENO) != 1) lk_work_begin(); /* else the text itself shows how far it is */
  lk_status status = lk_model_precision(&model, a.precision);
  if (status == LK_OK) status = lk_generate_text(&model, &a.how, put, NULL);
  lk_work_end();
  if (status == LK_OK) status = lk_cli_warn_unknown(NULL, &model);
  lk_model_close(&model);
  return status;
}
