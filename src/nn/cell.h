/* cell.h - recurrent cells, and one direction of one recurrent layer over a packed batch.
 *
 * A cell is one file, src/nn/cell_<name>.c, and one line in the table of recurrent.c. The file holds the pointwise
 * part, forward and backward, written on vectors; it is compiled once for each instruction set, and the loops over
 * panels, rows and k around it (src/nn/cell_impl.h) are shared, so the products with W_h and the gates are one pass.
 *
 * Per layer and direction: the input products of all rows are one product; only W_h h and its transpose stay in the
 * time loop. Gates [N, G Hp] are stored gate by gate, each padded to Hp = lk_padded(H); states [B+N, Hp] with the B
 * initial rows in front (pack.h). Pad columns are zero in all states and gate gradients.
 *
 * Tensors, as in PyTorch: weight_ih [G H, I], weight_hh [G H, H], bias_ih [G H], bias_hh [G H] (left out where the
 * configuration says so); each cell's file says in which order its gates are. */
#pragma once
#include "kernels.h"
#include "params.h"
#include "distinct.h"

typedef struct lk_cell lk_cell; /* one cell on one instruction set: src/nn/cell_impl.h */

/** Names of the cells, for messages and choices; *count of them.                  Not collective. */
const char *const *lk_cell_names(size_t *count);
int lk_cell_gates(const char *name);  /* 0 where there is no such cell */
int lk_cell_states(const char *name); /* 1 (h) or 2 (h, c); likewise */

/* What a layer reads: rows of reals, or ids that stand for one-hot rows (then I is the vocabulary size). */
typedef struct lk_rows {
  const lk_real *x; /* [N, ld], of words [n, ld], or NULL */
  ptrdiff_t ld;
  const int32_t *ids;          /* [N] where x is NULL: W_ih x is a column pick */
  const lk_distinct *distinct; /* whose rows x has; NULL: those of the pack */
  const lk_real *fed;          /* [N, ldfed] what a layer that is fed read so, for the gradient of W_ih */
  ptrdiff_t ldfed;
} lk_rows;

typedef struct lk_recurrent {
  const lk_cell *cell;
  ptrdiff_t I, H, Hp;
  ptrdiff_t F;                                /* the last F columns of the input are fed step by step; 0: none */
  int backward;                               /* reads the sequence from its end */
  int onehot;                                 /* reads ids */
  int distinct;                               /* may read rows of words */
  int weight_ih, weight_hh, bias_ih, bias_hh; /* ids in lk_params; bias_hh -1 where left out */
  lk_packed ih, ih_transposed, hh, hh_transposed;
  lk_packed feed, feed_transposed; /* W_ih's last F columns, where ih holds the others */
  lk_real *column;                 /* [I, G Hp] where onehot: a row for each id, its column of W_ih and the biases */
  lk_real *bias;                   /* what the input product adds, [G Hp] */
  lk_real *inner;                  /* [Hp] GRU: b_hn, which stands inside the product with the reset gate */
  lk_real *gates;                  /* [N, G Hp] activated gates; after backward: gradients by the pre-activations */
  lk_real *tape;                   /* what else the cell keeps, or NULL */
  lk_real *table;                  /* [N, G Hp] of words: their part of the gates, then the sums of their gradients */
  const lk_real *dinput;           /* gradients by the input part of the gates: gates, or table */
  lk_real *h, *c;                  /* [B+N, Hp] states; c NULL for cells with one */
  lk_real *dh, *dc;                /* [B+N, Hp] their gradients; rows 0..B-1 after backward: by the initial states */
  lk_real *before;                 /* [N, Hp] h before each row, gathered for the gradient of W_h */
  int32_t *from;                   /* [N] the state row that each packed row starts from */
  int32_t *first;                  /* [B] the packed row that each sequence starts with, in the order of reading */
  lk_real *padded;                 /* [G Hp, I] W_ih with padded gates, where H has pads */
  lk_real *scratch;
} lk_recurrent;

typedef struct lk_recurrent_spec {
  const char *cell, *name; /* name: prefix of the tensors, "rnn.0.forward" */
  ptrdiff_t I, H;
  int backward, recurrent_bias;
  int onehot;         /* reads ids rather than rows of reals; I is the vocabulary size */
  int distinct;       /* rows of its input may be those of words */
  ptrdiff_t F;        /* of I, the last: what a step reads of the outputs of the step before */
  double forget_bias; /* what the biases of an LSTM's forget gate add up to at the start */
  const char *init;   /* of W_hh, NULL: uniform */
} lk_recurrent_spec;

