/* chain.h - the best label sequences of a sentence under a linear chain.
 *
 *   score(y) = first(y_1) + sum over t of s(t, y_t) + sum over t > 1 of follow(y_t-1, y_t) + last(y_T)
 *
 * s are the scores of a head [rows, ld]; first, follow and last belong to the chain. A softmax head has no chain: its
 * sequences are those of independent words. A label that is not allowed in its place costs LK_CHAIN_ILLEGAL, so an
 * allowed sequence beats all others; if none is allowed, the one with the fewest faults is found. Not collective
 * throughout.
 *
 * Source: Viterbi 1967; the N best: Seshadri & Sundberg 1994, the parallel list algorithm. */
#pragma once
#include <stdbool.h>

#include "pack.h"

#define LK_CHAIN_ILLEGAL 1e9 /* nats; far above any score, and small enough that doubles keep the scores beside it */

typedef struct lk_chain {
  ptrdiff_t O;
  const double *follow;       /* [O, O] label j after label i: i O + j; NULL: 0, first and last too */
  const double *first, *last; /* [O] */
} lk_chain;

/** Bytes of workspace for the K best sequences of sentences of at most T words. */
size_t lk_chain_room(ptrdiff_t O, ptrdiff_t T, ptrdiff_t K);
/** The K best label sequences for sequence b of a pack, the best first: label [K, length], score [K], not counting the
 *  cost of labels that are not allowed. Returns how many: fewer than K if there are no more, or no more that are
 *  allowed. Of equal scores the lower label comes first. room: lk_chain_room(O, length, K) bytes, aligned as a
 *  double. */
ptrdiff_t lk_chain_best(const lk_chain *chain, const lk_pack *pack, ptrdiff_t b, const lk_real *scores, ptrdiff_t ld,
                        ptrdiff_t K, void *room, int32_t *label, double *score);
