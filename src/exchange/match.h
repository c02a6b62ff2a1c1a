/* match.h - which tensor of a file is which piece of a model.
 *
 * Tensors are matched by modules, that is by what stands before the last dot of their names: {rnn.weight_ih_l0, ...} are
 * one module. A module of the file fits where it has every tensor of the model's, of the same shape and by the same last
 * name, and no others. It is found by, in this order: what the user says (--map), the same name, being the only one that
 * fits, being the only one of these whose name ends alike (encoder.embedding for embedding). A module may lack its biases,
 * as in bias=False: they are zeros then. Not collective throughout. */
#pragma once
#include "outside.h"
#include "pieces.h"

/* Tensor or module `ours` is `theirs` in the file. */
typedef struct lk_mapping {
  const char *ours, *theirs;
} lk_mapping;

typedef struct lk_mappings {
  const lk_mapping *item;
  int count;
} lk_mappings;

/** of [count]: the tensor of each piece; NULL: it has none, and is zero (or left out, where it is not OWN). Notes of what is
 *  missing and what the file has besides are appended to `notes`, a line each. LK_DATA with `path`, the tensor, and what to
 *  do; LK_USAGE for a mapping that names nothing; LK_MEMORY. */
LK_CHECKED lk_status lk_match(const lk_outside *outside, const char *path, const lk_piece *pieces, int count,
                              lk_mappings maps, const lk_outside_tensor **of, lk_buffer *notes);
