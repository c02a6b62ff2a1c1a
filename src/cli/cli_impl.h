/* cli_impl.h - what the commands share.
 *
 * A command is one file, src/cli/<name>.c, and one line in the table of main.c. cli/ is the only place that prints
 * results (standard output) or exits; main() prints the one error line (of several files: one each) and turns the status
 * into the exit code. */
#pragma once
#include <argp.h>

#include "comm.h"
#include "status.h"

typedef struct lk_command {
  const char *name;
  const char *summary; /* one line of `lockstep --help` */
  int parallel;        /* runs under mpirun: gets a communicator; the others get NULL */
  lk_status (*run)(int argc, char **argv, lk_comm *comm);
} lk_command;

/** Parse options with argp so that a mistake becomes one LK_USAGE line and `--help` prints to standard output and
 *  leaves with LK_OK: *help is set to 1 then and the command returns. `name` is "lockstep train".  Not collective. */
LK_CHECKED lk_status lk_cli_parse(const struct argp *argp, const char *name, int argc, char **argv, void *input,
                                  int *help);
/** Whether the arguments ask for help: then no rank needs to be started.          Not collective. */
int lk_cli_wants_help(int argc, char **argv);
/** Inside an argp parser: record what is wrong with an option's value; returns EINVAL for the parser to return. */
int lk_cli_bad_option(const char *format, ...) LK_PRINTF(1, 2);
/** The same of an argument behind the model of a command that reads standard input. */
int lk_cli_surplus_line(const char *name, const char *text);
/** Whether a word of the command line is an assignment, key.path=value, rather than a path with '=' in it: a file of that
 *  name, or a '/' before the '=', makes it a path.                                 Not collective. */
bool lk_cli_is_assignment(const char *word);
/** A whole number / a real in [low, high] from an option's text, or lk_cli_bad_option() naming the option, the range and
 *  the unit ("" for none): 0 or EINVAL. */
int lk_cli_integer(const char *option, const char *text, long long low, long long high, const char *unit,
                   long long *out);
int lk_cli_real(const char *option, const char *text, double low, double high, const char *unit, double *out);

/** "word=0,tag=-1", either of them or both; the other is left as it is. */
int lk_cli_columns(const char *text, int *word, int *tag);

/* The arguments of a command that takes several files. */
typedef struct lk_cli_files {
  char **path; /* [count] */
  int count;
} lk_cli_files;
/** Inside an argp parser: take all arguments, at least one. */
error_t lk_cli_take_files(int key, struct argp_state *state, lk_cli_files *files);
/** Do each of them, whatever the others came to; a line on standard error for each bad one. The first one's status. */
LK_CHECKED lk_status lk_cli_each_file(const lk_cli_files *files, lk_status (*work)(const char *path, void *context),
                                      void *context);
/** Print the recorded failure, where there is one, as its one line, and forget it.  Not collective. */
void lk_cli_print_error(void);

/** The `format` attribute of a verified file of ours: "lockstep-corpus" or "lockstep-checkpoint". LK_DATA, LK_IO. */
LK_CHECKED lk_status lk_cli_format(const char *path, char format[64]);

lk_status lk_command_prepare(int argc, char **argv, lk_comm *comm);
lk_status lk_command_train(int argc, char **argv, lk_comm *comm);
lk_status lk_command_eval(int argc, char **argv, lk_comm *comm);
lk_status lk_command_predict(int argc, char **argv, lk_comm *comm);
lk_status lk_command_generate(int argc, char **argv, lk_comm *comm);
lk_status lk_command_score(int argc, char **argv, lk_comm *comm);
lk_status lk_command_inspect(int argc, char **argv, lk_comm *comm);
lk_status lk_command_verify(int argc, char **argv, lk_comm *comm);
lk_status lk_command_config(int argc, char **argv, lk_comm *comm);
lk_status lk_command_bench(int argc, char **argv, lk_comm *comm);
