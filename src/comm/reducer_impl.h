/* reducer_impl.h - the plan and the buffers of a reduction.
 *
 * Every rank knows every rank's pieces and slices, so all of it is laid out once, at creation: which additions lead
 * from the pieces to the total (ops), how the slices are cut into buckets, where each bucket is received.
 *
 *   sources 0..N-1        the pieces of rank 0, rank 1, ...: in the order of the shards
 *   values  0..N-1        a source;   N + t: temporary t   */
#pragma once
#include "comm_impl.h"
#include "lockstep/arena.h"

#define LK_SUM_BLOCK 2048          /* reals added at a time: sources and temporaries of a block stay in cache */
#define LK_BUCKET    (1024 * 1024) /* reals in flight of one bucket, over all sources */
#define LK_WINDOW    2             /* buckets in flight: one arrives while one is summed */

typedef struct lk_sum_op { /* value into = value left + value right */
  int into, left, right;
} lk_sum_op;

struct lk_reducer {
  lk_comm *comm;
  int shards;
  ptrdiff_t P;
  lk_slice own;
  int sources, first_source; /* N; this rank's are first_source .. + pieces */
  int pieces, ops;
  lk_sum_op *op;              /* [N-1] */
  int *source_rank;           /* [N] */
  const float **source;       /* [N] rows of the bucket being summed */
  lk_slice *slice;            /* [R] */
  size_t *slice_bytes;        /* [R] */
  size_t *record_bytes;       /* [R] */
  size_t *block_bytes;        /* [R] block sums of squares */
  int *unit_count;            /* [R] slices in units of LK_LANES reals: MPI's int reaches 128 GiB */
  int *unit_place;            /* [R] */
  ptrdiff_t bucket;           /* reals of one slice in one bucket */
  ptrdiff_t buckets;          /* of the longest slice */
  float *received[LK_WINDOW]; /* [N][bucket] without this rank's own rows */
  float *temporary;           /* [LK_TREE_LEVELS][LK_SUM_BLOCK] */
  double *block_sum;          /* [blocks of P] */
  MPI_Request *request[LK_WINDOW];
  int requests[LK_WINDOW];
  MPI_Datatype unit; /* LK_LANES floats */
  lk_arena arena;
};

/** Fill op[] from the tree; returns how many.                                     Not collective. */
int lk_reducer_plan(lk_reducer *reducer);
/** n reals of the total: source[N] are the rows, out may be a row of this rank's. Not collective. */
void lk_reducer_add(const lk_reducer *reducer, const float *const *source, float *out, ptrdiff_t n);
/** Sums of squares of n reals, one a block of LK_SLICE_BLOCK; out [ceil(n / LK_SLICE_BLOCK)]. Not collective. */
void lk_square_sums(const float *x, ptrdiff_t n, double *out);
/** Sum along a binary tree over the index; v is overwritten.                      Not collective. */
double lk_pairwise_sum(double *v, ptrdiff_t n);
