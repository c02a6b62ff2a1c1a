/* sections.h - into which sections the parameters are divided, so that gradients travel while others are computed. */
#pragma once
#include "params.h"
#include "ranges.h"

/** Choose where sections end (lk_replicas_spec): at the beginnings of tensors, since the backward pass completes
 *  gradients tensor by tensor, from the end of the vector to its begin. Returns how many ends there are; none in small
 *  nets.                                                                                       Not collective. */
int lk_sections_cut(const lk_params *params, ptrdiff_t cut[LK_MOST_RANGES - 1]);
