/* decoder.h - recurrent layers that generate a target sequence, conditioned on the encoder's outputs.
 *
 *   y(t-1) -> embedding -> dropout -> [ e | h~(t-1) ] -> layer 0 -> dropout -> ... -> layer L-1 -> h
 *   context = attention(h, encoder)        h~ = dropout(tanh(W_c [h | context]))        output: h~ [N, H]
 *
 * h~(t-1) is part of the input if model.input_feeding is set (Luong, Pham & Manning 2015); without attention the
 * output is dropout(h). The initial states of each layer come from the final states of the same layer of the
 * encoder: both directions concatenated and passed through a dense layer and tanh, or, for one direction, copied
 * (model.bridge).
 *
 * With input feeding or scheduled sampling all layers advance together, one time step after the other; otherwise
 * each layer runs over all time steps at once. The arithmetic of a row is the same in both cases, and also when one
 * unit at a time is decoded.
 *
 * Tensors: decoder.embedding.weight [V,E] (unless shared with the encoder), decoder.bridge.<l>.h, .c,
 * decoder.rnn.<l>.*, attention.*, decoder.combine.weight [H,H+W]. */
#pragma once
#include "attention.h"
#include "encoder.h"

typedef struct lk_decoder {
  const lk_config *config;
  int layers, states, copying, shared;
  int first;                   /* its first tensor; the embedding before it, if it has its own */
  int handed;                  /* the first of the states, that start from the encoder's; others start from zeros */
  ptrdiff_t V, E, H, Hp, W, F; /* F: width of the fed input, H or 0 */
  ptrdiff_t ld0, ldc;          /* row strides of embeddings and of the input of combine */
  lk_embedding embedding;
  lk_dense bridge[LK_MAX_LAYERS][2];
  lk_recurrent layer[LK_MAX_LAYERS];
  lk_attention attention;
  lk_dense combine;

  lk_real *final[LK_MAX_LAYERS][2];  /* [B, ldfinal] final states of the encoder, by source sequence */
  lk_real *start[LK_MAX_LAYERS][2];  /* [B, Hp] initial states computed from them by the bridge */
  lk_real *dfinal[LK_MAX_LAYERS][2]; /* gradients with respect to the encoder's final states */
  lk_real *dstart;                   /* [B, Hp] scratch */
  ptrdiff_t ldfinal;
  int32_t *ids;         /* [N] input ids, after scheduled sampling */
  lk_distinct distinct; /* x[0] has one row for each of these ids */
  /* [3B] scheduled sampling: rows that read a sampled id, the rows before them, the sampled ids */
  int32_t *picked;
  /* [N, ld0], [N, Hp]: input of each layer after dropout (of the first without the fed part) */
  lk_real *x[LK_MAX_LAYERS];
  lk_real *joined; /* [N, ldc] h and context, concatenated */
  lk_real *mixed;  /* [N, Hp] tanh(W_c joined) */
  lk_real *out;    /* [N, Hp] output h~ */
  lk_real *fed;    /* [N, Hp] h~ of the previous time step */
  lk_real *dout, *djoined, *dcontext, *dx, *dfed;
  int32_t *all_ids; /* [2N] ids of encoder and decoder, if they share the embedding */
  lk_real *all_dx;  /* [2N, padded E] the gradients of their rows */
  ptrdiff_t *all_rows;
} lk_decoder;

typedef struct lk_decoder_input {
  const lk_pack *pack;
  const int32_t *ids;    /* [N] input ids; the first of a sequence is <sos> */
  const int32_t *source; /* [B] index of the source sequence of each target sequence */
  const lk_real *carry;  /* [B, lk_decoder_carry_size()] states to continue from; NULL: start from the encoder */
  /* probability, except at the first time step, of reading an id from `choose` instead of ids */
  double sampling;
  /* set ids[i] to the net's choice after output row rows[i] */
  void (*choose)(void *context, ptrdiff_t n, const int32_t *rows, int32_t *ids);
  void *context;
} lk_decoder_input;

/** Check that model.bridge and model.attention suit the encoder of this configuration. LK_USAGE with the position. */
LK_CHECKED lk_status lk_decoder_check(const lk_config *config);
/** Declare the tensors for a vocabulary of V, with this encoder; shared: use the encoder's embedding. LK_USAGE with
 *  the position. */
LK_CHECKED lk_status lk_decoder_declare(lk_decoder *d, lk_params *params, const lk_config *config,
                                        const lk_encoder *encoder, ptrdiff_t V, int shared);
/** See lk_recurrent_layout_weights().                                              Not collective. */
void lk_decoder_layout_weights(lk_decoder *d, lk_arena *weights, int training);
/** Lay out buffers for at most B sequences, N rows of targets, M rows of sources, the longest source of T steps.
 *                                                                                  Not collective. */
void lk_decoder_layout(lk_decoder *d, lk_arena *arena, ptrdiff_t B, ptrdiff_t N, ptrdiff_t M, ptrdiff_t T,
                       int training);
void lk_decoder_pack(lk_decoder *d, const lk_params *params, int training, lk_part part);
/** Compute initial states and attention memory from the encoder's last forward pass; once before decoding its batch.
 *                                                                                  Not collective. */
void lk_decoder_read(lk_decoder *d, const lk_params *params, const lk_encoder *encoder, const lk_pack *source);
void lk_decoder_forward(lk_decoder *d, const lk_params *params, const lk_decoder_input *in, lk_mode mode);
/** h~ [N, *ld] of the last forward pass; the buffer for its gradient, to be filled before backward.  Not collective. */
const lk_real *lk_decoder_output(const lk_decoder *d, ptrdiff_t *ld);
lk_real *lk_decoder_output_gradient(lk_decoder *d, ptrdiff_t *ld);
/** Backward pass from lk_decoder_output_gradient(). Assigns the gradients of the decoder's tensors except the
 *  embedding, dy [source->N, lddy], the gradient with respect to the encoder's outputs, and *finals, those with
 *  respect to its final states, which point to buffers of the decoder.             Not collective. */
void lk_decoder_backward(lk_decoder *d, const lk_pack *source, const lk_decoder_input *in, lk_mode mode, lk_real *dy,
                         ptrdiff_t lddy, lk_final_gradients *finals, const lk_grads *grads);
/** Compute the gradient of the embedding, after lk_decoder_backward(). `encoder`: the encoder's contribution to a
 *  shared embedding; NULL if it is not shared. `also`: see lk_embedding_backward().  Not collective. */
void lk_decoder_embedding_backward(lk_decoder *d, const lk_lookup_gradient *encoder, const lk_shard_product *also,
                                   const lk_grads *grads);
/** Number of reals in the states of one sequence: those of each layer, then h~.  Not collective. */
ptrdiff_t lk_decoder_carry_size(const lk_decoder *d);
/** carry [B, size] = the states after the last time step of each sequence.         Not collective. */
void lk_decoder_carry(const lk_decoder *d, const lk_pack *pack, lk_real *carry);
