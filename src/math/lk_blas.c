#include "blas.h"

#include <cblas.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signals.h"
#include "status.h"
#include "version.h"
#include "math_impl.h"

/* The one place where a count becomes a BLAS int. */
static blasint blas_int(ptrdiff_t n) {
  LK_ASSERT(n >= 0 && n <= INT_MAX);
  return (blasint)n;
}

void lk_blas_single_thread(void) { openblas_set_num_threads(1); }

#ifdef LK_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif
#define NAME(function)       NAME_AFTER(function)
#define NAME_AFTER(function) #function

void lk_blas_gemm(int transpose_a, int transpose_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const lk_real *a,
                  ptrdiff_t lda, const lk_real *b, ptrdiff_t ldb, lk_real beta, lk_real *c, ptrdiff_t ldc) {
  const CBLAS_TRANSPOSE ta = transpose_a ? CblasTrans : CblasNoTrans, tb = transpose_b ? CblasTrans : CblasNoTrans;
  GEMM(CblasRowMajor, ta, tb, blas_int(m), blas_int(n), blas_int(k), 1, a, blas_int(lda), b, blas_int(ldb), beta, c,
       blas_int(ldc));
}

/* A namespace of the dynamic linker of its own has its own copy of a library, which is initialized anew. */
static void *load_again(const char *core) {
#if defined(LM_ID_NEWLM) && !LK_SANITIZED
  Dl_info about;
  if (dladdr((void *)(uintptr_t)openblas_get_corename, &about) == 0) return NULL;
  const char *set = getenv("OPENBLAS_CORETYPE");
  char *before = set ? strdup(set) : NULL;
  if (set && !before) return NULL;
  (void)setenv("OPENBLAS_CORETYPE", core, 1);
  void *library = dlmopen(LM_ID_NEWLM, about.dli_fname, RTLD_NOW | RTLD_LOCAL);
  if (before)
    (void)setenv("OPENBLAS_CORETYPE", before, 1);
  else
    (void)unsetenv("OPENBLAS_CORETYPE");
  free(before);
  return library;
#else
  (void)core;
  return NULL;
#endif
}

int lk_blas_load(lk_blas_copy *copy, const char *core) {
  void *library = load_again(core);
  if (!library) return 0;
  char *(*name)(void) = (char *(*)(void))(uintptr_t)dlsym(library, "openblas_get_corename");
  void (*threads)(int) = (void (*)(int))(uintptr_t)dlsym(library, "openblas_set_num_threads");
  *copy = (lk_blas_copy){.gemm = (void (*)(void))(uintptr_t)dlsym(library, NAME(GEMM))};
  if (!name || !threads || !copy->gemm) return 0;
  threads(1);
  (void)snprintf(copy->core, sizeof copy->core, "%s", name());
  return 1;
}

void lk_blas_product(const lk_blas_copy *copy, ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, const lk_real *x,
                     const lk_real *w, lk_real *y) {
  __typeof__(&GEMM) gemm = copy ? (__typeof__(&GEMM))copy->gemm : GEMM;
  gemm(CblasRowMajor, CblasNoTrans, CblasTrans, blas_int(n), blas_int(M), blas_int(K), 1, x, blas_int(K), w,
       blas_int(K), 0, y, blas_int(M));
}

const char *lk_blas_library(void) { return openblas_get_config(); }

static void name_blas(char text[LK_LIBRARY_TEXT]) { (void)snprintf(text, LK_LIBRARY_TEXT, "%s", lk_blas_library()); }
LK_LIBRARY(name_blas)

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
