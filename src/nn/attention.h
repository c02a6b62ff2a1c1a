/* attention.h - attention of target rows over the encoder's outputs for the same sentence.
 *
 * Once per batch the encoder's outputs are gathered, sequence by sequence, into the memory: rows start[b] ..
 * start[b] + length[b] - 1 are those of source sequence b, in the order of time. A target row attends to the rows of
 * its own source only; there is no padding, hence no mask.
 *
 *   score   dot       h . y_j                      needs an encoder as wide as the decoder      (Luong et al. 2015)
 *           general   (W_q h) . y_j                                                             (Luong et al. 2015)
 *           additive  v . tanh(W_q h + W_k y_j + b)                                             (Bahdanau et al. 2015)
 *   weights a = softmax of the scores over j       context = sum of a_j y_j
 *
 * h is the decoder's state at the same time step. Shapes: H width of the decoder, W width of the encoder, A = H
 * inner width of additive attention, M rows of the memory. Every row is computed separately, so its bits depend only
 * on its h and its source. Products use kernels.h; the rest is in src/nn/isa/attention_rows.c. */
#pragma once
#include "layers.h"

typedef enum lk_attention_kind {
  LK_ATTENTION_NONE,
  LK_ATTENTION_ADDITIVE,
  LK_ATTENTION_DOT,
  LK_ATTENTION_GENERAL
} lk_attention_kind;

typedef struct lk_attention {
  lk_attention_kind kind;
  ptrdiff_t H, W, A, Q;    /* Q: width of a query: H, W or A */
  ptrdiff_t ldv, ldq, lda; /* W, Q and the length of the longest source, padded */
  lk_dense query, key;     /* query: general, additive [Q,H]; key: additive [A,W] */
  int score;               /* additive: v [A] */

  ptrdiff_t B, M;           /* number of sequences and rows of the memory */
  int32_t *start, *length;  /* [B] first row and number of rows of each sequence */
  int32_t *row;             /* [M] for each row of the memory, the encoder's row */
  lk_real *values, *keys;   /* [M, ldv], [M, ldq] */
  lk_real *v;               /* [ldq] additive: v with padding */
  lk_real *q;               /* [N, ldq] queries; dot: unused, the query is h */
  lk_real *weights;         /* [N, lda] */
  lk_real *context;         /* [N, ldv] */
  lk_real *dvalues, *dkeys; /* gradients, shaped as values and keys */
  lk_real *dq, *dv;         /* [N, ldq] gradients with respect to q, and each row's contribution to that of v */
  lk_real *inner;           /* [lda] scratch: gradients with respect to the scores of one row */
  lk_real *scratch;
} lk_attention;

/* The target rows to process: rows[i] for i < n, or 0..n-1 if rows is NULL. */
typedef struct lk_attending {
  const lk_pack *pack;
  const int32_t *source; /* [B] for each target sequence, its sequence in the memory */
  ptrdiff_t n;
  const int32_t *rows;
} lk_attending;

LK_CHECKED lk_status lk_attention_declare(lk_attention *a, lk_params *params, lk_attention_kind kind, ptrdiff_t H,
                                          ptrdiff_t W);
/** See lk_recurrent_layout_weights().                                              Not collective. */
void lk_attention_layout_weights(lk_attention *a, lk_arena *weights, int training);
/** Lay out buffers for N target rows and B source sequences with M rows, the longest of length T.  Not collective. */
void lk_attention_layout(lk_attention *a, lk_arena *arena, ptrdiff_t N, ptrdiff_t B, ptrdiff_t M, ptrdiff_t T,
                         int training);
void lk_attention_pack(lk_attention *a, const lk_params *params, int training, lk_part part);
/** Gather the encoder's outputs y [M, ld] into the memory.                         Not collective. */
void lk_attention_read(lk_attention *a, const lk_params *params, const lk_pack *source, const lk_real *y, ptrdiff_t ld);
/** Compute a->weights and a->context of these rows from h [N, ldh], whose padding must be zero.  Not collective. */
void lk_attention_forward(lk_attention *a, const lk_params *params, const lk_attending *rows, const lk_real *h,
                          ptrdiff_t ldh);
/** Set accumulators to zero; call before the first lk_attention_backward() of a batch.  Not collective. */
void lk_attention_back_begin(lk_attention *a);
/** From dcontext [N, ldc] of these rows: adds to dh [N, lddh]. Each row must be passed once per batch.
 *                                                                                  Not collective. */
void lk_attention_backward(lk_attention *a, const lk_attending *rows, const lk_real *h, ptrdiff_t ldh,
                           const lk_real *dcontext, ptrdiff_t ldc, lk_real *dh, ptrdiff_t lddh);
/** Compute the gradients of the tensors, and assign dy [M, lddy], the gradient with respect to the encoder's
 *  outputs. */
void lk_attention_back_end(lk_attention *a, const lk_pack *target, const lk_pack *source, const lk_real *h,
                           ptrdiff_t ldh, lk_real *dy, ptrdiff_t lddy, const lk_grads *grads);
