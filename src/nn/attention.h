/* attention.h - which rows of the source a row of the target looks at.
 *
 * The encoder's outputs are gathered once a batch, a sequence at a time, into the memory: rows start[b] ..
 * start[b] + length[b] - 1 are those of source sequence b, in the order of time. A target row visits the rows of its own
 * source and no others: there is no padding, so there is no mask.
 *
 *   score   dot       h . y_j                      needs an encoder as wide as the decoder      (Luong et al. 2015)
 *           general   (W_q h) . y_j                                                             (Luong et al. 2015)
 *           additive  v . tanh(W_q h + W_k y_j + b)                                             (Bahdanau et al. 2015)
 *   weights a = softmax of the scores over j       context = sum of a_j y_j
 *
 * h is the decoder's state of the same time. Shapes: H decoder, W encoder, A = H the inner width of additive, M rows of
 * the memory. Row by row throughout: a row's bits depend on its h and its source alone. The products are kernels.h's,
 * the rest is src/nn/isa/attention_rows.c. */
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
  ptrdiff_t ldv, ldq, lda; /* padded W, padded Q, padded longest source */
  lk_dense query, key;     /* general, additive: [Q,H]; additive: [A,W] */
  int score;               /* additive: v [A] */

  ptrdiff_t B, M;           /* sequences and rows of the memory */
  int32_t *start, *length;  /* [B] */
  int32_t *row;             /* [M] the encoder's row of each */
  lk_real *values, *keys;   /* [M, ldv], [M, ldq] */
  lk_real *v;               /* [ldq] additive, padded */
  lk_real *q;               /* [N, ldq] queries; dot: none, they are h */
  lk_real *weights;         /* [N, lda] */
  lk_real *context;         /* [N, ldv] */
  lk_real *dvalues, *dkeys; /* as values and keys */
  lk_real *dq, *dv;         /* [N, ldq] */
  lk_real *inner;           /* [lda] */
  lk_real *scratch;
} lk_attention;

/* Target rows that attend: rows[i] for i < n, NULL: 0..n-1. */
typedef struct lk_attending {
  const lk_pack *pack;
  const int32_t *source; /* [B] the memory's sequence of each target sequence */
  ptrdiff_t n;
  const int32_t *rows;
} lk_attending;

LK_CHECKED lk_status lk_attention_declare(lk_attention *a, lk_params *params, lk_attention_kind kind, ptrdiff_t H,
                                          ptrdiff_t W);
/** As lk_recurrent_layout_weights() has it.                                        Not collective. */
void lk_attention_layout_weights(lk_attention *a, lk_arena *weights, int training);
/** For N target rows, and B source sequences with M rows, the longest of T.        Not collective. */
void lk_attention_layout(lk_attention *a, lk_arena *arena, ptrdiff_t N, ptrdiff_t B, ptrdiff_t M, ptrdiff_t T,
                         int training);
void lk_attention_pack(lk_attention *a, const lk_params *params, int training, lk_part part);
/** Gather the encoder's outputs y [M, ld].                                         Not collective. */
void lk_attention_read(lk_attention *a, const lk_params *params, const lk_pack *source, const lk_real *y, ptrdiff_t ld);
/** a->weights and a->context of such rows. h [N, ldh], its pads zero.              Not collective. */
void lk_attention_forward(lk_attention *a, const lk_params *params, const lk_attending *rows, const lk_real *h,
                          ptrdiff_t ldh);
/** Before the first lk_attention_backward() of a batch.                            Not collective. */
void lk_attention_back_begin(lk_attention *a);
/** From dcontext [N, ldc] of such rows: dh [N, lddh] is added to. Each row once.   Not collective. */
void lk_attention_backward(lk_attention *a, const lk_attending *rows, const lk_real *h, ptrdiff_t ldh,
                           const lk_real *dcontext, ptrdiff_t ldc, lk_real *dh, ptrdiff_t lddh);
/** Gradients of the tensors; dy [M, lddy], the gradient by the encoder's outputs, is assigned. */
void lk_attention_back_end(lk_attention *a, const lk_pack *target, const lk_pack *source, const lk_real *h,
                           ptrdiff_t ldh, lk_real *dy, ptrdiff_t lddy, const lk_grads *grads);
