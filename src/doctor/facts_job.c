/* facts_job.c - the program, its libraries, who started it, and the clock. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "durable.h"
#include "h5.h"
#include "launch.h"
#include "doctor_impl.h"

/* Environment variables by which systems of jobs tell how many tasks a job was given; the first that is set counts. */
static const struct { const char *variable, *system; } jobs[] = {{"SLURM_NTASKS", "Slurm"}, {"PBS_NP", "PBS"}};

static void set_launcher(lk_job_facts *facts, const char *name, int started) {
  (void)snprintf(facts->launcher, sizeof facts->launcher, "%s", name);
  facts->started = started;
}

static void find_launcher(lk_job_facts *facts) {
  const lk_launch_facts seen = lk_launch_seen();
  if (seen.by) set_launcher(facts, seen.by, seen.tasks);
  facts->as_step = seen.by != NULL;
  for (size_t i = 0; i < sizeof jobs / sizeof *jobs && !facts->launcher[0]; i++) {
    const char *text = getenv(jobs[i].variable);
    if (text && atoi(text) >= 1) set_launcher(facts, jobs[i].system, atoi(text));
  }
}

void lk_facts_of_job(lk_job_facts *facts) {
  (void)snprintf(facts->version, sizeof facts->version, "%s", LK_VERSION);
  if (lk_digest_file("/proc/self/exe", facts->program) != LK_OK) {
    facts->program[0] = '\0';
    lk_error_clear();
  }
  lk_comm_library(sizeof facts->mpi, facts->mpi);
  lk_comm_built_with(sizeof facts->mpi_built, facts->mpi_built);
  facts->mpi[strcspn(facts->mpi, ",")] = '\0';
  lk_h5_library(sizeof facts->hdf5, facts->hdf5);
  lk_h5_built_with(sizeof facts->hdf5_built, facts->hdf5_built);
  find_launcher(facts);
}

void lk_facts_of_clock(lk_clock_facts *facts, const char *root) {
  enum { READINGS = 2000, TRIES = 5 };
  struct timespec step = {0}, now = {0};
  (void)lk_host_text(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource", "", sizeof facts->source,
                     facts->source);
  facts->step = clock_getres(CLOCK_MONOTONIC, &step) == 0 ? (double)step.tv_sec + 1e-9 * (double)step.tv_nsec : NAN;
  facts->read = INFINITY;
  for (int t = 0; t < TRIES; t++) {
    const double start = lk_clock_seconds();
    double last = start;
    for (int i = 0; i < READINGS; i++) last = lk_clock_seconds();
    facts->read = fmin(facts->read, (last - start) / READINGS);
  }
  (void)clock_gettime(CLOCK_REALTIME, &now);
  facts->now = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
