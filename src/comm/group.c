#include "group_impl.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { SPINS = 200, TAG_NEVER = 99 };

static void to_page(lk_arena *arena) { arena->used = (arena->used + LK_PAGE - 1) / LK_PAGE * LK_PAGE; }

static void *take_pages(lk_arena *arena, size_t bytes) {
  to_page(arena);
  return lk_arena_take(arena, bytes);
}

/* Planned and bound by the same lines (arena.h). */
static void layout(lk_group *group, lk_arena *arena) {
  for (int m = 0; m < group->members; m++) {
    lk_member *member = &group->member[m];
    member->counters = take_pages(arena, sizeof *member->counters);
    member->memory = take_pages(arena, group->bytes[member->rank]);
  }
  for (int i = 0; i < LK_GROUP_COMMON; i++) group->common[i] = take_pages(arena, group->common_bytes[i]);
}

/* of[R], by which ranks could share memory; messages: none. */
static lk_status group_by_host(lk_group *group, bool messages) {
  lk_comm *comm = group->comm;
  int first = comm->rank;
  if (!messages) {
    LK_TRY(lk_shared_host(comm, &group->host));
    LK_TRY(LK_MPI(MPI_Bcast, &first, 1, MPI_INT, 0, group->host));
  }
  return LK_MPI(MPI_Allgather, &first, 1, MPI_INT, group->of, 1, MPI_INT, comm->mpi);
}

static lk_status list_members(lk_group *group) {
  const int rank = group->comm->rank, size = group->comm->size;
  free(group->member);
  group->members = group->groups = 0;
  LK_TRY(lk_alloc(&group->member, (size_t)size, sizeof *group->member));
  for (int r = 0; r < size; r++) {
    group->groups += group->of[r] == r;
    if (group->of[r] != group->of[rank]) continue;
    if (r == rank) group->local = group->members;
    group->member[group->members++] = (lk_member){.rank = r};
  }
  return LK_OK;
}

/* This rank's part of a block that the members hold in common. */
static bool populate_common(const lk_group *group, int i) {
  const lk_part part = {group->local, group->members};
  const lk_range mine = lk_part_of(part, (ptrdiff_t)group->common_bytes[i], LK_PAGE);
  return lk_shared_populate(&group->shared, (char *)group->common[i] + mine.begin, (size_t)lk_range_size(mine));
}

/* Page faults of what this rank works on most happen now, on this rank, and not in the first step. */
static bool populate_own(const lk_group *group) {
  const lk_member *own = &group->member[group->local];
  bool done = lk_shared_populate(&group->shared, own->counters, sizeof *own->counters) &&
              lk_shared_populate(&group->shared, own->memory, group->bytes[own->rank]);
  for (int i = 0; i < LK_GROUP_COMMON; i++) done = done && populate_common(group, i);
  return done;
}

/* Whether the members have a window now; otherwise the first member at least gets the reason. */
static bool open_window(lk_group *group, char why[LK_ROOM_REASON]) {
  lk_arena plan = {0};
  layout(group, &plan);
  snprintf(why, LK_ROOM_REASON, "MPI gives no shared window");
  if (!lk_shared_agree(group->host, group->local != 0 || lk_shared_room(plan.used, why))) return false;
  if (!lk_shared_agree(group->host, lk_shared_open(&group->shared, group->host, plan.used))) {
    lk_shared_forget(&group->shared);
    return false;
  }
  group->memory = (lk_arena){.base = group->shared.base, .reserved = plan.used};
  layout(group, &group->memory);
  bool done = lk_shared_agree(group->host, populate_own(group));
  if (done && group->local == 0) lk_shared_join(&group->shared);
  if (lk_shared_agree(group->host, done)) return true; /* no rank writes before that */
  snprintf(why, LK_ROOM_REASON, "memory for %.0f MiB cannot be had", (double)plan.used / 0x1p20);
  lk_shared_close(&group->shared);
  group->memory = (lk_arena){0};
  return false;
}

/* The first failed rank's reason to all ranks; "" where none failed. */
static lk_status exchange_reason(const lk_comm *comm, bool failed, char why[LK_ROOM_REASON]) {
  int mine = failed ? comm->rank : comm->size, first = 0;
  LK_TRY(LK_MPI(MPI_Allreduce, &mine, &first, 1, MPI_INT, MPI_MIN, comm->mpi));
  if (first == comm->size) {
    why[0] = '\0';
    return LK_OK;
  }
  return LK_MPI(MPI_Bcast, why, LK_ROOM_REASON, MPI_CHAR, first, comm->mpi);
}

static void describe(lk_group *group, const char *why) {
  char *to = group->description;
  const size_t size = sizeof group->description;
  const int ranks = group->comm->size;
  if (ranks == 1)
    snprintf(to, size, "one rank, nothing to exchange");
  else if (group->groups == ranks)
    snprintf(to, size, "messages between %d ranks%s%s", ranks, why[0] ? ": " : "", why);
  else
    snprintf(to, size, "shared memory, %d ranks in %d group%s%s%s", ranks, group->groups, lk_plural(group->groups),
             why[0] ? "; elsewhere not: " : "", why);
}

