/* trainer.h - a whole training run, from configuration to the last checkpoint.
 *
 * The run lives in config->run.dir: config.yaml, metrics.jsonl, log.txt, checkpoints/, last.h5, best.h5. Where that folder
 * holds a checkpoint the run goes on from it, exactly, on whatever number of ranks. Only rank 0 needs to see it. */
#pragma once
#include "lockstep/comm.h"
#include "lockstep/config.h"

/** All that can be said against a configuration without a corpus. LK_USAGE with the place. Not collective. */
LK_CHECKED lk_status lk_train_check(const lk_config *config);
/** Train. LK_OK when the run is over by its own rules; LK_STOPPED when a signal ended it with the state saved;
 *  LK_USAGE, LK_DATA, LK_IO, LK_MEMORY, LK_INTERNAL (too many non-finite steps in a row, replicas that differ).
 *                                                                                 Collective. */
LK_CHECKED lk_status lk_train(const lk_config *config, lk_comm *comm);
