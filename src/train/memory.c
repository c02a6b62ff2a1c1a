#include "memory_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "allocated.h"
#include "arena.h"

static const char *const names[] = {
#define LK_PART(name, text) text,
    LK_MEMORY_PARTS(LK_PART)
#undef LK_PART
};

const char *lk_memory_name(lk_memory_part part) { return names[part]; }

/* Bytes of this process in memory; 0 where the system does not tell. */
static double resident(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file) return 0;
  if (fscanf(file, "%*s %ld", &pages) != 1) pages = 0;
  (void)fclose(file);
  return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

void lk_memory_begin(lk_memory *memory) {
  *memory = (lk_memory){.held = (double)lk_allocated()};
  memory->bytes[LK_MEMORY_PROGRAM] = resident();
}

void lk_memory_pass(lk_memory *memory) { memory->held = (double)lk_allocated(); }

void lk_memory_lap(lk_memory *memory, lk_memory_part part) {
  const double before = memory->held;
  lk_memory_pass(memory);
  if (memory->held > before) memory->bytes[part] += memory->held - before;
}

double lk_memory_total(const lk_memory *memory) {
  double sum = 0;
  for (int i = 0; i < LK_MEMORY_PART_COUNT; i++) sum += memory->bytes[i];
  return sum;
}

const char *lk_memory_words(char out[512], const lk_memory *memory) {
  size_t used = (size_t)snprintf(out, 512, "%.0f MB a rank", 1e-6 * lk_memory_total(memory));
  const char *before = ": ";
  for (int i = 0; i < LK_MEMORY_PART_COUNT; i++) {
    if (memory->bytes[i] < 5e5) continue;
    used += (size_t)snprintf(out + used, 512 - used, "%s%.0f %s", before, 1e-6 * memory->bytes[i], names[i]);
    before = ", ";
  }
  return out;
}

lk_status lk_memory_largest(lk_memory *memory, lk_comm *comm) {
  lk_memory *all = NULL;
  lk_status status = LK_OK;
  const lk_memory mine = *memory;
  LK_TRY(lk_comm_agree(comm, lk_alloc(&all, (size_t)lk_comm_size(comm), sizeof *all)));
  LK_GO(lk_comm_allgather_each(comm, &mine, all, sizeof mine));
  for (int r = 0; r < lk_comm_size(comm); r++)
    if (r == 0 || lk_memory_total(&all[r]) > lk_memory_total(memory)) *memory = all[r];
done:
  free(all);
  return status;
}
