/* facts_cpu.c - the CPUs that a rank may use, and how fast it computes on them. */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blas.h"
#include "ceiling.h"
#include "clock.h"
#include "kernels.h"
#include "doctor_impl.h"

static double of_cpu(const char *root, int cpu, const char *file) {
  char path[128];
  (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/%s", cpu, file);
  return lk_host_number(root, path, "");
}

static void word_of_cpu(const char *root, int cpu, const char *file, size_t size, char *out) {
  char path[128];
  (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/%s", cpu, file);
  (void)lk_host_text(root, path, "", size, out);
}

/* The list of a core's hardware threads, "0,64" or "0-1", begins with the first of them. */
static void find_cpus(lk_cpu_facts *facts, const char *root) {
  facts->online = (int)sysconf(_SC_NPROCESSORS_ONLN);
  facts->allowed = lk_cpus_allowed();
  for (int cpu = 0; cpu < LK_CPUS; cpu++) {
    if (!lk_cpus_has(&facts->allowed, cpu)) continue;
    const double first = of_cpu(root, cpu, "topology/thread_siblings_list");
    lk_cpus_add(&facts->cores, isnan(first) ? cpu : (int)first);
    if (facts->governor[0]) continue;
    word_of_cpu(root, cpu, "cpufreq/scaling_governor", sizeof facts->governor, facts->governor);
    word_of_cpu(root, cpu, "cpufreq/scaling_driver", sizeof facts->driver, facts->driver);
  }
}

/* The kernels that a run would choose (choose_blas() of the trainer). */
static void find_kernels(lk_cpu_facts *facts, const char *setting) {
  const char *coretype = getenv("OPENBLAS_CORETYPE"), *name = setting;
  lk_status status = lk_kernels_select(NULL);
  (void)snprintf(facts->best, sizeof facts->best, "%s", lk_kernels_get()->name);
  if (strcmp(setting, "auto") == 0) name = lk_kernels_advise();
  if (status == LK_OK) status = lk_kernels_select(name);
  facts->refused = status != LK_OK;
  if (facts->refused) {
    lk_error_clear();
    (void)snprintf(facts->kernels, sizeof facts->kernels, "%s", name);
  } else {
    (void)snprintf(facts->kernels, sizeof facts->kernels, "%s", lk_kernels_get()->name);
  }
  facts->blas = strcmp(facts->kernels, "blas") == 0;
  (void)snprintf(facts->blas_core, sizeof facts->blas_core, "%s", lk_blas_core());
  (void)snprintf(facts->coretype, sizeof facts->coretype, "%s", coretype ? coretype : "");
}

static void find_threads(lk_cpu_facts *facts) {
  static const char *const names[] = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "MKL_NUM_THREADS"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *text = getenv(names[i]);
    const long threads = text ? strtol(text, NULL, 10) : 0;
    if (threads <= facts->threads || threads > INT32_MAX) continue;
    facts->threads = (int)threads;
    (void)snprintf(facts->threads_by, sizeof facts->threads_by, "%s", names[i]);
  }
}

/* Version 2: cpu.max is "200000 100000", of a period. Version 1 has a file for each, and -1 for no limit. */
static double quota_of(const char *root, const char *folder, bool v2) {
  char path[1200], text[64];
  (void)snprintf(path, sizeof path, "%s/%s", folder, v2 ? "cpu.max" : "cpu.cfs_quota_us");
  const double quota = lk_host_number(root, path, "");
  double period = NAN;
  if (isnan(quota) || isinf(quota) || quota < 0) return INFINITY;
  if (v2 && lk_host_text(root, path, "", sizeof text, text) && strchr(text, ' '))
    period = strtod(strchr(text, ' '), NULL);
  (void)snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
  if (!v2) period = lk_host_number(root, path, "");
  return period > 0 ? quota / period : INFINITY;
}

void lk_facts_of_cpu(lk_cpu_facts *facts, const lk_doctor_spec *spec) {
  if (!lk_host_text(spec->root, "/proc/cpuinfo", "model name", sizeof facts->model, facts->model))
    (void)snprintf(facts->model, sizeof facts->model, "this CPU"); /* of aarch64 there is no name */
#if defined(__x86_64__)
  char type[64];
  uint32_t a = 1, b, c = 0, d;
  __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  facts->guest = c >> 31 || lk_host_text(spec->root, "/sys/hypervisor/type", "", sizeof type, type); /* bit of guests */
#endif
  find_cpus(facts, spec->root);
  find_kernels(facts, spec->kernels);
  find_threads(facts);
  facts->quota = lk_host_group_least(spec->root, "cpu", quota_of);
}

/* ---- how fast ---- */

enum { INTERVALS = 12, SPINS = 12, ROUNDS = 20000 };
static const double interval = 0.05;      /* seconds: ten or more turns of two processes that share a core */
static const double interruption = 50e-6; /* between two readings of the clock: others had that time */

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The share of an interval in which this process did not run. */
static double lost_in_interval(double *gap) {
  const double start = lk_clock_seconds();
  double now = start, lost = 0;
  while (now - start < interval) {
    const double before = now;
    now = lk_clock_seconds();
    if (now - before > interruption) lost += now - before;
    *gap = fmax(*gap, now - before);
  }
  return lost / (now - start);
}

/* Seconds of all CPUs together, and those of them that the hypervisor gave to others: the ticks of /proc/stat. */
static void read_ticks(const char *root, double *all, double *stolen) {
  char text[256], *at = text;
  *all = 0, *stolen = 0;
  if (!lk_host_text(root, "/proc/stat", "cpu ", sizeof text, text)) return;
  for (int i = 0; i < 8; i++) { /* user nice system idle iowait irq softirq steal */
    *stolen = strtod(at, &at);
    *all += *stolen;
  }
}

void lk_facts_of_speed(lk_cpu_facts *facts, const char *root) {
  double lost[INTERVALS], all[2], stolen[2];
  facts->gap = 0, facts->speed = 0;
  read_ticks(root, &all[0], &stolen[0]);
  for (int i = 0; i < INTERVALS; i++) lost[i] = lost_in_interval(&facts->gap);
  read_ticks(root, &all[1], &stolen[1]);
  facts->stolen = all[1] > all[0] ? (stolen[1] - stolen[0]) / (all[1] - all[0]) : NAN;
  qsort(lost, INTERVALS, sizeof *lost, by_size);
  facts->lost =
      lost[INTERVALS / 4]; /* three of four intervals lost at least that: a visitor of a moment does not count */
  for (int i = 0; i < SPINS; i++) { /* the best: without interruptions, at full clock rate */
    const double start = lk_clock_seconds(), flops = lk_ceiling_spin(ROUNDS);
    facts->speed = fmax(facts->speed, flops / (lk_clock_seconds() - start));
  }
  const int cpu = sched_getcpu();
  facts->frequency = of_cpu(root, cpu, "cpufreq/scaling_cur_freq") / of_cpu(root, cpu, "cpufreq/cpuinfo_max_freq");
}
