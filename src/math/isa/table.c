#include "isa_impl.h"

#include <string.h>

#include "math_impl.h"

#define LK_TEXT_(x) #x
#define LK_TEXT(x)  LK_TEXT_(x)

/* y = f(x) for n reals; x and y may be the same. The last vector is computed whole, so position changes no bits. */
#define ELEMENTWISE(name, function)                                               \
  static void name(ptrdiff_t n, const lk_real *x, lk_real *y) {                   \
    ptrdiff_t i = 0;                                                              \
    for (; i + LK_VL <= n; i += LK_VL) lk_store(y + i, function(lk_load(x + i))); \
    if (i < n) lk_store_part(y + i, function(lk_load_part(x + i, n - i)), n - i); \
  }
ELEMENTWISE(exp_all, lk_exp)
ELEMENTWISE(tanh_all, lk_tanh)
ELEMENTWISE(sigmoid_all, lk_sigmoid)

static void add_all(ptrdiff_t n, const lk_real *restrict x, lk_real *restrict y) {
  ptrdiff_t i = 0;
  for (; i + LK_VL <= n; i += LK_VL) lk_store(y + i, lk_load(y + i) + lk_load(x + i));
  for (; i < n; i++) y[i] += x[i];
}

/* What all precisions have in common. */
#define SHARED                                                                                                  \
  .width = LK_VL, .softmax_loss = softmax_loss_isa, .softmax_gradient = softmax_gradient_isa, .tanh = tanh_all, \
  .sigmoid = sigmoid_all, .exp = exp_all, .add = add_all

const lk_kernels kernels_isa = {
    SHARED,
    .name = LK_TEXT(LK_ISA),
    .part = 1,
#if LK_ISA_ID == LK_ISA_ID_blas
    .packed_size = lk_by_blas_packed_size,
    .pack = lk_by_blas_pack,
    .view_size = lk_by_blas_view_size,
    .view = lk_by_blas_view,
    .product = lk_by_blas_product,
    .outer = lk_by_blas_outer,
#else
    .packed_size = packed_size_isa,
    .pack = pack_isa,
    .view_size = view_size_isa,
    .view = view_isa,
    .product = product_isa,
    .outer = outer_isa,
#endif
};

#if LK_ISA_ID == LK_ISA_ID_avx512bf16 && defined(LK_DOUBLE)
int lk_bf16_as_documented(void) { return 1; } /* it is not used */
#elif LK_BF16_TERMS == 2
int lk_bf16_as_documented(void) {
  enum { ROUNDS = 64, WORDS = 2 * LK_VL_NUMBER };
  uint32_t random = 1;
  for (int i = 0; i < ROUNDS; i++) {
    lk_uvec words[2];
    lk_real sum[LK_VL_NUMBER], expected[LK_VL_NUMBER], x[WORDS];
    for (int lane = 0; lane < WORDS; lane++) { /* halves of any sign and mantissa, from 2^-4 on to below 2^4 */
      random = random * 1664525U + 1013904223U;
      words[lane % 2][lane / 2] = (random & 0x83ff83ffU) + 0x3d803d80U;
    }
    for (int lane = 0; lane < WORDS; lane++) x[lane] = (lk_real)(random >> 16 & 0xff) / (lk_real)(lane + 3) - 8;
    const lk_uvec upper = (lk_uvec)lk_isplat(-0x10000);
    const lk_vec first = lk_fma((lk_vec)(words[0] & upper), (lk_vec)(words[1] & upper), lk_load(x));
    lk_store(expected, lk_fma((lk_vec)(words[0] << 16), (lk_vec)(words[1] << 16), first));
    lk_store(sum, lk_bf16_dot((lk_vec)words[0], (lk_vec)words[1], lk_load(x)));
    if (memcmp(sum, expected, sizeof sum) != 0) return 0;
  }
  return 1;
}
#endif

static void round_all(ptrdiff_t n, const lk_real *x, lk_real *y) { lk_bf16_row(y, x, n); }

#define PRODUCTS(kind)                                                                                       \
  .packed_size = packed_size_##kind##_isa, .pack = pack_##kind##_isa, .view_size = packed_size_##kind##_isa, \
  .view = view_##kind##_isa, /* a view copies all */                                                         \
      .product = product_##kind##_isa, .outer = outer_##kind##_isa, .terms = LK_BF16_TERMS, .round = round_all

const lk_kernels kernels_bf16_isa = {
    SHARED,
    PRODUCTS(bf16),
    .name = LK_TEXT(LK_ISA),
    .part = 2,
};

#ifndef LK_DOUBLE
const lk_kernels kernels_amx_isa = {
    SHARED, PRODUCTS(amx), .name = LK_BF16_TERMS == 2 ? "amx" : "amx-model", .part = 32, .apart = 1,
};
#endif
