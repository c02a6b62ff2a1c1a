/* cpus.h - sets of CPUs, by number, and whether they suffice for several processes. Not collective throughout. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { LK_CPUS = 1024 };

typedef struct lk_cpus {
  uint64_t bits[LK_CPUS / 64];
} lk_cpus;

static inline bool lk_cpus_has(const lk_cpus *set, int cpu) { return set->bits[cpu / 64] >> (cpu % 64) & 1; }
/** No effect for a number outside of 0 .. LK_CPUS - 1. */
static inline void lk_cpus_add(lk_cpus *set, int cpu) {
  if (cpu >= 0 && cpu < LK_CPUS) set->bits[cpu / 64] |= (uint64_t)1 << (cpu % 64);
}
int lk_cpus_count(const lk_cpus *set);
/** The CPUs that this process may run on; empty if the system does not say. */
lk_cpus lk_cpus_allowed(void);
/** "0-3,8,10-11", cut with "..." where it is longer than out. Returns out. */
const char *lk_cpus_words(char out[64], const lk_cpus *set);
/** Assign a CPU of its own to each of n processes, as far as possible: returns the first process that gets none, or -1.
 *  of(context, i): the CPUs that process i may use; NULL or an empty set leaves that process out. */
int lk_cpus_without(const lk_cpus *(*of)(const void *context, int i), const void *context, int n);
