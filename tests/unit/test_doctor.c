/* What the checks of `lockstep doctor` make of facts: of a sound set-up nothing, of a planted fault the check that is
 * meant for it and no other. The facts are made up; tests/system/doctor.sh plants faults for real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor_impl.h"

enum { RANKS = 4 };
static lk_facts facts[RANKS];
static lk_survey survey;

static void set_cpus(lk_cpu_facts *cpu, uint64_t allowed) {
  cpu->allowed = cpu->cores = (lk_cpus){0};
  cpu->allowed.bits[0] = cpu->cores.bits[0] = allowed;
}

#define TEXT(to, text) (void)snprintf(to, sizeof(to), "%s", text)

/* Four ranks on two hosts of eight cores, each bound to a core, on a file system that is quick. */
static void make_sound(void) {
  memset(facts, 0, sizeof facts);
  survey = (lk_survey){.size = RANKS, .of = facts, .links = 1};
  survey.link[0] = (lk_link){.from = 0, .to = 2, .latency = 2e-5, .bandwidth = 1.1e9, .offset = 1e-3};
  for (int r = 0; r < RANKS; r++) {
    lk_facts *f = &facts[r];
    TEXT(f->host, r < 2 ? "node1" : "node2");
    TEXT(f->machine, r < 2 ? "boot-1" : "boot-2");
    TEXT(f->job.version, "0.1.0");
    TEXT(f->job.program, "0123456789abcdef");
    TEXT(f->job.mpi, "Open MPI v4.1.6");
    TEXT(f->job.mpi_built, "Open MPI v4.1.4");
    TEXT(f->job.hdf5, "1.10.10");
    TEXT(f->job.hdf5_built, "1.10.8");
    TEXT(f->job.launcher, "mpirun of Open MPI");
    f->job.started = RANKS, f->job.as_step = true;
    TEXT(f->cpu.model, "A CPU");
    TEXT(f->cpu.kernels, "avx512");
    TEXT(f->cpu.best, "avx512");
    TEXT(f->cpu.blas_core, "SkylakeX");
    set_cpus(&f->cpu, (uint64_t)1 << (r % 2));
    f->cpu.online = 8, f->cpu.quota = INFINITY;
    TEXT(f->cpu.governor, "powersave");
    TEXT(f->cpu.driver, "intel_pstate");
    f->cpu.frequency = 0.9, f->cpu.speed = 1e11 + 1e9 * r, f->cpu.lost = 0.01, f->cpu.gap = 1e-3;
    f->memory.total = 0x1p35, f->memory.available = 0x1p34, f->memory.group_left = INFINITY;
    for (int i = 0; i < LK_LIMITS; i++) f->memory.limit[i] = INFINITY;
    f->memory.limit[LK_LIMIT_FILES] = 1024, f->memory.limit[LK_LIMIT_STACK] = 0x1p23;
    f->memory.limit[LK_LIMIT_LOCKED] = 0x1p16, f->memory.limit[LK_LIMIT_CORE] = 0;
    TEXT(f->memory.huge, "madvise");
    f->memory.huge_share = 0.9;
    TEXT(f->memory.transport, "shared memory, 4 ranks in 2 groups");
    f->memory.shm_size = 0x1p34, f->memory.shm_free = 0x1p33, f->memory.shm_writable = true;
    f->clock = (lk_clock_facts){.source = "tsc", .step = 1e-9, .read = 2.5e-8, .now = 1.9e9};
  }
  lk_folder_facts *folder = &survey.folder;
  TEXT(folder->path, "/scratch");
  TEXT(folder->type, "nfs4");
  TEXT(folder->options, "rw,hard,vers=4.2");
  folder->sync = 0.02, folder->free = 0x1p40, folder->files = INFINITY;
}

/* ---- faults: each changes the sound set-up ---- */