/** Declare the tensors: uniform in +-1/sqrt(H), as PyTorch, or W_hh orthogonal. LK_USAGE for an unknown cell.
 *  Not collective. */
LK_CHECKED lk_status lk_recurrent_declare(lk_recurrent *layer, lk_params *params, const lk_recurrent_spec *spec);
/** Lay out packed weights, for the kernels chosen now: after another lk_kernels_select() lay out and pack again.
 *  training 0: without what only backward needs. Several ranks may hold them together, zeros at first. Not collective. */
void lk_recurrent_layout_weights(lk_recurrent *layer, lk_arena *weights, int training);
/** Lay out buffers for at most B sequences and N rows, with the weights laid out.   Not collective. */
void lk_recurrent_layout(lk_recurrent *layer, lk_arena *arena, ptrdiff_t B, ptrdiff_t N, int training);
/** Pack the weights, or this rank's part of them: once after each update.         Not collective. */
void lk_recurrent_pack(lk_recurrent *layer, const lk_params *params, int training, lk_part part);
/** Run over the batch. The caller set rows 0..B-1 of h (and c), or passes initial = 0: they are zero.
 *  out h [B+N, Hp]: row B + r is the output of packed row r.                       Not collective. */
void lk_recurrent_forward(lk_recurrent *layer, const lk_pack *pack, lk_rows in, int initial);
/** Back through time. The caller set dh: rows B + r hold the loss's gradient by output row r, rows 0..B-1 zero;
 *  dc is set to zero here, or, where `final_dc`, was set likewise by the caller. initial: the gradients by the initial
 *  states are wanted, else what comes out in rows 0..B-1 is only a part of them.
 *  dx, rows as those of x: add 0: assigned, 1: added to, NULL: not wanted (and NULL for ids). Weight gradients are
 *  assigned. */
void lk_recurrent_backward(lk_recurrent *layer, const lk_pack *pack, lk_rows in, int initial, int final_dc, lk_real *dx,
                           ptrdiff_t lddx, int add, const lk_grads *grads);

/* The same step by step, for a layer that reads what was made of its own outputs, or is asked for a unit at a time.
 * The kernels and the order of every sum are those of the whole pass, so the bits are too.
 *
 *   begin; input (all rows at once, or those of each time);   for t = 0, 1, ...: { feed; step }
 *   back_begin;   for t = ..., 1, 0: { dh of its rows is complete; back_step; back_feed or back_input };   back_end
 *
 * A layer that reads words: input before all steps, back_input behind back_end, for all of them at once.
 * n rows of the pack: rows[i], NULL: 0..n-1. Not collective throughout. */
void lk_recurrent_begin(lk_recurrent *layer, const lk_pack *pack, int initial);
/** gates = W_ih x + b for such rows of x; of a layer that is fed, the columns before the last F. */
void lk_recurrent_input(lk_recurrent *layer, ptrdiff_t n, const int32_t *rows, lk_rows in);
/** gates += W_ih[:, I-F:] x, rows of x [., ld] being the fed part. */
void lk_recurrent_feed(lk_recurrent *layer, ptrdiff_t n, const int32_t *rows, const lk_real *x, ptrdiff_t ld);
/** The rows of time t, whose gates have their input parts. */
void lk_recurrent_step(lk_recurrent *layer, const lk_pack *pack, ptrdiff_t t, int initial);
void lk_recurrent_back_begin(lk_recurrent *layer, const lk_pack *pack, int final_dc);
void lk_recurrent_back_step(lk_recurrent *layer, const lk_pack *pack, ptrdiff_t t);
/** dx of such rows: of the columns that lk_recurrent_input() read / of the fed ones. */
void lk_recurrent_back_input(lk_recurrent *layer, ptrdiff_t n, const int32_t *rows, lk_real *dx, ptrdiff_t lddx,
                             int add);
void lk_recurrent_back_feed(lk_recurrent *layer, ptrdiff_t n, const int32_t *rows, lk_real *dx, ptrdiff_t lddx);
/** What reaches the initial states, and the gradients of the tensors; a layer that was fed says what with (in.fed). */
void lk_recurrent_back_end(lk_recurrent *layer, const lk_pack *pack, lk_rows in, int initial, const lk_grads *grads);
