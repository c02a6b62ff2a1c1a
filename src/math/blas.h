/* blas.h - OpenBLAS itself: for the kernels called "blas", and for tests and bench, which compare with it. */
#pragma once
#include "real.h"

/** OpenBLAS computes in the calling thread alone from now on; ranks are the parallelism. Not collective. */
void lk_blas_single_thread(void);
/** C = op(A) op(B) + beta C by OpenBLAS, row-major: for tests and bench.           Not collective. */
void lk_blas_gemm(int transpose_a, int transpose_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const lk_real *a,
                  ptrdiff_t lda, const lk_real *b, ptrdiff_t ldb, lk_real beta, lk_real *c, ptrdiff_t ldc);
/** A second copy of OpenBLAS, with the kernels that it has for one CPU type. */
typedef struct lk_blas_copy {
  char core[32];      /* that type, by OpenBLAS's own name */
  void (*gemm)(void); /* its cblas_sgemm(), or cblas_dgemm() */
} lk_blas_copy;
/** Load a copy with OPENBLAS_CORETYPE = core, for bench; it stays loaded. OpenBLAS chooses its kernels when it is
 *  loaded, and takes its slowest ones on a CPU that it does not know. The CPU must have the instructions of these
 *  kernels. 0 if no second copy can be loaded.                                     Not collective. */
int lk_blas_load(lk_blas_copy *copy, const char *core);
/** y [n, M] = x [n, K] w^T, w [M, K]; copy: NULL for the OpenBLAS of this program.  Not collective. */
void lk_blas_product(const lk_blas_copy *copy, ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, const lk_real *x,
                     const lk_real *w, lk_real *y);
/** OpenBLAS's name and version, "OpenBLAS 0.3.21 ...".                            Not collective. */
const char *lk_blas_library(void);
/** The CPU type that OpenBLAS has chosen its kernels for, by its own name.        Not collective. */
const char *lk_blas_core(void);
