/* The ranks of a host in one window of shared memory.
 *
 * Layout of a group's memory: for each member its signals, subtrees and marks, then the values and what the caller wants
 * beside them. All of these begin at pages: each page is touched first by the rank that works on it most, which places
 * it near that, but for a huge page at most where two meet.
 *
 * Waiting is by counters that each member raises for itself, not by MPI: a barrier of two messages costs more than the
 * sums of a small model. A rank that waits for long gives its core away. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "reducer_impl.h"

enum { PAGE = LK_PAGE, SPINS = 200, TAG_NEVER = 99, WORDS = 160 };

static void to_page(lk_arena *arena) { arena->used = (arena->used + PAGE - 1) / PAGE * PAGE; }

/* Planned and bound by the same lines (arena.h). */
static void layout(lk_reducer *reducer, lk_arena *arena) {
  size_t vector = (size_t)reducer->P * sizeof(float);
  for (int m = 0; m < reducer->members; m++) {
    lk_member *member = &reducer->member[m];
    to_page(arena);
    member->signals = lk_arena_take(arena, sizeof *member->signals);
    for (int p = 0; p < member->subtrees; p++)
      member->touched[p] = reducer->rows > 0 ? lk_arena_take(arena, (size_t)reducer->rows) : NULL;
    for (int p = 0; p < member->subtrees; p++) {
      to_page(arena);
      member->subtree[p] = lk_arena_take(arena, vector);
    }
  }
  to_page(arena);
  reducer->values = lk_arena_take(arena, vector);
  to_page(arena);
  reducer->packed = lk_arena_take(arena, reducer->packed_bytes);
}

/* A letter for each rank, for tests: ranks of the same letter are taken to be on one host. */
static int split_by_hand(const lk_comm *comm) {
  const char *hosts = getenv("LOCKSTEP_TEST_HOSTS");
  return hosts && strlen(hosts) == (size_t)comm->size ? hosts[comm->rank] : 0;
}

/* group[R] of the ranks that could share memory; `alone`: of none. */
static lk_status group_by_host(lk_reducer *reducer, bool alone) {
  lk_comm *comm = reducer->comm;
  int first = comm->rank;
  if (!alone) {
    MPI_Comm host = MPI_COMM_NULL;
    LK_TRY(LK_MPI(MPI_Comm_split_type, comm->mpi, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &host));
    lk_status status = LK_MPI(MPI_Comm_split, host, split_by_hand(comm), comm->rank, &reducer->host);
    MPI_Comm_free(&host);
    LK_TRY(status);
    LK_TRY(LK_MPI(MPI_Bcast, &first, 1, MPI_INT, 0, reducer->host));
  }
  return LK_MPI(MPI_Allgather, &first, 1, MPI_INT, reducer->group, 1, MPI_INT, comm->mpi);
}

static lk_status list_members(lk_reducer *reducer) {
  int rank = reducer->comm->rank, size = reducer->comm->size;
  free(reducer->member);
  reducer->members = reducer->groups = 0;
  LK_TRY(lk_alloc(&reducer->member, (size_t)size, sizeof *reducer->member));
  for (int r = 0; r < size; r++) {
    reducer->groups += reducer->group[r] == r;
    if (reducer->group[r] != reducer->group[rank]) continue;
    if (r == rank) reducer->local = reducer->members;
    reducer->member[reducer->members++] =
        (lk_member){.rank = r, .subtrees = lk_shards_make(reducer->shards, r, size).subtrees};
  }
  return LK_OK;
}

/* Open MPI keeps windows in files there. A file system that is full kills who touches its pages, so ask before. */
static bool enough_room(size_t bytes, char *why, size_t size) {
  const char *set = getenv("OMPI_MCA_osc_sm_backing_directory"), *limit = getenv("LOCKSTEP_TEST_SHM");
  const char *folder = set ? set : "/dev/shm";
  struct statvfs fs;
  if (statvfs(folder, &fs) != 0) return true; /* another MPI, another place: let it try */
  double room = (double)fs.f_bavail * (double)fs.f_frsize;
  if (limit && strtod(limit, NULL) < room) room = strtod(limit, NULL);
  const double need =
      1.06 * (double)bytes + 0x1p20; /* Open MPI wants a twentieth more than it takes, and hangs if refused */
  if (need <= room) return true;
  snprintf(why, size, "%s has %.0f MiB left, %.0f are needed", folder, room / 0x1p20, need / 0x1p20);
  return false;
}