#define FAULT(name) static void name(void)
FAULT(slurm_step) {
  survey.size = 1, survey.links = 0, facts[0].job.started = 2;
  TEXT(facts[0].job.launcher, "srun of Slurm");
}
FAULT(other_mpirun) { survey.size = 1, survey.links = 0; }
FAULT(slurm_job) {
  slurm_step();
  TEXT(facts[0].job.launcher, "Slurm");
  facts[0].job.as_step = false;
}
FAULT(other_file) { TEXT(facts[3].job.program, "fedcba"); }
FAULT(mpi_series) {
  for (int r = 0; r < RANKS; r++) TEXT(facts[r].job.mpi, "Open MPI v5.0.6");
}
FAULT(mpi_of_one) { TEXT(facts[2].job.mpi, "Open MPI v4.1.2"); }
FAULT(hdf5_series) { TEXT(facts[0].job.hdf5, "1.14.5"); }
FAULT(corpus_of_one) {
  TEXT(survey.model.corpus, "book.h5");
  TEXT(survey.model.problem, "rank 2: cannot read book.h5: No such file or directory");
}
FAULT(avx2_beside_avx512) { TEXT(facts[1].cpu.kernels, "avx2"); }
FAULT(portable_set) {
  for (int r = 0; r < RANKS; r++) TEXT(facts[r].cpu.kernels, "portable");
}
FAULT(kernels_refused) { facts[1].cpu.refused = true; }
FAULT(use_blas) {
  for (int r = 0; r < RANKS; r++) {
    facts[r].cpu.blas = true;
    TEXT(facts[r].cpu.kernels, "blas");
  }
}
FAULT(prescott_set) {
  use_blas();
  for (int r = 0; r < RANKS; r++) {
    TEXT(facts[r].cpu.blas_core, "Prescott");
    TEXT(facts[r].cpu.coretype, "Prescott");
  }
}
FAULT(prescott_fallen) {
  prescott_set();
  for (int r = 0; r < RANKS; r++) facts[r].cpu.coretype[0] = '\0';
}
FAULT(two_blas_types) {
  use_blas();
  TEXT(facts[2].cpu.blas_core, "Haswell");
}
FAULT(one_core_for_two) {
  set_cpus(&facts[3].cpu, 1);
  facts[2].cpu.lost = facts[3].cpu.lost = 0.5; /* which is explained by the binding */
}
FAULT(three_masks_two_cores) { /* each two of them could be apart */
  set_cpus(&facts[0].cpu, 3), set_cpus(&facts[1].cpu, 3), set_cpus(&facts[2].cpu, 3);
  TEXT(facts[2].machine, "boot-1");
  TEXT(facts[2].host, "node1");
}
FAULT(more_ranks_than_cores) {
  for (int r = 0; r < RANKS; r++) facts[r].cpu.online = 1, set_cpus(&facts[r].cpu, 1);
}
FAULT(threads_of_one_core) { /* CPUs 0 and 1 are threads of core 0; six of eight CPUs are idle */
  facts[0].cpu.cores = facts[1].cpu.cores = facts[0].cpu.allowed;
}
FAULT(quota_of_one) { facts[2].cpu.quota = facts[3].cpu.quota = 1; }
FAULT(eight_threads) {
  facts[0].cpu.threads = 8;
  TEXT(facts[0].cpu.threads_by, "OMP_NUM_THREADS");
}
FAULT(powersave) { TEXT(facts[1].cpu.driver, "acpi-cpufreq"); }
FAULT(low_frequency) { facts[3].cpu.frequency = 0.3; }
FAULT(noisy_neighbour) { facts[1].cpu.lost = 0.4; }
FAULT(noisy_ends) { /* which is why they answer late */
  facts[0].cpu.lost = facts[2].cpu.lost = 0.6;
  survey.link[0].bandwidth = 3e7, survey.link[0].latency = 4e-3;
}
FAULT(slow_core) { facts[2].cpu.speed = 5e10; }
FAULT(little_free) { facts[0].memory.available = facts[1].memory.available = 0x1p28; }
FAULT(group_full) { facts[3].memory.group_left = 0x1p28; }
FAULT(large_model) { /* 24 GB a rank */
  survey.model.parameters = 1e9;
  for (int r = 0; r < RANKS; r++) facts[r].memory.shm_free = 0x1p40;
}
FAULT(address_space) { facts[0].memory.limit[LK_LIMIT_ADDRESS_SPACE] = 0x1p30; }
FAULT(few_files) { facts[1].memory.limit[LK_LIMIT_FILES] = 64; }
FAULT(small_files) { facts[1].memory.limit[LK_LIMIT_FILE_SIZE] = 0x1p20; }
FAULT(cpu_seconds) { facts[1].memory.limit[LK_LIMIT_CPU_TIME] = 3600; }
FAULT(locked_memory) { facts[0].memory.infiniband = true; }
FAULT(no_huge_pages) { facts[1].memory.huge_share = 0; }
FAULT(huge_never) {
  facts[0].memory.huge_share = NAN;
  TEXT(facts[0].memory.huge, "never");
}
FAULT(tiny_shm) { facts[2].memory.shm_free = 0x1p24; }
FAULT(closed_shm) { facts[2].memory.shm_writable = false; }
FAULT(read_only) {
  survey.folder.error = EROFS, survey.folder.sync = NAN;
  TEXT(survey.folder.failed, "make a file in");
}
FAULT(soft_mount) { TEXT(survey.folder.options, "rw,soft,vers=4.2"); }
FAULT(in_memory) { TEXT(survey.folder.type, "tmpfs"); }
FAULT(disk_full) { survey.folder.free = 0x1p22; }
FAULT(no_inodes) { survey.folder.files = 3; }
FAULT(slow_disk) { survey.folder.sync = 0.8; }
FAULT(clock_of_device) { facts[2].clock.read = 4e-6; }
FAULT(clocks_apart) { survey.link[0].offset = -30; }
FAULT(clock_lost) { facts[0].clock.now = 86400; }
FAULT(slow_link) { survey.link[0].bandwidth = 1.1e7; }
FAULT(late_link) { survey.link[0].latency = 5e-3; }

