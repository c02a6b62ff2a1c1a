/* Starting MPI: what the launcher's environment variables tell, settings for Open MPI, and a check that launcher and
 * MPI belong together.
 *
 * The launchers of Open MPI, of MPICH (hydra, also Intel MPI's) and Slurm pass rank and size in environment variables.
 * Settings are made for Open MPI only: the others start fast without. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "comm_impl.h"

static bool is_set(const char *name) { return getenv(name) != NULL; }

/* The value of the first of two variables that is set, else `otherwise`. */
static int number_of(const char *one, const char *other, int otherwise) {
  const char *text = getenv(one);
  if (!text) text = getenv(other);
  return text ? atoi(text) : otherwise;
}

static int launched_size(void) { return number_of("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", 0); }
static int launched_rank(void) { return number_of("OMPI_COMM_WORLD_RANK", "PMI_RANK", 0); }
static int launched_here(void) { return number_of("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", 0); }

/* Slurm's oldest interface (PMI-1) passes the rank only. */
bool lk_comm_launched(void) {
  const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
  return launched_size() > 0 || is_set("PMIX_RANK") || is_set("PMI_RANK") || (tasks != NULL && strcmp(tasks, "1") != 0);
}

/* "Open MPI v5.0.7", "MPICH Version: 4.0.2": the name and version of this MPI, one line. */
static void library_words(char out[MPI_MAX_LIBRARY_VERSION_STRING]) {
  int length = 0;
  out[0] = '\0';
  if (MPI_Get_library_version(out, &length) != MPI_SUCCESS) out[0] = '\0';
  out[strcspn(out, ",\n")] = '\0';
  for (char *at = out; *at; at++)
    if (*at == '\t') *at = ' ';
}

/* Open MPI sends messages within a host through a file of each rank in /dev/shm, and over a network where it has no
 * room. */
static bool room_for_messages(int ranks) {
  struct statvfs fs;
  const double each = 24 * 0x1p20; /* bytes: 4 or 16 MiB for that file, the rest for ours */
  return statvfs("/dev/shm", &fs) == 0 && (double)fs.f_bavail * (double)fs.f_frsize >= each * ranks;
}

typedef struct setting {
  const char *name, *value;
} setting;

/* Settings for Open MPI where all ranks are on this host. It would otherwise initialise all networks that it was built
 * for, which takes 0.2 s, and warn where it finds none; without mpirun, older versions start a daemon, which takes
 * another 0.2 s. Transports that the user's environment or mpirun's arguments choose are kept; a choice in a parameter
 * file of Open MPI cannot be seen here and is overridden. */
static int settings_of(setting out[3]) {
  char words[MPI_MAX_LIBRARY_VERSION_STRING];
  int version = 0, n = 0;
  library_words(words);
  if (sscanf(words, "Open MPI v%d", &version) != 1) return 0;
  const bool alone = !lk_comm_launched(),
             one_host = alone || (launched_size() > 0 && launched_size() == launched_here());
  if (alone && !is_set("OMPI_MCA_ess_singleton_isolated")) out[n++] = (setting){"OMPI_MCA_ess_singleton_isolated", "1"};
  if (!one_host || is_set("OMPI_MCA_pml") || is_set("OMPI_MCA_mtl") || is_set("OMPI_MCA_btl")) return n;
  out[n++] = (setting){"OMPI_MCA_pml", "ob1"};
  if (room_for_messages(alone ? 1 : launched_here()))
    out[n++] = (setting){"OMPI_MCA_btl", version < 5 ? "self,vader" : "self,sm"};
  return n;
}

lk_status lk_launch(int *argc, char ***argv, int *provided) {
  setting set[3];
  const int n = settings_of(set);
  for (int i = 0; i < n; i++) (void)setenv(set[i].name, set[i].value, 1);
  struct sigaction hangup; /* MPI's libraries may change it */
  const bool known = sigaction(SIGHUP, NULL, &hangup) == 0;
  const int code = MPI_Init_thread(argc, argv, MPI_THREAD_SERIALIZED, provided);
  if (known) (void)sigaction(SIGHUP, &hangup, NULL);
  for (int i = 0; i < n; i++) (void)unsetenv(set[i].name); /* so that child processes do not inherit them */
  return lk_mpi_check(code, "MPI_Init_thread");
}

lk_status lk_launch_check(int size) {
  char words[MPI_MAX_LIBRARY_VERSION_STRING];
  if (size > 1 || launched_size() <= 1) return LK_OK;
  if (launched_rank() > 0) return LK_USAGE; /* rank 0 prints the message */
  library_words(words);
  return LK_FAIL(
      LK_USAGE,
      "%d ranks were started that cannot reach each other: lockstep was built with %s, and mpirun is another "
      "MPI's; start it with the mpirun of its own",
      launched_size(), words);
}
