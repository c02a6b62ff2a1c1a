/* trainer.h - a whole training run, from configuration to the last checkpoint.
 *
 * The run's files are in config->run.dir: config.yaml, metrics.jsonl, log.txt, checkpoints/, last.h5, best.h5. Where
 * there is a checkpoint the run resumes from it exactly, on any number of ranks. Only rank 0 needs to see the
 * folder. */
#pragma once
#include "comm.h"
#include "config.h"
#include "corpus.h"

/** Every check of a configuration that needs no corpus. LK_USAGE with the place of the mistake. Not collective. */
LK_CHECKED lk_status lk_train_check(const lk_config *config);
/** Warn of settings that differ from their defaults and have no effect beside the others (momentum with Adam, attention
 *  of a tagger), or on a corpus like that, where one is given. LK_MEMORY.          Not collective. */
LK_CHECKED lk_status lk_train_warn(const lk_config *config, const lk_corpus_info *info);
/** Train. The handlers of SIGINT, SIGTERM, SIGUSR1, SIGHUP and SIGPIPE and the floating-point environment are replaced
 *  meanwhile and restored at the end. LK_OK when one of its limits ended the run; LK_STOPPED when a signal ended it,
 *  with the state saved; LK_USAGE, LK_DATA, LK_IO, LK_MEMORY, LK_INTERNAL (too many non-finite steps in a row,
 *  replicas that differ).                                              Collective. */
LK_CHECKED lk_status lk_train(const lk_config *config, lk_comm *comm);
