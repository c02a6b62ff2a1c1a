/* What every rank gives to all, gathered once for each group: its first rank sends and receives for all of them, so that
 * a host's link carries it once. */
#include <string.h>

#include "group_impl.h"

/* Where the bytes of each rank lie in shared memory: group after group, in the order of the leaders. */
static void place_ranks(lk_group *group, const size_t *bytes_of) {
  size_t at = 0;
  for (int i = 0; i < group->comm->size; i++) {
    group->place[group->order[i]] = at;
    at += bytes_of[group->order[i]];
  }
}

/* Leaders only: what their groups have given to all groups. */
static lk_status exchange(lk_group *group, const size_t *bytes_of, char *shared) {
  int g = -1;
  for (int i = 0; i < group->comm->size; i++) {
    const int r = group->order[i];
    if (group->of[r] == r) group->leaders.bytes[++g] = 0;
    group->leaders.bytes[g] += bytes_of[r];
  }
  return lk_comm_allgather(&group->leaders, shared + group->place[group->comm->rank], shared, group->leaders.bytes);
}

/* Calls use the two halves of the memory in turn: before a rank writes to a half again, it has waited in the call between
 * for all members, and these had read that half by then. */
lk_status lk_group_allgather(lk_group *group, const void *mine, void *all, const size_t *bytes_of) {
  const int rank = group->comm->rank, last = group->order[group->comm->size - 1];
  const bool leads = group->leaders.mpi != MPI_COMM_NULL;
  const size_t half = group->common_bytes[LK_GROUP_GATHERED] / 2;
  char *shared = (char *)group->common[LK_GROUP_GATHERED] + (++group->gathers % 2) * half, *to = all;
  place_ranks(group, bytes_of);
  LK_ASSERT(group->place[last] + bytes_of[last] <= half);
  memcpy(shared + group->place[rank], mine, bytes_of[rank]);
  lk_group_raise(group, LK_COUNTER_GIVEN, group->gathers);
  if (leads || group->groups == 1) LK_TRY(lk_group_wait(group, LK_COUNTER_GIVEN, group->gathers));
  if (leads && group->groups > 1) LK_TRY(exchange(group, bytes_of, shared));
  lk_group_raise(group, LK_COUNTER_GATHERED, group->gathers); /* the others of a group wait for its leader */
  if (group->groups > 1) LK_TRY(lk_group_wait(group, LK_COUNTER_GATHERED, group->gathers));
  for (int r = 0; r < group->comm->size; to += bytes_of[r++]) memcpy(to, shared + group->place[r], bytes_of[r]);
  return LK_OK;
}
