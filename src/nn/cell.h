/* cell.h - recurrent cells, and one direction of one recurrent layer over a packed batch.
 *
 * A cell is one file, src/nn/cell_<name>.c, and one line in the table of recurrent.c. The file holds the pointwise
 * part, forward and backward, written on SIMD vectors and compiled once for each instruction set. The surrounding
 * loops are of two kinds: of cells that multiply the previous state by a matrix (src/nn/cell_loops_impl.h: panels, rows
 * and k; the product with W_hh and the gates in one pass), and of cells whose gates need the input alone
 * (src/nn/cell_parallel_impl.h: rows and units).
 *
 * Per layer and direction, one product computes W_ih x for all rows; only the product with W_hh (backward: its
 * transpose), if the cell has one, remains in the loop over time. Gates [N, G Hp] are stored gate by gate, each padded to Hp =
 * lk_padded(H); states are [B+N, Hp] with the B initial states first (pack.h). Padding columns are zero in all
 * states and gate gradients.
 *
 * Tensors, as in PyTorch: weight_ih [G H, I], weight_hh [G H, H], bias_ih [G H], bias_hh [G H] (optional); each
 * cell's file states the order of its gates. Cells without a product have neither weight_hh nor bias_hh.
 *
 * A filter over two inputs (qrnn) needs no second product: the last A of G gates, "ahead", have no bias and are added to
 * the first gates of the next row in the direction of the layer. They are a state, in place of the previous input.
 * A skip connection (sru) is the last gate: the input itself, or if the layer is not as wide, its product with W_ih. */
#pragma once
#include "layers.h"
typedef struct lk_cell lk_cell; /* one cell for one instruction set: src/nn/cell_impl.h */
/** Names of all cells, for messages and choices; *count is their number.           Not collective. */
const char *const *lk_cell_names(size_t *count);
int lk_cell_gates(const char *name); /* number of gates; 0 if there is no such cell */
/** Number of states that a step reads: h, or h and c, or c and parts of gates; 0 if there is no such cell. */
int lk_cell_states(const char *name);
/** 'h', 'c', or '\0' for a part of a gate: only of the first ones can a layer hand its last values to another net. */
char lk_cell_state(const char *name, int i);
int lk_cell_recurrent(const char *name); /* whether it has W_hh */

/* Input of a layer: rows of reals, or ids that represent one-hot rows (then I is the vocabulary size). */
typedef struct lk_rows {
  const lk_real *x; /* [N, ld], or [n, ld] with one row per distinct id; or NULL */
  ptrdiff_t ld;
  const int32_t *ids;          /* [N] if x is NULL: W_ih x is then a column of W_ih */
  const lk_distinct *distinct; /* x has one row for each of these; NULL: one for each row of the pack */
  const lk_real *fed;          /* [N, ldfed] the inputs passed to lk_recurrent_feed(), for the gradient of W_ih */
  ptrdiff_t ldfed;
} lk_rows;

