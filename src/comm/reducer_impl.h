/* reducer_impl.h - the plan and the buffers of a reduction.
 *
 * Ranks that share memory are members of a group; a rank without company is a group by itself, so the path by messages
 * is the case of R groups. Ranks of a group that follow one another are a run: the blocks of their shards join to one,
 * of fewer and larger subtrees. Every rank knows every rank's group, subtrees and slices, so all of it is laid out once.
 *
 *   groups        a a b b a       runs  [0 1] [2 3] [4]
 *   sources of rank 0:            subtrees of 0, 1 in place | subtrees of run [2 3], received | subtrees of 4 in place
 *
 * Slice r of a run's subtrees goes to each rank r of another group, sent by the member of the run whose turn it is.
 *
 *   values 0..N-1     the sources, in the order of the shards
 *   values N + t      temporary t
 *
 *   reducer.c           creation                     reducer_host.c       groups, windows, waiting
 *   reducer_plan.c      sources, runs, additions     reducer_sum.c        additions, squares: no MPI
 *   reducer_rows.c      rows that few steps touch    reducer_exchange.c   buckets between groups
 *   reducer_share.c     values, slices, records */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

#include "comm_impl.h"
#include "arena.h"
#include "reducer.h"

#define LK_SUM_BLOCK         2048 /* reals added at a time: sources and temporaries of a block stay in cache */
#define LK_BUCKETS_IN_FLIGHT 2    /* buckets in flight: one arrives while one is summed */

typedef struct lk_sum_op { /* value into = value left + value right */
  int into, left, right;
} lk_sum_op;

typedef struct lk_sum_plan { /* the additions from sources to one sum; ops 0: the sum is source `value` */
  lk_sum_op *op;
  int ops, value;
} lk_sum_plan;

typedef struct lk_term {
  lk_subtree node;
  int member, subtree; /* in place: subtree number `subtree` of member `member`; received: member -1 */
  int from;            /* received: the rank that sends it */
} lk_term;

typedef struct lk_operand { /* a source in the part that is being summed */
  const float *x;           /* from its first real */
  const uint8_t *touched;   /* from its first row */
} lk_operand;

typedef struct lk_run {
  int first, end; /* ranks */
  lk_shards shards;
} lk_run;

/* What a member tells the others of its host, counted in steps: written by its owner alone, a cache line pair each. */
typedef struct lk_signals {
  _Alignas(128) _Atomic uint64_t ready; /* my subtrees of step n are complete */
  _Atomic uint64_t read;                /* I have read all that I need of step n */
  _Atomic uint64_t shared;              /* I have written my part of what is held together, the n-th time */
} lk_signals;

typedef struct lk_member {
  int rank, subtrees;
  lk_signals *signals;
  float *subtree[LK_MAX_SUBTREES];
  uint8_t *touched[LK_MAX_SUBTREES];
} lk_member;

struct lk_reducer {
  lk_comm *comm;
  int shards;
  ptrdiff_t P, rows; /* rows: of all blocks */
  lk_row_block *block;
  int blocks;
  lk_range own;
  char words[256];

  /* the group */
  int *group; /* [R] the first rank of each rank's group */
  int groups;
  lk_member *member;  /* [members] by rank */
  int members, local; /* local: this rank's place among them */
  float *values;
  void *packed;
  size_t packed_bytes;
  MPI_Comm host;          /* of the ranks of this host, until the windows stand */
  lk_shared shared;       /* its mpi MPI_WIN_NULL: the group is this rank alone, in memory of its own */
  lk_arena memory;        /* the group's */
  lk_comm leaders;        /* the first rank of each group; mpi is MPI_COMM_NULL on the others */
  uint64_t steps, shares; /* how often sum and share were called */

  /* the plan */
  lk_term *source; /* [N] */
  int sources;
  int received_sources;
  lk_sum_plan total;
  lk_run run;                            /* this rank's */
  lk_sum_plan run_plan[LK_MAX_SUBTREES]; /* one for each subtree of the run */
  int *destination;                      /* [destinations] ranks whose slices of the run this rank sends */
  int destinations;
  int *share_to, *share_from; /* ranks that this rank's slice goes to; ranks whose slices it receives for its group */
  int share_tos, share_froms;
  lk_range *slice;      /* [R] */
  size_t *slice_bytes;  /* [R] */
  size_t *record_bytes; /* [R] */
  size_t *block_bytes;  /* [R] block sums of squares */

