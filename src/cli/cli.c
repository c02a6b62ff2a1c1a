#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_impl.h"
#include "number.h"
#include "text.h"

int lk_cli_bad_option(const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  lk_status ignored = LK_FAIL(LK_USAGE, "%s", text);
  (void)ignored; /* argp carries the news by errno; lk_cli_parse() finds the record */
  return EINVAL;
}

/* The one line for an option whose value is no number, or none in its range: the range, the unit, and what was meant. */
static int bad_number(const char *option, const char *text, const char *range, const char *unit, bool whole,
                      const double ends[2]) {
  char quoted[256], number[32], meant[64] = "";
  double guess;
  if (!lk_number_guess(text, unit, &guess))
    (void)snprintf(meant, sizeof meant, "%s", lk_number_why_not(text));
  else if (guess >= ends[0] && guess <= ends[1] && (!whole || guess == floor(guess)))
    (void)snprintf(meant, sizeof meant, " (did you mean %s?)", lk_number_text(number, guess));
  return lk_cli_bad_option("--%s: expected %s%s%s%s, found %s%s", option, range, *unit ? " (" : "", unit,
                           *unit ? ")" : "", lk_quote(quoted, text, strlen(text)), meant);
}

int lk_cli_integer(const char *option, const char *text, long long low, long long high, const char *unit,
                   long long *out) {
  char range[96];
  int64_t value;
  if (lk_number_whole(text, &value) && value >= low && value <= high) return *out = value, 0;
  (void)snprintf(range, sizeof range, "a whole number from %lld to %lld", low, high);
  return bad_number(option, text, range, unit, true, (double[]){(double)low, (double)high});
}

int lk_cli_real(const char *option, const char *text, double low, double high, const char *unit, double *out) {
  char range[96];
  double value;
  if (lk_number_real(text, &value) && value >= low && value <= high) return *out = value, 0;
  (void)snprintf(range, sizeof range, "a number from %g to %g", low, high);
  return bad_number(option, text, range, unit, false, (double[]){low, high});
}

bool lk_cli_is_assignment(const char *word) {
  const char *equals = strchr(word, '=');
  return equals && !memchr(word, '/', (size_t)(equals - word)) && access(word, F_OK) != 0;
}

int lk_cli_columns(const char *text, int *word_column, int *tag_column) {
  char quoted[256];
  for (const char *at = text;;) {
    const bool word = strncmp(at, "word=", 5) == 0, tag = strncmp(at, "tag=", 4) == 0;
    char *end = NULL;
    const long column = word ? strtol(at + 5, &end, 10) : tag ? strtol(at + 4, &end, 10) : 0;
    if (!end || end == at + (word ? 5 : 4) || (*end != ',' && *end != '\0') || column < -999 || column > 999)
      return lk_cli_bad_option("--column: expected word=I,tag=J, or one of them (columns from -999 to 999), found %s",
                               lk_quote(quoted, text, strlen(text)));
    *(word ? word_column : tag_column) = (int)column;
    if (*end == '\0') return 0;
    at = end + 1;
  }
}

int lk_cli_surplus_line(const char *name, const char *text) {
  char quoted[256];
  return lk_cli_bad_option("%s: unexpected argument %s: lines come on standard input", name,
                           lk_quote(quoted, text, strlen(text)));
}

error_t lk_cli_take_files(int key, struct argp_state *state, lk_cli_files *files) {
  if (key == ARGP_KEY_NO_ARGS)
    return lk_cli_bad_option("%s: expected a file; '%s --help' has an example", state->name, state->name);
  if (key != ARGP_KEY_ARGS) return ARGP_ERR_UNKNOWN; /* single ones too: argp then hands over all that are left */
  files->path = state->argv + state->next;
  files->count = state->argc - state->next;
  return 0;
}

lk_status lk_cli_each_file(const lk_cli_files *files, lk_status (*work)(const char *path, void *context),
                           void *context) {
  lk_status first = LK_OK;
  for (int i = 0; i < files->count; i++) {
    const lk_status status = work(files->path[i], context);
    if (status == LK_OK) continue;
    (void)fflush(stdout); /* what is good and what is bad in the order of the files */
    lk_cli_print_error();
    if (first == LK_OK) first = status;
  }
  return first;
}

