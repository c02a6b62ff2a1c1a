/* replicas_impl.h - the parameter store from inside, for the tree sum, which keeps gradients in the ranks' memory.
 *
 *   replicas_plan.c       ranges, who sends which to whom      replicas.c   creation, vectors to and from one rank
 *   replicas_exchange.c   values between groups: whole ranges in place; touched rows, or differences, in buckets */
#pragma once
#include "group_impl.h"
#include "sparse_rows_impl.h"

enum { LK_VALUES_IN_FLIGHT = 2 }; /* buckets of values: one is on its way while the next is packed */

typedef struct lk_sections { /* the ranges of all ranks */
  int count, ranks;
  lk_range *range; /* [count][ranks] */
} lk_sections;

/* Each range in pieces of `size` reals: bucket k is the same piece of the ranges of all ranks in one section, and the
 * sections take turns. */
typedef struct lk_buckets {
  ptrdiff_t size;
  bool falling; /* the last section first */
  int sections;
  ptrdiff_t first[LK_MOST_RANGES + 1]; /* the first one of the section whose turn it is; then: how many there are */
} lk_buckets;

struct lk_replicas {
  lk_comm *comm;
  lk_group group;
  ptrdiff_t P;
  lk_row_table rows;
  float *values; /* [P], the group's */
  void *packed;
  lk_sections sections;
  size_t *range_bytes; /* [sections][R] */
  lk_ranges own;
  /* Messages of lk_replicas_allgather(): ranks that this rank's ranges go to; ranks whose ranges it receives for its
   * group. */
  int *send_to, *receive_from;
  int sends, receives;
  MPI_Request *request; /* [sections][sends + receives] */
  MPI_Status *status;
  MPI_Datatype unit; /* LK_LANES floats: so MPI's int count reaches 128 GiB */
  lk_wire wire;
  bool skips; /* the update leaves untouched rows as they are */
  /* Where the update skips rows, and with BF16, ranges are sent in buckets, each packed if that is shorter. */
  bool by_rows;
  lk_buckets buckets;
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
/** The range of a rank in a section.                                              Not collective. */
lk_range lk_section_range(const lk_sections *sections, int section, int rank);
/** The size of the longest of all ranges.                                         Not collective. */
ptrdiff_t lk_longest_range(const lk_sections *sections);
/** Buckets of all ranges.                                                         Not collective. */
lk_buckets lk_buckets_make(const lk_sections *sections, ptrdiff_t size, bool falling);
static inline ptrdiff_t lk_buckets_count(const lk_buckets *buckets) { return buckets->first[buckets->sections]; }
/** The section that bucket k is of.                                               Not collective. */
int lk_bucket_section(const lk_buckets *buckets, ptrdiff_t k);
/** Bucket k of a rank; empty beyond the end of its range.                         Not collective. */
lk_range lk_bucket(const lk_sections *sections, const lk_buckets *buckets, int rank, ptrdiff_t k);
/* replicas_exchange.c */
/** Buffers of buckets; LK_MEMORY.                                                 Not collective. */
LK_CHECKED lk_status lk_replicas_plan_buckets(lk_replicas *replicas);
