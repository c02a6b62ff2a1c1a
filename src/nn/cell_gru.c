/* Gated recurrent unit: Cho et al. 2014, in the variant that applies the reset gate after the product (cuDNN,
 * PyTorch).
 *
 *   r, z = sigmoid(.)   n = tanh(W_in x + b_in + r (W_hn h0 + b_hn))   h = (1 - z) n + z h0 */
#define CELL_NAME     gru
#define CELL_GATES    3
#define CELL_STATES   1
#define CELL_SEPARATE 1
#define CELL_DIRECT   1
#define CELL_FORGET   (-1)
#define CELL_NOTE     "3H"
#define CELL_ORDER    " gates r z n"
#include "cell_unit_impl.h"

enum { R, Z, NEW };

LK_INLINE void cell_forward(cell_unit *x) {
  x->keep = x->gate[NEW];
  x->gate[R] = lk_sigmoid(x->gate[R]);
  x->gate[Z] = lk_sigmoid(x->gate[Z]);
  x->gate[NEW] = lk_tanh(lk_fma(x->gate[R], x->keep, x->input));
  x->h = lk_fma(x->gate[Z], x->h0 - x->gate[NEW], x->gate[NEW]);
}

LK_INLINE void cell_backward(cell_unit *x) {
  const lk_vec r = x->gate[R], z = x->gate[Z], n = x->gate[NEW];
  const lk_vec dn = through_tanh(x->dh * (lk_splat(1) - z), n);
  x->gate[R] = through_sigmoid(dn * x->keep, r);
  x->gate[Z] = through_sigmoid(x->dh * (x->h0 - n), z);
  x->gate[NEW] = dn;
  x->keep = dn * r;
  x->dh0 = x->dh * z;
}

#include "cell_loops_impl.h"
