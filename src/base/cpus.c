#include "cpus.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

int lk_cpus_count(const lk_cpus *set) {
  int count = 0;
  for (int i = 0; i < LK_CPUS / 64; i++) count += __builtin_popcountll(set->bits[i]);
  return count;
}

lk_cpus lk_cpus_allowed(void) {
  lk_cpus out = {0};
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return out;
  for (int cpu = 0; cpu < LK_CPUS; cpu++)
    if (CPU_ISSET((size_t)cpu, &set)) lk_cpus_add(&out, cpu);
  return out;
}

const char *lk_cpus_words(char out[64], const lk_cpus *set) {
  size_t used = 0;
  out[0] = '\0';
  for (int cpu = 0, end; cpu < LK_CPUS; cpu = end + 1) {
    for (end = cpu; end < LK_CPUS && lk_cpus_has(set, end); end++) continue;
    if (end == cpu) continue;
    if (used > 48) return strcpy(out + used, ",..."), out; /* room for two numbers and this */
    const char *comma = used > 0 ? "," : "";
    const int more = end - cpu == 1 ? snprintf(out + used, 64 - used, "%s%d", comma, cpu)
                                    : snprintf(out + used, 64 - used, "%s%d-%d", comma, cpu, end - 1);
    used += (size_t)more;
  }
  return out;
}

/* A matching of processes and CPUs, by augmenting paths (Kuhn 1955). */
typedef struct matching {
  const lk_cpus *(*of)(const void *context, int i);
  const void *context;
  int holder[LK_CPUS]; /* -1: free */
  bool tried[LK_CPUS];
} matching;

static bool place(matching *m, int i) {
  const lk_cpus *set = m->of(m->context, i);
  for (int cpu = 0; cpu < LK_CPUS; cpu++) {
    if (m->tried[cpu] || !lk_cpus_has(set, cpu)) continue;
    m->tried[cpu] = true;
    if (m->holder[cpu] >= 0 && !place(m, m->holder[cpu])) continue;
    m->holder[cpu] = i;
    return true;
  }
  return false;
}

int lk_cpus_without(const lk_cpus *(*of)(const void *context, int i), const void *context, int n) {
  matching m = {.of = of, .context = context};
  for (int cpu = 0; cpu < LK_CPUS; cpu++) m.holder[cpu] = -1;
  for (int i = 0; i < n; i++) {
    const lk_cpus *set = of(context, i);
    if (!set || lk_cpus_count(set) == 0) continue;
    memset(m.tried, 0, sizeof m.tried);
    if (!place(&m, i)) return i;
  }
  return -1;
}
