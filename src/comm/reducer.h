/* reducer.h - the sum of all ranks' gradients along the fixed tree, and the weights that come of it.
 *
 * MPI adds no float: its order would depend on R. Ranks bring their subtrees (shards.h), rank r takes the sum of slice r
 * of the flat vector, updates that slice of the values, and the slices go to all. A step:
 *
 *   lk_reducer_begin()     the subtrees may be written again: nobody reads those of the last step
 *   ...                    backward writes lk_reducer_gradient() 0, 1, ...
 *   lk_reducer_sum()       lk_reducer_total() [slice] is the sum over all shards
 *   ...                    the optimizer updates lk_reducer_values() [slice]
 *   lk_reducer_share()     lk_reducer_values() [P] are the new ones, for every rank
 *
 * Where it can be had the ranks of a host keep subtrees and values in one window of shared memory: each reads the others'
 * subtrees in place, the values and what is made of them are there once, sharing them is a wait and no copy. Neighbouring
 * ranks of a host add what they can before it goes to another host. All else goes by messages; the bits are the same on
 * every path.
 *
 * Between begin and sum the values do not change; from sum to share a rank writes its slice of them and reads no other.
 *
 * Ownership: the reducer owns subtrees, marks, values and the memory beside them. */
#pragma once
#include "comm.h"

typedef struct lk_reducer lk_reducer;

/* How the ranks of a host reach each other's subtrees. AUTO: shared memory, messages where that cannot be had. */
typedef enum lk_reduction { LK_REDUCTION_AUTO, LK_REDUCTION_MESSAGES, LK_REDUCTION_WINDOWS } lk_reduction;
#define LK_REDUCTIONS 3
extern const char *const lk_reduction_names[LK_REDUCTIONS];

typedef struct lk_reducer_spec {
  int shards;
  ptrdiff_t P;                /* a multiple of LK_LANES; 0: for records only */
  const lk_row_block *blocks; /* tensors whose gradients have few rows that are not zero, by offset; copied */
  int block_count;
  bool rows_rest;      /* rows of theirs that no shard touched are left alone by the update too */
  size_t packed_bytes; /* bytes that the caller wants of the same memory */
  lk_reduction how;
} lk_reducer_spec;

/** LK_USAGE for fewer shards than ranks, or where `how` is WINDOWS and a host has none to give; LK_MEMORY. Collective. */
LK_CHECKED lk_status lk_reducer_create(lk_reducer **reducer, lk_comm *comm, const lk_reducer_spec *spec);
/** Gives back the windows.                                                        Collective. */
void lk_reducer_destroy(lk_reducer **reducer);

/** Piece p of this rank [P], zeros at first; of lk_shards_make(shards, rank, size). Not collective. */
float *lk_reducer_gradient(const lk_reducer *reducer, int p);
/** Its marks: a byte for each row of the blocks, counted through; a row that is not marked must hold zeros. NULL where
 *  there are no blocks. Zeros at first.                                           Not collective. */
uint8_t *lk_reducer_touched(const lk_reducer *reducer, int p);
/** The parameters [P], zeros at first.                                            Not collective. */
float *lk_reducer_values(const lk_reducer *reducer);
/** Slice of rank r of the vector, so that all have about as much to sum and to update. Not collective. */
lk_range lk_reducer_cut(const lk_reducer_spec *spec, int rank, int size);
/** This rank's slice [P].                                                         Not collective. */
lk_range lk_reducer_slice(const lk_reducer *reducer);
/** Where the sum of this rank's slice lands: its place in subtree 0.                Not collective. */
float *lk_reducer_total(const lk_reducer *reducer);
/** Memory beside the values, of spec.packed_bytes bytes, zeros at first: for what is made of them. Not collective. */
void *lk_reducer_packed(const lk_reducer *reducer);
/** Values and what lies beside them are held once a group of ranks; this one's part of what the group does to them
 *  together.                                                                      Not collective. */
lk_part lk_reducer_part(const lk_reducer *reducer);
/** What the ranks of a group wrote there is there for all of them.                Collective. */
LK_CHECKED lk_status lk_reducer_meet(lk_reducer *reducer);
/** How the ranks are grouped, for the log: "shared memory, 4 ranks in 2 groups", or why not. Not collective. */
const char *lk_reducer_words(const lk_reducer *reducer);

/** Wait until nobody reads the subtrees of the last step.                           Not collective. */
LK_CHECKED lk_status lk_reducer_begin(lk_reducer *reducer);
/** Sum the ranks' subtrees along the tree; each rank gets its slice of the total.   Collective. */
LK_CHECKED lk_status lk_reducer_sum(lk_reducer *reducer);
/** Which parts of the total of the last lk_reducer_sum() may differ from zero, in order: the next one behind *part, which
 *  is {0, 0} at first, counted from the slice's begin; false: none.              Not collective. */
bool lk_reducer_next_part(const lk_reducer *reducer, lk_range *part);
/** Sum of squares of the total of the last lk_reducer_sum(), in double, the same bits for every R. Collective. */
LK_CHECKED lk_status lk_reducer_square_sum(lk_reducer *reducer, double *out);
/** Every rank's slice of the values to all ranks (bytes only).                    Collective. */
LK_CHECKED lk_status lk_reducer_share(lk_reducer *reducer);
/** All values from rank 0 to all.                                                 Collective. */
LK_CHECKED lk_status lk_reducer_broadcast(lk_reducer *reducer);
/** Slices [slice] of all ranks to one vector [P] on root, and back.               Collective. */
LK_CHECKED lk_status lk_reducer_gather(lk_reducer *reducer, const float *slice, float *all, int root);
LK_CHECKED lk_status lk_reducer_scatter(lk_reducer *reducer, const float *all, float *slice, int root);
/** Per-shard records of `bytes` each, from the hosts of the shards to all ranks, by shard: all [S][bytes]. Collective. */
LK_CHECKED lk_status lk_reducer_records(lk_reducer *reducer, const void *mine, void *all, size_t bytes);
