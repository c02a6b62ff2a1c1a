/* Memory that the ranks of a host share.
 *
 * MPI creates and removes the memory; this file maps it a second time, for huge pages. With pages of 4 KiB, reading a
 * column of a matrix needs a page table lookup for every row, which is expensive, above all on virtual machines. Linux
 * can give shared memory huge pages (6.1 and later, MADV_COLLAPSE), but only where address and file offset are equal
 * modulo 2 MiB, and MPI maps its file at any address. Where any of this is not available, small pages remain. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "comm_impl.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* newer than some C libraries; older kernels answer EINVAL */
#endif

enum { FEW = 3 }; /* refusals after which no more huge pages are asked for */
static const uintptr_t huge_page = (uintptr_t)2 << 20;

/* For tests: a letter for each rank; ranks of the same letter are taken to be on one host. */
static int host_by_hand(const lk_comm *comm) {
  const char *hosts = getenv("LOCKSTEP_TEST_HOSTS");
  return hosts && strlen(hosts) == (size_t)comm->size ? hosts[comm->rank] : 0;
}

lk_status lk_shared_host(lk_comm *comm, MPI_Comm *host) {
  MPI_Comm all = MPI_COMM_NULL;
  *host = MPI_COMM_NULL;
  LK_TRY(LK_MPI(MPI_Comm_split_type, comm->mpi, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &all));
  const lk_status status = LK_MPI(MPI_Comm_split, all, host_by_hand(comm), comm->rank, host);
  MPI_Comm_free(&all);
  return status;
}

/* Open MPI keeps windows in files there. Where that file system is full, touching a new page kills the process, so ask
 * before. */
bool lk_shared_room(size_t bytes, char why[LK_ROOM_REASON]) {
  const char *set = getenv("OMPI_MCA_osc_sm_backing_directory"), *limit = getenv("LOCKSTEP_TEST_SHM");
  const char *folder = set ? set : "/dev/shm";
  struct statvfs fs;
  if (statvfs(folder, &fs) != 0) return true; /* another MPI, another place: let it try */
  double room = (double)fs.f_bavail * (double)fs.f_frsize;
  if (limit && strtod(limit, NULL) < room) room = strtod(limit, NULL);
  /* Open MPI asks for a twentieth more than it takes, and hangs where that is refused */
  const double need = 1.06 * (double)bytes + 0x1p20;
  if (need <= room) return true;
  snprintf(why, LK_ROOM_REASON, "%s has %.0f MiB left, %.0f are needed", folder, room / 0x1p20, need / 0x1p20);
  return false;
}

/* The file offset that is mapped at address `at`. */
static bool file_place(uintptr_t at, uintptr_t *place) {
  FILE *maps = fopen("/proc/self/maps", "re");
  bool found = false;
  char line[512];
  while (maps && !found && fgets(line, sizeof line, maps)) {
    uintptr_t begin = 0, end = 0, offset = 0;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %" SCNxPTR, &begin, &end, &offset) != 3) continue;
    found = begin <= at && at < end;
    *place = offset + (at - begin);
  }
  if (maps) (void)fclose(maps);
  return found;
}

/* Map the same pages again at an address suitable for huge pages. By the system call: communication libraries wrap
 * mremap(), and some wrappers lose its last argument. */
static void map_again(lk_shared *shared) {
  uintptr_t place = 0;
  if (shared->bytes < LK_HUGE_FROM || !file_place((uintptr_t)shared->base, &place)) return;
  const size_t room = shared->bytes + huge_page;
  char *reserved = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return;
  char *at = reserved + (place - (uintptr_t)reserved) % huge_page;
  const long got = syscall(SYS_mremap, shared->base, (size_t)0, shared->bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at);
  if ((char *)got != at) {
    (void)munmap(reserved, room);
    return;
  }
  shared->base = at, shared->again = reserved, shared->room = room;
  (void)madvise(at, shared->bytes, MADV_HUGEPAGE); /* takes effect where /dev/shm is mounted with huge=advise */
}