static const struct {
  const char *name, *check, *fact, *mend; /* the check that finds it, and a part of what it says */
  void (*plant)(void);
} faults[] = {
    {"slurm_step", "launcher", "srun of Slurm started 2 tasks, and MPI counts 1 rank", "srun --mpi=pmix", slurm_step},
    {"other_mpirun", "launcher", "started 4 tasks", "with: Open MPI v4.1.6", other_mpirun},
    {"slurm_job", "launcher", "the job has 2 tasks", "srun lockstep", slurm_job},
    {"other_file", "program", "rank 3 on node2", "same build", other_file},
    {"mpi_series", "mpi", "Open MPI v5.0.6, compiled for Open MPI v4.1.4", "build lockstep again", mpi_series},
    {"mpi_of_one", "mpi", "rank 2 on node2", "install Open MPI v4.1.6", mpi_of_one},
    {"hdf5_series", "hdf5", "HDF5 1.14.5, compiled for 1.10.8", "LD_LIBRARY_PATH", hdf5_series},
    {"corpus_of_one", "corpus", "rank 2: cannot read book.h5", "all hosts", corpus_of_one},
    {"avx2_beside_avx512", "kernels", "rank 1 on node1 avx2", "hosts of one kind", avx2_beside_avx512},
    {"portable_set", "kernels", "portable is set, and the CPU supports avx512", "kernels=auto", portable_set},
    {"kernels_refused", "kernels", "which the CPU does not support on rank 1", "kernels=auto", kernels_refused},
    {"prescott_set", "openblas", "OPENBLAS_CORETYPE=Prescott", "unset OPENBLAS_CORETYPE", prescott_set},
    {"prescott_fallen", "openblas", "CPU type Prescott on", "OPENBLAS_CORETYPE=SkylakeX", prescott_fallen},
    {"two_blas_types", "openblas", "for Haswell on node2", "kernels=auto", two_blas_types},
    {"one_core_for_two", "binding", "ranks 2 and 3 on node2 are bound to core 0 alone, and got 50 and 50 %",
     "--bind-to core", one_core_for_two},
    {"three_masks_two_cores", "binding", "3 ranks on node1 may use 2 of its 8 cores", "--bind-to core",
     three_masks_two_cores},
    {"more_ranks_than_cores", "binding", "2 ranks on node1, which has 1 core", "mpirun -n 1", more_ranks_than_cores},
    {"threads_of_one_core", "binding", "hardware threads of one core", "--bind-to core", threads_of_one_core},
    {"quota_of_one", "quota", "the time of 1 cores, for 2 ranks", "docker run --cpus", quota_of_one},
    {"eight_threads", "threads", "OMP_NUM_THREADS=8", "export OMP_NUM_THREADS=1", eight_threads},
    {"powersave", "frequency", "governor powersave on rank 1", "cpupower", powersave},
    {"low_frequency", "frequency", "30 % of the highest", "cpupower", low_frequency},
    {"noisy_neighbour", "noise", "40 % of the core's time on rank 1 (node1)", "--exclusive", noisy_neighbour},
    {"noisy_ends", "noise", "60 % of the core's time on 2 of 4 ranks (first rank 0 on node1)", "'top'", noisy_ends},
    {"slow_core", "speed", "rank 2 on node2 computes 50 Gflop/s", "without that host", slow_core},
    {"little_free", "memory", "128 MiB are free for each rank", "fewer ranks", little_free},
    {"group_full", "memory", "limit of the control group", "sbatch --mem", group_full},
    {"large_model", "memory", "23 GiB is needed", "fewer ranks", large_model},
    {"address_space", "limits", "limit of address space: 1.0 GiB", "ulimit -v", address_space},
    {"few_files", "limits", "limit of open files: 64, needed are 144 on rank 1", "ulimit -n 144", few_files},
    {"small_files", "limits", "size of a file: 1.0 MiB", "ulimit -f", small_files},
    {"cpu_seconds", "limits", "processor time: 3600 s", "ulimit -t unlimited", cpu_seconds},
    {"locked_memory", "limits", "locked memory: 64 KiB", "ulimit -l 65536", locked_memory},
    {"no_huge_pages", "huge-pages", "0 % of a block", "huge=advise", no_huge_pages},
    {"huge_never", "huge-pages", "never on rank 0", "transparent_hugepage/enabled", huge_never},
    {"tiny_shm", "shared-memory", "16 MiB free, 48 MiB needed for 2 ranks", "size=96M", tiny_shm},
    {"closed_shm", "shared-memory", "/dev/shm of node2", "chmod 1777", closed_shm},
    {"read_only", "folder", "cannot make a file in /scratch (nfs4): Read-only", "mounted read-only", read_only},
    {"soft_mount", "folder", "mounted 'soft'", "hard", soft_mount},
    {"in_memory", "folder", "tmpfs, which is memory", "on a disk", in_memory},
    {"disk_full", "disk", "4.0 MiB free", "remove files", disk_full},
    {"no_inodes", "disk", "3 more files", "df -i", no_inodes},
    {"slow_disk", "sync", "after 800 ms", "another disk", slow_disk},
    {"clock_of_device", "clock", "read in 4.0 us", "clocksource", clock_of_device},
    {"clocks_apart", "clock", "node1 and node2 differ by 30 s", "chrony", clocks_apart},
    {"clock_lost", "clock", "before 2024 on rank 0", "chrony", clock_lost},
    {"slow_link", "network", "11 MB/s", "btl_tcp_if_include", slow_link},
    {"late_link", "network", "5.0 ms for a small message", "btl_tcp_if_include", late_link},
};