  /* buffers */
  ptrdiff_t bucket;                      /* reals of one slice in one bucket */
  ptrdiff_t buckets;                     /* of the longest slice */
  ptrdiff_t part_rows;                   /* at most so many rows in the part of one bucket */
  float *incoming[LK_BUCKETS_IN_FLIGHT]; /* [received_sources][bucket] */
  uint8_t *marks[LK_BUCKETS_IN_FLIGHT];  /* [received_sources][part_rows] */
  float *outgoing[LK_BUCKETS_IN_FLIGHT]; /* [destinations][subtrees of the run][bucket] */
  lk_operand *view;                      /* [N] */
  uint8_t *present;                      /* [N + LK_TREE_LEVELS] of one row; then [part_rows] of one sum to be sent */
  uint8_t *written;                      /* [rows of own] rows of the total that are not zero */
  float *temporary;                      /* [LK_TREE_LEVELS][LK_SUM_BLOCK] */
  double *block_sum;                     /* [blocks of P] */
  MPI_Request *request[LK_BUCKETS_IN_FLIGHT]; /* receives, then sends */
  MPI_Status *status;
  int requests[LK_BUCKETS_IN_FLIGHT];
  MPI_Datatype unit; /* LK_LANES floats: MPI's int reaches 128 GiB */
  lk_arena arena;
};

/* reducer_host.c */
/** Groups, windows, members and their memory. Fails alike on all ranks.            Collective. */
LK_CHECKED lk_status lk_group_open(lk_reducer *reducer, lk_reduction how);
void lk_group_close(lk_reducer *reducer);
/** Wait until *counter of every member reaches `value`; MPI goes on meanwhile. */
#define LK_GROUP_WAIT(reducer, counter, value) lk_group_wait(reducer, offsetof(lk_signals, counter), value)
LK_CHECKED lk_status lk_group_wait(lk_reducer *reducer, size_t counter, uint64_t value);

/* reducer_plan.c */
LK_CHECKED lk_status lk_reducer_plan(lk_reducer *reducer);

/* reducer_sum.c, reducer_rows.c: no MPI */
/** out [n <= LK_SUM_BLOCK] = the plan's sum at reals at .. at + n of the part that the views begin at; ops > 0. Returns
 *  whether any real may differ from zero. present [rows of the part]: marks of the sum; rows without one are not
 *  written. out may be where one of the sources is.                               Not collective. */
bool lk_reducer_add(const lk_reducer *reducer, const lk_sum_plan *plan, ptrdiff_t part, ptrdiff_t at, ptrdiff_t n,
                    float *out, uint8_t *present);
/** Sums of squares of n reals, one a block of LK_RANGE_BLOCK; out [ceil(n / LK_RANGE_BLOCK)]. Not collective. */
void lk_square_sums(const float *x, ptrdiff_t n, double *out);
/** Sum along a binary tree over the index; v is overwritten.                      Not collective. */
double lk_pairwise_sum(double *v, ptrdiff_t n);

/* A part of the flat vector in which all reals are dense, or all belong to rows of one block. */
typedef struct lk_stretch {
  ptrdiff_t end;
  ptrdiff_t row;     /* number of the first row, counted through; -1: dense */
  ptrdiff_t row_end; /* where that one ends */
  ptrdiff_t width;
} lk_stretch;
/** The stretch that begins at `at` and ends by `end`.                             Not collective. */
lk_stretch lk_stretch_at(const lk_reducer *reducer, ptrdiff_t at, ptrdiff_t end);
/** The first row that does not end by `at`, counted through; the first that begins at `at` or behind it. */
ptrdiff_t lk_row_at(const lk_reducer *reducer, ptrdiff_t at);
ptrdiff_t lk_row_behind(const lk_reducer *reducer, ptrdiff_t at);
/** Bytes of a part as it travels: dense, or touched rows only with a bit for each row, whichever is less; packed: which.
 *  touched: from the part's first row.                                            Not collective. */
size_t lk_rows_bytes(const lk_reducer *reducer, lk_range part, const uint8_t *touched, bool *packed);
/** to = the part packed so; x may be to.                                          Not collective. */
void lk_rows_pack(const lk_reducer *reducer, lk_range part, const uint8_t *touched, const float *x, float *to);
/** Undo it in place: marks [rows of the part] are assigned, rows without one are not. */
void lk_rows_unpack(const lk_reducer *reducer, lk_range part, size_t bytes, float *x, uint8_t *marks);
/** x = 0 in rows of the part that are not touched.                                Not collective. */
void lk_rows_clear(const lk_reducer *reducer, lk_range part, const uint8_t *touched, float *x);
