/* cli_impl.h - functions that all commands use: parsing of options, error messages, files on the command line.
 *
 * A command is one file, src/cli/<name>.c, and one line in the table of main.c. Only src/cli prints results (to standard
 * output) or ends the program. A command returns an lk_status; main() prints the recorded error as one line and turns
 * the status into the exit code. Commands that take several files print one line for each file that failed. */
#pragma once
#include <argp.h>

#include "comm.h"
#include "config.h"
#include "status.h"

/* For the usage line of commands that take settings. An unknown option of such a command may be a setting with
 * dashes. */
#define LK_CLI_SETTINGS "[KEY=VALUE ...]"

typedef struct lk_command {
  const char *name;
  const char *summary; /* its line in `lockstep --help` */
  int parallel;        /* 0: runs on rank 0, and gets NULL; 1: on all ranks, and gets a communicator; 2: the same, also
                          where the launcher belongs to another MPI, to say so */
  lk_status (*run)(int argc, char **argv, lk_comm *comm);
} lk_command;

/** Parse the command line with argp. `name` is "lockstep train", for messages. Where the arguments ask for help, print it
 *  to standard output and set *help to 1; the command then returns LK_OK at once. LK_USAGE, with one line of text, for
 *  unknown options and wrong values.                                                Not collective. */
LK_CHECKED lk_status lk_cli_parse(const struct argp *argp, const char *name, int argc, char **argv, void *input,
                                  int *help);
/** Call read() with the argp parser that a command passes to lk_cli_parse() for these arguments, instead of running the
 *  command. The parser is valid during the call only.                              Not collective. */
void lk_cli_read_options(const lk_command *command, int argc, char **argv,
                         void (*read)(const struct argp *argp, void *context), void *context);
/** Whether the arguments ask for help; MPI need not be started then.               Not collective. */
int lk_cli_wants_help(int argc, char **argv);
/** For argp parsers: record the error message of a wrong option or argument; returns EINVAL, which the parser returns. */
int lk_cli_bad_option(const char *format, ...) LK_PRINTF(1, 2);
/** The same, for a further argument of a command that reads its input from standard input. */
int lk_cli_extra_argument(const char *name, const char *text);
/* The models that a command is given. */
typedef struct lk_cli_models {
  const char **path; /* [count], allocated; the texts are argv's */
  int count;
  size_t capacity;
} lk_cli_models;
/** For argp parsers: take one more. 0 or ENOMEM. */
int lk_cli_take_model(lk_cli_models *models, const char *path);
/** Whether an argument is an assignment, key.path=value. It is a path where a file of that name exists or a '/' stands
 *  before the '='.                                                                 Not collective. */
bool lk_cli_is_assignment(const char *word);
/* The arguments [CONFIG.yaml] [KEY=VALUE ...]. */
typedef struct lk_cli_words {
  char **word; /* [count] */
  int count;
} lk_cli_words;
/** For argp parsers: take all arguments.                                           Not collective. */
error_t lk_cli_take_words(int key, const struct argp_state *state, lk_cli_words *words);
/** LK_USAGE if the arguments do not begin with a file.                             Collective. */
LK_CHECKED lk_status lk_cli_expect_config(const char *name, const lk_cli_words *words, lk_comm *comm);
/** Make `config` of the arguments. Rank 0 reads the file, so that all ranks have the same text; comm NULL: this process
 *  alone. The caller releases config, also after a failure. LK_USAGE, LK_IO, LK_MEMORY. Collective. */
LK_CHECKED lk_status lk_cli_read_config(lk_config *config, const lk_cli_words *words, lk_comm *comm);
/** For argp parsers: convert an option's text to a whole number, or a real, in [low, high]. Returns 0, or EINVAL after
 *  lk_cli_bad_option() with a message that names the option, the range and the unit ("" for none). */
int lk_cli_integer(const char *option, const char *text, long long low, long long high, const char *unit,
                   long long *out);
int lk_cli_real(const char *option, const char *text, double low, double high, const char *unit, double *out);

/** For argp parsers: the option --precision, one of the choices of train.precision. 0 or EINVAL. */
int lk_cli_precision(const char *text, const char **out);
#define LK_CLI_PRECISION(key)                                                            \
  {                                                                                      \
    "precision", key, "float32|bf16", 0,                                                 \
        "numbers that weights and activations are multiplied as (default: the run's)", 0 \
  }

/** For argp parsers: parse "word=0,tag=-1". Either part may be missing; its variable keeps its value. 0 or EINVAL. */
int lk_cli_columns(const char *text, int *word, int *tag);

/* The arguments of a command that takes several files. */
typedef struct lk_cli_files {
  char **path; /* [count] */
  int count;
} lk_cli_files;
/** For argp parsers: take all arguments as files; at least one is required. */
error_t lk_cli_take_files(int key, struct argp_state *state, lk_cli_files *files);
/** Call work() for every file, also after one failed. Prints one line to standard error for each failure and returns the
 *  status of the first failure. */
LK_CHECKED lk_status lk_cli_each_file(const lk_cli_files *files, lk_status (*work)(const char *path, void *context),
                                      void *context);
/** `lockstep complete -- WORD ...`: print what may complete the last of word[count], for shells. LK_USAGE.
 *                                                                                  Not collective. */
LK_CHECKED lk_status lk_cli_complete(int count, char **word, const lk_command *commands, int command_count);
/** Print what a bug report should name: version, commit, kernels, libraries. argv: nothing, or "--json". LK_USAGE, LK_MEMORY.
 *                                                                                  Not collective. */
LK_CHECKED lk_status lk_cli_print_version(int argc, char **argv);
/** Print the recorded error, if there is one, as one line on standard error, and clear it.   Not collective. */
void lk_cli_print_error(void);

/** The option among known[count] that does what option `name` does in another program (option_names.c), or NULL. Names
 *  are without leading dashes.                                                     Not collective. */
const char *lk_cli_option_elsewhere(const char *name, const char *const *known, size_t count);

/** Verify a file's digest and read its `format` attribute: "lockstep-corpus" or "lockstep-checkpoint". LK_DATA, LK_IO. */
LK_CHECKED lk_status lk_cli_format(const char *path, char format[64]);

lk_status lk_command_prepare(int argc, char **argv, lk_comm *comm);
lk_status lk_command_train(int argc, char **argv, lk_comm *comm);
lk_status lk_command_watch(int argc, char **argv, lk_comm *comm);
lk_status lk_command_eval(int argc, char **argv, lk_comm *comm);
lk_status lk_command_predict(int argc, char **argv, lk_comm *comm);
lk_status lk_command_generate(int argc, char **argv, lk_comm *comm);
lk_status lk_command_score(int argc, char **argv, lk_comm *comm);
lk_status lk_command_export(int argc, char **argv, lk_comm *comm);
lk_status lk_command_import(int argc, char **argv, lk_comm *comm);
lk_status lk_command_report(int argc, char **argv, lk_comm *comm);
lk_status lk_command_inspect(int argc, char **argv, lk_comm *comm);
lk_status lk_command_verify(int argc, char **argv, lk_comm *comm);
lk_status lk_command_config(int argc, char **argv, lk_comm *comm);
lk_status lk_command_bench(int argc, char **argv, lk_comm *comm);
lk_status lk_command_plan(int argc, char **argv, lk_comm *comm);
lk_status lk_command_doctor(int argc, char **argv, lk_comm *comm);
