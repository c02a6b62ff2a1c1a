/* no_blas.c - in the place of the kernels that use OpenBLAS where there is none for the architecture: a name that nobody
 * chooses here. */
#include "kernels.h"
#include "math_impl.h"

const lk_kernels lk_kernels_blas = {.name = "blas"};

void lk_blas_single_thread(void) {}
