#include "hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "log.h"
#include "text.h"

enum { LINES = 8, SETS = 8 }; /* hosts, and ranks of a host, that are listed one by one */

static bool same_host(const lk_place *of, int a, int b) { return strcmp(of[a].host, of[b].host) == 0; }
static bool same_machine(const lk_place *of, int a, int b) { return strcmp(of[a].machine, of[b].machine) == 0; }

/* The first rank on the host (or machine) of `rank`. */
static int first_of(const lk_place *of, int rank, bool (*same)(const lk_place *of, int a, int b)) {
  int first = 0;
  while (!same(of, first, rank)) first++;
  return first;
}

const char *lk_host_words(char out[256], const lk_place *of, int size, int first) {
  char text[64];
  int ranks = 0;
  bool bound = false;
  for (int r = first; r < size; r++) {
    if (!same_host(of, first, r)) continue;
    ranks++;
    bound = bound || memcmp(&of[r].cpus, &of[first].cpus, sizeof of[r].cpus) != 0;
  }
  bound = bound || (ranks == 1 && lk_cpus_count(&of[first].cpus) == 1);
  size_t used = (size_t)snprintf(out, 256, "host %.63s: %d rank%s", of[first].host, ranks, lk_plural(ranks));
  if (lk_cpus_count(&of[first].cpus) == 0) return out;
  used += (size_t)snprintf(out + used, 256 - used, " on CPUs %.60s", lk_cpus_words(text, &of[first].cpus));
  if (!bound) {
    (void)snprintf(out + used, 256 - used, ", not bound");
    return out;
  }
  for (int r = first + 1, listed = 1; r < size && used < 180; r++) {
    if (!same_host(of, first, r)) continue;
    if (listed++ == SETS) return strcpy(out + used, " | ..."), out;
    used += (size_t)snprintf(out + used, 256 - used, " | %.60s", lk_cpus_words(text, &of[r].cpus));
  }
  return out;
}

typedef struct machine {
  const lk_place *of;
  int first;
} machine;

static const lk_cpus *may_use(const void *context, int rank) {
  const machine *m = context;
  return rank >= m->first && same_machine(m->of, m->first, rank) ? &m->of[rank].cpus : NULL;
}

const char *lk_hosts_crowded(char out[256], const lk_place *of, int size) {
  out[0] = '\0';
  for (int first = 0; first < size; first++) {
    const machine m = {of, first};
    if (first_of(of, first, same_machine) != first || lk_cpus_without(may_use, &m, size) < 0) continue;
    lk_cpus all = {0};
    char text[64];
    int ranks = 0;
    for (int r = first; r < size; r++) {
      if (!same_machine(of, first, r)) continue;
      ranks++;
      for (int i = 0; i < LK_CPUS / 64; i++) all.bits[i] |= of[r].cpus.bits[i];
    }
    (void)snprintf(out, 256, "%d ranks on %s have %d CPU%s (%s), and some of them none of their own", ranks,
                   of[first].host, lk_cpus_count(&all), lk_plural(lk_cpus_count(&all)), lk_cpus_words(text, &all));
    return out;
  }
  return out;
}

static void read_boot(char out[40]) {
  FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
  if (!file || fscanf(file, "%39s", out) != 1) out[0] = '\0';
  if (file) (void)fclose(file);
}

static void tell(const lk_place *of, int size) {
  char words[256];
  int hosts = 0;
  for (int r = 0; r < size; r++) {
    if (first_of(of, r, same_host) != r || hosts++ >= LINES) continue;
    LK_INFO("%s", lk_host_words(words, of, size, r));
  }
  if (hosts > LINES) LK_INFO("and %d more host%s", hosts - LINES, lk_plural(hosts - LINES));
  if (lk_hosts_crowded(words, of, size)[0])
    LK_WARN(
        "%s: they take turns, and all ranks wait for them in each step; start at most one rank for each core "
        "('lockstep doctor' looks at the binding)",
        words);
}

lk_status lk_hosts_tell(lk_comm *comm) {
  lk_place mine = {.cpus = lk_cpus_allowed()}, *of = NULL;
  lk_status status = LK_OK;
  const int size = lk_comm_size(comm);
  (void)snprintf(mine.host, sizeof mine.host, "%.63s", lk_comm_host(comm));
  read_boot(mine.machine);
  if (!mine.machine[0]) (void)snprintf(mine.machine, sizeof mine.machine, "%.39s", mine.host);
  LK_TRY(lk_comm_agree(comm, lk_alloc(&of, (size_t)size, sizeof *of)));
  LK_GO(lk_comm_allgather_each(comm, &mine, of, sizeof mine));
  if (lk_comm_rank(comm) == 0) tell(of, size);
done:
  free(of);
  return status;
}
