/* replicas.h - the parameters that all ranks hold alike: values, packed weights, and which ranges each rank owns.
 *
 * The flat vector of P reals is cut into sections, and each section into R ranges, one for each rank, at multiples of
 * LK_RANGE_BLOCK. The rank that owns a range updates it; an exchange then brings all ranges to all ranks, the first
 * section first. Ranks that share memory form a group, which holds one copy: within a group the exchange only waits, it
 * copies nothing, and the members divide the work on the copy (packing weights) by lk_replicas_part(). If there is only
 * one group there is one section: sections let gradients (reduction.h), and the values of the layers that a net reads
 * last, travel while other things are computed.
 *
 *   P = 8 blocks, 2 ranks, sections [0, 2) and [2, 8):     rank 0 owns blocks 0, 2 3 4; rank 1 blocks 1, 5 6 7
 *
 *   lk_replicas_values() [ranges]   written by their owner
 *   lk_replicas_begin()             they are on their way
 *   lk_replicas_await(end)          lk_replicas_values() [0, end) is up to date on every rank of the group
 *   lk_replicas_packed()            each rank writes its part
 *   lk_replicas_meet()              the whole of it can be read
 *
 * The store also holds memory for each rank that the other ranks of its group can read; the tree sum keeps gradients in
 * it (reduction.h). Which ranks share memory changes no bits.
 *
 * Ownership: the store owns values, packed weights and the ranks' memory. */
#pragma once
#include "comm.h"
#include "config.h"
#include "ranges.h"

#define LK_RANGE_BLOCK 1024 /* reals; norms are sums of per-block sums, so they do not depend on the ranges */

typedef struct lk_replicas lk_replicas;

/* How ranks exchange data. AUTO: shared memory between the ranks of a host where it can be had, else messages. */
typedef enum lk_transport { LK_TRANSPORT_AUTO, LK_TRANSPORT_MESSAGES, LK_TRANSPORT_WINDOWS } lk_transport;

/* How a real is written in messages between hosts (parallel.wire). The values are rounded alike in every run, on
 * however many hosts. With BF16, partial gradients are rounded (lk_shards.rounded), and so are the differences of
 * updated values to the former ones. */
typedef enum lk_wire { LK_WIRE_FLOAT32, LK_WIRE_BF16 } lk_wire;
/** LK_USAGE for an unknown name.                                                  Not collective. */
LK_CHECKED lk_status lk_wire_read(lk_wire *wire, const lk_config *config);
/** Bytes in a message for a real of a gradient, or of a value after an update.      Not collective. */
static inline size_t lk_wire_bytes(lk_wire wire) { return wire == LK_WIRE_BF16 ? sizeof(uint16_t) : sizeof(float); }

typedef struct lk_replicas_spec {
  ptrdiff_t P;                /* a multiple of LK_LANES, above 0 */
  const lk_row_block *blocks; /* tensors whose gradients have few non-zero rows, by offset; copied */
  int block_count;
  ptrdiff_t cut[LK_MOST_RANGES - 1]; /* where a section ends and the next begins: rising multiples of LK_RANGE_BLOCK */
  int cuts;
  bool sparse_update;  /* the update skips rows whose gradient is zero */
  double tokens;       /* that a step of all ranks reads, about: as many rows of a block are touched at most; 0: few */
  size_t packed_bytes; /* for packed weights */
  size_t rank_bytes;   /* of this rank's own memory; ranks may ask for different sizes */
  size_t gathered_bytes; /* that lk_replicas_gather_shards() gathers at most */
  lk_transport transport;
  lk_wire wire;
} lk_replicas_spec;

/** All memory is zero at first. LK_USAGE where transport is WINDOWS and a host has no shared memory; LK_MEMORY.
 *                                                                                 Collective. */
LK_CHECKED lk_status lk_replicas_create(lk_replicas **replicas, lk_comm *comm, const lk_replicas_spec *spec);
void lk_replicas_destroy(lk_replicas **replicas); /*                               Collective. */