/* The names of the checks that find something, and what the last of them says. */
static void judge_all(char names[256], lk_finding *last) {
  size_t count;
  const lk_check *checks = lk_doctor_checks(&count);
  names[0] = '\0';
  for (size_t i = 0; i < count; i++) {
    lk_finding f = {0};
    checks[i].judge(&survey, &f);
    assert_true(f.fact[0] != '\0'); /* says something whatever it finds */
    assert_true((f.verdict == LK_WRONG) == (f.mend[0] != '\0') && (f.why[0] != '\0') == (f.mend[0] != '\0'));
    if (f.verdict != LK_WRONG) continue;
    (void)snprintf(names + strlen(names), 256 - strlen(names), "%s%s", names[0] ? " " : "", checks[i].name);
    *last = f;
  }
}

static void nothing_of_sound(void **state) {
  (void)state;
  char names[256];
  lk_finding f;
  make_sound();
  judge_all(names, &f);
  assert_string_equal(names, "");
  use_blas();
  judge_all(names, &f);
  assert_string_equal(names, "");
  make_sound(); /* one rank that may use all cores, on a machine that tells nothing */
  survey.size = 1, survey.links = 0, facts[0].job.started = 0, facts[0].job.launcher[0] = '\0';
  set_cpus(&facts[0].cpu, 255);
  facts[0].cpu.governor[0] = '\0', facts[0].cpu.frequency = facts[0].cpu.stolen = NAN;
  facts[0].memory.available = facts[0].memory.huge_share = facts[0].memory.shm_size = facts[0].memory.shm_free = NAN;
  facts[0].memory.huge[0] = '\0', facts[0].memory.shm_writable = false;
  survey.folder.free = survey.folder.files = NAN;
  judge_all(names, &f);
  assert_string_equal(names, "");
}

