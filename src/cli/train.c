#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "config.h"
#include "trainer.h"

typedef struct arguments {
  const char *config;
  char **assignments;
  int count;
} arguments;

static error_t parse(int key, char *text, struct argp_state *state) {
  (void)text;
  arguments *a = state->input;
  if (key != ARGP_KEY_ARGS) return ARGP_ERR_UNKNOWN; /* for ARGP_KEY_ARG too: argp then passes all as ARGP_KEY_ARGS */
  a->config = state->argv[state->next];
  a->assignments = state->argv + state->next + 1;
  a->count = state->argc - state->next - 1;
  return 0;
}

static const struct argp argp = {
    .parser = parse,
    .args_doc = "CONFIG.yaml " LK_CLI_SETTINGS,
    .doc =
        "Train a model, or resume an interrupted run.\v"
        "Example:\n  mpirun -n 4 lockstep train configs/lm-char.yaml data.corpus=book.h5 \\\n"
        "    run.dir=run train.rate=0.002\n\n"
        "KEY=VALUE overrides a setting of the file; 'lockstep config --describe' lists all settings with their units, "
        "ranges and defaults.\n\n"
        "All ranks that mpirun starts train together. If run.dir already holds a checkpoint, training resumes from it "
        "and ends with the same weights as a run that was never interrupted, on any number of ranks up to "
        "parallel.shards.\n\n"
        "Written to run.dir: config.yaml (all settings), metrics.jsonl (one JSON object a line), log.txt, checkpoints/ "
        "and the links last.h5 and best.h5 (the checkpoint that validated best).\n\n"
        "SIGINT, SIGTERM, SIGUSR1 and SIGHUP save the state and end the run with exit code 75; the same command "
        "resumes "
        "it. To stop a run under mpirun, send SIGUSR1 to mpirun: it passes that signal on and ends with 75 too. After "
        "the other signals the ranks save as well, but Open MPI's mpirun ends with 1."};

/* Rank 0 reads the file and broadcasts its text, so that all ranks parse the same one. */
static lk_status read_config(lk_config *config, const arguments *a, lk_comm *comm) {
  lk_status status = LK_OK;
  lk_buffer file = {0};
  void *text = NULL;
  size_t size = 0;
  if (lk_comm_rank(comm) == 0) {
    status = lk_cli_is_assignment(a->config)
                 ? LK_FAIL(LK_USAGE, "lockstep train: expected a configuration file before '%.64s'", a->config)
                 : lk_buffer_read_file(&file, a->config);
    text = file.data, size = file.size;
  }
  LK_GO(lk_comm_agree(comm, status));
  LK_GO(lk_comm_broadcast_block(comm, &text, &size, 0));
  LK_GO(lk_config_init(config));
  LK_GO(lk_config_parse(config, text, size, a->config));
  for (int i = 0; i < a->count; i++) LK_GO(lk_config_override(config, a->assignments[i]));
done:
  if (lk_comm_rank(comm) != 0) free(text);
  lk_buffer_release(&file);
  return status;
}

/* After a run that was stopped by a signal, further signals (a scheduler's second one, mpirun's own) must not change the
 * exit code. */
static void ignore_signals(void) {
  static const int late[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGPIPE};
  for (size_t i = 0; i < sizeof late / sizeof *late; i++) (void)signal(late[i], SIG_IGN);
}

lk_status lk_command_train(int argc, char **argv, lk_comm *comm) {
  lk_status status = LK_OK;
  int help = 0;
  arguments a = {0};
  lk_config config = {0};
  LK_TRY(lk_cli_parse(&argp, "lockstep train", argc, argv, &a, &help));
  if (help) return LK_OK;
  if (!a.config)
    return LK_FAIL(LK_USAGE, "lockstep train: expected a configuration file; 'lockstep train --help' has an example");
  LK_GO(lk_comm_agree(comm, read_config(&config, &a, comm)));
  status = lk_train(&config, comm, &(lk_train_host){.owns_process = true});
  ignore_signals();
done:
  lk_config_release(&config);
  return status;
}
