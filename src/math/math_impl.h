/* math_impl.h - what the sources of math/ share privately. */
#pragma once

/** OpenBLAS computes in the calling thread alone: ranks are the parallelism. */
void lk_blas_single_thread(void);
