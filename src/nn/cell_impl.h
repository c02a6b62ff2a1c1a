/* cell_impl.h - interface between a cell and recurrent.c: sizes, names, and functions for one instruction set.
 *
 * cell_<name>.c defines CELL_* and the pointwise functions and then includes cell_loops_impl.h or, without a product in
 * the loop over time, cell_parallel_impl.h, which define the rest. */
#pragma once
#include "cell.h"

/* Rows of one time step that are processed together: either all of them need the product with W_hh, or none does. */
typedef struct lk_cell_step {
  ptrdiff_t n;
  const int32_t *row;   /* [n] packed rows; NULL: 0..n-1 */
  const int32_t *after; /* backward: after[r] is the packed row that follows r in the direction of the layer */
  ptrdiff_t offset;     /* the state of row r is state row offset + r; offset is B, or 0 for the initial states */
  int product;          /* forward: add W_hh h; backward: add the gradient from the rows `after` */
  int states_only;      /* backward: only add the gradient from `after`, because initial states have no gates */
} lk_cell_step;

/* weight_dropout.c */
/** Whether the pass at hand dropped weights, and what kept ones were multiplied by. */
int lk_recurrent_drops(const lk_recurrent *layer);
lk_real lk_recurrent_scale(const lk_recurrent *layer);
/** Zeros for the dropped elements of a gate's gradient with respect to W_hh, to[p] [H, H]. */
void lk_recurrent_drop_gradient(const lk_recurrent *layer, ptrdiff_t gate, int subtrees, lk_real *const *to);

struct lk_cell {
  const char *name;
  const char *note_ih, *note_hh, *note_bias; /* shapes and order of gates, for descriptions of the tensors */
  int gates, states;                         /* 1: h; 2: h, c */
  int first;                                 /* of these, that a step reads: 0, or 1 if it reads c alone */
  int ahead;                                 /* the last gates that belong to the next row (cell.h) */
  int biases;                                /* the first gates that have a bias */
  int vectors;                               /* the first gates that c reaches, by weight_c */
  int skip;                                  /* the last gate is a skip connection (cell.h) */
  /* the last gate's W_hh h + b_hh is kept separate from its input part (GRU) */
  int separate;
  const char *reads; /* settings that not every cell reads (choices.h) */
  int forget;        /* index of the gate to which forget_bias applies, or -1 */
  int recurrent;     /* has W_hh; otherwise the next four are NULL */
  ptrdiff_t (*packed_size)(ptrdiff_t H, int bf16);
  ptrdiff_t (*transposed_size)(ptrdiff_t H, int bf16);
  void (*pack)(lk_real *to, ptrdiff_t H, int bf16, const lk_real *weight_hh, lk_part part);
  void (*transpose)(lk_real *to, ptrdiff_t H, int bf16, const lk_real *weight_hh, lk_part part);
  /** gates: in the input parts, out the activations; also writes h, c and the tape of the step's rows. */
  void (*forward)(const lk_recurrent *layer, const lk_cell_step *step);
  /** gates: in the activations, out gradients with respect to the pre-activations; adds to dh and dc of the previous
   *  rows. */
  void (*backward)(const lk_recurrent *layer, const lk_cell_step *step);
};

/** Gates that are products with W_ih: all, or all but a skip connection.           Not collective. */
static inline ptrdiff_t lk_recurrent_products(const lk_recurrent *layer) { return layer->cell->gates - layer->copies; }
