/* doctor_facts.h - the facts that ranks measure: plain data, exchanged byte by byte. A number that could not be measured
 * is NAN, a text that could not be read is "". Bytes and seconds are doubles. */
#pragma once
#include <stdbool.h>

#include "cpus.h"

enum { LK_DOCTOR_LINKS = 32 };

typedef enum lk_limit { /* of getrlimit(): the soft limits, INFINITY where there is none */
                        LK_LIMIT_ADDRESS_SPACE,
                        LK_LIMIT_LOCKED,
                        LK_LIMIT_FILES,
                        LK_LIMIT_FILE_SIZE,
                        LK_LIMIT_STACK,
                        LK_LIMIT_CPU_TIME,
                        LK_LIMIT_CORE,
                        LK_LIMITS
} lk_limit;

typedef struct lk_job_facts {    /* the program, its libraries, and how it was started */
  char version[24], program[33]; /* program: digest of the file */
  char mpi[64], mpi_built[64];   /* "Open MPI v4.1.4": the library, and the headers that this was compiled with */
  char hdf5[24], hdf5_built[24];
  char launcher[24]; /* who says how many ranks it has started: "Slurm", "mpirun of Open MPI"; "" */
  int started;       /* how many; 0: nobody says */
  bool as_step;      /* by a launcher, and not only within a job that was given so many tasks */
} lk_job_facts;

typedef struct lk_cpu_facts {
  char model[64];
  char kernels[16], best[16]; /* the kernels of a run; the best of ours that this CPU supports */
  bool refused;               /* the setting names others, which this CPU does not support */
  bool guest;                 /* of a hypervisor, x86-64 alone */
  char blas_core[24];         /* that OpenBLAS has chosen */
  char coretype[24];          /* OPENBLAS_CORETYPE, or "" */
  bool blas;                  /* OpenBLAS would make the products of a run */
  lk_cpus allowed;            /* CPUs that this rank may run on */
  lk_cpus cores;              /* the same, with the first hardware thread of each core for all of its threads */
  int online;                 /* CPUs of the machine */
  double quota;               /* CPUs' worth of time that the control group may use; INFINITY: no limit */
  char threads_by[24];        /* the variable that sets a number of threads for libraries, or "" */
  int threads;                /* that number */
  char governor[24], driver[32];
  double frequency; /* share of the highest frequency, while computing */
  double speed;     /* fused multiply-adds on registers, flop/s */
  double lost;      /* share of time in which another process ran, in most of the intervals looked at */
  double gap;       /* seconds: the longest time without running */
  double stolen;    /* share of the machine's time that the hypervisor gave to others */
} lk_cpu_facts;

typedef struct lk_memory_facts {
  double total, available; /* of the machine, as /proc/meminfo has it */
  double group_left;       /* until the limit of the control group; INFINITY: no limit */
  double limit[LK_LIMITS];
  char huge[24];       /* /sys/kernel/mm/transparent_hugepage/enabled: always, madvise or never */
  double huge_share;   /* of a block that ranks share as gradients are shared: the part in huge pages */
  char transport[160]; /* how the ranks exchange gradients */
  double shm_size, shm_free;
  bool shm_writable, infiniband;
} lk_memory_facts;

typedef struct lk_clock_facts {
  char source[24];
  double step, read; /* seconds: resolution; what one reading takes */
  double now;        /* since 1970 */
} lk_clock_facts;

typedef struct lk_facts {     /* of one rank */
  char host[64], machine[40]; /* machine: this boot, since two host names may be one machine */
  lk_job_facts job;
  lk_cpu_facts cpu;
  lk_memory_facts memory;
  lk_clock_facts clock;
} lk_facts;

typedef struct lk_folder_facts { /* of run.dir, as rank 0 sees it */
  char path[256];                /* the folder that was looked at: run.dir, or the nearest above it that exists */
  char type[24], options[160];   /* of its file system, as mounted */
  int error;                     /* errno of the first thing that failed, 0 */
  char failed[64];               /* what that was */
  double sync;        /* seconds to write a small file as checkpoints are: fsync, rename, fsync of the folder */
  double free, files; /* bytes and files that still fit; INFINITY: no limit */
} lk_folder_facts;

typedef struct lk_link { /* between the first ranks of two hosts */
  int from, to;
  double latency;   /* seconds, one way */
  double bandwidth; /* bytes/s */
  double offset;    /* the clock of `to` minus the clock of `from`, seconds */
} lk_link;

typedef struct lk_model_facts { /* what the configuration names; the same on all ranks */
  char corpus[256];             /* data.corpus, or "" */
  char problem[512];            /* why a run cannot begin with it, or "" */
  double parameters;            /* 0: not known */
} lk_model_facts;

typedef struct lk_survey {
  int size;     /* ranks */
  lk_facts *of; /* [size] */
  lk_folder_facts folder;
  lk_link link[LK_DOCTOR_LINKS];
  int links;
  lk_model_facts model;
} lk_survey;
