/* sections.h - into which sections the parameters are divided, so that gradients travel while others are computed. */
#pragma once
#include "params.h"
#include "ranges.h"

/** Where sections end (lk_replicas_spec): where tensors begin, as the backward pass completes gradients from the end of
 *  the vector to its begin, tensor by tensor. Returns how many there are; none in small nets.  Not collective. */
int lk_sections_cut(const lk_params *params, ptrdiff_t cut[LK_MOST_RANGES - 1]);
