/* trainer.h - a whole training run, from configuration to the last checkpoint.
 *
 * The run lives in config->run.dir: config.yaml, metrics.jsonl, log.txt, checkpoints/, last.h5, best.h5. Where that folder
 * holds a checkpoint the run goes on from it, exactly, on whatever number of ranks. Only rank 0 needs to see it. */
#pragma once
#include "comm.h"
#include "config.h"
#include "corpus.h"

/** All that can be said against a configuration without a corpus. LK_USAGE with the place. Not collective. */
LK_CHECKED lk_status lk_train_check(const lk_config *config);
/** Warn of settings that differ from their defaults and have no effect beside the others (momentum with Adam, attention
 *  of a tagger), or on a corpus like that, where one is given. LK_MEMORY.          Not collective. */
LK_CHECKED lk_status lk_train_warn(const lk_config *config, const lk_corpus_info *info);
/** Train. SIGINT, SIGTERM, SIGUSR1, SIGHUP and SIGPIPE, and the floating-point environment, are taken over meanwhile and
 *  given back. LK_OK when the run is over by its own rules; LK_STOPPED when a signal ended it with the state saved;
 *  LK_USAGE, LK_DATA, LK_IO, LK_MEMORY, LK_INTERNAL (too many non-finite steps in a row, replicas that differ).
 *                                                                                 Collective. */
LK_CHECKED lk_status lk_train(const lk_config *config, lk_comm *comm);
