/* encoder.h - the part that all nets share: the input layer and a stack of recurrent layers in one or two
 * directions.
 *
 *   columns -> input layer, dropout 0 -> layer 0 (fwd | bwd) -> dropout 1 -> ... -> layer L-1 -> dropout L -> y
 *
 * y [N, D H] holds the concatenated directions, D = 1 or 2; H is the last layer's width. Tensors: those of the input
 * layer (embedding.weight [V, E], ...), then for each layer rnn.<l>.forward.* and rnn.<l>.backward.* (cell.h). */
#pragma once
#include "cell.h"
#include "config.h"
#include "input_layer.h"
#include "layers.h"

#define LK_MAX_LAYERS 32

typedef struct lk_encoder {
  const lk_config *config;
  int directions, layers;
  ptrdiff_t H[LK_MAX_LAYERS]; /* width of each layer in one direction */
  ptrdiff_t width, ld;        /* of the output: D H of the last layer, and its row stride */
  lk_input_layer input;
  lk_recurrent layer[LK_MAX_LAYERS][2];
  int end[LK_MAX_LAYERS];    /* how many tensors there are up to the end of each layer, the input layer's included */
  lk_real *y[LK_MAX_LAYERS]; /* [N, its ld] output of each layer, after dropout */
  double ar, tar;            /* weights of the penalties on the last layer (activation.h); 0 after declare */
  const int32_t *target;     /* [N] of the batch: which rows they count (activation.h); set by the caller, NULL: all */
  lk_real *dx[2];            /* gradients with respect to output and input of the layer at hand; the two swap roles */
} lk_encoder;

/** The width of each layer, by model.widths or else model.hidden. LK_USAGE with the place.  Not collective. */
LK_CHECKED lk_status lk_layer_widths(const lk_config *config, ptrdiff_t widths[LK_MAX_LAYERS]);
/* Gradients with respect to the final states of each layer, from a decoder that started from them. */
typedef struct lk_final_gradients {
  lk_real *state[LK_MAX_LAYERS][2]; /* [B, ld] of the states h and c, by source sequence; NULL: none */
  ptrdiff_t ld;
} lk_final_gradients;

/** LK_USAGE with the place if model.cell is unknown, or another setting does not suit it.       Not collective. */
LK_CHECKED lk_status lk_encoder_check(const lk_config *config);
/** Declare the tensors by config->model for a corpus with these columns. LK_USAGE, LK_DATA: see
 *  lk_input_layer_declare(). */
LK_CHECKED lk_status lk_encoder_declare(lk_encoder *e, lk_params *params, const lk_config *config,
                                        const lk_column_form *columns, int count);
/** See lk_recurrent_layout_weights().                                              Not collective. */
void lk_encoder_layout_weights(lk_encoder *e, lk_arena *weights, int training);
void lk_encoder_layout(lk_encoder *e, lk_arena *arena, ptrdiff_t B, ptrdiff_t N, int training);
void lk_encoder_pack(lk_encoder *e, const lk_params *params, int training, lk_part part);
/** The same of layer l alone; the input layer goes with layer 0.                   Not collective. */
void lk_encoder_pack_layer(lk_encoder *e, const lk_params *params, int l, int training, lk_part part);
/** Forward pass. Before each layer it calls lk_params_need() for the weights of the layer. carry [B,
 *  lk_encoder_carry_size()]: initial states; NULL: zeros. The columns `in` must not change until backward is done. The
 *  result is lk_encoder_output().                                                  Not collective. */
void lk_encoder_forward(lk_encoder *e, const lk_params *params, const lk_pack *pack, const lk_inputs *in, lk_mode mode,
                        const lk_real *carry);
/** The penalties on the last layer's outputs, in the rows of local shard s of the last forward pass. In training,
 *  lk_encoder_backward() includes their gradients.                                             Not collective. */
double lk_encoder_penalty(const lk_encoder *e, const lk_pack *pack, int s);
const lk_real *lk_encoder_output(const lk_encoder *e, ptrdiff_t *ld);
/** The buffer [N, ld] for the gradient with respect to the output, to be filled before lk_encoder_backward(). */
lk_real *lk_encoder_output_gradient(lk_encoder *e, ptrdiff_t *ld);
/** out [B, ldo] = final state i ('h' or 'c', see lk_cell_state()) of layer l: forward direction after the last time
 *  step | backward direction after the first. */
void lk_encoder_final(const lk_encoder *e, const lk_pack *pack, int l, int i, lk_real *out, ptrdiff_t ldo);
/** Backward pass from lk_encoder_output_gradient() and the gradients with respect to the final states (or NULL). All
 *  gradients of the encoder are assigned. `also`: see lk_embedding_backward(). `lookup`: for an embedding that is
 *  also used elsewhere; computing its gradient is then left to the caller, and *lookup receives the encoder's
 *  contribution, valid until the next pass. NULL: the embedding is used by the encoder only.  Not collective. */
void lk_encoder_backward(lk_encoder *e, const lk_pack *pack, lk_mode mode, const lk_final_gradients *finals,
                         const lk_shard_product *also, lk_lookup_gradient *lookup, const lk_grads *grads);
/** Number of reals in the states of one sequence (forward direction, all of each layer, without padding); 0 with
 *  two directions. */
ptrdiff_t lk_encoder_carry_size(const lk_encoder *e);
/** carry [B, size] = the states after the last time step of each sequence.         Not collective. */
void lk_encoder_carry(const lk_encoder *e, const lk_pack *pack, lk_real *carry);
