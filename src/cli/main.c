#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_impl.h"
#include "alike.h"
#include "comm.h"
#include "h5.h"
#include "kernels.h"
#include "log.h"
#include "signals.h"
#include "text.h"

static const lk_command commands[] = {
    {"prepare", "make a corpus file from text, labelled lines, tagged sentences, pairs or frames", 0,
     lk_command_prepare},
    {"train", "train a model, or resume an interrupted run", 1, lk_command_train},
    {"watch", "show how a run is going, from its folder", 0, lk_command_watch},
    {"eval", "compute the loss and the metrics of a model on a corpus", 1, lk_command_eval},
    {"predict", "print classes, tags or translations of the lines of standard input", 1, lk_command_predict},
    {"score", "print log-probability and perplexity of each line of standard input", 0, lk_command_score},
    {"generate", "sample text from a language model", 0, lk_command_generate},
    {"export", "write a model as a file that other programs read", 0, lk_command_export},
    {"import", "make a model of a file that another program wrote", 0, lk_command_import},
    {"report", "write a page that shows what happened in a run, or in several", 0, lk_command_report},
    {"inspect", "show what a corpus or a model file contains", 0, lk_command_inspect},
    {"verify", "check corpus and model files for damage", 0, lk_command_verify},
    {"config", "check, print or explain a configuration", 0, lk_command_config},
    {"bench", "measure this machine and the time of training steps", 1, lk_command_bench},
    {"plan", "predict how fast a run would be on several hosts", 1, lk_command_plan},
    {"doctor", "find what makes a machine or a cluster slow or unsafe", 2, lk_command_doctor},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(void) {
  puts(
      "Usage: lockstep COMMAND [ARGUMENT ...]\n"
      "Train and use recurrent sequence models on CPUs: classifiers, taggers, language models\n"
      "and translators.\n\n"
      "Commands (train, eval, predict, bench, plan and doctor use all ranks of mpirun):");
  for (int i = 0; i < COMMANDS; i++) printf("  %-10s %s\n", commands[i].name, commands[i].summary);
  puts(
      "\n'lockstep COMMAND --help' or 'lockstep help COMMAND' explains a command;\n"
      "'lockstep --version' names the versions of all libraries (--json: for programs).\n\n"
      "Example:\n"
      "  lockstep prepare text book.txt --unit char --stream --valid-fraction 0.1 -o book.h5\n"
      "  mpirun -n 2 lockstep train configs/lm-char.yaml data.corpus=book.h5 run.dir=run\n"
      "  lockstep generate run/best.h5 --length 300\n\n"
      "Exit codes:\n"
      "   0  success\n"
      "  64  wrong usage or configuration\n"
      "  65  bad input data, or a damaged file\n"
      "  70  internal error, too many skipped steps, or out of memory\n"
      "  74  input or output failed\n"
      "  75  stopped with the state saved; the same command resumes\n"
      "  76  a rank made no progress (see watchdog.seconds)\n"
      "  78  doctor found something to mend");
}

static lk_status unknown_command(const char *name) {
  const char *names[COMMANDS];
  char quoted[256];
  for (int i = 0; i < COMMANDS; i++) names[i] = commands[i].name;
  const char *near = lk_nearest(name, names, COMMANDS);
  lk_quote(quoted, name, strlen(name));
  if (near) return LK_FAIL(LK_USAGE, "unknown command %s (did you mean '%s'?)", quoted, near);
  return LK_FAIL(LK_USAGE, "unknown command %s; 'lockstep --help' lists all commands", quoted);
}

/* A command that is not parallel runs on rank 0 only; lk_comm_agree() in run_command() gives all ranks its status. */
static lk_status run_ranks(const lk_command *command, int argc, char **argv, lk_comm *comm) {
  if (command->parallel) return command->run(argc, argv, comm);
  return lk_comm_rank(comm) == 0 ? command->run(argc, argv, NULL) : LK_OK;
}

/* What would go wrong later, and slower: ranks that are alone, or programs that do not understand each other. */
static lk_status check_start(lk_comm *comm) {
  LK_TRY(lk_comm_check_launch(comm));
  return lk_alike_program(comm);
}

static lk_status run_command(const lk_command *command, int argc, char **argv) {
  lk_comm *comm = NULL;
  if (lk_cli_wants_help(argc, argv) || (!command->parallel && !lk_comm_launched()))
    return command->run(argc, argv, NULL);
  LK_TRY(lk_comm_init(&comm, &argc, &argv)); /* on failure every process prints its own error */
  const bool prints = lk_comm_rank(comm) == 0;
  lk_log_init(LK_LOG_INFO, !prints);
  lk_status status = command->parallel > 1 ? LK_OK : check_start(comm);
  if (status == LK_OK) status = lk_comm_agree(comm, run_ranks(command, argc, argv, comm));
  if (prints)
    lk_cli_print_error();
  else
    lk_error_clear();
  lk_comm_finalize(&comm);
  return status;
}

/* Open /dev/null in place of closed standard streams, in the direction that makes their use fail. Otherwise the next
 * file opened would get descriptor 0, 1 or 2, and messages would be written into it. */
static void reserve_standard_streams(void) {
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static const lk_command *find_command(const char *name) {
  for (int i = 0; i < COMMANDS; i++)
    if (strcmp(name, commands[i].name) == 0) return &commands[i];
  return NULL;
}

/* Turn "help COMMAND [WORD ...]" into "COMMAND [WORD ...] --help". */
static void rewrite_help(int argc, char **argv) {
  static char help[] = "--help";
  if (argc < 3 || strcmp(argv[1], "help") != 0) return;
  memmove(argv + 1, argv + 2, sizeof *argv * (size_t)(argc - 2));
  argv[argc - 1] = help;
}

static lk_status find_and_run(int argc, char **argv) {
  rewrite_help(argc, argv);
  const lk_command *command = find_command(argv[1]);
  return command ? run_command(command, argc - 1, argv + 1) : unknown_command(argv[1]);
}

/* A full disk or a closed pipe may show only when the last of the output is written. */
static lk_status flush_output(void) {
  const bool failed = ferror(stdout); /* an earlier write failed, and its errno is lost */
  if (fflush(stdout) != 0) return LK_FAIL(LK_IO, "standard output: %s", strerror(errno));
  return failed ? LK_FAIL(LK_IO, "standard output: part of the output could not be written") : LK_OK;
}

static bool asks_for_help(int argc, char **argv) {
  if (strcmp(argv[1], "help") == 0) return argc == 2;
  return strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;
}

static lk_status run_all(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--version") == 0) return lk_cli_print_version(argc - 2, argv + 2);
  if (argc > 1 && strcmp(argv[1], "complete") == 0) return lk_cli_complete(argc - 2, argv + 2, commands, COMMANDS);
  if (argc > 1 && !asks_for_help(argc, argv)) return find_and_run(argc, argv);
  print_help();
  return argc > 1 ? LK_OK : LK_USAGE;
}

int main(int argc, char **argv) {
  reserve_standard_streams();
  lk_signals_reset(false);
  setlocale(LC_CTYPE, "C.UTF-8");
  lk_log_init(LK_LOG_INFO, false);
  lk_status status = run_all(argc, argv);
  lk_cli_print_error();
  const lk_status flushed = status == LK_OK || status == LK_UNWELL ? flush_output() : LK_OK;
  if (flushed != LK_OK) status = flushed;
  lk_cli_print_error();
  lk_log_settle();
  return lk_status_exit_code(status);
}
