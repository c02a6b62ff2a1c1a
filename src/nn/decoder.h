/* decoder.h - a target from the encoder's rows: the layers that write what was read.
 *
 *   y(t-1) -> embedding -> dropout -> [ e | h~(t-1) ] -> layer 0 -> dropout -> ... -> layer L-1 -> h
 *   context = attention(h, encoder)        h~ = dropout(tanh(W_c [h | context]))        output: h~ [N, H]
 *
 * The part h~(t-1) of the input is there where model.input_feeding is (Luong, Pham & Manning 2015); without attention
 * the output is dropout(h). Each layer starts from the final states of the encoder's layer of the same number, both
 * directions side by side through a dense layer and tanh, or, from one direction, as they are (model.bridge).
 *
 * With input feeding and with scheduled sampling the layers advance together, time by time; otherwise each runs over
 * all times at once. Either way the arithmetic of a row is the same, and so it is when a unit at a time is asked for.
 *
 * Tensors: decoder.embedding.weight [V,E] (unless it is the encoder's), decoder.bridge.<l>.h, .c, decoder.rnn.<l>.*,
 * attention.*, decoder.combine.weight [H,H+W]. */
#pragma once
#include "attention.h"
#include "encoder.h"

typedef struct lk_decoder {
  const lk_config *config;
  int layers, states, copying, shared;
  ptrdiff_t V, E, H, Hp, W, F; /* F: fed columns, H or 0 */
  ptrdiff_t ld0, ldc;          /* rows of embeddings, and of what combine reads */
  lk_embedding embedding;
  lk_dense bridge[LK_MAX_LAYERS][2];
  lk_recurrent layer[LK_MAX_LAYERS];
  lk_attention attention;
  lk_dense combine;

  lk_real *final[LK_MAX_LAYERS][2];  /* [B, ldfinal] of the encoder, by source sequence */
  lk_real *start[LK_MAX_LAYERS][2];  /* [B, Hp] what the bridge made of them */
  lk_real *dfinal[LK_MAX_LAYERS][2]; /* their gradients */
  lk_real *dstart;                   /* [B, Hp] */
  ptrdiff_t ldfinal;
  int32_t *ids;              /* [N] that were read */
  lk_distinct distinct;      /* whose rows x[0] has */
  int32_t *picked;           /* [3B] rows that read the net's choice, the rows before them, the choices */
  lk_real *x[LK_MAX_LAYERS]; /* [N, ld0], [N, Hp]: input of each layer (the first: without fed), after dropout */
  lk_real *joined;           /* [N, ldc] h | context */
  lk_real *mixed;            /* [N, Hp] tanh(W_c joined) */
  lk_real *out;              /* [N, Hp] */
  lk_real *fed;              /* [N, Hp] h~ of the time before */
  lk_real *dout, *djoined, *dcontext, *dx, *dfed;
  int32_t *all_ids; /* [2N] a shared table is read by both sides */
  lk_real *all_dx;  /* [2N, padded E] */
  ptrdiff_t *all_rows;
} lk_decoder;

typedef struct lk_decoder_input {
  const lk_pack *pack;
  const int32_t *ids;    /* [N] what is read: <sos> first */
  const int32_t *source; /* [B] number of the source sequence of each target sequence */
  const lk_real *carry;  /* [B, lk_decoder_carry_size()] to go on from, NULL: from the encoder */
  double sampling;       /* probability of reading what `choose` says rather than ids, after the first time */
  void (*choose)(void *context, ptrdiff_t n, const int32_t *rows, int32_t *ids); /* ids[i] by output row rows[i] */
  void *context;
} lk_decoder_input;

/** Whether model.bridge and model.attention fit the encoder of this configuration: LK_USAGE with the place. */
LK_CHECKED lk_status lk_decoder_check(const lk_config *config);
/** Declare for a vocabulary of V, behind an encoder; shared: its embedding is ours too. LK_USAGE with the place. */
LK_CHECKED lk_status lk_decoder_declare(lk_decoder *d, lk_params *params, const lk_config *config,
                                        const lk_encoder *encoder, ptrdiff_t V, int shared);
/** As lk_recurrent_layout_weights() has it.                                        Not collective. */
void lk_decoder_layout_weights(lk_decoder *d, lk_arena *weights, int training);
/** For at most B sequences, N rows of targets, M of sources of at most T steps.    Not collective. */
void lk_decoder_layout(lk_decoder *d, lk_arena *arena, ptrdiff_t B, ptrdiff_t N, ptrdiff_t M, ptrdiff_t T,
                       int training);
void lk_decoder_pack(lk_decoder *d, const lk_params *params, int training, lk_part part);
/** Read what the encoder's last forward left: once before decoding its batch.      Not collective. */
void lk_decoder_read(lk_decoder *d, const lk_params *params, const lk_encoder *encoder, const lk_pack *source);
void lk_decoder_forward(lk_decoder *d, const lk_params *params, const lk_decoder_input *in, lk_mode mode);
/** h~ [N, *ld] of the last forward, and where its gradient goes before backward.   Not collective. */
const lk_real *lk_decoder_output(const lk_decoder *d, ptrdiff_t *ld);
lk_real *lk_decoder_output_gradient(lk_decoder *d, ptrdiff_t *ld);
/** From lk_decoder_output_gradient() to the decoder's gradients, all assigned but the embedding's, and to what the
 *  encoder goes on with: dy [source->N, lddy], the gradient by its outputs, assigned, and *finals, those by its final
 *  states, in buffers of the decoder's.                                            Not collective. */
void lk_decoder_backward(lk_decoder *d, const lk_pack *source, const lk_decoder_input *in, lk_mode mode, lk_real *dy,
                         ptrdiff_t lddy, lk_final_gradients *finals, const lk_grads *grads);
/** The embedding's gradient, behind lk_decoder_backward(). `encoder`: what the encoder adds to a table that both read,
 *  NULL: the table is the decoder's alone. `also`: see lk_embedding_backward().    Not collective. */
void lk_decoder_embedding_backward(lk_decoder *d, const lk_lookup_gradient *encoder, const lk_shard_product *also,
                                   const lk_grads *grads);
/** Reals of one sequence's states: of all layers h then c, then h~.                Not collective. */
ptrdiff_t lk_decoder_carry_size(const lk_decoder *d);
/** carry [B, size] = the states after the last time of each sequence.              Not collective. */
void lk_decoder_carry(const lk_decoder *d, const lk_pack *pack, lk_real *carry);
