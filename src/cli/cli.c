#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_impl.h"
#include "choices.h"
#include "arena.h"
#include "log.h"
#include "number.h"
#include "text.h"

int lk_cli_bad_option(const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  lk_status ignored = LK_FAIL(LK_USAGE, "%s", text);
  (void)ignored; /* argp can only return an errno; lk_cli_parse() finds the recorded error */
  return EINVAL;
}

/* The message for a value that is not a number or is outside its range: names range and unit, and what may be meant. */
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

int lk_cli_precision(const char *text, const char **out) {
  const char *names[LK_MOST_CHOICES];
  char known[256] = "";
  const size_t count = lk_choices_names("train.precision", names);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(text, names[i]) == 0) return *out = names[i], 0;
    const size_t used = strlen(known);
    (void)snprintf(known + used, sizeof known - used, "%s%s", i ? " or " : "", names[i]);
  }
  return lk_cli_bad_option("--precision: expected %s, found '%s'", known, text);
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

int lk_cli_extra_argument(const char *name, const char *text) {
  char quoted[256];
  return lk_cli_bad_option("%s: unexpected argument %s: lines are read from standard input (%s MODEL.h5 < FILE)", name,
                           lk_quote(quoted, text, strlen(text)), name);
}

int lk_cli_take_model(lk_cli_models *models, const char *path) {
  if (lk_grow(&models->path, &models->capacity, (size_t)models->count + 1, sizeof *models->path) != LK_OK)
    return ENOMEM;
  models->path[models->count++] = path;
  return 0;
}

error_t lk_cli_take_files(int key, struct argp_state *state, lk_cli_files *files) {
  if (key == ARGP_KEY_NO_ARGS)
    return lk_cli_bad_option("%s: expected a file; '%s --help' has an example", state->name, state->name);
  if (key != ARGP_KEY_ARGS) return ARGP_ERR_UNKNOWN; /* for ARGP_KEY_ARG too: argp then passes all as ARGP_KEY_ARGS */
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
    (void)fflush(stdout); /* so that results and errors appear in the order of the files */
    lk_cli_print_error();
    if (first == LK_OK) first = status;
  }
  return first;
}

void lk_cli_print_error(void) {
  const lk_error *error = lk_error_get();
  if (error->code == LK_OK) return;
  lk_log_settle();
  fprintf(stderr, "%s%s\n", strncmp(error->text, "lockstep ", 9) == 0 ? "" : "lockstep: ", error->text);
  lk_error_clear();
}
