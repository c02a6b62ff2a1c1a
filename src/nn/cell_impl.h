/* cell_impl.h - what a cell is to recurrent.c: sizes, words, and four functions for one instruction set.
 *
 * cell_<name>.c defines CELL_* and the pointwise functions and then includes cell_loops_impl.h, which makes the rest. */
#pragma once
#include "cell.h"

/* Rows of one time that take one step: all of them start from a state that has to be multiplied, or none. */
typedef struct lk_cell_step {
  ptrdiff_t n;
  const int32_t *row;   /* [n] packed rows, NULL: 0..n-1 */
  const int32_t *after; /* backward: after[r] is the packed row that starts from the state of r */
  ptrdiff_t offset;     /* the state of row r is row offset + r: B, or 0 where rows stand for initial states */
  int product;          /* forward: whether W_hh h is added; backward: whether there is an `after` */
  int states_only;      /* backward: add the gradient that comes from `after`, but there is no gate behind it */
} lk_cell_step;

struct lk_cell {
  const char *name;
  const char *note_ih, *note_hh, *note_bias; /* shape letters and gate order */
  int gates, states;                         /* 1: h; 2: h, c */
  int separate;                              /* the last gate's W_h h + b_h is kept apart from its input part (GRU) */
  int forget;                                /* index of the gate that takes forget_bias, or -1 */
  ptrdiff_t (*packed_size)(ptrdiff_t H);
  ptrdiff_t (*transposed_size)(ptrdiff_t H);
  void (*pack)(lk_real *to, ptrdiff_t H, const lk_real *weight_hh, lk_part part);
  void (*transpose)(lk_real *to, ptrdiff_t H, const lk_real *weight_hh, lk_part part);
  /** gates: input parts become activations; writes h, c, and the tape at the rows of the step. */
  void (*forward)(const lk_recurrent *layer, const lk_cell_step *step);
  /** gates: activations become gradients by the pre-activations; adds to dh and dc of the rows before. */
  void (*backward)(const lk_recurrent *layer, const lk_cell_step *step);
};
