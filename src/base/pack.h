/* pack.h - a batch without padding.
 *
 * In a shard the sequences are sorted by falling length and stored time-major: time t has one row for each of the n_t
 * sequences that are longer than t. A shard's rows are contiguous; a step in time visits the rows of that time in all
 * the rank's shards through a list.
 *
 *     shard 0: lengths 3 2 2             shard 1: lengths 2 1
 *     row   0 1 2 | 3 4 5 | 6            7 8 | 9                  N = 10 rows, B = 5 sequences
 *     time  0     | 1     | 2            0   | 1
 *     list of time 0: 0 1 2 7 | 8        those with a later row first: 4 of 5
 *
 * State matrices begin with B rows for the initial states, so that the state before row r is always a row of the same
 * matrix:  [ B initial rows | N rows ], lk_pack_before(). The backward direction uses the same rows in reverse order of
 * time. Nothing here depends on what the rows contain. The arena owns all arrays. */
#pragma once
#include "arena.h"
#include "shards.h"

typedef struct lk_pack {
  const lk_shards *shards;
  ptrdiff_t B, N, T;                /* sequences, rows, steps of the longest */
  ptrdiff_t *shard_seq;             /* [shards+1] sequences of local shard s: shard_seq[s] .. shard_seq[s+1] */
  ptrdiff_t *shard_row;             /* [shards+1] its rows */
  int32_t *length;                  /* [B] falling inside a shard, >= 1 */
  int32_t *seq;                     /* [N] the sequence of a row */
  int32_t *time;                    /* [N] its time */
  int32_t *earlier;                 /* [N] row of the same sequence at time-1, or -1 */
  int32_t *later;                   /* [N] row at time+1, or -1 */
  int32_t *order;                   /* [N] rows by time */
  ptrdiff_t *step;                  /* [T+1] rows of time t: order[step[t] .. step[t+1]) */
  ptrdiff_t *linked;                /* [T] how many of them have a later row; they come first */
  uint32_t *id;                     /* [B] corpus row (or lane) of a sequence: selects its random numbers */
  int32_t *home;                    /* [B] the local shard of a sequence */
  int32_t *start;                   /* [N] start[shard_row[s] + t]: first row of time t of local shard s */
  ptrdiff_t *cursor;                /* [2T] scratch of lk_pack_fill() */
  ptrdiff_t B_most, N_most, T_most; /* capacity */
} lk_pack;

/** Lay out the arrays for at most B sequences, N rows, T steps.                   Not collective. */
void lk_pack_layout(lk_pack *pack, lk_arena *arena, const lk_shards *shards, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T);
/** Fill all from shard_seq, length (falling inside each shard; a shard may be empty) and id, which the caller set.
 *                                                                                 Not collective. */
void lk_pack_fill(lk_pack *pack);
/** Row of sequence b at time t < length[b].                                       Not collective. */
ptrdiff_t lk_pack_row(const lk_pack *pack, ptrdiff_t b, ptrdiff_t t);
/** Row, in a state matrix [B+N, .], of the state that row r starts from, forward or backward in time. */
static inline ptrdiff_t lk_pack_before(const lk_pack *p, ptrdiff_t row, int backward) {
  int32_t r = backward ? p->later[row] : p->earlier[row];
  return r < 0 ? p->seq[row] : p->B + r;
}
