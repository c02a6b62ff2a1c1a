/* Quasi-recurrent network: Bradbury et al. 2017, equations 1, 4 and 5: filters of width 2 and fo-pooling.
 *
 *   z = tanh(W_z x + V_z x0 + b_z)   f, o = sigmoid(.)   c = f c0 + (1 - f) z   h = o c
 *
 * x0 is the previous input. weight_ih holds W_z, W_f, W_o and then V_z, V_f, V_o: those of the next row. */
#define CELL_NAME    qrnn
#define CELL_GATES   3
#define CELL_STATES  2
#define CELL_AHEAD   3
#define CELL_BIASES  3
#define CELL_VECTORS 0
#define CELL_SKIP    0
#define CELL_FORGET  F
#define CELL_NOTE    "6H"
#define CELL_ORDER   " gates z f o, and z f o of the next"
#define CELL_BIAS    "3H gates z f o"
#include "cell_unit_impl.h"

enum { Z, F, O };

LK_INLINE void cell_forward(cell_unit *x) {
  x->gate[Z] = lk_tanh(x->gate[Z]);
  x->gate[F] = lk_sigmoid(x->gate[F]);
  x->gate[O] = lk_sigmoid(x->gate[O]);
  x->c = lk_fma(x->gate[F], x->c0 - x->gate[Z], x->gate[Z]);
  x->h = x->gate[O] * x->c;
}

LK_INLINE void cell_backward(cell_unit *x) {
  const lk_vec z = x->gate[Z], f = x->gate[F], o = x->gate[O];
  const lk_vec dc = lk_fma(x->dh, o, x->dc);
  x->gate[Z] = through_tanh(dc * (lk_splat(1) - f), z);
  x->gate[F] = through_sigmoid(dc * (x->c0 - z), f);
  x->gate[O] = through_sigmoid(x->dh * x->c, o);
  x->dc0 = dc * f;
}

#include "cell_parallel_impl.h"
