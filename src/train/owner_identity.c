/* owner_identity.c - what a lock file says of its owner, and whether that owner still lives. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "owner_impl.h"

enum { WORD = LK_IDENTITY_WORD };

static void read_word(const char *path, char out[WORD]) {
  out[0] = '\0';
  FILE *file = fopen(path, "re");
  if (!file) return;
  if (fscanf(file, "%100s", out) != 1) out[0] = '\0';
  (void)fclose(file);
}

/* When the process started; 0: there is no such process. */
static uint64_t start_of(long pid) {
  char path[64], text[1024] = "";
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  const size_t got = fread(text, 1, sizeof text - 1, file);
  (void)fclose(file);
  text[got] = '\0';
  const char *at = strrchr(text, ')'); /* the program's name before it may hold anything */
  char state = 0;
  unsigned long long start = 0;
  if (!at || sscanf(at + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &state,
                    &start) != 2)
    return 0;
  return state == 'Z' || state == 'X' ? 0 : start;
}

void lk_identity_self(lk_identity *self) {
  static const char *const jobs[] = {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"};
  char boot[WORD], namespace[WORD] = "";
  *self = (lk_identity){.pid = (long)getpid(), .job = "none"};
  if (gethostname(self->host, sizeof self->host - 1) || !self->host[0]) snprintf(self->host, WORD, "unknown");
  for (size_t i = sizeof jobs / sizeof *jobs; i-- > 0;)
    if (getenv(jobs[i]) && *getenv(jobs[i])) snprintf(self->job, WORD, "%.100s", getenv(jobs[i]));
  for (char *c = self->job; *c; c++)
    if (*c <= ' ') *c = '_';
  const char *restarts = getenv("SLURM_RESTART_COUNT"); /* not set at the first start */
  self->restarts = restarts ? strtol(restarts, NULL, 10) : 0;
  self->start = start_of(self->pid);
  read_word("/proc/sys/kernel/random/boot_id", boot);
  if (readlink("/proc/self/ns/pid", namespace, sizeof namespace - 1) < 0) namespace[0] = '\0';
  snprintf(self->machine, WORD, "%.60s/%.60s", boot, namespace);
}

int lk_identity_print(const lk_identity *who, char *text, size_t room) {
  return snprintf(text, room, "host %s\npid %ld\njob %s\nrestarts %ld\nstart %" PRIu64 "\nmachine %s\n", who->host,
                  who->pid, who->job, who->restarts, who->start, who->machine);
}

void lk_identity_parse(const char *text, lk_identity *who) {
  *who = (lk_identity){.host = "unknown", .job = "unknown"};
  lk_identity read = *who;
  if (sscanf(text, "host %127s pid %ld job %127s restarts %ld start %" SCNu64 " machine %127s", read.host, &read.pid,
             read.job, &read.restarts, &read.start, read.machine) == 6)
    *who = read;
}

bool lk_identity_earlier_start(const lk_identity *who, const lk_identity *self) {
  return strcmp(self->job, "none") != 0 && strcmp(self->job, who->job) == 0 && who->restarts < self->restarts;
}

lk_owner_life lk_identity_life(const lk_identity *who, const lk_identity *self, double age, bool renewed) {
  if (strcmp(who->host, self->host) == 0 && strcmp(who->machine, self->machine) == 0) {
    const uint64_t start = start_of(who->pid);
    return start != 0 && start == who->start ? LK_OWNER_ALIVE : LK_OWNER_DEAD;
  }
  if (age > (lk_identity_earlier_start(who, self) ? LK_OWNER_QUIET : LK_OWNER_STALE)) return LK_OWNER_DEAD;
  return renewed ? LK_OWNER_ALIVE : LK_OWNER_UNKNOWN;
}
