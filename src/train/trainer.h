/* trainer.h - a whole training run, from configuration to the last checkpoint.
 *
 * The run's files are in config->run.dir: config.yaml, metrics.jsonl, log.txt, checkpoints/, last.h5, best.h5, and event
 * files where log.tensorboard asks for them. Where there is a checkpoint the run resumes from it exactly, on any number
 * of ranks. Only rank 0 needs to see the folder. */
#pragma once
#include "comm.h"
#include "config.h"
#include "corpus.h"

/** Every check of a configuration that needs no corpus. LK_USAGE with the place of the mistake. Not collective. */
LK_CHECKED lk_status lk_train_check(const lk_config *config);
/** Warn of settings that differ from their defaults but have no effect, because of other settings (momentum with Adam,
 *  attention of a tagger) or, unless info is NULL, on such a corpus. LK_MEMORY.    Not collective. */
LK_CHECKED lk_status lk_train_warn(const lk_config *config, const lk_corpus_info *info);
/* What lk_train() reports to its caller. */
typedef enum lk_event_kind { LK_EVENT_STEP, LK_EVENT_VALID, LK_EVENT_TEST } lk_event_kind;
typedef struct lk_train_event {
  lk_event_kind kind;
  int64_t step;
  double epoch, loss, rate; /* loss: nats per unit, of the step or the evaluated part; rate: 0 for evaluations */
  const char *metric;       /* evaluations: eval.metric, and its value; else NULL */
  double value;
} lk_train_event;

/* Who calls lk_train(): {0} is a program that wants nothing but the run. */
typedef struct lk_train_host {
  /* The process is the run's: SIGINT, SIGTERM, SIGUSR1 and SIGHUP ask it to stop, SIGPIPE is ignored, and the watchdog
   * ends the job where a rank is stuck. Signal handlers are given back at the end. */
  bool owns_process;
  /* Called on every rank after each step and evaluation, or NULL. True, on any rank: stop after the next step. */
  bool (*event)(void *context, const lk_train_event *event);
  void *context;
} lk_train_host;

/** Train. Denormals are flushed to zero during the run; the floating-point environment is restored at the end. LK_OK if
 *  one of its limits ended the run; LK_STOPPED if it was asked to stop, with the state saved; LK_USAGE, LK_DATA, LK_IO,
 *  LK_MEMORY, LK_INTERNAL (too many non-finite steps in a row, replicas that differ). Collective. */
LK_CHECKED lk_status lk_train(const lk_config *config, lk_comm *comm, const lk_train_host *host);
/** Ask the run of this process to stop after the next step; no effect if none runs. From any thread or signal
 *  handler. */
void lk_train_stop(void);
