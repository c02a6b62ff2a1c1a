/* replicas_impl.h - the parameter store from inside, for the tree sum, which keeps gradients in the ranks' memory.
 *
 *   replicas_plan.c       ranges, who sends which to whom      replicas.c   creation, vectors to and from one rank
 *   replicas_exchange.c   values between groups: whole ranges in place; touched rows, or differences, in buckets */
#pragma once
#include "group_impl.h"
#include "sparse_rows_impl.h"

enum { LK_VALUES_IN_FLIGHT = 2 }; /* buckets of values: one is on its way while the next is packed */

struct lk_replicas {
  lk_comm *comm;
  lk_group group;
  ptrdiff_t P;
  lk_row_table rows;
  float *values; /* [P], the group's */
  void *packed;
  lk_range *range;     /* [R] */
  size_t *range_bytes; /* [R] */
  /* Messages of lk_replicas_allgather(): ranks that this rank's range goes to; ranks whose ranges it receives for its
   * group. */
  int *send_to, *receive_from;
  int sends, receives;
  MPI_Request *request; /* [sends + receives] */
  MPI_Status *status;
  MPI_Datatype unit; /* LK_LANES floats: so MPI's int count reaches 128 GiB */
  lk_wire wire;
  bool skips; /* the update leaves untouched rows as they are */
  /* Where the update skips rows, and with BF16, ranges are sent in buckets, each packed if that is shorter. */
  bool by_rows;
  ptrdiff_t bucket, buckets;                        /* reals; of the longest range */
  void *out[LK_VALUES_IN_FLIGHT];                   /* [bucket] */
  void *in[LK_VALUES_IN_FLIGHT];                    /* [receives][bucket] */
  uint16_t *difference[LK_VALUES_IN_FLIGHT];        /* [bucket] BF16: of this rank's range */
  uint16_t *unpacked;                               /* [bucket] BF16: of another's */
  MPI_Request *bucket_request[LK_VALUES_IN_FLIGHT]; /* [receives + sends] */
  int requests[LK_VALUES_IN_FLIGHT];
  uint8_t *all; /* [rows] marks where any may have changed */
  lk_arena arena;
};

/* replicas_plan.c */
/** Ranges, rows, messages and the size of buckets, from the spec, the group and this rank's number. LK_MEMORY.
 *                                                                                 Not collective. */
LK_CHECKED lk_status lk_replicas_plan(lk_replicas *replicas, const lk_replicas_spec *spec);
void lk_replicas_unplan(lk_replicas *replicas); /* free what that has made         Not collective. */
/** The size of the longest of R ranges.                                           Not collective. */
ptrdiff_t lk_longest_range(const lk_range *range, int R);
/** Bucket k of a range that is cut into buckets of `size` reals; empty beyond its end. Not collective. */
lk_range lk_bucket(lk_range range, ptrdiff_t size, ptrdiff_t k);
/* replicas_exchange.c */
/** Buffers of buckets; LK_MEMORY.                                                 Not collective. */
LK_CHECKED lk_status lk_replicas_plan_buckets(lk_replicas *replicas);