/* Where a host has no window each of its ranks becomes its own group. */
static lk_status open_windows(lk_group *group, lk_transport transport) {
  lk_comm *comm = group->comm;
  char why[LK_ROOM_REASON] = "";
  const bool failed = group->members > 1 && !open_window(group, why);
  LK_TRY(exchange_reason(comm, failed && group->local == 0, why));
  if (why[0] && transport == LK_TRANSPORT_WINDOWS) return LK_FAIL(LK_USAGE, "no shared memory between ranks: %s", why);
  int first = failed ? comm->rank : group->of[comm->rank];
  LK_TRY(LK_MPI(MPI_Allgather, &first, 1, MPI_INT, group->of, 1, MPI_INT, comm->mpi));
  LK_TRY(lk_comm_agree(comm, list_members(group)));
  describe(group, why);
  return LK_OK;
}

/* Bind the memory: the window, or private memory of this rank. */
static lk_status bind(lk_group *group) {
  if (group->shared.mpi == MPI_WIN_NULL) {
    layout(group, &group->memory);
    LK_TRY(lk_arena_reserve(&group->memory));
  }
  lk_arena_reset(&group->memory);
  layout(group, &group->memory);
  return LK_OK;
}

/* What lk_group_allgather() needs. */
static lk_status plan_gather(lk_group *group) {
  const int size = group->comm->size;
  int n = 0;
  LK_TRY(lk_alloc(&group->order, (size_t)size, sizeof *group->order));
  LK_TRY(lk_alloc(&group->place, (size_t)size, sizeof *group->place));
  group->leaders.size = group->groups;
  LK_TRY(lk_comm_tables(&group->leaders));
  for (int first = 0; first < size; first++)
    for (int r = first; r < size && group->of[first] == first; r++)
      if (group->of[r] == first) group->order[n++] = r;
  return LK_OK;
}

static lk_status open_leaders(lk_group *group) {
  lk_comm *comm = group->comm;
  const int color = group->of[comm->rank] == comm->rank ? 0 : MPI_UNDEFINED;
  group->leaders.chunk = comm->chunk;
  LK_TRY(LK_MPI(MPI_Comm_split, comm->mpi, color, comm->rank, &group->leaders.mpi));
  return color == 0 ? LK_MPI(MPI_Comm_rank, group->leaders.mpi, &group->leaders.rank) : LK_OK;
}

static lk_status allocate_tables(lk_group *group) {
  const size_t R = (size_t)group->comm->size;
  LK_TRY(lk_alloc(&group->of, R, sizeof *group->of));
  return lk_alloc(&group->bytes, R, sizeof *group->bytes);
}

lk_status lk_group_open(lk_group *group, lk_comm *comm, size_t bytes, const size_t common[LK_GROUP_COMMON],
                        lk_transport transport) {
  *group = (lk_group){.comm = comm, .host = MPI_COMM_NULL, .shared.mpi = MPI_WIN_NULL, .leaders.mpi = MPI_COMM_NULL};
  memcpy(group->common_bytes, common, sizeof group->common_bytes);
  LK_TRY(lk_comm_agree(comm, allocate_tables(group)));
  LK_TRY(lk_comm_allgather_each(comm, &bytes, group->bytes, sizeof bytes));
  LK_TRY(group_by_host(group, transport == LK_TRANSPORT_MESSAGES || comm->size == 1));
  LK_TRY(lk_comm_agree(comm, list_members(group)));
  LK_TRY(open_windows(group, transport));
  LK_TRY(lk_comm_agree(comm, bind(group)));
  LK_TRY(lk_comm_agree(comm, plan_gather(group)));
  return open_leaders(group);
}

void lk_group_close(lk_group *group) {
  if (group->leaders.mpi != MPI_COMM_NULL) MPI_Comm_free(&group->leaders.mpi);
  if (group->shared.mpi != MPI_WIN_NULL) {
    lk_shared_close(&group->shared);
    group->memory = (lk_arena){0};
  }
  lk_arena_release(&group->memory);
  if (group->host != MPI_COMM_NULL) MPI_Comm_free(&group->host);
  lk_comm_free_tables(&group->leaders);
  free(group->member);
  free(group->order);
  free(group->place);
  free(group->of);
  free(group->bytes);
}

void lk_group_raise(lk_group *group, lk_counter counter, uint64_t value) {
  atomic_store_explicit(&group->member[group->local].counters->value[counter], value, memory_order_release);
}

bool lk_group_reached(const lk_group *group, lk_counter counter, uint64_t value) {
  for (int m = 0; m < group->members; m++)
    if (atomic_load_explicit(&group->member[m].counters->value[counter], memory_order_acquire) < value) return false;
  return true;
}

static void pause_briefly(void) {
#ifdef __x86_64__
  __builtin_ia32_pause();
#endif
}

lk_status lk_group_wait(const lk_group *group, lk_counter counter, uint64_t value) {
  for (int i = 0; i < SPINS; i++) {
    if (lk_group_reached(group, counter, value)) return LK_OK;
    pause_briefly();
  }
  while (!lk_group_reached(group, counter, value)) {
    /* for MPI to move this rank's messages on while it waits */
    int found = 0;
    LK_TRY(LK_MPI(MPI_Iprobe, MPI_ANY_SOURCE, TAG_NEVER, group->comm->mpi, &found, MPI_STATUS_IGNORE));
    sched_yield();
  }
  return LK_OK;
}

lk_status lk_group_meet(lk_group *group) {
  lk_group_raise(group, LK_COUNTER_MET, ++group->meetings);
  return lk_group_wait(group, LK_COUNTER_MET, group->meetings);
}
