/* facts_memory.c - memory, its limits, and the pages that ranks share. */
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "replicas.h"
#include "doctor_impl.h"

static const unsigned limits[LK_LIMITS] = {
    [LK_LIMIT_ADDRESS_SPACE] = RLIMIT_AS, [LK_LIMIT_LOCKED] = RLIMIT_MEMLOCK, [LK_LIMIT_FILES] = RLIMIT_NOFILE,
    [LK_LIMIT_FILE_SIZE] = RLIMIT_FSIZE,  [LK_LIMIT_STACK] = RLIMIT_STACK,    [LK_LIMIT_CPU_TIME] = RLIMIT_CPU,
    [LK_LIMIT_CORE] = RLIMIT_CORE,
};

/* The chosen word of "always [madvise] never". */
static void find_chosen(const char *root, size_t size, char *out) {
  char text[128] = "";
  (void)lk_host_text(root, "/sys/kernel/mm/transparent_hugepage/enabled", "", sizeof text, text);
  const char *begin = strchr(text, '[');
  (void)snprintf(out, size, "%.*s", begin ? (int)strcspn(begin + 1, "]") : 0, begin ? begin + 1 : "");
}

static bool has_entries(const char *root, const char *path) {
  char whole[1024];
  int count = 0;
  (void)snprintf(whole, sizeof whole, "%s%s", root, path);
  DIR *dir = opendir(whole);
  for (const struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir))
    count += entry->d_name[0] != '.';
  if (dir) closedir(dir);
  return count > 0;
}

void lk_facts_of_memory(lk_memory_facts *facts, const char *root) {
  struct rlimit limit;
  struct statvfs fs;
  facts->total = 1024 * lk_host_number(root, "/proc/meminfo", "MemTotal:");
  facts->available = 1024 * lk_host_number(root, "/proc/meminfo", "MemAvailable:");
  facts->group_left = lk_host_group_left(root);
  for (int i = 0; i < LK_LIMITS; i++)
    facts->limit[i] = getrlimit(limits[i], &limit) != 0 ? NAN
                      : limit.rlim_cur == RLIM_INFINITY ? INFINITY
                                                        : (double)limit.rlim_cur;
  find_chosen(root, sizeof facts->huge, facts->huge);
  facts->infiniband = has_entries(root, "/sys/class/infiniband");
  facts->shm_size = facts->shm_free = NAN;
  if (statvfs("/dev/shm", &fs) != 0) return;
  facts->shm_size = (double)fs.f_blocks * (double)fs.f_frsize;
  facts->shm_free = (double)fs.f_bavail * (double)fs.f_frsize;
  facts->shm_writable = access("/dev/shm", W_OK) == 0;
}

/* The part of the mapping around `at` that has huge pages, of what is in memory: NAN where the kernel does not say. */
static double huge_share(const char *root, const void *at) {
  char path[4096], line[512];
  double kilobytes, resident = 0, huge = 0;
  uintptr_t begin, end;
  bool here = false, told = false;
  (void)snprintf(path, sizeof path, "%s/proc/self/smaps", root);
  FILE *file = fopen(path, "re");
  while (file && fgets(line, sizeof line, file)) {
    char name[32];
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &begin, &end) == 2)
      here = begin <= (uintptr_t)at && (uintptr_t)at < end;
    else if (here && sscanf(line, "%31[A-Za-z]: %lf kB", name, &kilobytes) == 2) {
      if (strcmp(name, "Rss") == 0) resident = kilobytes;
      if (strcmp(name, "AnonHugePages") == 0) told = true;
      if (strcmp(name, "AnonHugePages") == 0 || strcmp(name, "ShmemPmdMapped") == 0 ||
          strcmp(name, "FilePmdMapped") == 0)
        huge += kilobytes;
    }
  }
  if (file) (void)fclose(file);
  return told && resident > 0 ? huge / resident : NAN;
}

void lk_facts_of_pages(lk_memory_facts *facts, lk_comm *comm, const char *root) {
  lk_replicas *replicas = NULL;
  const lk_replicas_spec spec = {.P = (ptrdiff_t)8 << 20}; /* 32 MiB of values */
  facts->huge_share = NAN;
  if (lk_replicas_create(&replicas, comm, &spec) != LK_OK) {
    (void)snprintf(facts->transport, sizeof facts->transport, "%.150s", lk_error_get()->text);
    lk_error_clear();
    return;
  }
  (void)snprintf(facts->transport, sizeof facts->transport, "%.150s", lk_replicas_description(replicas));
  facts->huge_share =
      huge_share(root, (const char *)(const void *)lk_replicas_values(replicas) + ((ptrdiff_t)16 << 20));
  lk_replicas_destroy(&replicas);
}
