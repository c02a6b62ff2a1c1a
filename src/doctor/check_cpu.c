/* check_cpu.c - checks of CPUs, their speed, and who shares them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_impl.h"

static bool same_machine(const lk_survey *survey, int a, int b) {
  return strcmp(survey->of[a].machine, survey->of[b].machine) == 0;
}

/* ---- kernels ---- */

static bool refused(const lk_survey *survey, int r) { return survey->of[r].cpu.refused; }
static bool hidden(const lk_survey *survey, int r) {
  const lk_cpu_facts *cpu = &survey->of[r].cpu;
  return cpu->guest && strcmp(cpu->best, "portable") == 0;
}
static bool below_best(const lk_survey *survey, int r) {
  const lk_cpu_facts *cpu = &survey->of[r].cpu;
  return strcmp(cpu->kernels, "portable") == 0 && strcmp(cpu->best, "portable") != 0;
}
static bool other_kernels(const lk_survey *survey, int r) {
  return strcmp(survey->of[r].cpu.kernels, survey->of[0].cpu.kernels) != 0;
}

void lk_check_kernels(const lk_survey *survey, lk_finding *finding) {
  const lk_cpu_facts *cpu = &survey->of[0].cpu;
  const int other = lk_first_rank(survey, other_kernels);
  char where[128];
  lk_measured(finding, "%s kernels on %s", cpu->kernels, cpu->model);
  if (lk_first_rank(survey, refused) >= 0) {
    lk_measured(finding, "kernels: %s is set, which the CPU does not support%s", cpu->kernels,
                lk_where(where, survey, refused));
    lk_wrong(finding, "a run ends at its start", "kernels=auto");
  } else if (lk_first_rank(survey, below_best) >= 0) {
    lk_measured(finding, "kernels: portable is set, and the CPU supports %s%s", cpu->best,
                lk_where(where, survey, below_best));
    lk_wrong(finding, "the bits are the same, and portable is several times slower", "kernels=auto");
  } else if (other >= 0) {
    lk_measured(finding, "rank 0 on %s has %s kernels, rank %d on %s %s", survey->of[0].host, cpu->kernels, other,
                survey->of[other].host, survey->of[other].cpu.kernels);
    lk_wrong(finding, "in each step the faster ranks wait for the slower ones", "start all ranks on hosts of one kind");
  } else if (lk_first_rank(survey, hidden) >= 0) {
    lk_measured(finding, "the virtual machine's CPU (%s) has no AVX2%s", cpu->model, lk_where(where, survey, hidden));
    lk_wrong(finding, "products are several times slower without; the real CPU probably has it",
             "give the machine the host's CPU: 'qemu -cpu host', in libvirt <cpu mode='host-passthrough'/>");
  }
}

/* Types of OpenBLAS without AVX2. Its choice falls to Prescott where it does not know a CPU. */
static bool is_old_core(const char *core) {
  static const char *const old[] = {"Prescott", "Core2",   "Penryn",     "Dunnington", "Nehalem",   "Sandybridge",
                                    "Athlon",   "Opteron", "Barcelona",  "Bobcat",     "Bulldozer", "Atom",
                                    "Nano",     "Katmai",  "Coppermine", "Northwood",  "Banias",    "Generic"};
  for (size_t i = 0; i < sizeof old / sizeof *old; i++)
    if (strncasecmp(core, old[i], strlen(old[i])) == 0) return true;
  return false;
}

static bool old_core(const lk_survey *survey, int r) {
  const lk_cpu_facts *cpu = &survey->of[r].cpu;
  return cpu->blas && strncmp(cpu->best, "avx", 3) == 0 && is_old_core(cpu->blas_core);
}
static bool other_core(const lk_survey *survey, int r) {
  return survey->of[r].cpu.blas && strcmp(survey->of[r].cpu.blas_core, survey->of[0].cpu.blas_core) != 0;
}

