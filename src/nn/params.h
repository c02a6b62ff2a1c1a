/* params.h - one flat vector holds every trainable number of a model.
 *
 * A layer declares its tensors once, with lk_params_add(). After lk_params_commit() values, gradients and each
 * optimizer moment are vectors of one length with the same offsets: reduction is a sum over one array, clipping one
 * norm, a checkpoint one walk over the table; none of them can forget a layer.
 *
 *   offset:  0              A              A+B                 P
 *            | embedding.weight | rnn.0.weight_ih | ... | output.bias |     each starts at a multiple of LK_LANES;
 *                                                                          the gaps are zero and stay zero
 *
 * Ownership: lk_params owns the table and, unless it was committed at a place of the caller's, the values; layers keep
 * ids, never pointers that outlive it. */
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
  char name[96];    /* "rnn.0.forward.weight_hh": dots become groups of a checkpoint */
  const char *note; /* shape letters and gate order, for the file: "4H,H gates i f g o" */
  int dims;
  ptrdiff_t shape[LK_MAX_DIMS], count, offset;
  lk_init init;
  /* rows [begin, end) of axis 0 that start from another constant (a forget gate's bias); begin == end: none */
  ptrdiff_t special_begin, special_end;
  double special;
  int decay; /* whether weight decay applies: matrices yes, biases no */
  /* The gradient has few rows that are not zero, and comes with marks of those (lk_grads.touched); filled in: the number
   * of this tensor's first row, counted over all such tensors */
  int sparse;
  ptrdiff_t first_row;
} lk_param;

typedef struct lk_params lk_params;

LK_CHECKED lk_status lk_params_create(lk_params **params);
void lk_params_destroy(lk_params **params);
/** Declare a tensor; *id numbers it. Copies *p (offset and count are filled in).   Not collective. */
LK_CHECKED lk_status lk_params_add(lk_params *params, const lk_param *p, int *id);
/** Allocate and initialise the values from `seed`: each element a function of (seed, tensor index, element). */
LK_CHECKED lk_status lk_params_commit(lk_params *params, uint64_t seed);
/** The same into values [P] of the caller's, zero before and 64-byte aligned, which outlive params: where several ranks
 *  hold them together, each initialises the tensors of its part.                  Not collective. */
LK_CHECKED lk_status lk_params_commit_at(lk_params *params, uint64_t seed, lk_real *values, lk_part part);
int lk_params_tensors(const lk_params *params);
const lk_param *lk_params_at(const lk_params *params, int id);
/** P, a multiple of LK_LANES.                                                     Not collective. */
ptrdiff_t lk_params_count(const lk_params *params);
/** The tensors with sparse gradients, in order, at most `most` of them; returns how many there are. */
int lk_params_row_blocks(const lk_params *params, lk_row_block *blocks, int most);
/** Trainable numbers, without the gaps.                                           Not collective. */
ptrdiff_t lk_params_trainable(const lk_params *params);
lk_real *lk_params_values(lk_params *params);
/** The values of one tensor.                                                      Not collective. */
lk_real *lk_params_value(const lk_params *params, int id);

/* The gradients of a step: one vector [P] for each of the rank's subtrees. Each tensor's is assigned once a step.
 *
 * touched[p]: a byte for each row of the tensors with sparse gradients, zero where the row is zero in subtree p. The layer
 * then clears the rows that are marked from the step before, and no others; at first all are marked, or all rows are
 * zero. NULL: no marks, the layer assigns every row. */
typedef struct lk_grads {
  const lk_shards *shards;
  const lk_params *params;
  lk_real *subtree[LK_MAX_SUBTREES];
  uint8_t *touched[LK_MAX_SUBTREES];
} lk_grads;

/** Where lk_sum_shards() puts tensor `id`: to[p] for each subtree.                  Not collective. */
void lk_grads_of(const lk_grads *grads, int id, lk_real *to[LK_MAX_SUBTREES]);
/** The same from the tensor's real `first` on.                                    Not collective. */
void lk_grads_at(const lk_grads *grads, int id, ptrdiff_t first, lk_real *to[LK_MAX_SUBTREES]);
/** Its marks: to[p] for each subtree, NULL where there are none.                    Not collective. */
void lk_grads_touched(const lk_grads *grads, int id, uint8_t *to[LK_MAX_SUBTREES]);
