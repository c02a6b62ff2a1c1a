/* options.c - argp, with one line for each mistake and a suggestion where the right name can be guessed. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "config.h"
#include "text.h"

/* Set by lk_cli_read_options(): who gets the options instead of a parser. */
static struct {
  void (*read)(const struct argp *argp, void *context);
  void *context;
} reader;

int lk_cli_wants_help(int argc, char **argv) {
  static const char *const words[] = {"--help", "-h", "-?", "--usage"};
  if (reader.read) return 1;
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
      if (strcmp(argv[i], words[w]) == 0) return 1;
  return 0;
}

static bool is_last(const struct argp_option *o) { return !o->key && !o->name && !o->doc && !o->group; }

static bool is_option(const char *word) { return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]); }

/* The option that a word such as -l, --length=3 or --len (an abbreviation) means; NULL where there is none. */
static const struct argp_option *option_of(const struct argp *argp, const char *word) {
  const size_t size = strcspn(word, "=");
  for (const struct argp_option *o = argp->options; o && !is_last(o); o++)
    if (word[1] == '-' ? o->name && strncmp(o->name, word + 2, size - 2) == 0 : o->key == word[1]) return o;
  return NULL;
}

/* The word that argp rejected: the first unknown option, else an option given a value that it does not take, else the
 * last word (an option whose value is missing). */
static const char *find_rejected(const struct argp *argp, int argc, char **argv) {
  const char *rejected = argc > 1 ? argv[argc - 1] : "";
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
    const struct argp_option *option = is_option(argv[i]) ? option_of(argp, argv[i]) : NULL;
    if (is_option(argv[i]) && !option) return argv[i];
    if (option && !option->arg && strchr(argv[i], '=')) rejected = argv[i];
  }
  return rejected;
}

/* The error for a setting that was written as an option, such as --lr 0.1. */
static lk_status not_a_setting(const char *name, const char *option) {
  lk_config config = {0};
  lk_buffer value = {0};
  char place[160];
  const char *key = option + strspn(option, "-");
  (void)snprintf(place, sizeof place, "%s: %s: settings are given as KEY=VALUE, without dashes", name, option);
  lk_status status = lk_config_init(&config);
  if (status == LK_OK) status = lk_config_get(&config, place, key, &value); /* names the nearest key in its error */
  if (status == LK_OK) status = LK_FAIL(LK_USAGE, "%s (%s=VALUE)", place, key);
  lk_buffer_release(&value);
  lk_config_release(&config);
  return status;
}

/* `word`: an option that the command does not have, with its dashes and perhaps "=value". */
static lk_status unknown_option(const struct argp *argp, const char *name, const char *word) {
  const int size = (int)strcspn(word, "=");
  const char *names[64], *instead = NULL;
  size_t count = 0;
  char option[64];
  (void)snprintf(option, sizeof option, "%.*s", size, word);
  for (const struct argp_option *o = argp->options; o && !is_last(o) && count < 64; o++)
    if (o->name) names[count++] = o->name;
  if (word[1] == '-') {
    instead = lk_cli_option_elsewhere(option + 2, names, count);
    if (!instead) instead = lk_nearest(option + 2, names, count);
  }
  if (instead) return LK_FAIL(LK_USAGE, "%s: unknown option %s (did you mean --%s?)", name, option, instead);
  if (strstr(argp->args_doc, LK_CLI_SETTINGS)) return not_a_setting(name, option);
  return LK_FAIL(LK_USAGE, "%s: unknown option %s; '%s --help' lists the options", name, option, name);
}

/* Record one line for what argp rejected. argp's own messages take several lines, so ARGP_NO_ERRS silences them. */
static lk_status report_rejected(const struct argp *argp, const char *name, int argc, char **argv) {
  if (lk_error_get()->code != LK_OK) return lk_error_get()->code;
  const char *word = find_rejected(argp, argc, argv);
  const int size = (int)strcspn(word, "=");
  char quoted[256];
  if (!is_option(word))
    return LK_FAIL(LK_USAGE, "%s: unexpected argument %s; '%s --help' shows the usage", name,
                   lk_quote(quoted, word, strlen(word)), name);
  const struct argp_option *known = option_of(argp, word);
  if (known && known->arg) return LK_FAIL(LK_USAGE, "%s: %.*s: expected a value (%s)", name, size, word, known->arg);
  if (known) return LK_FAIL(LK_USAGE, "%s: %.*s takes no value", name, size, word);
  return unknown_option(argp, name, word);
}

/* Print the help without argp's note that arguments of long options are those of short ones too. */
static void print_help(const struct argp *argp, const char *name) {
  (void)setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
  argp_help(argp, stdout, ARGP_HELP_STD_HELP & ~(unsigned)(ARGP_HELP_EXIT_OK | ARGP_HELP_BUG_ADDR), (char *)name);
}

void lk_cli_read_options(const lk_command *command, int argc, char **argv,
                         void (*read)(const struct argp *argp, void *context), void *context) {
  reader.read = read;
  reader.context = context;
  if (command->run(argc, argv, NULL) != LK_OK) lk_error_clear();
  reader.read = NULL;
}

lk_status lk_cli_parse(const struct argp *argp, const char *name, int argc, char **argv, void *input, int *help) {
  *help = lk_cli_wants_help(argc, argv);
  if (reader.read) return reader.read(argp, reader.context), LK_OK;
  if (*help) return print_help(argp, name), LK_OK;
  char *program = argv[0];
  argv[0] = (char *)name;
  int at = 0;
  error_t error = argp_parse(argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_EXIT | ARGP_NO_HELP, &at, input);
  argv[0] = program;
  char quoted[256];
  if (error == 0 && at < argc) /* the parser refused an argument, and argp stopped there without an error */
    return LK_FAIL(LK_USAGE, "%s: unexpected argument %s; '%s --help' shows the usage", name,
                   lk_quote(quoted, argv[at], strlen(argv[at])), name);
  if (error == 0) return LK_OK;
  return report_rejected(argp, name, argc, argv);
}
