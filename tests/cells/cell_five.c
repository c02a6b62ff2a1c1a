/* A cell of five gates, for tests alone: an LSTM with a fifth gate that lets the state before go straight on.
 *
 *   i, f, o, d = sigmoid(.)   g = tanh(.)   c = f c0 + i g   h = (1 - d) o tanh(c) + d h0 */
#define CELL_NAME     five
#define CELL_GATES    5
#define CELL_STATES   2
#define CELL_SEPARATE 0
#define CELL_DIRECT   1
#define CELL_FORGET   F
#define CELL_NOTE     "5H"
#define CELL_ORDER    " gates i f g o d"
#include "cell_unit_impl.h"

enum { I, F, G, O, D };

LK_INLINE void cell_forward(cell_unit *x) {
  x->gate[I] = lk_sigmoid(x->gate[I]);
  x->gate[F] = lk_sigmoid(x->gate[F]);
  x->gate[G] = lk_tanh(x->gate[G]);
  x->gate[O] = lk_sigmoid(x->gate[O]);
  x->gate[D] = lk_sigmoid(x->gate[D]);
  x->c = lk_fma(x->gate[F], x->c0, x->gate[I] * x->gate[G]);
  const lk_vec y = x->gate[O] * lk_tanh(x->c);
  x->h = lk_fma(x->gate[D], x->h0 - y, y);
}

LK_INLINE void cell_backward(cell_unit *x) {
  const lk_vec i = x->gate[I], f = x->gate[F], g = x->gate[G], o = x->gate[O], d = x->gate[D];
  const lk_vec t = lk_tanh(x->c), dy = x->dh * (lk_splat(1) - d);
  const lk_vec dc = x->dc + through_tanh(dy * o, t);
  x->gate[I] = through_sigmoid(dc * g, i);
  x->gate[F] = through_sigmoid(dc * x->c0, f);
  x->gate[G] = through_tanh(dc * i, g);
  x->gate[O] = through_sigmoid(dy * t, o);
  x->gate[D] = through_sigmoid(x->dh * (x->h0 - o * t), d);
  x->dc0 = dc * f;
  x->dh0 = x->dh * d;
}

#include "cell_loops_impl.h"
