/* onnx_cells.c - the cells that operators of ONNX compute, and the order of their gates there.
 *
 *   W [directions, G H, I]   R [directions, G H, H]   B [directions, 2 G H]: W's biases, then R's
 *   LSTM: gates i o f c      GRU: z r h, h after the product with the reset gate (linear_before_reset)      RNN: tanh
 *
 * mgu is a GRU whose gates r and 1 - z are the same one: sigmoid(-a) = 1 - sigmoid(a). */
#include <stddef.h>

#include "onnx_terms_impl.h"

/* The table of cells: one line each. */
static const lk_onnx_cell cells[] = {
    {"lstm", "LSTM", 2, 0, 4, 4, {{0, 1}, {3, 1}, {1, 1}, {2, 1}}},
    {"gru", "GRU", 1, 1, 3, 3, {{1, 1}, {0, 1}, {2, 1}}},
    {"mgu", "GRU", 1, 1, 2, 3, {{0, -1}, {0, 1}, {1, 1}}},
    {"elman", "RNN", 1, 0, 1, 1, {{0, 1}}},
};
enum { CELLS = sizeof cells / sizeof *cells };

const lk_onnx_cell *lk_onnx_cell_at(int i) { return i < CELLS ? &cells[i] : NULL; }