/* Of what the members hold together. */
static bool populate_part(const lk_reducer *reducer, void *base, size_t bytes) {
  const lk_range mine = lk_part_of(lk_reducer_part(reducer), (ptrdiff_t)bytes, PAGE);
  return lk_shared_populate(&reducer->shared, (char *)base + mine.begin, (size_t)(mine.end - mine.begin));
}

/* The pages that this rank works on most, now and not in the first step. */
static bool populate_own(const lk_reducer *reducer) {
  const lk_member *own = &reducer->member[reducer->local];
  size_t vector = (size_t)reducer->P * sizeof(float);
  const lk_shared *shared = &reducer->shared;
  bool done = lk_shared_populate(shared, own->signals, sizeof *own->signals);
  for (int p = 0; p < own->subtrees; p++) {
    done = done && lk_shared_populate(shared, own->subtree[p], vector);
    if (own->touched[p]) done = done && lk_shared_populate(shared, own->touched[p], (size_t)reducer->rows);
  }
  return done && populate_part(reducer, reducer->values, vector) &&
         populate_part(reducer, reducer->packed, reducer->packed_bytes);
}

/* All ranks of the host hear whether all of them are content. */
static bool host_agrees(const lk_reducer *reducer, bool mine) {
  int one = mine, all = 0;
  return MPI_Allreduce(&one, &all, 1, MPI_INT, MPI_MIN, reducer->host) == MPI_SUCCESS && all;
}

/* Whether the members have a window now; `why` not is known on the first member at least. */
static bool open_window(lk_reducer *reducer, char *why, size_t size) {
  lk_arena plan = {0};
  layout(reducer, &plan);
  snprintf(why, size, "MPI gives no shared window");
  if (!host_agrees(reducer, reducer->local != 0 || enough_room(plan.used, why, size))) return false;
  if (!host_agrees(reducer, lk_shared_open(&reducer->shared, reducer->host, plan.used))) {
    lk_shared_forget(&reducer->shared);
    return false;
  }
  reducer->memory = (lk_arena){.base = reducer->shared.base, .reserved = plan.used};
  layout(reducer, &reducer->memory);
  bool done = host_agrees(reducer, populate_own(reducer));
  if (done && reducer->local == 0) lk_shared_join(&reducer->shared);
  if (host_agrees(reducer, done)) return true; /* nobody writes before that */
  snprintf(why, size, "memory for %.0f MiB cannot be had", (double)plan.used / 0x1p20);
  lk_group_close(reducer);
  return false;
}

/* The first failure's words to all ranks; "" where there was none. */
static lk_status share_reason(const lk_comm *comm, bool failed, char why[WORDS]) {
  int mine = failed ? comm->rank : comm->size, first = 0;
  LK_TRY(LK_MPI(MPI_Allreduce, &mine, &first, 1, MPI_INT, MPI_MIN, comm->mpi));
  if (first == comm->size) {
    why[0] = '\0';
    return LK_OK;
  }
  return LK_MPI(MPI_Bcast, why, WORDS, MPI_CHAR, first, comm->mpi);
}

static void describe(lk_reducer *reducer, const char *why) {
  char *to = reducer->words;
  size_t size = sizeof reducer->words;
  int ranks = reducer->comm->size;
  if (ranks == 1)
    snprintf(to, size, "one rank, nothing to exchange");
  else if (reducer->groups == ranks)
    snprintf(to, size, "messages between %d ranks%s%s", ranks, why[0] ? ": " : "", why);
  else
    snprintf(to, size, "shared memory, %d ranks in %d group%s%s%s", ranks, reducer->groups,
             reducer->groups == 1 ? "" : "s", why[0] ? "; elsewhere not: " : "", why);
}