void lk_check_openblas(const lk_survey *survey, lk_finding *finding) {
  const int old = lk_first_rank(survey, old_core), other = lk_first_rank(survey, other_core);
  const lk_cpu_facts *cpu = &survey->of[old < 0 ? 0 : old].cpu;
  char where[128];
  if (!cpu->blas) {
    lk_not_known(finding, "OpenBLAS takes no part with these kernels");
    return;
  }
  lk_measured(finding, "OpenBLAS computes for the CPU type %s%s%s%s on %s%s", cpu->blas_core,
              cpu->coretype[0] ? " (OPENBLAS_CORETYPE=" : "", cpu->coretype, cpu->coretype[0] ? ")" : "", cpu->model,
              lk_where(where, survey, old_core));
  if (old >= 0 && cpu->coretype[0]) {
    lk_wrong(finding, "that type has no AVX2, which this CPU has: products are several times slower",
             "unset OPENBLAS_CORETYPE");
  } else if (old >= 0) {
    lk_wrong(finding, "this OpenBLAS does not know the CPU and takes an old type: products are several times slower",
             "export OPENBLAS_CORETYPE=%s", strncmp(cpu->best, "avx512", 6) == 0 ? "SkylakeX" : "Haswell");
  } else if (other >= 0) {
    lk_measured(finding, "OpenBLAS computes for %s on %s and for %s on %s", cpu->blas_core, survey->of[0].host,
                survey->of[other].cpu.blas_core, survey->of[other].host);
    lk_wrong(finding, "its bits depend on the type, so a run does not give the same bits on other ranks",
             "export OPENBLAS_CORETYPE=Haswell on all ranks, or kernels=auto");
  }
}

/* ---- who shares a core ---- */

typedef struct neighbours { /* the ranks of a machine */
  const lk_survey *survey;
  int first;  /* of them */
  bool cores; /* hardware threads of a core count as one */
} neighbours;

static const lk_cpus *may_use(const void *context, int rank) {
  const neighbours *n = context;
  if (rank < n->first || !same_machine(n->survey, n->first, rank)) return NULL;
  return n->cores ? &n->survey->of[rank].cpu.cores : &n->survey->of[rank].cpu.allowed;
}

static int first_of_machine(const lk_survey *survey, int rank) {
  int first = 0;
  while (!same_machine(survey, first, rank)) first++;
  return first;
}

/* CPUs that one rank at least on the machine of `rank` may use. */
static int count_all(const lk_survey *survey, int rank, bool cores) {
  lk_cpus all = {0};
  for (int r = 0; r < survey->size; r++)
    for (int i = 0; same_machine(survey, rank, r) && i < LK_CPUS / 64; i++)
      all.bits[i] |= (cores ? survey->of[r].cpu.cores : survey->of[r].cpu.allowed).bits[i];
  return lk_cpus_count(&all);
}

/* A rank that shares a CPU with another: of the first machine where there is one; -1. */
static int crowded(const lk_survey *survey, bool cores) {
  for (int r = 0; r < survey->size; r++) {
    const neighbours beside = {.survey = survey, .first = r, .cores = cores};
    const int without = first_of_machine(survey, r) == r ? lk_cpus_without(may_use, &beside, survey->size) : -1;
    if (without >= 0) return without;
  }
  return -1;
}

/* The first rank before `rank` that is bound to the same single CPU; -1. */
static int twin_of(const lk_survey *survey, int rank) {
  const lk_cpus *mine = &survey->of[rank].cpu.allowed;
  for (int r = 0; r < rank && lk_cpus_count(mine) == 1; r++)
    if (same_machine(survey, r, rank) && memcmp(&survey->of[r].cpu.allowed, mine, sizeof *mine) == 0) return r;
  return -1;
}

static int lowest(const lk_cpus *set) {
  int cpu = 0;
  while (cpu < LK_CPUS - 1 && !lk_cpus_has(set, cpu)) cpu++;
  return cpu;
}

