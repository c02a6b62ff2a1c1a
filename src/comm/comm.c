#include "comm.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "comm_impl.h"
#include "arena.h"
#include "version.h"
#include "watchdog.h"

static void end_job(void) { MPI_Abort(MPI_COMM_WORLD, lk_status_exit_code(LK_INTERNAL)); }

/* Make glibc keep large freed blocks. It returns them to the kernel by default, so that MPI's temporary buffers would
 * cause page faults in every call. Must be called before MPI allocates. */
static void keep_freed_memory(void) {
  if (!mallopt(M_MMAP_THRESHOLD, 1 << 30))
    mallopt(M_MMAP_THRESHOLD, 32 << 20); /* the largest value that older versions accept */
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_TOP_PAD, 64 << 20);
}

static lk_status create(lk_comm **comm) {
  LK_TRY(lk_alloc(comm, 1, sizeof **comm));
  (*comm)->mpi = MPI_COMM_NULL;
  (*comm)->chunk = (size_t)1 << 30;
  (*comm)->bucket = LK_COMM_BUCKET;
  return LK_OK;
}

/* Of MPI once it is initialised. */
static lk_status duplicate(lk_comm *comm, MPI_Comm of) {
  LK_TRY(LK_MPI(MPI_Comm_dup, of, &comm->mpi));
  LK_TRY(LK_MPI(MPI_Comm_set_errhandler, comm->mpi, MPI_ERRORS_RETURN));
  LK_TRY(LK_MPI(MPI_Comm_rank, comm->mpi, &comm->rank));
  LK_TRY(LK_MPI(MPI_Comm_size, comm->mpi, &comm->size));
  LK_TRY(lk_comm_tables(comm));
  int length = 0;
  LK_TRY(LK_MPI(MPI_Get_processor_name, comm->host, &length));
  lk_assert_install(comm->rank, end_job);
  return LK_OK;
}

static lk_status start(lk_comm *comm, int *argc, char ***argv) {
  int provided = MPI_THREAD_SINGLE;
  LK_TRY(lk_launch(argc, argv, &provided));
  LK_TRY(LK_MPI(MPI_Comm_set_errhandler, MPI_COMM_WORLD, MPI_ERRORS_RETURN));
  if (provided < MPI_THREAD_FUNNELED) return LK_FAIL(LK_INTERNAL, "this MPI was built without thread support");
  return duplicate(comm, MPI_COMM_WORLD);
}

lk_status lk_comm_init(lk_comm **comm, int *argc, char ***argv) {
  keep_freed_memory();
  lk_comm *made = NULL;
  LK_TRY(create(&made));
  lk_status status = start(made, argc, argv);
  if (status == LK_OK)
    *comm = made;
  else
    lk_comm_finalize(&made);
  return status;
}

static bool is_running(void) {
  int started = 0, ended = 0;
  MPI_Initialized(&started);
  MPI_Finalized(&ended);
  return started && !ended;
}

void lk_comm_release(lk_comm **comm) {
  if (*comm == NULL) return;
  if (is_running()) {
    lk_watchdog_stop(*comm);
    lk_assert_install((*comm)->rank, abort); /* MPI_Abort would need what is freed here */
    if ((*comm)->mpi != MPI_COMM_NULL) MPI_Comm_free(&(*comm)->mpi);
  }
  lk_comm_free_tables(*comm);
  free(*comm);
  *comm = NULL;
}

void lk_comm_finalize(lk_comm **comm) {
  if (*comm == NULL) return;
  lk_comm_release(comm);
  lk_mpi_end();
}

lk_status lk_comm_adopt(lk_comm **comm, const void *mpi) {
  int level = MPI_THREAD_SINGLE;
  lk_comm *made = NULL;
  if (!is_running()) return LK_FAIL(LK_USAGE, "MPI is not initialised, or was finalised");
  LK_TRY(LK_MPI(MPI_Query_thread, &level));
  if (level < MPI_THREAD_FUNNELED)
    return LK_FAIL(LK_USAGE,
                   "MPI was initialised with MPI_THREAD_SINGLE: call MPI_Init_thread with MPI_THREAD_FUNNELED");
  LK_TRY(create(&made));
  const lk_status status = duplicate(made, mpi ? *(const MPI_Comm *)mpi : MPI_COMM_WORLD);
  if (status == LK_OK)
    *comm = made;
  else
    lk_comm_release(&made);
  return status;
}

lk_status lk_mpi_start(bool *started) {
  int ended = 0, provided = MPI_THREAD_SINGLE, size = 0;
  *started = false;
  MPI_Finalized(&ended);
  if (ended) return LK_FAIL(LK_USAGE, "MPI was finalised and cannot be initialised again");
  if (is_running()) return LK_OK;
  LK_TRY(lk_launch(NULL, NULL, &provided));
  *started = true;
  LK_TRY(LK_MPI(MPI_Comm_size, MPI_COMM_WORLD, &size));
  return lk_launch_check(size);
}

void lk_mpi_end(void) {
  if (is_running()) MPI_Finalize();
}

lk_status lk_comm_check_launch(const lk_comm *comm) { return lk_launch_check(comm->size); }

int lk_comm_rank(const lk_comm *comm) { return comm->rank; }
int lk_comm_size(const lk_comm *comm) { return comm->size; }
void lk_comm_library(size_t size, char *out) {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  if (MPI_Get_library_version(text, &length) != MPI_SUCCESS) text[0] = '\0';
  const size_t line = strcspn(text, "\n\r");
  (void)snprintf(out, size, "%.*s", (int)line, text);
  for (char *c = out; *c; c++)
    if (*c == '\t') *c = ' '; /* MPICH separates columns by TABs */
}

void lk_comm_built_with(size_t size, char *out) {
#if defined(OMPI_MAJOR_VERSION)
  (void)snprintf(out, size, "Open MPI v%d.%d.%d", OMPI_MAJOR_VERSION, OMPI_MINOR_VERSION, OMPI_RELEASE_VERSION);
#elif defined(MPICH_VERSION)
  (void)snprintf(out, size, "MPICH Version: %s", MPICH_VERSION);
#else
  lk_comm_library(size, out); /* another MPI's headers do not tell */
#endif
}

static void name_mpi(char text[LK_LIBRARY_TEXT]) { lk_comm_library(LK_LIBRARY_TEXT, text); }
LK_LIBRARY(name_mpi)

const char *lk_comm_host(const lk_comm *comm) { return comm->host; }

void lk_comm_abort(lk_comm *comm, int exit_code) {
  fflush(NULL);
  MPI_Abort(comm->mpi, exit_code);
  _exit(exit_code);
}

lk_status lk_comm_barrier(lk_comm *comm) { return LK_MPI(MPI_Barrier, comm->mpi); }