/* A group where windows can be had; else each of its ranks for itself. */
static lk_status open_windows(lk_reducer *reducer, lk_reduction how) {
  lk_comm *comm = reducer->comm;
  char why[WORDS] = "";
  bool failed = reducer->members > 1 && !open_window(reducer, why, sizeof why);
  LK_TRY(share_reason(comm, failed && reducer->local == 0, why));
  if (why[0] && how == LK_REDUCTION_WINDOWS) return LK_FAIL(LK_USAGE, "no shared memory between ranks: %s", why);
  int first = failed ? comm->rank : reducer->group[comm->rank];
  LK_TRY(LK_MPI(MPI_Allgather, &first, 1, MPI_INT, reducer->group, 1, MPI_INT, comm->mpi));
  LK_TRY(lk_comm_agree(comm, list_members(reducer)));
  describe(reducer, why);
  return LK_OK;
}

/* Places for subtrees, marks and values: in the window, or in memory of this rank's own. */
static lk_status place(lk_reducer *reducer) {
  if (reducer->shared.mpi == MPI_WIN_NULL) {
    layout(reducer, &reducer->memory);
    LK_TRY(lk_arena_reserve(&reducer->memory));
  }
  lk_arena_reset(&reducer->memory);
  layout(reducer, &reducer->memory);
  return LK_OK;
}

static lk_status open_leaders(lk_reducer *reducer) {
  lk_comm *comm = reducer->comm;
  int color = reducer->group[comm->rank] == comm->rank ? 0 : MPI_UNDEFINED;
  reducer->leaders.chunk = comm->chunk;
  reducer->leaders.size = reducer->groups;
  LK_TRY(LK_MPI(MPI_Comm_split, comm->mpi, color, comm->rank, &reducer->leaders.mpi));
  return color == 0 ? LK_MPI(MPI_Comm_rank, reducer->leaders.mpi, &reducer->leaders.rank) : LK_OK;
}

lk_status lk_group_open(lk_reducer *reducer, lk_reduction how) {
  lk_comm *comm = reducer->comm;
  LK_TRY(lk_comm_agree(comm, lk_alloc(&reducer->group, (size_t)comm->size, sizeof *reducer->group)));
  LK_TRY(group_by_host(reducer, how == LK_REDUCTION_MESSAGES || comm->size == 1));
  LK_TRY(lk_comm_agree(comm, list_members(reducer)));
  LK_TRY(open_windows(reducer, how));
  LK_TRY(lk_comm_agree(comm, place(reducer)));
  return open_leaders(reducer);
}

void lk_group_close(lk_reducer *reducer) {
  if (reducer->leaders.mpi != MPI_COMM_NULL) MPI_Comm_free(&reducer->leaders.mpi);
  if (reducer->shared.mpi != MPI_WIN_NULL) {
    lk_shared_close(&reducer->shared);
    reducer->memory = (lk_arena){0};
  }
  lk_arena_release(&reducer->memory);
  if (reducer->host != MPI_COMM_NULL) MPI_Comm_free(&reducer->host);
}

static bool reached(const lk_reducer *reducer, size_t counter, uint64_t value) {
  for (int m = 0; m < reducer->members; m++) {
    const char *signals = (const char *)reducer->member[m].signals;
    const _Atomic uint64_t *at = (const void *)(signals + counter);
    if (atomic_load_explicit(at, memory_order_acquire) < value) return false;
  }
  return true;
}

static void pause_briefly(void) {
#ifdef __x86_64__
  __builtin_ia32_pause();
#endif
}

/* Messages of this rank's that are still on their way need MPI to be called now and then. */
lk_status lk_group_wait(lk_reducer *reducer, size_t counter, uint64_t value) {
  for (int i = 0; i < SPINS; i++) {
    if (reached(reducer, counter, value)) return LK_OK;
    pause_briefly();
  }
  while (!reached(reducer, counter, value)) {
    int found = 0;
    LK_TRY(LK_MPI(MPI_Iprobe, MPI_ANY_SOURCE, TAG_NEVER, reducer->comm->mpi, &found, MPI_STATUS_IGNORE));
    sched_yield();
  }
  return LK_OK;
}