void lk_cli_print_error(void) {
  const lk_error *error = lk_error_get();
  if (error->code == LK_OK) return;
  fprintf(stderr, "%s%s\n", strncmp(error->text, "lockstep ", 9) == 0 ? "" : "lockstep: ", error->text);
  lk_error_clear();
}

int lk_cli_wants_help(int argc, char **argv) {
  static const char *const words[] = {"--help", "-h", "-?", "--usage"};
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
      if (strcmp(argv[i], words[w]) == 0) return 1;
  return 0;
}

static bool is_last(const struct argp_option *o) { return !o->key && !o->name && !o->doc && !o->group; }

static bool is_option(const char *word) { return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]); }

/* The option that -l, --length=3 or --len stand for; NULL where there is none. */
static const struct argp_option *option_of(const struct argp *argp, const char *word) {
  const size_t size = strcspn(word, "=");
  for (const struct argp_option *o = argp->options; o && !is_last(o); o++)
    if (word[1] == '-' ? o->name && strncmp(o->name, word + 2, size - 2) == 0 : o->key == word[1]) return o;
  return NULL;
}

/* The first option that is none of ours; else one with a value that it does not take, else the last word. */
static const char *find_culprit(const struct argp *argp, int argc, char **argv) {
  const char *culprit = argc > 1 ? argv[argc - 1] : "";
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
    const struct argp_option *option = is_option(argv[i]) ? option_of(argp, argv[i]) : NULL;
    if (is_option(argv[i]) && !option) return argv[i];
    if (option && !option->arg && strchr(argv[i], '=')) culprit = argv[i];
  }
  return culprit;
}

/* argp complains in several lines and with its own words: with ARGP_NO_ERRS it is silent, and the option that it did not
 * understand is found here. */
static lk_status complain(const struct argp *argp, const char *name, int argc, char **argv) {
  if (lk_error_get()->code != LK_OK) return lk_error_get()->code;
  const char *word = find_culprit(argp, argc, argv), *names[64];
  const int size = (int)strcspn(word, "=");
  size_t count = 0;
  char quoted[256], option[64];
  if (!is_option(word))
    return LK_FAIL(LK_USAGE, "%s: cannot understand %s; '%s --help' says what is expected", name,
                   lk_quote(quoted, word, strlen(word)), name);
  const struct argp_option *known = option_of(argp, word);
  if (known && known->arg) return LK_FAIL(LK_USAGE, "%s: %.*s: expected a value (%s)", name, size, word, known->arg);
  if (known) return LK_FAIL(LK_USAGE, "%s: %.*s takes no value", name, size, word);
  for (const struct argp_option *o = argp->options; o && !is_last(o) && count < 64; o++)
    if (o->name) names[count++] = o->name;
  (void)snprintf(option, sizeof option, "%.*s", size - 1, word + 1);
  const char *near = word[1] == '-' ? lk_nearest(option + 1, names, count) : NULL;
  if (near) return LK_FAIL(LK_USAGE, "%s: unknown option -%s (did you mean --%s?)", name, option, near);
  if (count == 0)
    return LK_FAIL(LK_USAGE, "%s: unknown option -%s: settings are given as key.path=value, without dashes", name,
                   option);
  return LK_FAIL(LK_USAGE, "%s: unknown option -%s; '%s --help' lists them", name, option, name);
}

lk_status lk_cli_parse(const struct argp *argp, const char *name, int argc, char **argv, void *input, int *help) {
  *help = lk_cli_wants_help(argc, argv);
  char *shown = NULL;
  if (*help) {
    argp_help(argp, stdout, ARGP_HELP_STD_HELP & ~(unsigned)(ARGP_HELP_EXIT_OK | ARGP_HELP_BUG_ADDR), (char *)name);
    return LK_OK;
  }
  shown = argv[0];
  argv[0] = (char *)name;
  int at = 0;
  error_t error = argp_parse(argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_EXIT | ARGP_NO_HELP, &at, input);
  argv[0] = shown;
  char quoted[256];
  if (error == 0 && at < argc) /* argp hands back what no parser took */
    return LK_FAIL(LK_USAGE, "%s: unexpected argument %s; '%s --help' says what is expected", name,
                   lk_quote(quoted, argv[at], strlen(argv[at])), name);
  if (error == 0) return LK_OK;
  return complain(argp, name, argc, argv);
}
