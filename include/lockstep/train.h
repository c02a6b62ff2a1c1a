/* train.h - train a model on all ranks of an MPI communicator.
 *
 *   lockstep_train_options options = LOCKSTEP_TRAIN_OPTIONS;
 *   if (lockstep_mpi_init() != LOCKSTEP_OK || lockstep_train(config, &options) != LOCKSTEP_OK)
 *     fprintf(stderr, "%s\n", lockstep_error());
 *   lockstep_mpi_finalize();
 *
 * Such a program runs alone or under mpirun; any number of ranks gives the same bits. The run's files are in the folder
 * `run.dir` of the configuration, with the weights in last.h5 and, where the corpus has a part for validation,
 * best.h5. Where that folder holds a run of the same settings, training goes on from its newest checkpoint.
 *
 * MPI. A program that uses MPI itself calls MPI_Init_thread() with MPI_THREAD_FUNNELED or more, and MPI_Finalize();
 * training leaves MPI initialised. Any other program calls lockstep_mpi_init() and lockstep_mpi_finalize(). Training
 * without either is LOCKSTEP_USAGE. Training calls MPI from the calling thread only, which with MPI_THREAD_FUNNELED has
 * to be the one that initialised MPI. Signals are the program's: it may call lockstep_train_stop() from a handler. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "lockstep/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Initialise MPI (MPI_THREAD_SERIALIZED) unless it is initialised. Only once in a process: MPI cannot start again
 *  after it was finalised. LOCKSTEP_INTERNAL; LOCKSTEP_USAGE after MPI_Finalize().     Collective over all ranks. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_mpi_init(void);
/** Finalise MPI where lockstep_mpi_init() has initialised it; nothing otherwise.       Collective over all ranks. */
LOCKSTEP_API void lockstep_mpi_finalize(void);

typedef enum lockstep_event {
  LOCKSTEP_STEP = 0,      /* a training step has ended */
  LOCKSTEP_EVALUATED = 1, /* the validation part was evaluated */
  LOCKSTEP_TESTED = 2     /* the test part was evaluated, with the best weights */
} lockstep_event;

/* What the progress callback receives. All values but `rank` are the same on all ranks. */
typedef struct lockstep_progress {
  lockstep_event event;
  int rank, ranks;    /* of this process in the communicator; size of it */
  int64_t step;       /* steps taken, from 1 */
  double epoch;       /* passes over the training part, with fraction */
  double loss;        /* nats a unit: of the step (before its update), or of the evaluated part */
  double rate;        /* learning rate of the step; 0 for evaluations */
  const char *metric; /* evaluations: name of `eval.metric`; NULL for steps */
  double value;       /* its value */
} lockstep_progress;

typedef enum lockstep_log_level { LOCKSTEP_LOG_WARNING = 1, LOCKSTEP_LOG_INFO = 2 } lockstep_log_level;

/* Start from LOCKSTEP_TRAIN_OPTIONS, which is MPI_COMM_WORLD without callbacks. */
typedef struct lockstep_train_options {
  size_t size;              /* set by LOCKSTEP_TRAIN_OPTIONS; how a newer library knows this struct */
  const void *communicator; /* address of an MPI_Comm, which is duplicated; NULL: MPI_COMM_WORLD */
  /* Called on every rank after each step and each evaluation. A value other than 0, on any rank, stops the run: after
   * the next step its state is saved and lockstep_train() returns LOCKSTEP_STOPPED on all ranks. NULL: none. */
  int (*progress)(void *context, const lockstep_progress *progress);
  /* Called on rank 0 with each line that the command `lockstep train` prints, without newline; never twice at a time,
   * but not always in the thread of lockstep_train(). NULL: none. The lines are in the run's log.txt as well. */
  void (*log)(void *context, lockstep_log_level level, const char *line);
  void *context; /* handed to both */
} lockstep_train_options;

#define LOCKSTEP_TRAIN_OPTIONS \
  { sizeof(lockstep_train_options), 0, 0, 0, 0 }

/** Train until the configuration says that the run is over. options may be NULL. All ranks must pass the same settings.
 *  LOCKSTEP_STOPPED: it was asked to stop, or the job's time limit is near (SLURM_JOB_END_TIME), and the state is
 *  saved; LOCKSTEP_USAGE, LOCKSTEP_DATA, LOCKSTEP_IO, LOCKSTEP_MEMORY, LOCKSTEP_INTERNAL (too many non-finite steps,
 *  ranks that differ). All ranks return the same status. A rank that ends or hangs leaves the others waiting in MPI:
 *  the command `lockstep train` has a watchdog for that, the library has none.        Collective. */
LOCKSTEP_API LOCKSTEP_CHECKED lockstep_status lockstep_train(const lockstep_config *config,
                                                             const lockstep_train_options *options);

/** Ask the training of this process to stop after the next step with its state saved; one rank is enough. No effect if
 *  none runs. May be called from any thread and from signal handlers.                  Not collective. */
LOCKSTEP_API void lockstep_train_stop(void);

#ifdef __cplusplus
}
#endif
