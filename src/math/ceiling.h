/* ceiling.h - what the cores could do at best: fused multiply-adds on registers alone, by the chosen kernels' vectors. */
#pragma once
#include <stddef.h>

/** `rounds` passes over independent accumulators that never leave their registers; returns the flops that it took, a
 *  multiply and an add counted as two.                                            Not collective. */
double lk_ceiling_spin(ptrdiff_t rounds);
