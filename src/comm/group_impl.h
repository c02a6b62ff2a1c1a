/* group_impl.h - the ranks that share memory: which they are, the memory, and counters by which they wait.
 *
 * A rank that shares memory with no other forms its own group, so a job in which every rank sends messages is the case
 * of R groups of one member each. Every rank knows every rank's group.
 *
 *   ranks 0 1 2 3 4 on hosts a a b b a:     of = 0 0 2 2 0,  groups = 2,  members of rank 4's group: 0 1 4
 *
 * Memory of a group: for each member its counters and `bytes` of its own, which the others can read, then blocks
 * that all members hold in common. Each begins at a page and is touched first by the rank that works on it most, so
 * that the system places it in that rank's memory (NUMA).
 *
 * Waiting is by counters that each member raises for itself, not by MPI: a barrier made of messages takes longer than
 * the sums of a small model. A rank that waits for long gives its core to other processes.
 *
 * Ownership: the group owns the memory, which lives until lk_group_close(). */
#pragma once
#include <stdatomic.h>

#include "arena.h"
#include "comm_impl.h"
#include "replicas.h"

/* Indices of the blocks that the members hold in common: 0 and 1 are the caller's; GATHERED is what
 * lk_group_allgather() gathers, in two halves. */
enum { LK_GROUP_GATHERED = 2, LK_GROUP_COMMON };

/* What a member has done so far. MET: meetings that it reached. READY: sections of gradients that it completed, in all
 * steps. READ: steps in which it has read the other members' gradients. ARRIVED: sections of values that it received,
 * and PACKED: stages of a net that it packed, in all exchanges of values. GIVEN: calls of lk_group_allgather() to which
 * it gave its bytes, and GATHERED: those for which a leader has all bytes. */
typedef enum lk_counter {
  LK_COUNTER_MET,
  LK_COUNTER_READY,
  LK_COUNTER_READ,
  LK_COUNTER_ARRIVED,
  LK_COUNTER_PACKED,
  LK_COUNTER_GIVEN,
  LK_COUNTER_GATHERED,
  LK_COUNTERS
} lk_counter;

typedef struct lk_counters { /* written by its member alone; two cache lines, so that no two members share one */
  _Alignas(128) _Atomic uint64_t value[LK_COUNTERS];
} lk_counters;

typedef struct lk_member {
  int rank;
  lk_counters *counters;
  char *memory; /* bytes[rank] */
} lk_member;

typedef struct lk_group {
  lk_comm *comm;
  int *of;       /* [R] the first rank of each rank's group */
  size_t *bytes; /* [R] memory of each rank's own */
  int groups;
  lk_member *member;  /* [members] in the order of their ranks */
  int members, local; /* local: this rank's index among them */
  void *common[LK_GROUP_COMMON];
  size_t common_bytes[LK_GROUP_COMMON];
  MPI_Comm host;    /* ranks that may share memory; MPI_COMM_NULL where messages are asked for */
  lk_shared shared; /* its mpi is MPI_WIN_NULL where the group is this rank alone, in private memory */
  lk_arena memory;
  lk_comm leaders;   /* the first ranks of all groups; its mpi is MPI_COMM_NULL on the others */
  uint64_t meetings; /* calls of lk_group_meet() */
  uint64_t gathers;  /* of lk_group_allgather() */
  int *order;        /* [R] the ranks, group by group, in the order of the leaders */
  size_t *place;     /* [R] where the bytes of each rank begin, in the call at hand */
  char description[256];
} lk_group;

/** Find the groups and allocate their memory, all zeros: `bytes` for each rank's own (ranks may differ), common[] bytes
 *  for each group's. LK_USAGE if transport is WINDOWS and a host has no shared memory; LK_MEMORY. After a failure,
 *  close the group.                                                               Collective. */
LK_CHECKED lk_status lk_group_open(lk_group *group, lk_comm *comm, size_t bytes, const size_t common[LK_GROUP_COMMON],
                                   lk_transport transport);
void lk_group_close(lk_group *group); /*                                           Collective. */
/** Set a counter of this rank; what it wrote before is visible to members that see the new value. Not collective. */
void lk_group_raise(lk_group *group, lk_counter counter, uint64_t value);
/** Whether that counter of every member has reached `value`: then what they wrote before is visible. Not collective. */
bool lk_group_reached(const lk_group *group, lk_counter counter, uint64_t value);
/** Wait until that counter of every member has reached `value`; MPI makes progress meanwhile.
 *                                                                                 Collective in the group. */
LK_CHECKED lk_status lk_group_wait(const lk_group *group, lk_counter counter, uint64_t value);
/** Each rank r gives bytes_of[r] bytes; all = those of rank 0, 1, ... one after the other, on every rank. They must fit in
 *  half of the common block LK_GROUP_GATHERED.                                    Collective. */
LK_CHECKED lk_status lk_group_allgather(lk_group *group, const void *mine, void *all, const size_t *bytes_of);
/** A barrier of the group: afterwards each member sees what the others wrote before. Collective in the group. */
LK_CHECKED lk_status lk_group_meet(lk_group *group);
