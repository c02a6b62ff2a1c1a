/* body_encoder.c - the body of all nets but translators: the encoder, and the states that lanes carry over. */
#include <string.h>

#include "task_impl.h"

static lk_status declare(lk_task *task, lk_params *params, ptrdiff_t *width, int *tied) {
  lk_column_form columns[LK_MAX_COLUMNS];
  const int count = lk_corpus_columns(task->info, columns);
  LK_TRY(lk_encoder_declare(&task->encoder, params, task->config, columns, count));
  if (!task->kind->per_sequence) { /* rows are units */
    task->encoder.ar = task->config->train.ar;
    task->encoder.tar = task->config->train.tar;
  }
  *width = task->encoder.width;
  if (task->config->model.tied) *tied = lk_input_layer_embedding(&task->encoder.input)->weight;
  return LK_OK;
}

static void layout_weights(lk_task *task, lk_arena *weights, int training) {
  lk_encoder_layout_weights(&task->encoder, weights, training);
}

static void layout(lk_task *task, lk_arena *arena) {
  const ptrdiff_t carry = lk_encoder_carry_size(&task->encoder);
  lk_encoder_layout(&task->encoder, arena, task->B, task->N, task->training);
  task->carry = lk_arena_reals(arena, task->B * carry);
  task->carry_next = lk_arena_reals(arena, task->B * carry);
}

/* Whether training resets the lane of sequence b in this step: a function of step and lane. */
static int resets(const lk_task *task, const lk_batch *batch, lk_mode mode, ptrdiff_t b) {
  const double share = task->config->train.lane_reset;
  if (!mode.training || !(share > 0)) return 0;
  return lk_rng_uniform(lk_rng_make(mode.seed, LK_PURPOSE_RESET), mode.step, batch->pack.id[b], 0, 0) < share;
}

/* The states that the sequences start from: the rows of their lanes; NULL for zeros. */
static const lk_real *read_lanes(lk_task *task, const lk_batch *batch, lk_mode mode, const lk_real *lanes) {
  if (lanes == NULL || batch->lane == NULL || batch->reset) return NULL;
  const ptrdiff_t width = lk_encoder_carry_size(&task->encoder);
  const size_t size = (size_t)width * sizeof *lanes;
  for (ptrdiff_t b = 0; b < batch->pack.B; b++)
    if (resets(task, batch, mode, b))
      memset(task->carry + b * width, 0, size);
    else
      memcpy(task->carry + b * width, lanes + batch->lane[b] * width, size);
  return task->carry;
}

static void write_lanes(lk_task *task, const lk_batch *batch, lk_real *lanes) {
  if (lanes == NULL || batch->lane == NULL || batch->pack.B == 0) return;
  const ptrdiff_t width = lk_encoder_carry_size(&task->encoder);
  lk_encoder_carry(&task->encoder, &batch->pack, task->carry_next);
  for (ptrdiff_t b = 0; b < batch->pack.B; b++)
    memcpy(lanes + batch->lane[b] * width, task->carry_next + b * width, (size_t)width * sizeof *lanes);
}

static const lk_real *forward(lk_task *task, const lk_params *params, const lk_batch *batch, lk_mode mode,
                              lk_real *lanes, ptrdiff_t *ld) {
  const lk_real *carry = read_lanes(task, batch, mode, lanes);
  task->encoder.target = batch->target;
  lk_encoder_forward(&task->encoder, params, &batch->pack, &batch->input, mode, carry);
  write_lanes(task, batch, lanes);
  return lk_encoder_output(&task->encoder, ld);
}

static lk_real *gradient(lk_task *task, ptrdiff_t *ld) { return lk_encoder_output_gradient(&task->encoder, ld); }

static void backward(lk_task *task, const lk_batch *batch, lk_mode mode, const lk_shard_product *tied,
                     const lk_grads *grads) {
  lk_encoder_backward(&task->encoder, &batch->pack, mode, NULL, tied, NULL, grads);
}

const lk_body lk_body_encoder = {.declare = declare,
                                 .layout_weights = layout_weights,
                                 .layout = layout,
                                 .forward = forward,
                                 .gradient = gradient,
                                 .backward = backward};
