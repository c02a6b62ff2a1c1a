/* reduction.h - the sum of all ranks' gradients along the fixed tree (shards.h).
 *
 * MPI adds no float, since its order would depend on R. Each rank computes the gradients of its subtrees; the rank that
 * owns a range of the parameters (replicas.h) adds that range of all subtrees in the order of the tree. A step:
 *
 *   lk_reduction_begin()    the gradients may be written: no rank reads those of the last step any more
 *   ...                     the backward pass writes lk_reduction_gradient() 0, 1, ... from the end of the vector on
 *   lk_reduction_offer()    at any time meanwhile: sections that are complete begin to travel
 *   lk_reduction_sum()      lk_reduction_total() [range] is the sum over all shards, for each of the rank's ranges
 *   ...                     the optimizer updates the values of these ranges; lk_replicas_begin()
 *
 * Ranks that share memory read each other's gradients in place. Neighbouring ranks of a group add what they can before
 * it is sent to another group. The bits do not depend on the grouping.
 *
 * Ownership: gradients and marks lie in the ranks' memory of the parameter store, which must outlive the sum. */
#pragma once
#include "replicas.h"

typedef struct lk_reduction lk_reduction;

/** The bytes that a rank with these shards needs as lk_replicas_spec.rank_bytes. Not collective. */
size_t lk_reduction_bytes(const lk_replicas_spec *spec, const lk_shards *shards);
/** LK_USAGE for fewer shards than ranks; LK_MEMORY.                               Collective. */
LK_CHECKED lk_status lk_reduction_create(lk_reduction **reduction, lk_replicas *replicas, int shards);
void lk_reduction_destroy(lk_reduction **reduction); /*                            Not collective. */

/** Gradient [P] of subtree p of this rank, zeros at first; subtrees as in lk_shards_make(shards, rank, size).
 *                                                                                 Not collective. */
float *lk_reduction_gradient(const lk_reduction *reduction, int p);
/** The marks of gradient p: a byte for each row of the spec's blocks; a row without a mark must hold zeros. Zeros at
 *  first; NULL if there are no blocks.                                            Not collective. */
uint8_t *lk_reduction_marks(const lk_reduction *reduction, int p);

/** Wait until no rank reads the gradients of the last step any more.             Collective. */
LK_CHECKED lk_status lk_reduction_begin(lk_reduction *reduction);
/** Say that the gradients of elements [offset, P) are complete: those of whole sections are sent to other groups, as
 *  far as that needs no waiting, and what has arrived is summed. offset P: nothing new, but messages under way make
 *  progress. Nothing may read or write these elements until lk_reduction_sum() has ended; that function also returns a
 *  failure of this one.                                                           Not collective. */
void lk_reduction_offer(lk_reduction *reduction, ptrdiff_t offset);
/** Sum the gradients along the tree; all of them are complete.                     Collective. */
LK_CHECKED lk_status lk_reduction_sum(lk_reduction *reduction);
/** The sum over range i of this rank (lk_replicas_own()); it takes the place of gradient 0 there. Not collective. */
float *lk_reduction_total(const lk_reduction *reduction, int i);
/** Find the next part of range i of the total that may differ from zero: *part, {0, 0} at first, becomes the part that
 *  follows it, counted from the range's begin. false: there are no more.          Not collective. */
bool lk_reduction_next_part(const lk_reduction *reduction, int i, lk_range *part);
/** Marks of the total's rows, valid for those in this rank's ranges, to be passed to lk_replicas_begin(); NULL if there
 *  are no blocks.                                                                 Not collective. */
const uint8_t *lk_reduction_touched(const lk_reduction *reduction);
/** Sum of squares of the total over all ranks, in double, the same bits for every R. Collective. */
LK_CHECKED lk_status lk_reduction_square_sum(lk_reduction *reduction, double *out);