static void tell_crowded(const lk_survey *survey, int rank, lk_finding *finding) {
  static const char why[] = "ranks wait for each other in every step, so all become as slow as those that share a core";
  const lk_cpu_facts *cpu = &survey->of[rank].cpu;
  const char *host = survey->of[rank].host;
  const int beside = lk_ranks_beside(survey, rank), twin = twin_of(survey, rank);
  if (beside > cpu->online) {
    lk_measured(finding, "%d ranks on %s, which has %d core%s", beside, host, cpu->online, lk_plural(cpu->online));
    lk_wrong(finding, why, "mpirun -n %d lockstep ... (at most as many ranks as cores)", cpu->online);
    return;
  }
  if (twin >= 0)
    lk_measured(finding, "ranks %d and %d on %s are bound to core %d alone, and got %.0f and %.0f %% of its time", twin,
                rank, host, lowest(&cpu->allowed), 100 * (1 - survey->of[twin].cpu.lost), 100 * (1 - cpu->lost));
  else
    lk_measured(finding, "%d ranks on %s may use %d of its %d cores, which is too few for some of them", beside, host,
                count_all(survey, rank, false), cpu->online);
  lk_wrong(finding, why, "mpirun --bind-to core lockstep ... (not within a taskset or a cpuset of fewer cores)");
}

void lk_check_binding(const lk_survey *survey, lk_finding *finding) {
  const int shares = crowded(survey, false), threads = crowded(survey, true);
  const lk_cpu_facts *cpu = &survey->of[0].cpu;
  if (lk_cpus_count(&cpu->allowed) == 0) {
    lk_not_known(finding, "the system does not tell which cores the ranks may use");
    return;
  }
  lk_measured(finding, "%d rank%s on %s, which may use %d of %d cores", lk_ranks_beside(survey, 0),
              lk_plural(lk_ranks_beside(survey, 0)), survey->of[0].host, count_all(survey, 0, false), cpu->online);
  if (shares >= 0) {
    tell_crowded(survey, shares, finding);
    return;
  }
  if (threads < 0 || count_all(survey, threads, true) * 2 > survey->of[threads].cpu.online) return;
  lk_measured(finding, "two ranks on %s are bound to hardware threads of one core (rank %d is the second)",
              survey->of[threads].host, threads);
  lk_wrong(finding, "both compute with the same units, each at about half the speed, while other cores are idle",
           "mpirun --bind-to core lockstep ...");
}

static bool short_quota(const lk_survey *survey, int r) {
  return survey->of[r].cpu.quota < 0.95 * lk_ranks_beside(survey, r);
}

void lk_check_quota(const lk_survey *survey, lk_finding *finding) {
  const int bad = lk_first_rank(survey, short_quota);
  const double quota = survey->of[bad < 0 ? 0 : bad].cpu.quota;
  char where[128];
  if (isinf(quota)) {
    lk_measured(finding, "the control group does not limit processor time");
    return;
  }
  lk_measured(finding, "the control group may use the time of %.3g cores, for %d rank%s%s", quota,
              lk_ranks_beside(survey, bad < 0 ? 0 : bad), lk_plural(lk_ranks_beside(survey, bad < 0 ? 0 : bad)),
              lk_where(where, survey, short_quota));
  if (bad >= 0)
    lk_wrong(finding, "ranks are stopped again and again, and the others wait for them",
             "start fewer ranks, or raise the limit: 'docker run --cpus N', 'resources.limits.cpu', cpu.max");
}

/* Threads of all ranks of the machine, and CPUs that they may use. */
static bool many_threads(const lk_survey *survey, int r) {
  int threads = 0;
  for (int other = 0; other < survey->size; other++)
    if (same_machine(survey, r, other)) threads += survey->of[other].cpu.threads;
  const int cpus = count_all(survey, r, false); /* 0: the system did not tell */
  return survey->of[r].cpu.threads > 1 && cpus > 0 && threads > cpus;
}

void lk_check_threads(const lk_survey *survey, lk_finding *finding) {
  const int bad = lk_first_rank(survey, many_threads);
  const lk_cpu_facts *cpu = &survey->of[bad < 0 ? 0 : bad].cpu;
  char where[128];
  if (cpu->threads == 0) {
    lk_measured(finding, "no number of threads is set; each rank computes with one");
    return;
  }
  const int beside = lk_ranks_beside(survey, bad < 0 ? 0 : bad);
  lk_measured(finding, "%s=%d%s, where %d rank%s of a host may use %d cores", cpu->threads_by, cpu->threads,
              lk_where(where, survey, many_threads), beside, lk_plural(beside),
              count_all(survey, bad < 0 ? 0 : bad, false));
  if (bad >= 0)
    lk_wrong(finding, "each rank computes with one thread; more of them in a library compete for its core",
             "export %s=1", cpu->threads_by);
}

/* ---- speed ---- */

