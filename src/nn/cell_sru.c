/* Simple recurrent unit: Lei et al. 2018, version 5 of the paper: gates that read c0 unit by unit, and a skip connection
 * that is scaled.
 *
 *   f = sigmoid(W_f x + v_f c0 + b_f)   r = sigmoid(W_r x + v_r c0 + b_r)   c = f c0 + (1 - f) W x
 *   h = r c + (1 - r) a s               a = sqrt(1 + 2 exp(b)), b the initial b_r
 *
 * s is x, or W_s x where x is not as wide as h. W_ih starts with the variance 1 / I, as in the paper. */
#define CELL_NAME    sru
#define CELL_GATES   4
#define CELL_STATES  2
#define CELL_AHEAD   0
#define CELL_BIASES  2
#define CELL_VECTORS 2
#define CELL_SKIP    1
#define CELL_FORGET  R
#define CELL_NOTE    "GH"
#define CELL_ORDER   " gates f r, c, and s if it is projected"
#define CELL_BIAS    "2H gates f r"
#include "cell_unit_impl.h"

enum { F, R, NEW, SKIP };

LK_INLINE void cell_forward(cell_unit *x) {
  const lk_vec s = x->gate[SKIP] * x->highway;
  x->gate[F] = lk_sigmoid(lk_fma(x->by_c[F], x->c0, x->gate[F]));
  x->gate[R] = lk_sigmoid(lk_fma(x->by_c[R], x->c0, x->gate[R]));
  x->c = lk_fma(x->gate[F], x->c0 - x->gate[NEW], x->gate[NEW]);
  x->h = lk_fma(x->gate[R], x->c - s, s);
}

LK_INLINE void cell_backward(cell_unit *x) {
  const lk_vec f = x->gate[F], r = x->gate[R], n = x->gate[NEW], s = x->gate[SKIP] * x->highway;
  const lk_vec dc = lk_fma(x->dh, r, x->dc), one = lk_splat(1);
  x->gate[F] = through_sigmoid(dc * (x->c0 - n), f);
  x->gate[R] = through_sigmoid(x->dh * (x->c - s), r);
  x->gate[NEW] = dc * (one - f);
  x->gate[SKIP] = x->dh * (one - r) * x->highway;
  x->dc0 = lk_fma(x->by_c[F], x->gate[F], lk_fma(x->by_c[R], x->gate[R], dc * f));
}

#include "cell_parallel_impl.h"
