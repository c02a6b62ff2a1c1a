/* launch.h - what the environment says of how this process was started.
 *
 * A launcher tells each process how many it has started together and which of them this one is. What a job was given
 * tells nothing: in Slurm SLURM_NTASKS is set in a shell of salloc and in a batch script too, where one process runs,
 * and SLURM_STEP_NUM_TASKS only in what srun has started. The innermost launcher counts: mpirun within a step of srun
 * is mpirun. Every function: Not collective, and may be called before lk_comm_init(). */
#pragma once
#include <stdbool.h>

typedef struct lk_launch_facts {
  const char *by; /* "srun of Slurm"; NULL: nobody says that it has started this process */
  int tasks;      /* processes that were started together, at least; 0: not told */
  int task;       /* which of them this is, from 0 */
  bool speaks;    /* this process is the one that reports what is wrong with the start: others say the same */
} lk_launch_facts;

#define LK_LAUNCH_SLURM "srun of Slurm"
/* The line that mends a step of Slurm whose tasks do not find each other. */
#define LK_LAUNCH_SLURM_MEND \
  "srun --mpi=pmix lockstep ..., or mpirun lockstep ... ('srun --mpi=list' says what this Slurm offers)"

lk_launch_facts lk_launch_seen(void);
