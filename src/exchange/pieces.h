/* pieces.h - which numbers of a model make a tensor that PyTorch knows, by name and layout.
 *
 *   rnn.0.forward.weight_ih    rnn.weight_ih_l0           so that nn.LSTM, nn.GRU and nn.RNN load what begins with "rnn."
 *   rnn.1.backward.weight_hh   rnn.weight_hh_l1_reverse
 *   decoder.rnn.0.bias_ih      decoder.rnn.bias_ih_l0
 *   characters.forward.*       characters.rnn.*_l0
 *   characters.filter.*        characters.conv.<k>.*      nn.Conv1d, one for each width
 *   output.common.*            output.head.*              nn.AdaptiveLogSoftmaxWithLoss
 *   output.tail.0.input.*      output.tail.0.0.*
 *   output.transitions         crf.transitions            torchcrf.CRF; start_transitions, end_transitions
 *
 * Gates are in PyTorch's order within Lockstep too. Where layers differ in width (model.widths) each is a module of its
 * own, rnn.<l>.weight_ih_l0. All other tensors, and those of cells that PyTorch does not have, keep their names. */
#pragma once
#include "config.h"
#include "params.h"

typedef enum lk_piece_kind {
  LK_PIECE_OWN,   /* numbers of the model that no other piece has */
  LK_PIECE_AGAIN, /* those of another piece once more (tied weights): left out in files, compared where one has them */
  LK_PIECE_ADDED /* a second bias, which PyTorch has and the model does not: zeros in files, added to the first in import */
} lk_piece_kind;

typedef struct lk_piece {
  char name[96]; /* outside */
  lk_piece_kind kind;
  int id; /* of the tensor in lk_params */
  int dims;
  ptrdiff_t shape[LK_MAX_DIMS], count;
  ptrdiff_t first, stride[LK_MAX_DIMS]; /* element (i, j) is value first + i stride[0] + j stride[1] of the tensor */
  ptrdiff_t zero; /* ADDED: elements from here on must be zero, as a gate keeps its second bias apart */
} lk_piece;

/** All pieces of a model: *pieces is lk_alloc()ed, *count of them. Their OWN ones cover every number of `params` once.
 *  LK_MEMORY.                                                                      Not collective. */
LK_CHECKED lk_status lk_pieces_of(const lk_config *config, const lk_params *params, lk_piece **pieces, int *count);
/** Whether its numbers lie one after another, in order.                            Not collective. */
bool lk_piece_is_whole(const lk_piece *piece);
/** The position in the tensor of element i of the piece, row-major.                Not collective. */
ptrdiff_t lk_piece_at(const lk_piece *piece, ptrdiff_t i);
