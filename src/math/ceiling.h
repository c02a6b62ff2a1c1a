/* ceiling.h - the peak of a core: fused multiply-adds on registers alone, with the chosen kernels' vectors. */
#pragma once
#include <stddef.h>

/** `rounds` passes over independent accumulators that stay in registers; returns the number of flops, a multiply and an
 *  add counted as two.                                            Not collective. */
double lk_ceiling_spin(ptrdiff_t rounds);
