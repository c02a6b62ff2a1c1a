/* no_blas.c - replaces the kernels that use OpenBLAS where there is no OpenBLAS for the architecture. They cannot be chosen
 * then. */
#include "kernels.h"
#include "math_impl.h"

const lk_kernels lk_kernels_blas = {.name = "blas"};

void lk_blas_single_thread(void) {}
