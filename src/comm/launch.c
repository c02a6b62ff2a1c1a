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
#include "launch.h"

static bool is_set(const char *name) { return getenv(name) != NULL; }

static int number_of(const char *name) {
  const char *text = name ? getenv(name) : NULL;
  return text ? atoi(text) : 0;
}

/* Who sets which variables, the innermost launcher first. PMIx alone tells no size. */
static const struct {
  const char *by, *size, *rank;
} launchers[] = {{"mpirun of Open MPI", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
                 {"mpirun of MPICH", "PMI_SIZE", "PMI_RANK"},
                 {"mpiexec of PALS", "PALS_SIZE", "PALS_RANKID"},
                 {LK_LAUNCH_SLURM, "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
                 {"a launcher of PMIx", NULL, "PMIX_RANK"}};
enum { LAUNCHERS = sizeof launchers / sizeof *launchers, BY_OPEN_MPI = 0, BY_PMI = 1, BY_SLURM = 3 };

static lk_launch_facts seen_by(int i) {
  lk_launch_facts seen = {.tasks = number_of(launchers[i].size), .task = number_of(launchers[i].rank)};
  const bool told = seen.tasks > 0;
  if (!told && !launchers[i].size && seen.task > 0) seen.tasks = seen.task + 1;
  if (seen.tasks > 0) seen.by = launchers[i].by;
  const int speaker = told || !seen.by ? 0 : 1; /* where no size is told the first does not know of the others */
  seen.speaks = seen.task == speaker;
  return seen;
}

/* srun --mpi=pmi2 sets the variables of PMI, as MPICH's mpirun does. */
static bool is_of_slurm(lk_launch_facts pmi) {
  const lk_launch_facts step = seen_by(BY_SLURM);
  return step.tasks == pmi.tasks && step.task == pmi.task;
}

static lk_launch_facts look(void) {
  for (int i = 0; i < LAUNCHERS; i++) {
    const lk_launch_facts seen = seen_by(i);
    if (seen.by) return i == BY_PMI && is_of_slurm(seen) ? seen_by(BY_SLURM) : seen;
  }
  return (lk_launch_facts){.speaks = true};
}

/* Looked at once, before MPI starts: MPI_Init() changes some of the variables. */
lk_launch_facts lk_launch_seen(void) {
  static lk_launch_facts seen;
  static bool looked;
  if (!looked) seen = look();
  looked = true;
  return seen;
}

/* Whether a launcher offers what an MPI needs for its processes to find each other. */
static bool can_meet(void) {
  return seen_by(BY_OPEN_MPI).by || seen_by(BY_PMI).by || is_set("PMIX_RANK") || is_set("PMI_RANK");
}

/* Slurm's oldest interface (PMI-1) needs no variables of its own. */
bool lk_comm_launched(void) { return can_meet() || lk_launch_seen().tasks > 1; }

bool lk_comm_started_first(void) { return lk_launch_seen().speaks; }

/* Whether all that were started are known to be on this host; *ranks: how many. */
static bool on_one_host(int *ranks) {
  const int size = seen_by(seen_by(BY_OPEN_MPI).by ? BY_OPEN_MPI : BY_PMI).tasks;
  *ranks = number_of(is_set("OMPI_COMM_WORLD_LOCAL_SIZE") ? "OMPI_COMM_WORLD_LOCAL_SIZE" : "MPI_LOCALNRANKS");
  return size > 0 && size == *ranks;
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
  const char *name, *value; /* NULL: not set */
  char *before;             /* what the environment had */
} setting;
enum { MOST_SETTINGS = 4 };

/* Settings for Open MPI. Where all ranks are on this host it would otherwise initialise all networks that it was built
 * for, which takes 0.2 s, and warn where it finds none; without mpirun, older versions start a daemon, which takes
 * another 0.2 s. Between hosts without a faster network it moves large messages over TCP by "put", of which each waits
 * for the opposite direction: two ranks that sent each other 8 MB over a link of 1 Gb/s at the same time took 134 ms,
 * and take 76 without (67 would be the link's). What the user's environment or mpirun's arguments choose is kept; a
 * choice in a parameter file of Open MPI cannot be seen here and is overridden.
 *
 * In a step of Slurm without PMIx, Open MPI 4 ends the process with a page of text, also where the step is the one task
 * of an interactive shell. Without SLURM_STEP_ID it starts a single rank there, and lk_launch_check() can say in a line
 * what is wrong, if anything is. (Where it was built with Slurm's PMI, srun --mpi=pmi2 is needed now.) */
static int settings_of(setting out[MOST_SETTINGS]) {
  char words[MPI_MAX_LIBRARY_VERSION_STRING];
  int version = 0, n = 0, here = 1;
  library_words(words);
  if (sscanf(words, "Open MPI v%d", &version) != 1) return 0;
  const bool alone = !can_meet(), one_host = alone || on_one_host(&here);
  if (alone && is_set("SLURM_STEP_ID")) out[n++] = (setting){.name = "SLURM_STEP_ID"};
  if (alone && !is_set("OMPI_MCA_ess_singleton_isolated"))
    out[n++] = (setting){.name = "OMPI_MCA_ess_singleton_isolated", .value = "1"};
  if (!one_host && !is_set("OMPI_MCA_btl_tcp_flags"))
    out[n++] = (setting){.name = "OMPI_MCA_btl_tcp_flags", .value = "send,inplace"};
  if (!one_host || is_set("OMPI_MCA_pml") || is_set("OMPI_MCA_mtl") || is_set("OMPI_MCA_btl")) return n;
  out[n++] = (setting){.name = "OMPI_MCA_pml", .value = "ob1"};
  if (room_for_messages(here))
    out[n++] = (setting){.name = "OMPI_MCA_btl", .value = version < 5 ? "self,vader" : "self,sm"};
  return n;
}

static void apply(setting *s) {
  const char *before = getenv(s->name);
  s->before = before ? strdup(before) : NULL;
  (void)(s->value ? setenv(s->name, s->value, 1) : unsetenv(s->name));
}

/* So that child processes do not inherit it. */
static void take_back(setting *s) {
  (void)(s->before ? setenv(s->name, s->before, 1) : unsetenv(s->name));
  free(s->before);
}

lk_status lk_launch(int *argc, char ***argv, int *provided) {
  setting set[MOST_SETTINGS];
  (void)lk_launch_seen();
  const int n = settings_of(set);
  for (int i = 0; i < n; i++) apply(&set[i]);
  struct sigaction hangup; /* MPI's libraries may change it */
  const bool known = sigaction(SIGHUP, NULL, &hangup) == 0;
  const int code = MPI_Init_thread(argc, argv, MPI_THREAD_SERIALIZED, provided);
  if (known) (void)sigaction(SIGHUP, &hangup, NULL);
  for (int i = 0; i < n; i++) take_back(&set[i]);
  return lk_mpi_check(code, "MPI_Init_thread");
}

lk_status lk_launch_check(int size) {
  char words[MPI_MAX_LIBRARY_VERSION_STRING];
  const lk_launch_facts seen = lk_launch_seen();
  if (size > 1 || seen.tasks <= 1) return LK_OK;
  if (!seen.speaks) return LK_USAGE;
  if (strcmp(seen.by, LK_LAUNCH_SLURM) == 0)
    return LK_FAIL(
        LK_USAGE,
        LK_LAUNCH_SLURM
        " started %d tasks, and MPI counts 1 rank in each: they do not find each other, and each would do all "
        "the work alone; start them with " LK_LAUNCH_SLURM_MEND,
        seen.tasks);
  library_words(words);
  return LK_FAIL(
      LK_USAGE,
      "%d ranks were started that cannot reach each other: lockstep was built with %s, and they were started "
      "by %s; start it with the mpirun of its own MPI",
      seen.tasks, words, seen.by);
}
