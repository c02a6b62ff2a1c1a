/* no_blas.c - in the place of src/math/lk_blas.c where there is no OpenBLAS for the architecture. */
#include "math/math_impl.h"

void lk_blas_single_thread(void) {}
