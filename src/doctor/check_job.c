/* check_job.c - checks of the program, its libraries, who started it, and the clocks. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "launch.h"
#include "doctor_impl.h"

void lk_check_launcher(const lk_survey *survey, lk_finding *finding) {
  const lk_job_facts *job = &survey->of[0].job;
  lk_measured(finding, "%d rank%s%s%s", survey->size, lk_plural(survey->size), job->started ? ", started by " : "",
              job->launcher);
  if (survey->size > 1 || job->started <= 1) return;
  lk_measured(finding, "%s started %d tasks, and MPI counts 1 rank", job->launcher, job->started);
  if (!job->as_step) {
    lk_measured(finding, "the job has %d tasks by %s, and 1 rank was started", job->started, job->launcher);
    lk_wrong(finding, "the other tasks stay idle", "%s lockstep ...",
             strcmp(job->launcher, "Slurm") == 0 ? "srun" : "mpirun");
  } else if (strcmp(job->launcher, LK_LAUNCH_SLURM) == 0) {
    lk_wrong(finding, "each task would train for itself, as the only rank", LK_LAUNCH_SLURM_MEND);
  } else {
    lk_wrong(finding, "each task would train for itself, as the only rank",
             "start it with the mpirun of the MPI that lockstep was built with: %s", job->mpi);
  }
}

static bool other_program(const lk_survey *survey, int r) {
  const lk_job_facts *first = &survey->of[0].job, *job = &survey->of[r].job;
  return strcmp(first->version, job->version) != 0 || strcmp(first->program, job->program) != 0;
}

void lk_check_program(const lk_survey *survey, lk_finding *finding) {
  const lk_job_facts *job = &survey->of[0].job;
  const int other = lk_first_rank(survey, other_program);
  lk_measured(finding, "lockstep %s, file %.8s", job->version, job->program);
  if (other < 0) return;
  const lk_facts *theirs = &survey->of[other];
  lk_measured(finding, "rank 0 on %s runs lockstep %s (file %.8s), rank %d on %s lockstep %s (file %.8s)",
              survey->of[0].host, job->version, job->program, other, theirs->host, theirs->job.version,
              theirs->job.program);
  lk_wrong(finding, "ranks that compute differently end with different weights",
           "install the same build on all hosts, or start it from a folder that all of them share");
}

static bool other_mpi(const lk_survey *survey, int r) {
  return strcmp(survey->of[0].job.mpi, survey->of[r].job.mpi) != 0;
}

/* The length of a version up to its second dot: what has to be equal. */
static size_t series(const char *version) {
  const char *dot = strchr(version, '.');
  return dot ? (size_t)(dot - version) + 1 + strcspn(dot + 1, ".") : strlen(version);
}

static bool same_series(const char *a, const char *b) {
  return series(a) == series(b) && strncmp(a, b, series(a)) == 0;
}

void lk_check_mpi(const lk_survey *survey, lk_finding *finding) {
  const lk_job_facts *job = &survey->of[0].job;
  const int other = lk_first_rank(survey, other_mpi);
  lk_measured(finding, "%s, compiled for %s", job->mpi, job->mpi_built);
  if (!same_series(job->mpi, job->mpi_built)) {
    lk_wrong(finding, "MPI's binary interface may differ between versions",
             "build lockstep again with the MPI in use, or load the module of %s", job->mpi_built);
  } else if (other >= 0) {
    lk_measured(finding, "rank 0 on %s has %s, rank %d on %s %s", survey->of[0].host, job->mpi, other,
                survey->of[other].host, survey->of[other].job.mpi);
    lk_wrong(finding, "ranks of different versions may not understand each other", "install %s on all hosts", job->mpi);
  }
}

void lk_check_hdf5(const lk_survey *survey, lk_finding *finding) {
  const lk_job_facts *job = &survey->of[0].job;
  lk_measured(finding, "HDF5 %s, compiled for %s", job->hdf5, job->hdf5_built);
  if (same_series(job->hdf5, job->hdf5_built)) return;
  lk_wrong(finding, "HDF5 ends programs that were compiled for another version",
           "build lockstep again with the HDF5 in use, or set LD_LIBRARY_PATH to that of %s", job->hdf5_built);
}