typedef struct lk_recurrent {
  const lk_cell *cell;
  ptrdiff_t I, H, Hp;
  ptrdiff_t F;                                /* the last input columns, passed step by step (input feeding) */
  int backward;                               /* processes sequences from the end */
  int onehot;                                 /* the input are ids */
  int distinct;                               /* the input may have one row per distinct id */
  int copies;                                 /* the last gate is the input itself */
  int weight_ih, weight_hh, bias_ih, bias_hh; /* ids in lk_params; weight_hh and bias_hh are -1 if absent */
  int weight_c;    /* [V H] weights of the previous c in the first V gates, unit by unit; -1 if absent */
  lk_real *by_c;   /* [V, Hp] the same, padded */
  lk_real highway; /* what the skip connection is multiplied by */
  lk_packed ih, ih_transposed;
  lk_packed hh, hh_transposed;       /* W_hh of the pass at hand: one of the next two */
  lk_packed whole, whole_transposed; /* all weights */
  lk_packed kept, kept_transposed;   /* those that a training step keeps, if weight_dropout > 0; of this rank alone */
  lk_real *kept_weights;             /* [G H, H] the latter unpacked: scaled, zeros where dropped */
  double weight_dropout;
  lk_mode mode;                    /* of the pass */
  lk_packed feed, feed_transposed; /* last F columns of W_ih; ih then holds the others */
  lk_real *column;                 /* [I, G Hp] if onehot: for each id its column of W_ih plus the biases */
  lk_real *bias;                   /* [G Hp] added by the input product */
  lk_real *inner;                  /* [Hp] GRU: b_hn, which is multiplied by the reset gate together with W_hn h */
  /* [N, G Hp] activated gates; after backward: gradients with respect to the pre-activations. With gates ahead B rows
   * lie in front, whose parts are states. */
  lk_real *gates;
  lk_real *tape;         /* further values that the cell needs for backward, or NULL */
  lk_real *table;        /* [N, G Hp] input part of the gates per distinct id; in backward the sums of its gradients */
  const lk_real *dinput; /* gradients with respect to the input part of the gates: gates, or table */
  lk_real *h, *c;        /* [B+N, Hp] states; c is NULL for cells with one state */
  /* [B+N, Hp] their gradients; rows 0..B-1 after backward: with respect to the initial states */
  lk_real *dh, *dc;
  int terms;                     /* of products of bf16: numbers in a word; of float32: 0 */
  lk_real *h_words, *gate_words; /* h [B+N, Hp] and gates' gradients [N, G Hp] as those read them */
  lk_real *before; /* [N, Hp] previous h (or c) of each row, gathered for the gradient of W_hh (or weight_c) */
  int32_t *from;   /* [N] index of the state row that precedes each packed row */
  int32_t *first;  /* [B] the packed row that each sequence begins with, in the direction of the layer */
  lk_real *padded; /* [G Hp, I] W_ih with padded gates, if H is not a multiple of the padding */
  lk_real *scratch;
} lk_recurrent;

typedef struct lk_recurrent_spec {
  const char *cell, *name; /* name: prefix of the tensors, such as "rnn.0.forward" */
  ptrdiff_t I, H;
  int backward, recurrent_bias;
  int onehot;          /* the input are ids instead of rows of reals; I is the vocabulary size */
  int distinct;        /* the input may have one row per distinct id */
  ptrdiff_t F;         /* number of input columns, the last of I, that depend on the outputs of the previous step */
  double forget_bias;  /* initial value of the sum of the two biases of an LSTM's forget gate */
  double highway_bias; /* that of an SRU's reset gate */
  const char *init;    /* of W_hh; NULL: uniform */
  double weight_dropout;
} lk_recurrent_spec;

/** Declare the tensors: uniform in +-1/sqrt(H) as in PyTorch, or orthogonal W_hh. LK_USAGE for an unknown cell.
 *                                                                                  Not collective. */
LK_CHECKED lk_status lk_recurrent_declare(lk_recurrent *layer, lk_params *params, const lk_recurrent_spec *spec);
/** Lay out the packed weights for the current kernels; after another lk_kernels_select() they must be laid out and
 *  packed again. training 0: omit what only backward needs. The memory must be zero at first, and may be shared by
 *  several ranks.                                                                  Not collective. */
void lk_recurrent_layout_weights(lk_recurrent *layer, lk_arena *weights, int training);
/** Lay out buffers for at most B sequences and N rows; the weights must be laid out before.  Not collective. */
void lk_recurrent_layout(lk_recurrent *layer, lk_arena *arena, ptrdiff_t B, ptrdiff_t N, int training);
/** Pack the weights, or this rank's part of them; to be called after each update.  Not collective. */
void lk_recurrent_pack(lk_recurrent *layer, const lk_params *params, int training, lk_part part);
/** Choose W_hh for the passes that follow: all of it or, in training with weight_dropout, what this step keeps. To be
 *  called before a pass, after lk_recurrent_pack(); without it they are all kept.   Not collective. */
