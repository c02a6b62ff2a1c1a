/* Minimal gated recurrent unit without a product in the loop over time: Feng et al. 2024, "Were RNNs all we needed?",
 * section 3.1, in its plain form. (Their appendix has n = g(.) with g > 0, so that a scan can work with logarithms; a
 * loop over time has no need of it.)
 *
 *   z = sigmoid(W_z x + b_z)   n = W_n x + b_n   h = (1 - z) h0 + z n */
#define CELL_NAME    mingru
#define CELL_GATES   2
#define CELL_STATES  1
#define CELL_AHEAD   0
#define CELL_BIASES  2
#define CELL_VECTORS 0
#define CELL_SKIP    0
#define CELL_FORGET  (-1)
#define CELL_NOTE    "2H"
#define CELL_ORDER   " gates z n"
#define CELL_BIAS    "2H gates z n"
#include "cell_unit_impl.h"

enum { Z, NEW };

LK_INLINE void cell_forward(cell_unit *x) {
  x->gate[Z] = lk_sigmoid(x->gate[Z]);
  x->h = lk_fma(x->gate[Z], x->gate[NEW] - x->h0, x->h0);
}

LK_INLINE void cell_backward(cell_unit *x) {
  const lk_vec z = x->gate[Z], n = x->gate[NEW];
  x->gate[Z] = through_sigmoid(x->dh * (n - x->h0), z);
  x->gate[NEW] = x->dh * z;
  x->dh0 = x->dh * (lk_splat(1) - z);
}

#include "cell_parallel_impl.h"