/* What is near a threshold and still well. */
static void nothing_of_usual(void **state) {
  (void)state;
  char names[256];
  lk_finding f;
  make_sound();
  for (int r = 0; r < RANKS; r++) {
    facts[r].cpu.lost = 0.08, facts[r].cpu.frequency = 0.6, facts[r].cpu.speed = r ? 1e11 : 0.8e11;
    facts[r].memory.huge_share = 0.4, facts[r].cpu.quota = 2;
    TEXT(facts[r].cpu.threads_by, "OMP_NUM_THREADS");
    facts[r].cpu.threads = 1;
    set_cpus(&facts[r].cpu, r % 2 ? 1 : 3); /* one may use either core, the other only the first */
    facts[r].clock.read = 1e-6;
  }
  survey.link[0].bandwidth = 1.12e8, survey.link[0].latency = 2e-4, survey.link[0].offset = 0.5;
  survey.folder.sync = 0.1, survey.folder.free = 0x1p31;
  judge_all(names, &f);
  assert_string_equal(names, "");
}

static void every_fault(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    char names[256];
    lk_finding f = {0};
    make_sound();
    faults[i].plant();
    judge_all(names, &f);
    if (strcmp(names, faults[i].check) != 0 || !strstr(f.fact, faults[i].fact) || !strstr(f.mend, faults[i].mend))
      fail_msg("%s: expected %s alone, found '%s': %s; %s -> %s", faults[i].name, faults[i].check, names, f.fact, f.why,
               f.mend);
  }
}

/* Every check has a fault that it finds. */
static void every_check_has_a_fault(void **state) {
  (void)state;
  size_t count;
  const lk_check *checks = lk_doctor_checks(&count);
  for (size_t c = 0; c < count; c++) {
    bool found = false;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
      found = found || strcmp(faults[i].check, checks[c].name) == 0;
    if (!found) fail_msg("no fault for %s", checks[c].name);
  }
}

/* ---- /proc and /sys of another machine ---- */

static char root[64];

