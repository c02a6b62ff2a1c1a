/* launch.h - what the environment says of how this process was started.
 *
 * A launcher sets variables that say how many processes it has started together and which of them this one is. The size
 * of a job says nothing about that: Slurm sets SLURM_NTASKS also in a shell of salloc and in a batch script, where one
 * process runs, but SLURM_STEP_NUM_TASKS only in processes that srun has started. The innermost launcher counts: mpirun
 * within a step of srun is mpirun. Every function: Not collective, and may be called before lk_comm_init(). */
#pragma once
#include <stdbool.h>

typedef struct lk_launch_facts {
  const char *by; /* "srun of Slurm"; NULL: nobody says that it has started this process */
  int tasks;      /* processes that were started together, at least; 0: not told */
  int task;       /* which of them this is, from 0 */
  bool speaks;    /* this process is the one that reports what is wrong with the start: others say the same */
} lk_launch_facts;

#define LK_LAUNCH_SLURM "srun of Slurm"
/* What to write instead if the tasks of a Slurm step do not find each other. */
#define LK_LAUNCH_SLURM_MEND \
  "srun --mpi=pmix lockstep ..., or mpirun lockstep ... ('srun --mpi=list' says what this Slurm offers)"

lk_launch_facts lk_launch_seen(void);
