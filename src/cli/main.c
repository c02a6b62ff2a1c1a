#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_impl.h"
#include "comm.h"
#include "h5.h"
#include "kernels.h"
#include "log.h"
#include "signals.h"
#include "text.h"

static const lk_command commands[] = {
    {"prepare", "make a corpus file from text, labelled lines, tagged sentences or frames", 0, lk_command_prepare},
    {"train", "train a model, or go on with one, on all ranks", 1, lk_command_train},
    {"eval", "evaluate a model on a part of a corpus, on all ranks", 1, lk_command_eval},
    {"predict", "classes, tags or translations for lines of standard input, on all ranks", 1, lk_command_predict},
    {"score", "log-probability and perplexity of lines of standard input", 0, lk_command_score},
    {"generate", "text from a language model", 0, lk_command_generate},
    {"inspect", "say what a file of ours holds", 0, lk_command_inspect},
    {"verify", "check a file's digest and structure", 0, lk_command_verify},
    {"config", "print, check or explain a configuration", 0, lk_command_config},
    {"bench", "ceilings and kernels of this machine, and what a training step spends", 1, lk_command_bench},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(void) {
  puts(
      "Usage: lockstep COMMAND [ARGUMENT ...]\n"
      "Train recurrent sequence models on CPU clusters: the same bits for any number of ranks.\n");
  for (int i = 0; i < COMMANDS; i++) printf("  %-10s %s\n", commands[i].name, commands[i].summary);
  puts(
      "\nExample:\n"
      "  lockstep prepare text book.txt --unit char --stream --valid-fraction 0.1 -o book.h5\n"
      "  mpirun -n 2 lockstep train configs/lm-char.yaml data.corpus=book.h5 run.dir=run\n"
      "  lockstep generate run/best.h5 --length 300\n\n"
      "'lockstep COMMAND --help' says more. Exit codes: 0 done, 64 usage or configuration, 65 bad input data\n"
      "or file, 70 internal, 74 input/output, 75 stopped with the state saved (run it again), 76 a rank is stuck.");
}

/* What a report of a fault has to say: ours, and the libraries that this program runs with. */
static lk_status print_version(void) {
  char mpi[128], hdf5[32];
  lk_comm_library(sizeof mpi, mpi);
  lk_h5_library(sizeof hdf5, hdf5);
  printf("lockstep %s\n%s\nHDF5 %s\n%s\n", LK_VERSION, mpi, hdf5, lk_blas_library());
  return LK_OK;
}

static lk_status unknown_command(const char *name) {
  const char *names[COMMANDS];
  char quoted[256];
  for (int i = 0; i < COMMANDS; i++) names[i] = commands[i].name;
  const char *near = lk_nearest(name, names, COMMANDS);
  lk_quote(quoted, name, strlen(name));
  if (near) return LK_FAIL(LK_USAGE, "unknown command %s (did you mean '%s'?)", quoted, near);
  return LK_FAIL(LK_USAGE, "unknown command %s; 'lockstep --help' lists them", quoted);
}

/* A command without ranks is run by rank 0; the others wait to end as it does. */
static lk_status run_ranks(const lk_command *command, int argc, char **argv, lk_comm *comm) {
  if (command->parallel) return command->run(argc, argv, comm);
  return lk_comm_rank(comm) == 0 ? command->run(argc, argv, NULL) : LK_OK;
}

static lk_status run_command(const lk_command *command, int argc, char **argv) {
  lk_comm *comm = NULL;
  if (lk_cli_wants_help(argc, argv) || (!command->parallel && !lk_comm_launched()))
    return command->run(argc, argv, NULL);
  LK_TRY(lk_comm_init(&comm, &argc, &argv)); /* where it fails there are no ranks that one could speak for */
  const bool speaks = lk_comm_rank(comm) == 0;
  lk_log_init(LK_LOG_INFO, !speaks);
  const lk_status status = lk_comm_agree(comm, run_ranks(command, argc, argv, comm));
  if (speaks)
    lk_cli_print_error();
  else
    lk_error_clear();
  lk_comm_finalize(&comm);
  return status;
}

/* A stream that is closed fails when it is used, and no other file takes its number. */
static void hold_streams(void) {
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static const lk_command *find_command(const char *name) {
  for (int i = 0; i < COMMANDS; i++)
    if (strcmp(name, commands[i].name) == 0) return &commands[i];
  return NULL;
}

static lk_status run_words(int argc, char **argv) {
  static char help[] = "--help";
  if (argc == 3 && strcmp(argv[1], "help") == 0) argv[1] = argv[2], argv[2] = help; /* "help COMMAND" */
  const lk_command *command = find_command(argv[1]);
  return command ? run_command(command, argc - 1, argv + 1) : unknown_command(argv[1]);
}

/* What was printed has to be where it was sent. */
static lk_status flush_output(void) {
  const bool failed = ferror(stdout); /* earlier, for a reason that is not known any more */
  if (fflush(stdout) != 0) return LK_FAIL(LK_IO, "standard output: %s", strerror(errno));
  return failed ? LK_FAIL(LK_IO, "standard output: not all could be written") : LK_OK;
}

static bool asks_for_help(int argc, char **argv) {
  if (strcmp(argv[1], "help") == 0) return argc == 2;
  return strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;
}

static lk_status run_all(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--version") == 0) return print_version();
  if (argc > 1 && !asks_for_help(argc, argv)) return run_words(argc, argv);
  print_help();
  return argc > 1 ? LK_OK : LK_USAGE;
}

int main(int argc, char **argv) {
  hold_streams();
  lk_signals_reset(false);
  setlocale(LC_CTYPE, "C.UTF-8");
  lk_log_init(LK_LOG_INFO, false);
  lk_status status = run_all(argc, argv);
  lk_cli_print_error();
  if (status == LK_OK) status = flush_output();
  lk_cli_print_error();
  return lk_status_exit_code(status);
}
