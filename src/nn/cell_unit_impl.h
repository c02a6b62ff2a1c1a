/* cell_unit_impl.h - what a cell's pointwise part works on: one vector of units of one row.
 * Included after CELL_GATES is defined. */
#pragma once
#include <string.h>

#include "cell_impl.h"
#include "tile.h"
#include "vector_math.h"

typedef struct cell_unit {
  /* forward  in: pre-activations     out: activations
   * backward in: activations         out: gradients by the pre-activations */
  lk_vec gate[CELL_GATES];
  lk_vec input;        /* CELL_SEPARATE: W_i x + b_i of the last gate, whose gate[] then holds W_h h + b_h alone */
  lk_vec keep;         /* CELL_SEPARATE: forward out: that recurrent part; backward out: the gradient by it */
  lk_vec h0, c0, h, c; /* states before and after */
  lk_vec dh, dc;       /* backward in: gradients by the states after */
  lk_vec dh0, dc0;     /* backward out: by the states before, apart from what goes through W_h */
} cell_unit;

/* Derivatives of the activations, by their values. */
LK_INLINE lk_vec through_sigmoid(lk_vec dy, lk_vec y) { return dy * (y * (lk_splat(1) - y)); }
LK_INLINE lk_vec through_tanh(lk_vec dy, lk_vec y) { return dy * lk_fma(-y, y, lk_splat(1)); }