static void put(const char *path, const char *text) {
  char whole[256];
  (void)snprintf(whole, sizeof whole, "%s%s", root, path);
  for (char *slash = strchr(whole + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    (void)mkdir(whole, 0777);
    *slash = '/';
  }
  FILE *file = fopen(whole, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static int make_root(void **state) {
  (void)state;
  (void)snprintf(root, sizeof root, "/tmp/lockstep-doctor-XXXXXX");
  return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
  (void)state;
  char command[96];
  (void)snprintf(command, sizeof command, "rm -rf '%s'", root);
  return system(command); /* NOLINT(cert-env33-c,concurrency-mt-unsafe): a name made by mkdtemp() */
}

static void reads_a_cgroup_of_version_2(void **state) {
  (void)state;
  lk_memory_facts memory = {0};
  lk_cpu_facts cpu = {0};
  put("/proc/self/cgroup", "0::/user.slice/job\n");
  put("/proc/meminfo", "MemTotal:       2048 kB\nMemFree:  1 kB\nMemAvailable:   1024 kB\n");
  put("/sys/fs/cgroup/user.slice/job/memory.max", "max\n");
  put("/sys/fs/cgroup/user.slice/memory.max", "1000000\n"); /* the parent's limit counts too */
  put("/sys/fs/cgroup/user.slice/memory.current", "400000\n");
  put("/sys/fs/cgroup/user.slice/memory.stat", "anon 1\ninactive_file 50000\n");
  put("/sys/fs/cgroup/user.slice/job/cpu.max", "150000 100000\n");
  put("/sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
  put("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
  lk_facts_of_memory(&memory, root);
  lk_facts_of_cpu(&cpu, &(lk_doctor_spec){.root = root, .kernels = "auto"});
  assert_true(memory.total == 2048 * 1024.0 && memory.available == 1024 * 1024.0);
  assert_true(memory.group_left == 650000);
  assert_string_equal(memory.huge, "never");
  assert_true(cpu.quota == 1.5);
}

static void reads_a_cgroup_of_version_1(void **state) {
  (void)state;
  lk_memory_facts memory = {0};
  lk_cpu_facts cpu = {0};
  put("/proc/self/cgroup", "9:name=systemd:/\n4:cpu,cpuacct:/box\n3:memory:/box\n0::/\n");
  put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "300000\n");
  put("/sys/fs/cgroup/memory/box/memory.usage_in_bytes", "100000\n");
  put("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "50000\n");
  put("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  lk_facts_of_memory(&memory, root);
  lk_facts_of_cpu(&cpu, &(lk_doctor_spec){.root = root, .kernels = "auto"});
  assert_true(memory.group_left == 200000);
  assert_true(cpu.quota == 0.5);
  assert_string_equal(memory.huge, "");
}

/* What is not there is not known, and no fault. */
static void reads_an_empty_root(void **state) {
  (void)state;
  lk_memory_facts memory = {0};
  lk_cpu_facts cpu = {0};
  lk_clock_facts clock = {0};
  lk_facts_of_memory(&memory, root);
  lk_facts_of_cpu(&cpu, &(lk_doctor_spec){.root = root, .kernels = "portable"});
  lk_facts_of_clock(&clock, root);
  assert_true(isnan(memory.available) && isinf(memory.group_left) && isinf(cpu.quota));
  assert_string_equal(cpu.kernels, "portable");
  assert_string_equal(clock.source, "");
  assert_true(clock.read > 0 && clock.read < 1);
}

/* The mount with the longest path counts; a folder that does not exist is looked for above; nothing is left behind. */
static void looks_at_a_folder(void **state) {
  (void)state;
  lk_folder_facts folder;
  char mounts[512], wanted[256];
  (void)snprintf(
      mounts, sizeof mounts,
      "20 1 0:1 / / rw - ext4 /dev/a rw\n30 20 0:2 / /tmp rw,noatime - tmpfs t rw\n"
      "31 20 0:3 / %s rw,soft shared:1 - nfs4 server:/x rw,vers=4.2\n32 20 0:4 / %s-else rw - xfs /dev/b rw\n",
      root, root);
  put("/proc/self/mountinfo", mounts);
  (void)snprintf(wanted, sizeof wanted, "%s/none/of/these", root);
  lk_facts_of_folder(&folder, wanted, root);
  assert_int_equal(folder.error, 0);
  assert_string_equal(folder.path, root);
  assert_string_equal(folder.type, "nfs4");
  assert_string_equal(folder.options, "rw,soft,rw,vers=4.2");
  assert_true(folder.sync > 0 && folder.free > 0);
  (void)snprintf(wanted, sizeof wanted, "rmdir '%s/none' 2>/dev/null || [ \"$(ls -A '%s')\" = proc ]", root, root);
  assert_int_equal(system(wanted), 0); /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
  (void)snprintf(wanted, sizeof wanted, "%s/proc/self/mountinfo/run", root);
  lk_facts_of_folder(&folder, wanted, root);
  assert_int_equal(folder.error, ENOTDIR);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_of_sound),
      cmocka_unit_test(nothing_of_usual),
      cmocka_unit_test(every_fault),
      cmocka_unit_test(every_check_has_a_fault),
      cmocka_unit_test_setup_teardown(reads_a_cgroup_of_version_2, make_root, remove_root),
      cmocka_unit_test_setup_teardown(reads_a_cgroup_of_version_1, make_root, remove_root),
      cmocka_unit_test_setup_teardown(reads_an_empty_root, make_root, remove_root),
      cmocka_unit_test_setup_teardown(looks_at_a_folder, make_root, remove_root),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