/* intel_pstate and amd-pstate raise the frequency under load with "powersave" too; other drivers stay at the lowest. */
static bool slow_governor(const lk_survey *survey, int r) {
  const lk_cpu_facts *cpu = &survey->of[r].cpu;
  return strcmp(cpu->governor, "powersave") == 0 && !strstr(cpu->driver, "pstate");
}
/* Wide vectors lower it to two thirds on some CPUs. */
static bool slow_clock_rate(const lk_survey *survey, int r) {
  return survey->of[r].cpu.frequency < 0.5 || slow_governor(survey, r);
}

void lk_check_frequency(const lk_survey *survey, lk_finding *finding) {
  const int bad = lk_first_rank(survey, slow_clock_rate);
  const lk_cpu_facts *cpu = &survey->of[bad < 0 ? 0 : bad].cpu;
  char where[128], share[64] = "";
  if (!cpu->governor[0] && isnan(cpu->frequency)) {
    lk_not_known(finding, "the system does not tell frequencies");
    return;
  }
  if (!isnan(cpu->frequency))
    (void)snprintf(share, sizeof share, "%.0f %% of the highest frequency while computing, ", 100 * cpu->frequency);
  lk_measured(finding, "%sgovernor %s%s", share, cpu->governor[0] ? cpu->governor : "unknown",
              lk_where(where, survey, slow_clock_rate));
  if (bad >= 0) lk_wrong(finding, "all computing is slower by that", "sudo cpupower frequency-set -g performance");
}

static const double noisy = 0.1; /* of the time, in most intervals */

bool lk_is_noisy(const lk_survey *survey, int r) { return survey->of[r].cpu.lost >= noisy; }

void lk_check_noise(const lk_survey *survey, lk_finding *finding) {
  int worst = 0;
  char where[128], stolen[64] = "", gap[32];
  for (int r = 1; r < survey->size; r++)
    if (survey->of[r].cpu.lost > survey->of[worst].cpu.lost) worst = r;
  const lk_cpu_facts *cpu = &survey->of[worst].cpu;
  const bool guest = cpu->stolen > 0.05;
  if (guest) (void)snprintf(stolen, sizeof stolen, "; the hypervisor took %.0f %%", 100 * cpu->stolen);
  lk_measured(finding, "others used up to %.0f %% of the core's time%s, the longest wait was %s%s", 100 * cpu->lost,
              lk_where(where, survey, lk_is_noisy), lk_seconds_text(gap, cpu->gap), stolen);
  if (cpu->lost < noisy) return;
  if (crowded(survey, false) >= 0 || lk_first_rank(survey, short_quota) >= 0) {
    lk_measured(finding, "the ranks take each other's time: see binding and quota");
    return;
  }
  lk_wrong(finding, "in each step all ranks wait for the one that was interrupted",
           guest
               ? "a machine with cores of its own, which its host does not give to others"
               : "end the other programs ('top' lists them), or ask the scheduler for whole hosts: sbatch --exclusive");
}

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void lk_check_speed(const lk_survey *survey, lk_finding *finding) {
  double *sorted = calloc((size_t)survey->size, sizeof *sorted), median;
  int slowest = 0;
  for (int r = 0; sorted && r < survey->size; r++) {
    sorted[r] = survey->of[r].cpu.speed;
    if (survey->of[r].cpu.speed < survey->of[slowest].cpu.speed) slowest = r;
  }
  if (sorted) qsort(sorted, (size_t)survey->size, sizeof *sorted, by_size);
  median = sorted ? sorted[survey->size / 2] : survey->of[0].cpu.speed;
  free(sorted);
  const lk_facts *slow = &survey->of[slowest];
  if (slow->cpu.speed >= 0.7 * median || lk_is_noisy(survey, slowest)) {
    lk_measured(finding, "%.3g Gflop/s a rank (multiply-adds on registers)", median / 1e9);
    return;
  }
  lk_measured(finding, "rank %d on %s computes %.3g Gflop/s, half of the ranks at least %.3g", slowest, slow->host,
              slow->cpu.speed / 1e9, median / 1e9);
  lk_wrong(finding, "in each step the others wait for it",
           "start without that host, or see whether it is hot or saves power (%s)", slow->cpu.model);
}
