#include "kernels.h"

#include <cblas.h>
#include <limits.h>

#include "status.h"
#include "math_impl.h"

/* The one place where a count becomes a BLAS int. */
static blasint blas_int(ptrdiff_t n) {
  LK_ASSERT(n >= 0 && n <= INT_MAX);
  return (blasint)n;
}

void lk_blas_single_thread(void) { openblas_set_num_threads(1); }

void lk_blas_gemm(int transpose_a, int transpose_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const lk_real *a,
                  ptrdiff_t lda, const lk_real *b, ptrdiff_t ldb, lk_real beta, lk_real *c, ptrdiff_t ldc) {
  const CBLAS_TRANSPOSE ta = transpose_a ? CblasTrans : CblasNoTrans, tb = transpose_b ? CblasTrans : CblasNoTrans;
#ifdef LK_DOUBLE
  cblas_dgemm
#else
  cblas_sgemm
#endif
      (CblasRowMajor, ta, tb, blas_int(m), blas_int(n), blas_int(k), 1, a, blas_int(lda), b, blas_int(ldb), beta, c,
       blas_int(ldc));
}

const char *lk_blas_library(void) { return openblas_get_config(); }

void lk_blas_gemv(int transpose, ptrdiff_t m, ptrdiff_t n, const lk_real *a, ptrdiff_t lda, const lk_real *x,
                  lk_real *y) {
#ifdef LK_DOUBLE
  cblas_dgemv
#else
  cblas_sgemv
#endif
      (CblasRowMajor, transpose ? CblasTrans : CblasNoTrans, blas_int(m), blas_int(n), 1, a, blas_int(lda), x, 1, 1, y,
       1);
}

const char *lk_blas_core(void) { return openblas_get_corename(); }
