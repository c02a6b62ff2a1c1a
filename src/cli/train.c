#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "config.h"
#include "trainer.h"

static error_t parse(int key, char *text, struct argp_state *state) {
  (void)text;
  return lk_cli_take_words(key, state, state->input);
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
        "Written to run.dir: config.yaml (all settings), metrics.jsonl and starts.jsonl (one JSON object a line; "
        "figures, and the hosts, time and memory of each start), log.txt, checkpoints/ and the links last.h5 and "
        "best.h5 (the checkpoint that validated best); with log.tensorboard=true also events.out.tfevents.* for "
        "TensorBoard.\n\n"
        "On a terminal a bar shows the progress, the loss, the best validation and the time left, and windows of 100 "
        "columns and 20 rows or more show a curve of the loss; also under mpirun, where mpirun's standard error is a "
        "terminal and mpirun runs in the foreground. Elsewhere, and with TERM=dumb, there is a plain line every "
        "log.every "
        "seconds. NO_COLOR leaves colours out.\n\n"
        "SIGINT, SIGTERM, SIGUSR1 and SIGHUP save the state and end the run with exit code 75; the same command "
        "resumes "
        "it. To stop a run under mpirun, send SIGUSR1 to mpirun: it passes that signal on and ends with 75 too. After "
        "the other signals the ranks save as well, but Open MPI's mpirun ends with 1."};

/* After a run that was stopped by a signal, further signals (a scheduler's second one, mpirun's own) must not change the
 * exit code. */
static void ignore_signals(void) {
  static const int late[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGPIPE};
  for (size_t i = 0; i < sizeof late / sizeof *late; i++) (void)signal(late[i], SIG_IGN);
}

lk_status lk_command_train(int argc, char **argv, lk_comm *comm) {
  lk_status status = LK_OK;
  int help = 0;
  lk_cli_words words = {0};
  lk_config config = {0};
  LK_TRY(lk_cli_parse(&argp, "lockstep train", argc, argv, &words, &help));
  if (help) return LK_OK;
  LK_TRY(lk_cli_expect_config("lockstep train", &words, comm));
  LK_GO(lk_comm_agree(comm, lk_cli_read_config(&config, &words, comm)));
  status = lk_train(&config, comm, &(lk_train_host){.owns_process = true});
  ignore_signals();
done:
  lk_config_release(&config);
  return status;
}
