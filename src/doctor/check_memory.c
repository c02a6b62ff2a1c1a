/* check_memory.c - checks of memory, of limits, and of what ranks share. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "doctor_impl.h"

static const double mebibyte = 0x1p20;

/* Bytes that a rank takes at least: program, libraries and a small net; of a model also weights, packed weights and
 * gradient, moments, and a checkpoint in memory. */
static double need_of_rank(const lk_survey *survey) {
  return 256 * mebibyte + 6 * sizeof(float) * survey->model.parameters;
}

/* MPI's own files in shared memory (launch.c), and those of gradients and weights (group.c). */
static double need_of_shared(const lk_survey *survey, int rank) {
  const int ranks = lk_ranks_beside(survey, rank);
  return 24 * mebibyte * ranks + (ranks > 1 ? sizeof(float) * survey->model.parameters * (2 + ranks) : 0);
}

static double left_for(const lk_survey *survey, int r) {
  const lk_memory_facts *memory = &survey->of[r].memory;
  return fmin(memory->available, memory->group_left) / lk_ranks_beside(survey, r);
}

static bool little_memory(const lk_survey *survey, int r) { return left_for(survey, r) < need_of_rank(survey); }

void lk_check_memory(const lk_survey *survey, lk_finding *finding) {
  const int bad = lk_first_rank(survey, little_memory), at = bad < 0 ? 0 : bad;
  const lk_memory_facts *memory = &survey->of[at].memory;
  char left[32], need[32], where[128];
  const bool group = memory->group_left < memory->available;
  lk_measured(finding, "%s %s for each rank%s, at least %s is needed%s", lk_bytes_text(left, left_for(survey, at)),
              group ? "are left" : "are free", group ? " until the limit of the control group" : "",
              lk_bytes_text(need, need_of_rank(survey)), lk_where(where, survey, little_memory));
  if (isnan(memory->available)) {
    lk_not_known(finding, "the system does not tell how much memory is free");
    return;
  }
  if (bad < 0) return;
  lk_wrong(finding, "the kernel ends processes when memory is full",
           group ? "raise the limit (sbatch --mem, 'docker run --memory', memory.max), or start fewer ranks on a host"
                 : "start fewer ranks on a host, or end other programs");
}

/* One soft limit: what is needed, and the line that raises it. */
typedef struct limit_row {
  lk_limit limit;
  const char *what, *why, *option; /* option: of ulimit */
  double unit;                     /* of that option, in ours */
  double need;
} limit_row;

/* Open MPI has a connection to each rank of another host, and files and pipes for those here. */
static double files_needed(const lk_survey *survey) { return 128 + 4.0 * survey->size; }

static int limit_rows(const lk_survey *survey, limit_row rows[6]) {
  const double address = 2048 * mebibyte + 2 * need_of_rank(survey),
               file = fmax(1024 * mebibyte, 16 * survey->model.parameters);
  const limit_row all[] = {
      {LK_LIMIT_ADDRESS_SPACE, "address space", "libraries reserve far more addresses than they use memory", "v", 1024,
       address},
      {LK_LIMIT_FILES, "open files", "MPI opens a connection for each rank", "n", 1, files_needed(survey)},
      {LK_LIMIT_FILE_SIZE, "size of a file", "a larger checkpoint or corpus cannot be written", "f", 1024, file},
      {LK_LIMIT_STACK, "stack", "threads of this program and of MPI take their stack from it", "s", 1024, mebibyte},
      {LK_LIMIT_CPU_TIME, "processor time", "the system ends the run after that", "t", 1, INFINITY},
      {LK_LIMIT_LOCKED, "locked memory", "InfiniBand works on locked memory only", "l", 1024,
       survey->links > 0 && survey->of[0].memory.infiniband ? 64 * mebibyte : 0},
  };
  memcpy(rows, all, sizeof all);
  return (int)(sizeof all / sizeof *all);
}