float *lk_replicas_values(const lk_replicas *replicas); /* [P]                     Not collective. */
void *lk_replicas_packed(const lk_replicas *replicas);  /* spec.packed_bytes       Not collective. */
/** The range of a section of [P] that rank `rank` of `size` owns, cut so that all have about as much to sum and to
 *  update. The section begins at a multiple of LK_RANGE_BLOCK.                     Not collective. */
lk_range lk_replicas_cut(const lk_replicas_spec *spec, lk_range section, int rank, int size);
/** This rank's ranges of [P], one a section.                                      Not collective. */
const lk_ranges *lk_replicas_own(const lk_replicas *replicas);
/** The rows of range i of them, counted over all of the spec's blocks.             Not collective. */
lk_range lk_replicas_rows(const lk_replicas *replicas, int i);
/** This rank's part of the work on its group's copy.                              Not collective. */
lk_part lk_replicas_part(const lk_replicas *replicas);
/** For the log: "shared memory, 4 ranks in 2 groups", or why not.                 Not collective. */
const char *lk_replicas_description(const lk_replicas *replicas);

/** A barrier of the ranks that share memory: what each wrote, all of them see.    Collective. */
LK_CHECKED lk_status lk_replicas_meet(lk_replicas *replicas);
/** After an update of this rank's ranges: begin to send them to all ranks. Until lk_replicas_await(P) has returned, no
 *  value may be written, and only those be read that were waited for.
 *  changed [rows of all blocks]: marks of the rows that the update may have changed; only those of this rank's ranges
 *  are read. Unmarked rows are left out of a message if that makes it shorter. NULL: all may have changed.
 *  weights: NULL with FLOAT32. With BF16: w, this rank's weights, an own vector (ranges.h). The values v on every rank
 *  follow them: v += bf16(w - v). What rounding leaves out of a difference is in the next one. Collective. */
LK_CHECKED lk_status lk_replicas_begin(lk_replicas *replicas, const float *weights, const uint8_t *changed);
/** Let messages make progress, without waiting; returns whether any are still under way. lk_replicas_await() returns a
 *  failure.                                                                       Not collective. */
bool lk_replicas_move(lk_replicas *replicas);
/** Whether values [0, end) are up to date on every rank of the group; the second one waits until they are and, if end is
 *  P, until what this rank sends has left.
 *                                                                                 Not collective. */
bool lk_replicas_reached(const lk_replicas *replicas, ptrdiff_t end);
LK_CHECKED lk_status lk_replicas_await(lk_replicas *replicas, ptrdiff_t end);
/** Tell the group that this rank has packed its part of the first `stages` stages of a net (at most 999) from the values
 *  of the last exchange; wait until all its ranks have.                           Not collective. */
void lk_replicas_tell_packed(lk_replicas *replicas, int stages);
LK_CHECKED lk_status lk_replicas_await_packed(lk_replicas *replicas, int stages);
/** Bring every rank's ranges of the values to all ranks, unrounded. changed: see lk_replicas_begin(); NULL: any may
 *  have changed.                                                                  Collective. */
LK_CHECKED lk_status lk_replicas_allgather(lk_replicas *replicas, const uint8_t *changed);
/** As lk_comm_allgather_shards(), but one rank of each group exchanges messages for all of its ranks. Collective. */
LK_CHECKED lk_status lk_replicas_gather_shards(lk_replicas *replicas, int shards, const void *mine, void *all,
                                               size_t bytes);
/** All values from rank 0 to all.                                                 Collective. */
LK_CHECKED lk_status lk_replicas_broadcast(lk_replicas *replicas);
/** Gather a vector that is held in ranges, such as an optimizer's moment: `own` (ranges.h) of all ranks to all [P] on
 *  root; and the reverse.                                                         Collective. */
LK_CHECKED lk_status lk_replicas_gather(lk_replicas *replicas, const float *own, float *all, int root);
LK_CHECKED lk_status lk_replicas_scatter(lk_replicas *replicas, const float *all, float *own, int root);
