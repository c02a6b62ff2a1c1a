/* LSTM whose input gate is capped (Melis, Dyer & Blunsom 2018, section 4): |c| cannot grow beyond 1, or its start.
 *
 *   f, o = sigmoid(.)   i = min(sigmoid(.), 1 - f)   g = tanh(.)   c = f c0 + i g   h = o tanh(c) */
#define CELL_NAME     lstm_capped
#define CELL_GATES    4
#define CELL_STATES   2
#define CELL_SEPARATE 0
#define CELL_DIRECT   0
#define CELL_FORGET   F
#define CELL_NOTE     "4H"
#define CELL_ORDER    " gates i f g o"
#include "cell_unit_impl.h"

enum { I, F, G, O };

LK_INLINE void cell_forward(cell_unit *x) {
  x->gate[F] = lk_sigmoid(x->gate[F]);
  x->gate[I] = lk_min(lk_sigmoid(x->gate[I]), lk_splat(1) - x->gate[F]);
  x->gate[G] = lk_tanh(x->gate[G]);
  x->gate[O] = lk_sigmoid(x->gate[O]);
  x->c = lk_fma(x->gate[F], x->c0, x->gate[I] * x->gate[G]);
  x->h = x->gate[O] * lk_tanh(x->c);
}

/* Where the cap holds, i is 1 - f bit by bit: its gradient then goes to the forget gate, with the sign turned. */
LK_INLINE void cell_backward(cell_unit *x) {
  const lk_vec i = x->gate[I], f = x->gate[F], g = x->gate[G], o = x->gate[O];
  const lk_ivec capped = (lk_ivec)(i == lk_splat(1) - f);
  const lk_vec t = lk_tanh(x->c); /* cheaper to recompute than to store */
  const lk_vec dc = x->dc + through_tanh(x->dh * o, t);
  x->gate[I] = lk_select(capped, lk_zero(), through_sigmoid(dc * g, i));
  x->gate[F] = through_sigmoid(dc * lk_select(capped, x->c0 - g, x->c0), f);
  x->gate[G] = through_tanh(dc * i, g);
  x->gate[O] = through_sigmoid(x->dh * t, o);
  x->dc0 = dc * f;
}

#include "cell_loops_impl.h"