void lk_check_corpus(const lk_survey *survey, lk_finding *finding) {
  const lk_model_facts *model = &survey->model;
  if (!model->corpus[0]) {
    lk_not_known(finding, "no configuration names one (data.corpus)");
    return;
  }
  lk_measured(finding, "%s: the same file on all ranks, its digest holds; the model has %.3g million parameters",
              model->corpus, model->parameters / 1e6);
  if (!model->problem[0]) return;
  lk_measured(finding, "%s", model->problem);
  lk_wrong(finding, "a run would end with that before its first step",
           "data.corpus=FILE, made for this task by 'lockstep prepare', where all hosts see the same one");
}

/* Sources whose reading is slow: a device is asked each time, instead of a counter of the CPU. */
static bool slow_clock(const lk_survey *survey, int r) {
  const lk_clock_facts *clock = &survey->of[r].clock;
  return clock->read > 2e-6 || clock->step > 1e-5;
}

/* 2024-01-01; a machine whose clock battery is empty starts in 1970 or at the time of its firmware. */
static bool clock_behind(const lk_survey *survey, int r) { return survey->of[r].clock.now < 1704067200; }

void lk_check_clock(const lk_survey *survey, lk_finding *finding) {
  char where[128], text[32], step[32];
  const int slow = lk_first_rank(survey, slow_clock);
  const lk_clock_facts *clock = &survey->of[slow < 0 ? 0 : slow].clock;
  const lk_link *worst = NULL;
  lk_measured(finding, "clock %s, read in %s, resolution %s%s", clock->source[0] ? clock->source : "unknown",
              lk_seconds_text(text, clock->read), lk_seconds_text(step, clock->step),
              lk_where(where, survey, slow_clock));
  for (int i = 0; i < survey->links; i++)
    if (!worst || fabs(survey->link[i].offset) > fabs(worst->offset)) worst = &survey->link[i];
  if (slow >= 0)
    lk_wrong(finding, "MPI reads it while it waits, so messages take longer",
             "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource");
  if (worst && fabs(worst->offset) > 1) {
    lk_measured(finding, "the clocks of %s and %s differ by %s", survey->of[worst->from].host,
                survey->of[worst->to].host, lk_seconds_text(text, fabs(worst->offset)));
    lk_wrong(finding, "logs, times of files and the end of a job are told by them",
             "sudo systemctl enable --now chrony (or another NTP client) on both");
  } else if (lk_first_rank(survey, clock_behind) >= 0) {
    lk_measured(finding, "the time of day is before 2024%s", lk_where(where, survey, clock_behind));
    lk_wrong(finding, "times of files and the end of a job are told by it",
             "sudo systemctl enable --now chrony (or another NTP client)");
  }
}

static const double slow_network = 100e6; /* bytes/s; gigabit Ethernet carries 117 MB/s */
static const double late_network = 1e-3;  /* seconds; Ethernet within a room takes 10 to 100 us */

/* A rank that waits for its core sends and answers late: that is noise, and not the network's fault. */
static bool is_slow(const lk_survey *survey, const lk_link *link) {
  const double from = 1 - survey->of[link->from].cpu.lost, to = 1 - survey->of[link->to].cpu.lost;
  return link->bandwidth < slow_network * from * to;
}
static bool is_late(const lk_survey *survey, const lk_link *link) {
  return link->latency > late_network && !lk_is_noisy(survey, link->from) && !lk_is_noisy(survey, link->to);
}

void lk_check_network(const lk_survey *survey, lk_finding *finding) {
  const lk_link *worst = NULL;
  bool bad = false;
  char text[32];
  for (int i = 0; i < survey->links; i++) {
    const lk_link *link = &survey->link[i];
    const bool here = is_slow(survey, link) || is_late(survey, link);
    if (!worst || here > bad || (here == bad && link->bandwidth < worst->bandwidth)) worst = link;
    bad = bad || here;
  }
  if (!worst) {
    lk_not_known(finding, "all ranks are on one host");
    return;
  }
  lk_measured(finding, "between %s and %s %.0f MB/s, and %s for a small message", survey->of[worst->from].host,
              survey->of[worst->to].host, worst->bandwidth / 1e6, lk_seconds_text(text, worst->latency));
  if (bad)
    lk_wrong(finding, "each step sends all gradients and all weights over it, so ranks wait",
             "choose the fast network: mpirun --mca btl_tcp_if_include ETH (Open MPI; 'ip -br address' lists them), or "
             "run on one host");
}
