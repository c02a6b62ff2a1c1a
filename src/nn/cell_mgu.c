/* Minimal gated unit: Zhou et al. 2016, in the variant that applies the gate after the product, like the reset gate
 * in cell_gru.c (the paper applies it before: W_hn (f h0)).
 *
 *   f = sigmoid(.)   n = tanh(W_in x + b_in + f (W_hn h0 + b_hn))   h = (1 - f) h0 + f n */
#define CELL_NAME     mgu
#define CELL_GATES    2
#define CELL_STATES   1
#define CELL_SEPARATE 1
#define CELL_DIRECT   1
#define CELL_FORGET   (-1)
#define CELL_NOTE     "2H"
#define CELL_ORDER    " gates f n"
#include "cell_unit_impl.h"

enum { F, NEW };

LK_INLINE void cell_forward(cell_unit *x) {
  x->keep = x->gate[NEW];
  x->gate[F] = lk_sigmoid(x->gate[F]);
  x->gate[NEW] = lk_tanh(lk_fma(x->gate[F], x->keep, x->input));
  x->h = lk_fma(x->gate[F], x->gate[NEW] - x->h0, x->h0);
}

LK_INLINE void cell_backward(cell_unit *x) {
  const lk_vec f = x->gate[F], n = x->gate[NEW];
  const lk_vec dn = through_tanh(x->dh * f, n);
  x->gate[F] = through_sigmoid(lk_fma(dn, x->keep, x->dh * (n - x->h0)), f);
  x->gate[NEW] = dn;
  x->keep = dn * f;
  x->dh0 = x->dh * (lk_splat(1) - f);
}

#include "cell_loops_impl.h"
