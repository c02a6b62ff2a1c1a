/* math_impl.h - what the table of kernels needs from other files: the kernels called blas, tests of instructions. */
#pragma once
#include "blas.h"
#include "kernels.h"

/** y += op(A) x, A [m, n] with rows lda apart; transpose: x [m], y [n], else x [n], y [m].     Not collective. */
void lk_blas_gemv(int transpose, ptrdiff_t m, ptrdiff_t n, const lk_real *a, ptrdiff_t lda, const lk_real *x,
                  lk_real *y);

/* by_blas.c: entries of lk_kernels, documented in kernels.h. */
enum { LK_BLAS_ISA = 4 }; /* lk_kernels_isa() of them, LK_ISA_ID_blas */
ptrdiff_t lk_by_blas_packed_size(ptrdiff_t M, ptrdiff_t K);
void lk_by_blas_pack(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t row, ptrdiff_t column,
                     lk_part part);
ptrdiff_t lk_by_blas_view_size(ptrdiff_t M, ptrdiff_t K);
void lk_by_blas_view(lk_packed *packed, ptrdiff_t M, ptrdiff_t K, const lk_real *w, ptrdiff_t ld, lk_part part);
void lk_by_blas_product(const lk_packed *w, const lk_product *p);
void lk_by_blas_outer(ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, const lk_real *dy, ptrdiff_t ldy, const lk_real *x,
                      ptrdiff_t ldx, lk_real *block);

/** Whether this CPU's VDPBF16PS, which it must have, adds as bf16_words.h says.           Not collective. */
int lk_bf16_as_documented(void);
/** Why this process cannot use AMX, or AMX does not add as its model does (isa/amx.c); NULL: it can. The CPU must have
 *  AVX512_BF16. The first call asks the operating system for the registers.              Not collective. */
const char *lk_amx_refused(void);
