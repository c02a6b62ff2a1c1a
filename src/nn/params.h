/* params.h - one flat vector holds all trainable parameters of a model.
 *
 * A layer declares its tensors once, with lk_params_add(). After lk_params_commit() values, gradients and each
 * optimizer moment are vectors of the same length with the same offsets: reduction is a sum of arrays, clipping one
 * norm, a checkpoint one loop over the table; none of them can forget a layer.
 *
 *   offset:  0              A              A+B                 P
 *            | embedding.weight | rnn.0.weight_ih | ... | output.bias |     each starts at a multiple of LK_LANES;
 *                                                                          the gaps are zero and stay zero
 *
 * Ownership: lk_params owns the table and, unless lk_params_commit_at() was given other memory, the values; layers
 * keep ids, never pointers that outlive it. */
#pragma once
#include "shards.h"
#include "status.h"

#define LK_MAX_DIMS 3

typedef enum lk_init_kind { LK_INIT_CONSTANT, LK_INIT_UNIFORM, LK_INIT_NORMAL, LK_INIT_ORTHOGONAL } lk_init_kind;
typedef struct lk_init {
  lk_init_kind kind;
  double scale; /* the constant; uniform in [-scale, scale]; standard deviation; gain */
} lk_init;

typedef struct lk_param {
  char name[96];    /* such as "rnn.0.forward.weight_hh"; dots become groups in a checkpoint */
  const char *note; /* shape and order of gates, stored in the checkpoint: "4H,H gates i f g o" */
  int dims;
  ptrdiff_t shape[LK_MAX_DIMS], count, offset;
  lk_init init;
  const float *values; /* [count] what it starts from instead, kept by the caller until the commit; or NULL */
  /* rows [begin, end) of axis 0 that are initialised to the constant `special` (bias of a forget gate); begin ==
   * end: none */
  ptrdiff_t special_begin, special_end;
  double special;
  int decay; /* whether weight decay applies: to matrices, not to biases */
  /* The gradient has few nonzero rows, which are marked (lk_grads.touched). first_row is filled in: the number of
   * this tensor's first row, counted over all such tensors. */
  int sparse;
  ptrdiff_t first_row;
} lk_param;

typedef struct lk_params lk_params;

LK_CHECKED lk_status lk_params_create(lk_params **params);
void lk_params_destroy(lk_params **params);
/** Declare a tensor; *id receives its number. *p is copied (offset and count are filled in).  Not collective. */
LK_CHECKED lk_status lk_params_add(lk_params *params, const lk_param *p, int *id);
/** Allocate and initialise the values: each element is a function of (seed, tensor index, element index). */
LK_CHECKED lk_status lk_params_commit(lk_params *params, uint64_t seed);
/** The same in memory of the caller: values [P], zero, 64-byte aligned, and valid longer than params. If several
 *  ranks share the memory, each initialises the tensors of its part.               Not collective. */
LK_CHECKED lk_status lk_params_commit_at(lk_params *params, uint64_t seed, lk_real *values, lk_part part);
/** lk_params_commit() and lk_params_commit_at() with zeros, for values that are then read from a file: drawing random
 *  ones takes seconds where there are millions. Each rank writes its part, so that it lies in memory near it.
 *  The first may return LK_MEMORY.                                                 Not collective. */
LK_CHECKED lk_status lk_params_zeros(lk_params *params);
void lk_params_zeros_at(lk_params *params, lk_real *values, lk_part part);
int lk_params_tensors(const lk_params *params);
const lk_param *lk_params_at(const lk_params *params, int id);
/** Length P of the vectors, a multiple of LK_LANES.                                Not collective. */
ptrdiff_t lk_params_count(const lk_params *params);
/** List the tensors with sparse gradients, in order, at most `most` of them; returns how many there are. */
int lk_params_row_blocks(const lk_params *params, lk_row_block *blocks, int most);
/** Number of trainable parameters, without the gaps.                               Not collective. */
ptrdiff_t lk_params_trainable(const lk_params *params);
lk_real *lk_params_values(lk_params *params);
/** The values of one tensor.                                                      Not collective. */
lk_real *lk_params_value(const lk_params *params, int id);
/** Values may still be arriving when a forward pass begins. Before it reads values it calls `need`, which waits for
 *  those of all tensors before `before`; before = 0: it waits for none, but some time has passed. need NULL: all values
 *  are there.                                                                     Not collective. */
void lk_params_awaited(lk_params *params, void (*need)(void *context, int before), void *context);
/** Announce that the values of all tensors before `before` are about to be read.  Not collective. */
void lk_params_need(const lk_params *params, int before);
/** Call lk_params_need() with 0: some time has passed.                            Not collective. */
void lk_params_pass(const lk_params *params);

/* The gradients of a step: one vector [P] for each of the rank's subtrees. Each tensor's part is assigned once per
 * step.
 *
 * touched[p]: one byte for each row of the tensors with sparse gradients, zero if the row is zero in subtree p. The
 * layer then clears only the rows that were marked by the previous step; initially all are marked, or all rows are
 * zero. NULL: there are no marks, and the layer assigns every row. */
/* tell: the backward pass calls it on its way, so that gradients can travel while others are computed: elements
 * [offset, P) are final; offset P: no others than before, but some time has passed. NULL: nobody needs to know. */
typedef struct lk_grads {
  const lk_shards *shards;
  const lk_params *params;
  lk_real *subtree[LK_MAX_SUBTREES];
  uint8_t *touched[LK_MAX_SUBTREES];
  void (*tell)(void *context, ptrdiff_t offset);
  void *context;
  bool inside; /* tensors behind those at hand are not final: lk_grads_inside() */
} lk_grads;

/** Announce that the gradients of tensor `id` and of all after it are final; id may be the number of tensors.
 *                                                                                                 Not collective. */
void lk_grads_final(const lk_grads *grads, int id);
/** Call `tell` with P: some time has passed.                                      Not collective. */
void lk_grads_pass(const lk_grads *grads);
/** A copy for a part of a net that is followed by tensors whose gradients are computed later: with it lk_grads_final()
 *  has no effect.                                                                 Not collective. */
lk_grads lk_grads_inside(const lk_grads *grads);

/** Destination of tensor `id` for lk_sum_shards(): to[p] for each subtree.         Not collective. */
void lk_grads_of(const lk_grads *grads, int id, lk_real *to[LK_MAX_SUBTREES]);
/** The same from element `first` of the tensor on.                                 Not collective. */
void lk_grads_at(const lk_grads *grads, int id, ptrdiff_t first, lk_real *to[LK_MAX_SUBTREES]);
/** The marks of a tensor: to[p] for each subtree; NULL if there are none.          Not collective. */
void lk_grads_touched(const lk_grads *grads, int id, uint8_t *to[LK_MAX_SUBTREES]);
