/* Memory that the ranks of a host share.
 *
 * MPI places and removes it; where it is mapped is improved on. Pages of 4 KiB cost a lookup for every row of a matrix
 * that is read across, and on virtual machines far more. Linux gives shared memory huge pages when asked to (6.1 and
 * later, MADV_COLLAPSE), but only at addresses that lie as its file does, and MPI maps a file anywhere. So the same
 * pages are mapped a second time, at such an address. Where any of this cannot be had, small pages remain. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

#include "reducer_impl.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* the kernel may know it though the C library does not; other kernels say EINVAL */
#endif

enum { PAGE = LK_PAGE };
static const uintptr_t huge_page = (uintptr_t)2 << 20;
static const size_t huge_from = (size_t)4 << 20; /* below this it is not worth the calls */

/* Where in its file a mapping is at `at`. */
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

/* The same pages once more, at an address fit for huge ones. */
static void map_again(lk_shared *shared) {
  uintptr_t place = 0;
  if (shared->bytes < huge_from || !file_place((uintptr_t)shared->base, &place)) return;
  const size_t room = shared->bytes + huge_page;
  char *free = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (free == MAP_FAILED) return;
  char *at = free + (place - (uintptr_t)free) % huge_page;
  if (mremap(shared->base, 0, shared->bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at) == MAP_FAILED) {
    (void)munmap(free, room);
    return;
  }
  shared->base = at, shared->again = free, shared->room = room;
}

bool lk_shared_open(lk_shared *shared, MPI_Comm host, size_t bytes) {
  void *base = NULL;
  MPI_Aint size = 0;
  int unit = 0, rank = 0;
  *shared = (lk_shared){.mpi = MPI_WIN_NULL, .bytes = (bytes + PAGE - 1) / PAGE * PAGE};
  MPI_Comm_rank(host, &rank);
  const MPI_Aint mine = rank == 0 ? (MPI_Aint)(shared->bytes + PAGE) : 0; /* one block, of the first member's */
  if (MPI_Win_allocate_shared(mine, 1, MPI_INFO_NULL, host, &base, &shared->mpi) != MPI_SUCCESS) {
    shared->mpi = MPI_WIN_NULL;
    return false;
  }
  if (MPI_Win_shared_query(shared->mpi, 0, &size, &unit, &base) != MPI_SUCCESS) return false;
  /* It begins behind MPI's own data, at the same place of a page for all: they must agree on where ours begins. */
  int place = (int)((uintptr_t)base % PAGE), first = place;
  if (MPI_Bcast(&first, 1, MPI_INT, 0, host) != MPI_SUCCESS) return false;
  shared->base = (char *)base + (PAGE - place) % PAGE;
  if (place != first || (size_t)size < shared->bytes + PAGE) return false;
  map_again(shared);
  return true;
}

void lk_shared_close(lk_shared *shared) {
  if (shared->again) (void)munmap(shared->again, shared->room);
  if (shared->mpi != MPI_WIN_NULL) MPI_Win_free(&shared->mpi);
  *shared = (lk_shared){.mpi = MPI_WIN_NULL};
}

/* Huge pages for what lies whole within [begin, end); refused is refused. */
static void collapse(const lk_shared *shared, uintptr_t begin, uintptr_t end) {
  begin = (begin + huge_page - 1) / huge_page * huge_page;
  end = end / huge_page * huge_page;
  if (shared->again && begin < end) (void)madvise((void *)begin, end - begin, MADV_COLLAPSE);
}

bool lk_shared_populate(const lk_shared *shared, void *begin, size_t bytes) {
  const uintptr_t first = (uintptr_t)begin / PAGE * PAGE, end = (uintptr_t)begin + bytes;
  if (bytes == 0) return true;
  collapse(shared, first, end);
#ifdef MADV_POPULATE_WRITE
  if (madvise((void *)first, end - first, MADV_POPULATE_WRITE) == 0) return true;
  if (errno != EINVAL) return false; /* no page to be had; an older kernel does not know the call */
#endif
  for (volatile char *at = (char *)first; at < (volatile char *)end; at += PAGE) *at = *at;
  return true;
}

void lk_shared_join(const lk_shared *shared) {
  collapse(shared, (uintptr_t)shared->base, (uintptr_t)shared->base + shared->bytes);
}

void lk_shared_enter(const lk_shared *shared) {
#ifdef MADV_POPULATE_READ
  (void)madvise(shared->base, shared->bytes, MADV_POPULATE_READ);
#else
  (void)shared;
#endif
}