static void tell_limit(const lk_survey *survey, int rank, const limit_row *row, lk_finding *finding) {
  const double limit = survey->of[rank].memory.limit[row->limit];
  const bool counts = row->limit == LK_LIMIT_FILES || row->limit == LK_LIMIT_CPU_TIME;
  char text[32], need[32], wanted[32], on[96] = "";
  if (survey->size > 1) (void)snprintf(on, sizeof on, " on rank %d (%s)", rank, survey->of[rank].host);
  (void)snprintf(text, sizeof text, row->limit == LK_LIMIT_FILES ? "%.0f" : "%.0f s", limit);
  (void)snprintf(need, sizeof need, "%.0f", row->need);
  (void)snprintf(wanted, sizeof wanted, isinf(row->need) ? "unlimited" : "%.0f", ceil(row->need / row->unit));
  if (!counts) lk_bytes_text(text, limit), lk_bytes_text(need, row->need);
  lk_measured(finding, "limit of %s: %s%s%s%s", row->what, text, isinf(row->need) ? "" : ", needed are ",
              isinf(row->need) ? "" : need, on);
  lk_wrong(finding, row->why, "ulimit -%s %s", row->option, wanted);
}

void lk_check_limits(const lk_survey *survey, lk_finding *finding) {
  limit_row rows[6];
  const int count = limit_rows(survey, rows);
  lk_measured(finding, "no limit of the shell is in the way; at most %.0f open files",
              survey->of[0].memory.limit[LK_LIMIT_FILES]);
  for (int i = 0; i < count; i++)
    for (int r = 0; r < survey->size; r++)
      if (survey->of[r].memory.limit[rows[i].limit] < rows[i].need) {
        tell_limit(survey, r, &rows[i], finding);
        return;
      }
}

/* A quarter: the kernel may find no free huge pages for some of it. Where it does not tell, the setting decides. */
static bool small_pages(const lk_survey *survey, int r) {
  const lk_memory_facts *memory = &survey->of[r].memory;
  return isnan(memory->huge_share) ? strcmp(memory->huge, "never") == 0 : memory->huge_share < 0.25;
}

void lk_check_huge_pages(const lk_survey *survey, lk_finding *finding) {
  const int bad = lk_first_rank(survey, small_pages);
  const lk_memory_facts *memory = &survey->of[bad < 0 ? 0 : bad].memory;
  char where[128], share[96] = "";
  if (!memory->huge[0] && isnan(memory->huge_share)) {
    lk_not_known(finding, "the system does not tell about huge pages");
    return;
  }
  if (!isnan(memory->huge_share))
    (void)snprintf(share, sizeof share, "%.0f %% of a block that ranks share has huge pages, ",
                   100 * memory->huge_share);
  lk_measured(finding, "%stransparent huge pages: %s%s", share, memory->huge[0] ? memory->huge : "unknown",
              lk_where(where, survey, small_pages));
  if (bad < 0) return;
  if (strcmp(memory->huge, "never") == 0)
    lk_wrong(finding, "with small pages each access to another row of a matrix has to look up its address",
             "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled");
  else
    lk_wrong(finding, "with small pages each access to another row of a matrix has to look up its address",
             "sudo mount -o remount,huge=advise /dev/shm, or a kernel from 6.1 on");
}

static bool shm_small(const lk_survey *survey, int r) {
  const lk_memory_facts *memory = &survey->of[r].memory;
  return lk_ranks_beside(survey, r) > 1 && (memory->shm_free < need_of_shared(survey, r) || !memory->shm_writable);
}

void lk_check_shared_memory(const lk_survey *survey, lk_finding *finding) {
  const int bad = lk_first_rank(survey, shm_small), at = bad < 0 ? 0 : bad;
  const lk_memory_facts *memory = &survey->of[at].memory;
  char size[32], left[32], need[32];
  if (isnan(memory->shm_size)) {
    lk_not_known(finding, "there is no /dev/shm");
    return;
  }
  lk_measured(finding, "/dev/shm of %s: %s, %s free, %s needed for %d rank%s; gradients: %s", survey->of[at].host,
              lk_bytes_text(size, memory->shm_size), lk_bytes_text(left, memory->shm_free),
              lk_bytes_text(need, need_of_shared(survey, at)), lk_ranks_beside(survey, at),
              lk_plural(lk_ranks_beside(survey, at)), memory->transport);
  if (bad < 0) return;
  if (!memory->shm_writable)
    lk_wrong(finding, "ranks of a host then exchange gradients by messages, which is slower",
             "sudo chmod 1777 /dev/shm");
  else
    lk_wrong(finding, "ranks of a host then exchange gradients by messages, which is slower",
             "sudo mount -o remount,size=%.0fM /dev/shm ('docker run --shm-size', 'apptainer -B /dev/shm')",
             ceil(2 * need_of_shared(survey, at) / mebibyte));
}
