/* Simple recurrent network: Elman 1990.
 *
 *   h = tanh(W_i x + b_i + W_h h0 + b_h) */
#define CELL_NAME     elman
#define CELL_GATES    1
#define CELL_STATES   1
#define CELL_SEPARATE 0
#define CELL_DIRECT   0
#define CELL_FORGET   (-1)
#define CELL_NOTE     "H"
#define CELL_ORDER    ""
#include "cell_unit_impl.h"

LK_INLINE void cell_forward(cell_unit *x) { x->h = x->gate[0] = lk_tanh(x->gate[0]); }

LK_INLINE void cell_backward(cell_unit *x) { x->gate[0] = through_tanh(x->dh, x->h); }

#include "cell_loops_impl.h"
