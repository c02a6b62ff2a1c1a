/* replicas_impl.h - the parameter store from inside, for the tree sum, which keeps gradients in the ranks' memory.
 *
 *   replicas_plan.c       ranges, who sends which to whom      replicas.c   creation, vectors to and from one rank
 *   replicas_exchange.c   values between groups: in place, touched rows, or differences, in buckets */
#pragma once
#include "group_impl.h"
#include "sparse_rows_impl.h"

/* How often a call that lets messages make progress calls MPI. Open MPI looks at its sockets at each eighth call only,
 * and takes a part of a message at a time. With 32 a step of a character LM waited 37 ms for its sums, with one 51 ms
 * (LSTM 2x512, two hosts, 1 Gbit/s). */
enum { LK_CALLS = 32 };

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

/* An exchange of updated values: the current one, or the last one. */
typedef struct lk_exchange {
  const float *weights; /* [own] that the values follow; NULL: values are sent, no differences */
  size_t real;          /* bytes of what is sent for one */
  uint64_t number;
  ptrdiff_t posted, finished; /* buckets that are on their way, and that have arrived */
  int awaited;                /* sections that somebody has waited for */
  lk_status failed;           /* of lk_replicas_move(), until lk_replicas_await() returns it */
} lk_exchange;

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
  int *send_to, *receive_from; /* ranks that this rank's ranges go to; whose ranges it receives for its group */
  int sends, receives;
  lk_wire wire;
  bool skips;   /* the update leaves untouched rows as they are */
  bool by_rows; /* buckets are sent without untouched rows, where that is shorter */
  bool late;    /* for tests: nothing is on its way before it is waited for */
  lk_buckets buckets;
  lk_exchange exchange;
  void *out[LK_VALUES_IN_FLIGHT];                   /* [bucket] */
  void *in[LK_VALUES_IN_FLIGHT];                    /* [receives][bucket] */
  uint16_t *difference[LK_VALUES_IN_FLIGHT];        /* [bucket] BF16: of this rank's range */
  uint16_t *unpacked;                               /* [bucket] BF16: of another's */
  MPI_Request *bucket_request[LK_VALUES_IN_FLIGHT]; /* [receives + sends] */
  int requests[LK_VALUES_IN_FLIGHT];
  MPI_Status *status; /* [receives + sends] */
  uint8_t *marks;     /* [rows] of this rank's ranges: which the exchange at hand sends */
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
/** The section to which bucket k belongs.                                         Not collective. */
int lk_bucket_section(const lk_buckets *buckets, ptrdiff_t k);
/** Bucket k of a rank; empty beyond the end of its range.                         Not collective. */
lk_range lk_bucket(const lk_sections *sections, const lk_buckets *buckets, int rank, ptrdiff_t k);
/* replicas_exchange.c */
/** Buffers of buckets; LK_MEMORY.                                                 Not collective. */
LK_CHECKED lk_status lk_replicas_plan_buckets(lk_replicas *replicas);
/** To be called before the memory is freed: wait for the messages of an exchange that nobody waited for. Collective. */
void lk_replicas_abandon(lk_replicas *replicas);
