/* match.h - which tensor of a file is which piece of a model.
 *
 * Tensors are matched module by module. A module is all tensors whose names agree up to the last dot, such as
 * {rnn.weight_ih_l0, ...}. A module of the file fits if it has every tensor of the model's module, by last name and
 * shape, and no others. It is chosen by, in this order: what the user says (--map); the same name; being the only one
 * that fits; being the only one that fits and whose name ends alike (encoder.embedding for embedding). A module may
 * lack its biases, as with bias=False: they are zeros then. Not collective throughout. */
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
