#include "isa_impl.h"
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

const lk_kernels kernels_isa = {
    .name = LK_TEXT(LK_ISA),
    .width = LK_VL,
#if LK_ISA_ID == 3
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
    .softmax_loss = softmax_loss_isa,
    .softmax_gradient = softmax_gradient_isa,
    .tanh = tanh_all,
    .sigmoid = sigmoid_all,
    .exp = exp_all,
    .add = add_all,
};
