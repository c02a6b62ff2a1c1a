/* reduction_impl.h - the plan and the buffers of the tree sum.
 *
 * Neighbouring ranks of one group form a run: the blocks of their shards join to one block, of fewer and larger
 * subtrees. The terms of a rank's sum are the subtrees of its group's members, read in place, and those of other
 * groups' runs, received. Every rank knows every rank's group, subtrees and range, so the plan is made once.
 *
 *   groups   a a b b a       runs  [0 1] [2 3] [4]
 *   terms of rank 0:         subtrees of 0, 1 in place | subtrees of run [2 3], received | subtrees of 4 in place
 *
 * Each rank r of another group receives its range of a run's subtrees; the members of the run share the sending.
 *
 *   operands 0..N-1    the terms, in the order of the shards
 *   operands N + t     temporary t
 *
 *   reduction.c        memory, creation      reduction_exchange.c   buckets of ranges between groups
 *   reduction_plan.c   runs, terms, additions   reduction_sum.c     additions, squares: no MPI */
#pragma once
#include "reduction.h"
#include "replicas_impl.h"

#define LK_SUM_BLOCK         2048 /* reals added at a time: terms and temporaries of a block stay in cache */
#define LK_BUCKETS_IN_FLIGHT 2    /* one arrives while one is summed */

typedef struct lk_sum_op { /* operand into = operand left + operand right */
  int into, left, right;
} lk_sum_op;

typedef struct lk_sum_plan { /* the additions from terms to one sum; ops 0: the sum is term `value` */
  lk_sum_op *op;
  int ops, value;
} lk_sum_plan;

typedef struct lk_term {
  lk_subtree node;
  int member, subtree; /* in place: subtree number `subtree` of member `member`; received: member -1 */
  int from;            /* received: the rank that sends it */
} lk_term;

typedef struct lk_operand { /* a term in the part that is being summed */
  const float *x;           /* from the part's first real */
  const uint8_t *marks;     /* from its first row */
} lk_operand;

typedef struct lk_run {
  int first, end; /* ranks */
  lk_shards shards;
} lk_run;

typedef struct lk_rank_gradients { /* of a member, in its memory */
  int subtrees;
  float *gradient[LK_MAX_SUBTREES]; /* [P] */
  uint8_t *marks[LK_MAX_SUBTREES];  /* [rows] */
} lk_rank_gradients;

struct lk_reduction {
  lk_comm *comm;
  lk_group *group; /* the store's, as are the next two */
  const lk_row_table *rows;
  const lk_sections *sections;
  const lk_ranges *own;
  ptrdiff_t P;
  int shards;
  bool half;             /* LK_WIRE_BF16: nodes below the root are rounded */
  size_t real;           /* bytes of one in a message */
  lk_rank_gradients *of; /* [members] */
  uint64_t steps;        /* calls of lk_reduction_sum() that have ended */

  /* of the step at hand */
  int completed;                    /* sections, the last first, whose gradients this rank has */
  ptrdiff_t posted, sent, finished; /* buckets whose receives and sends are under way, and that are summed */
  lk_status failed;                 /* of lk_reduction_offer(), until lk_reduction_sum() returns it */

  /* the plan */
  lk_term *term; /* [terms] */
  int terms, received;
  lk_sum_plan total;
  lk_run run;                            /* this rank's */
  lk_sum_plan run_plan[LK_MAX_SUBTREES]; /* one for each subtree of the run */
  int *destination;                      /* [destinations] ranks that this rank sends their ranges of the run */
  int destinations;

  /* buffers */
  ptrdiff_t bucket;                              /* reals of one range in one bucket */
  lk_buckets buckets;                            /* the last section first, as the backward pass completes them */
  ptrdiff_t part_rows;                           /* at most so many rows in the part of one bucket */
  void *incoming[LK_BUCKETS_IN_FLIGHT];          /* [received][bucket] reals as they are sent */
  uint8_t *incoming_marks[LK_BUCKETS_IN_FLIGHT]; /* [received][part_rows] */
  void *outgoing[LK_BUCKETS_IN_FLIGHT];          /* [destinations][subtrees of the run][bucket], the same */
  float *widened;                                /* [received][bucket] half: of the bucket that is being summed */
  float *narrowed;                               /* [bucket] half: a sum before it is narrowed */
  lk_operand *operand;                           /* [terms] */
  uint8_t *present;    /* [terms + LK_TREE_LEVELS] of one row; then [part_rows] of one sum to be sent */
  uint8_t *written;    /* [rows] of the total that may be non-zero; those of own are kept */
  float *temporary;    /* [LK_TREE_LEVELS][LK_SUM_BLOCK] */
  double *block_sum;   /* [blocks of P] sums of squares */
  double *block_ranks; /* [blocks of P] the same, rank by rank; several sections */
  size_t *block_bytes; /* [R] of each rank's block sums */
  MPI_Request *request[LK_BUCKETS_IN_FLIGHT]; /* receives, then sends */
  MPI_Status *status;
  int requests[LK_BUCKETS_IN_FLIGHT];
  lk_arena arena;
};

/* reduction_plan.c */
/** A reduction for this store, not planned yet.                                     Not collective. */
lk_reduction lk_reduction_of(lk_replicas *replicas, int shards);
/** Runs, terms and additions, from groups and shards; alike on every rank. LK_MEMORY. Not collective. */
LK_CHECKED lk_status lk_reduction_plan(lk_reduction *reduction);
/** Choose the size of buckets, from S, R, P and the ranges: the same on every rank. Not collective. */
void lk_reduction_cut(lk_reduction *reduction);
/** Free what lk_reduction_plan() has made.                                          Not collective. */
void lk_reduction_unplan(lk_reduction *reduction);

/* reduction_sum.c: no MPI */
/** out [n <= LK_SUM_BLOCK] = the plan's sum at reals at .. at + n of the part that begins at real `part`; ops > 0.
 *  Returns whether any real may differ from zero. present [rows of the part]: marks of the sum; rows without one are
 *  not written. out may be where one of the terms is.                                 Not collective. */
bool lk_reduction_add(const lk_reduction *reduction, const lk_sum_plan *plan, ptrdiff_t part, ptrdiff_t at, ptrdiff_t n,
                      float *out, uint8_t *present);
/** Sums of squares of n reals, one a block of LK_RANGE_BLOCK; out [ceil(n / LK_RANGE_BLOCK)]. Not collective. */
void lk_square_sums(const float *x, ptrdiff_t n, double *out);
/** Sum along a binary tree over the index; v is overwritten.                      Not collective. */
double lk_pairwise_sum(double *v, ptrdiff_t n);
