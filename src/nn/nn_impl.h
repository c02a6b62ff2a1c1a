/* nn_impl.h - what the sources of nn/ share privately. */
#pragma once
#include <string.h>

#include "params.h"

/** Initial values of one tensor [count], element i a function of (seed, index of the tensor, i). LK_MEMORY. */
LK_CHECKED lk_status lk_init_tensor(const lk_param *p, uint64_t seed, uint32_t index, lk_real *values);

/* Zero the pad columns of a row of a matrix with `width` columns: up to whole lanes, as far as the row goes. */
static inline void zero_pads(lk_real *row, ptrdiff_t width, ptrdiff_t ld) {
  ptrdiff_t end = lk_padded(width) < ld ? lk_padded(width) : ld;
  for (ptrdiff_t i = width; i < end; i++) row[i] = 0;
}

struct lk_head;
/** Replace the n scores and the own tensors of a head by the means over it and the joined heads, all of which have just
 *  scored. */
void lk_head_average(struct lk_head *head, const lk_params *params, ptrdiff_t n);

static inline void copy_row(lk_real *to, const lk_real *from, ptrdiff_t n) { memcpy(to, from, (size_t)n * sizeof *to); }
