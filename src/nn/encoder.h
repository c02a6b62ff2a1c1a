/* encoder.h - what all nets share: the input layer and a stack of recurrent layers in one or two directions.
 *
 *   columns -> input layer, dropout 0 -> layer 0 (fwd | bwd) -> dropout 1 -> ... -> layer L-1 -> dropout L -> y
 *
 * y [N, D H] holds the directions side by side, D = 1 or 2. Tensors: those of the input layer (embedding.weight [V, E],
 * ...), then for each layer rnn.<l>.forward.* and rnn.<l>.backward.* (cell.h). */
#pragma once
#include "cell.h"
#include "config.h"
#include "input_layer.h"
#include "layers.h"

#define LK_MAX_LAYERS 32

typedef struct lk_encoder {
  const lk_config *config;
  int directions, layers;
  ptrdiff_t H, width, ld; /* width = D H of the output of each layer, ld its row stride */
  lk_input_layer input;
  lk_recurrent layer[LK_MAX_LAYERS][2];
  lk_real *y[LK_MAX_LAYERS]; /* [N, ld] output of each layer, after dropout */
  lk_real *dx[2];            /* gradients by the input and by the output of the layer that is on its way back */
} lk_encoder;

/* The gradient by the final states of each layer: what a decoder that started from them gives back. */
typedef struct lk_final_gradients {
  lk_real *state[LK_MAX_LAYERS][2]; /* [B, ld] by h and by c, by source sequence; NULL: none */
  ptrdiff_t ld;
} lk_final_gradients;

/** Declare by config->model for a corpus with these columns. LK_USAGE, LK_DATA: as lk_input_layer_declare(). */
LK_CHECKED lk_status lk_encoder_declare(lk_encoder *e, lk_params *params, const lk_config *config,
                                        const lk_column_form *columns, int count);
/** As lk_recurrent_layout_weights() has it.                                        Not collective. */
void lk_encoder_layout_weights(lk_encoder *e, lk_arena *weights, int training);
void lk_encoder_layout(lk_encoder *e, lk_arena *arena, ptrdiff_t B, ptrdiff_t N, int training);
void lk_encoder_pack(lk_encoder *e, const lk_params *params, int training, lk_part part);
/** carry [B, lk_encoder_carry_size()]: the states to start from, NULL: zeros. The columns `in` must stay as they are until
 *  backward is done. The output is lk_encoder_output().                                             Not collective. */
void lk_encoder_forward(lk_encoder *e, const lk_params *params, const lk_pack *pack, const lk_inputs *in, lk_mode mode,
                        const lk_real *carry);
const lk_real *lk_encoder_output(const lk_encoder *e, ptrdiff_t *ld);
/** Where the caller puts the gradient by the output, [N, ld], before lk_encoder_backward(). */
lk_real *lk_encoder_output_gradient(lk_encoder *e, ptrdiff_t *ld);
/** out [B, ldo] = final state i (0: h, 1: c) of layer l: forward after the last time | backward after the first. */
void lk_encoder_final(const lk_encoder *e, const lk_pack *pack, int l, int i, lk_real *out, ptrdiff_t ldo);
/** From lk_encoder_output_gradient(), and from the gradients by the final states, or NULL, to all gradients of the
 *  encoder, which are assigned. `also`: see lk_embedding_backward(). `lookup`: for a table that is read elsewhere too;
 *  its gradient is then left to the caller, and *lookup is the encoder's part of it, valid until the next pass. NULL: the
 *  table is the encoder's alone.                                                   Not collective. */
void lk_encoder_backward(lk_encoder *e, const lk_pack *pack, lk_mode mode, const lk_final_gradients *finals,
                         const lk_shard_product *also, lk_lookup_gradient *lookup, const lk_grads *grads);
/** Reals of one sequence's states (forward direction, all layers, h then c, without pads): 0 with two directions. */
ptrdiff_t lk_encoder_carry_size(const lk_encoder *e);
/** carry [B, size] = the states after the last time of each sequence.              Not collective. */
void lk_encoder_carry(const lk_encoder *e, const lk_pack *pack, lk_real *carry);