/* One block, which the first rank provides, after MPI's own data. */
static bool allocate(lk_shared *shared, MPI_Comm host, bool first) {
  void *base = NULL;
  MPI_Aint size = 0;
  int unit = 0;
  const MPI_Aint mine = first ? (MPI_Aint)(shared->bytes + LK_PAGE) : 0;
  if (MPI_Win_allocate_shared(mine, 1, MPI_INFO_NULL, host, &base, &shared->mpi) != MPI_SUCCESS) {
    shared->mpi = MPI_WIN_NULL;
    return false;
  }
  MPI_Win_set_errhandler(shared->mpi, MPI_ERRORS_RETURN);
  if (MPI_Win_shared_query(shared->mpi, 0, &size, &unit, &base) != MPI_SUCCESS) return false;
  shared->base = base;
  return (size_t)size >= shared->bytes + LK_PAGE;
}

bool lk_shared_agree(MPI_Comm host, bool mine) {
  int one = mine, all = 0;
  return MPI_Allreduce(&one, &all, 1, MPI_INT, MPI_MIN, host) == MPI_SUCCESS && all;
}

bool lk_shared_open(lk_shared *shared, MPI_Comm host, size_t bytes) {
  int rank = 0;
  *shared = (lk_shared){.mpi = MPI_WIN_NULL, .bytes = (bytes + LK_PAGE - 1) / LK_PAGE * LK_PAGE};
  MPI_Comm_rank(host, &rank);
  const bool mine = allocate(shared, host, rank == 0);
  /* The block must begin at the same offset within a page on all ranks, since the first page boundary in it is our
   * base. */
  const int place = mine ? (int)((uintptr_t)shared->base % LK_PAGE) : -1;
  int first = place;
  if (MPI_Bcast(&first, 1, MPI_INT, 0, host) != MPI_SUCCESS || place < 0 || place != first) return false;
  shared->base += (LK_PAGE - place) % LK_PAGE;
  map_again(shared);
  return true;
}

void lk_shared_forget(lk_shared *shared) {
  if (shared->again) (void)munmap(shared->again, shared->room);
  *shared = (lk_shared){.mpi = MPI_WIN_NULL};
}

void lk_shared_close(lk_shared *shared) {
  MPI_Win window = shared->mpi;
  lk_shared_forget(shared);
  if (window != MPI_WIN_NULL) MPI_Win_free(&window);
}

void *lk_shared_detach(lk_shared *shared) {
  char *at = shared->base, *end = at + shared->bytes, *begin = shared->again, *stop = begin + shared->room;
  MPI_Win window = shared->mpi;
  LK_ASSERT(shared->again);
  if (at > begin) (void)munmap(begin, (size_t)(at - begin));
  if (stop > end) (void)munmap(end, (size_t)(stop - end));
  *shared = (lk_shared){.mpi = MPI_WIN_NULL};
  MPI_Win_free(&window);
  return at;
}

static bool take_pages(uintptr_t begin, uintptr_t end) {
#ifdef MADV_POPULATE_WRITE
  if (madvise((void *)begin, end - begin, MADV_POPULATE_WRITE) == 0) return true;
  if (errno != EINVAL) return false; /* out of memory; EINVAL: an older kernel */
#endif
  for (volatile char *at = (char *)begin; at < (volatile char *)end; at += LK_PAGE) *at = *at;
  return true;
}

/* One huge page for [at, at + huge_page). The kernel copies existing pages into it, on the NUMA node that has most of
 * them. It refuses an empty range, so the first page is allocated here; that also chooses the node. */
static bool collapse(uintptr_t at) {
  return take_pages(at, at + LK_PAGE) && madvise((void *)at, huge_page, MADV_COLLAPSE) == 0;
}

/* All huge pages that lie within [begin, end), until the system has refused a few: each refusal takes time. */
static void collapse_all(const lk_shared *shared, uintptr_t begin, uintptr_t end) {
  int refused = 0;
  begin = (begin + huge_page - 1) / huge_page * huge_page;
  for (uintptr_t at = begin; shared->again && refused < FEW && at + huge_page <= end; at += huge_page)
    refused += !collapse(at);
}

bool lk_shared_populate(const lk_shared *shared, void *begin, size_t bytes) {
  const uintptr_t first = (uintptr_t)begin / LK_PAGE * LK_PAGE, end = (uintptr_t)begin + bytes;
  if (bytes == 0) return true;
  collapse_all(shared, first, end);
  return take_pages(first, end);
}

void lk_shared_join(const lk_shared *shared) {
  collapse_all(shared, (uintptr_t)shared->base, (uintptr_t)shared->base + shared->bytes);
}
