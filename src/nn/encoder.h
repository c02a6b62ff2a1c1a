/* encoder.h - the body that all nets share: input, dropout, a stack of recurrent layers in one or two directions.
 *
 *   ids or frames -> [embedding] -> dropout 0 -> layer 0 (fwd | bwd) -> dropout 1 -> ... -> layer L-1 -> dropout L -> y
 *
 * y [N, D H] holds the directions side by side, D = 1 or 2. Tensors: embedding.weight [V, E], then for each layer
 * rnn.<l>.forward.* and rnn.<l>.backward.* (cell.h). */
#pragma once
#include "cell.h"
#include "config.h"
#include "layers.h"

#define LK_MAX_LAYERS 32

typedef struct lk_encoder {
  const lk_config *config;
  int onehot, frames, directions, layers;
  ptrdiff_t V, I0, H, width; /* vocabulary; width of layer 0's input; width = D H of the output */
  lk_embedding embedding;
  lk_recurrent layer[LK_MAX_LAYERS][2];
  lk_real *x[LK_MAX_LAYERS + 1]; /* [N, ld] input of each layer, after dropout; the last is y */
  ptrdiff_t ld[LK_MAX_LAYERS + 1];
  int32_t *ids;         /* [N] after word dropout */
  lk_distinct distinct; /* whose rows x[0] has where there is an embedding */
  lk_real *dx[2];
  const int64_t *counts; /* [V] how often each word was seen, for word dropout; NULL: none. Not owned */
} lk_encoder;

/* The gradient by the final states of each layer: what a decoder that started from them gives back. */
typedef struct lk_final_gradients {
  lk_real *state[LK_MAX_LAYERS][2]; /* [B, ld] by h and by c, by source sequence; NULL: none */
  ptrdiff_t ld;
} lk_final_gradients;

/* The gradient by the rows that were looked up in an embedding's table, before they are added up by word. */
typedef struct lk_lookup_gradient {
  const lk_distinct *distinct;
  const lk_real *dx; /* [words->n, ld] */
  ptrdiff_t ld;
} lk_lookup_gradient;

typedef struct lk_encoder_input {
  const int32_t *ids;  /* [N], or NULL */
  const float *frames; /* [N, D] where ids is NULL */
} lk_encoder_input;

/** What model.input may say; *count of them.                                      Not collective. */
const char *const *lk_input_names(size_t *count);
/** Declare by config->model for a vocabulary of V, or frames of width `frames` where V is 0. LK_USAGE with the place;
 *  LK_DATA for word dropout by counts that are all zero. */
LK_CHECKED lk_status lk_encoder_declare(lk_encoder *e, lk_params *params, const lk_config *config, ptrdiff_t V,
                                        ptrdiff_t frames, const int64_t *counts);
/** As lk_recurrent_layout_weights() has it.                                        Not collective. */
void lk_encoder_layout_weights(lk_encoder *e, lk_arena *weights, int training);
void lk_encoder_layout(lk_encoder *e, lk_arena *arena, ptrdiff_t B, ptrdiff_t N, int training);
void lk_encoder_pack(lk_encoder *e, const lk_params *params, int training, lk_part part);
/** carry [B, lk_encoder_carry_size()]: the states to start from, NULL: zeros.
 *  The output is lk_encoder_output().                                             Not collective. */
void lk_encoder_forward(lk_encoder *e, const lk_params *params, const lk_pack *pack, lk_encoder_input in, lk_mode mode,
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
