/* cell_unit_impl.h - arguments of a cell's pointwise part: one vector of units of one row. Include after CELL_GATES
 * is defined. */
#pragma once
#include <string.h>

#include "cell_impl.h"
#include "tile.h"
#include "vector_math.h"

typedef struct cell_unit {
  /* forward  in: pre-activations     out: activations
   * backward in: activations         out: gradients with respect to the pre-activations */
  lk_vec gate[CELL_GATES];
  lk_vec input;        /* CELL_SEPARATE: W_i x + b_i of the last gate; its gate[] then holds only W_h h + b_h */
  lk_vec keep;         /* CELL_SEPARATE: forward out: that recurrent part; backward out: its gradient */
  lk_vec h0, c0, h, c; /* previous and new states */
  lk_vec by_c[2];      /* weight_c of the first gates */
  lk_vec highway;      /* what a skip connection is multiplied by */
  lk_vec dh, dc;       /* backward in: gradients with respect to the new states */
  lk_vec dh0, dc0;     /* backward out: with respect to the previous states, excluding the path through W_h */
} cell_unit;

/* Derivatives of the activations, in terms of their values. */
LK_INLINE lk_vec through_sigmoid(lk_vec dy, lk_vec y) { return dy * (y * (lk_splat(1) - y)); }
LK_INLINE lk_vec through_tanh(lk_vec dy, lk_vec y) { return dy * lk_fma(-y, y, lk_splat(1)); }