void lk_recurrent_begin_mode(lk_recurrent *layer, const lk_params *params, lk_mode mode);
/** State i < lk_cell_states() in state row `row` of [B+N], [H]; after backward, the gradient with respect to it: complete
 *  in rows 0..B-1 only.                                                            Not collective. */
lk_real *lk_recurrent_state(const lk_recurrent *layer, const lk_pack *pack, int i, ptrdiff_t row);
lk_real *lk_recurrent_state_gradient(const lk_recurrent *layer, const lk_pack *pack, int i, ptrdiff_t row);
/** Run forward over the batch. With initial = 1 the caller has set rows 0..B-1 of all states; otherwise they are
 *  zero. The weights are packed; calls lk_params_pass() on the way.
 *   out h [B+N, Hp]: row B + r is the output of packed row r.                      Not collective. */
void lk_recurrent_forward(lk_recurrent *layer, const lk_params *params, const lk_pack *pack, lk_rows in, int initial);
/** Back-propagation through time. The caller has set dh: rows B + r hold the gradient of the loss with respect to
 *  output row r, rows 0..B-1 are zero; dc is set to zero here unless `final_dc`, when the caller has set it in the
 *  same way. initial: whether the gradients with respect to the initial states are needed; otherwise rows 0..B-1 are
 *  incomplete afterwards. dx has the rows of x: assigned if add is 0, otherwise added to; NULL: not needed (always
 *  NULL for ids). Weight gradients are assigned, from the last tensor to the first (lk_grads_final()). */
void lk_recurrent_backward(lk_recurrent *layer, const lk_pack *pack, lk_rows in, int initial, int final_dc, lk_real *dx,
                           ptrdiff_t lddx, int add, const lk_grads *grads);

/* The same step by step, for a layer whose input depends on its own outputs, or that is evaluated one unit at a
 * time. Kernels and the order of every sum are those of the pass over the whole batch, so the results are bitwise
 * equal.
 *
 *   begin; input (all rows at once, or those of each time);   for t = 0, 1, ...: { feed; step }
 *   back_begin;   for t = ..., 1, 0: { dh of these rows is complete; back_step; back_feed or back_input };   back_end
 *
 * With one input row per distinct id: input before all steps, back_input after back_end, for all of them at once.
 * The n rows are rows[i] of the pack, or 0..n-1 if rows is NULL. Not collective throughout. */
void lk_recurrent_begin(lk_recurrent *layer, const lk_pack *pack, int initial);
/** gates = W_ih x + b for these rows of x; with input feeding, only the columns before the last F. */
void lk_recurrent_input(lk_recurrent *layer, ptrdiff_t n, const int32_t *rows, lk_rows in);
/** gates += W_ih[:, I-F:] x, where x [., ld] holds the last F input columns. */
void lk_recurrent_feed(lk_recurrent *layer, ptrdiff_t n, const int32_t *rows, const lk_real *x, ptrdiff_t ld);
/** Advance the rows of time t, whose gates must hold their input parts. */
void lk_recurrent_step(lk_recurrent *layer, const lk_pack *pack, ptrdiff_t t, int initial);
void lk_recurrent_back_begin(lk_recurrent *layer, const lk_pack *pack, int final_dc);
void lk_recurrent_back_step(lk_recurrent *layer, const lk_pack *pack, ptrdiff_t t);
/** dx of these rows: for the columns that lk_recurrent_input() read / for the last F columns. */
void lk_recurrent_back_input(lk_recurrent *layer, ptrdiff_t n, const int32_t *rows, lk_real *dx, ptrdiff_t lddx,
                             int add);
void lk_recurrent_back_feed(lk_recurrent *layer, ptrdiff_t n, const int32_t *rows, lk_real *dx, ptrdiff_t lddx);
/** Compute the gradients with respect to the initial states, and of the tensors; with input feeding, in.fed must
 *  hold the inputs passed to lk_recurrent_feed(). */
void lk_recurrent_back_end(lk_recurrent *layer, const lk_pack *pack, lk_rows in, int initial, const lk_grads *grads);
