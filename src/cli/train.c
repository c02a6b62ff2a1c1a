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
  if (key != ARGP_KEY_ARGS) return ARGP_ERR_UNKNOWN; /* single ones too: argp then hands over all that are left */
  a->config = state->argv[state->next];
  a->assignments = state->argv + state->next + 1;
  a->count = state->argc - state->next - 1;
  return 0;
}

static const struct argp argp = {
    .parser = parse,
    .args_doc = "CONFIG.yaml [key.path=value ...]",
    .doc =
        "Train a model on all ranks that mpirun started. Where run.dir holds a checkpoint the run goes on from it, "
        "exactly, "
        "on any number of ranks.\v"
        "Example:\n  mpirun -n 4 lockstep train configs/lm-char.yaml data.corpus=book.h5 \\\n"
        "    run.dir=run train.rate=0.002\n\n"
        "The run's folder holds config.yaml, metrics.jsonl (one object a line), log.txt, checkpoints/ and the links "
        "last.h5 and best.h5. 'lockstep config --describe' lists all keys. SIGINT, SIGTERM, SIGUSR1 and "
        "SIGHUP save the state and end the run with exit code 75; the same command goes on. Send mpirun SIGUSR1, which "
        "it hands on: by any other of them it ends with 1, though the ranks save."};

/* Rank 0 reads the file; all ranks parse the same text. */
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

/* Once the run has ended as it was asked to, a late signal (a scheduler's second one, mpirun's own) changes nothing. */
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
  status = lk_train(&config, comm);
  ignore_signals();
done:
  lk_config_release(&config);
  return status;
}
