#include "encoder.h"

#include <stdio.h>

#include "activation.h"
#include "nn_impl.h"

/* Width and row stride of the output of layer l. */
static ptrdiff_t width_of(const lk_encoder *e, int l) { return e->H[l] * e->directions; }
static ptrdiff_t ld_of(const lk_encoder *e, int l) { return lk_padded(width_of(e, l)); }

lk_status lk_encoder_check(const lk_config *config) {
  const lk_config_model *m = &config->model;
  size_t cell;
  LK_TRY(lk_config_choice(config, "model.cell", &cell));
  if (!(m->weight_dropout > 0) || lk_cell_recurrent(m->cell)) return LK_OK;
  return lk_config_error(config, "model.weight_dropout",
                         "expected 0 with model.cell: %s, which has no recurrent matrix", m->cell);
}

lk_status lk_encoder_declare(lk_encoder *e, lk_params *params, const lk_config *config, const lk_column_form *columns,
                             int count) {
  const lk_config_model *m = &config->model;
  LK_TRY(lk_encoder_check(config));
  LK_ASSERT(m->layers >= 1 && m->layers <= LK_MAX_LAYERS && m->hidden >= 1); /* the ranges of these settings */
  *e = (lk_encoder){.config = config, .layers = (int)m->layers, .directions = m->bidirectional ? 2 : 1};
  LK_TRY(lk_layer_widths(config, e->H));
  e->width = width_of(e, e->layers - 1);
  e->ld = ld_of(e, e->layers - 1);
  LK_TRY(lk_input_layer_declare(&e->input, params, config, columns, count));
  for (int l = 0; l < e->layers; l++)
    for (int d = 0; d < e->directions; d++) {
      char name[64];
      (void)snprintf(name, sizeof name, "rnn.%d.%s", l, d == 0 ? "forward" : "backward");
      lk_recurrent_spec spec = {.cell = m->cell,
                                .name = name,
                                .I = l == 0 ? e->input.width : width_of(e, l - 1),
                                .H = e->H[l],
                                .backward = d,
                                .onehot = l == 0 && lk_input_layer_picks(&e->input),
                                .distinct = l == 0 && lk_input_layer_distinct(&e->input),
                                .recurrent_bias = m->recurrent_bias,
                                .forget_bias = m->forget_bias,
                                .highway_bias = m->highway_bias,
                                .init = m->recurrent_init,
                                .weight_dropout = m->weight_dropout};
      LK_TRY(lk_recurrent_declare(&e->layer[l][d], params, &spec));
      e->end[l] = lk_params_tensors(params);
    }
  return LK_OK;
}

void lk_encoder_layout_weights(lk_encoder *e, lk_arena *weights, int training) {
  lk_input_layer_layout_weights(&e->input, weights, training);
  for (int l = 0; l < e->layers; l++)
    for (int d = 0; d < e->directions; d++) lk_recurrent_layout_weights(&e->layer[l][d], weights, training);
}

void lk_encoder_layout(lk_encoder *e, lk_arena *arena, ptrdiff_t B, ptrdiff_t N, int training) {
  ptrdiff_t widest = lk_input_layer_learns(&e->input) ? e->input.ld : 0;
  lk_input_layer_layout(&e->input, arena, N, training);
  for (int l = 0; l < e->layers; l++) {
    e->y[l] = lk_arena_reals(arena, N * ld_of(e, l));
    if (ld_of(e, l) > widest) widest = ld_of(e, l);
  }
  for (int l = 0; l < e->layers; l++)
    for (int d = 0; d < e->directions; d++) lk_recurrent_layout(&e->layer[l][d], arena, B, N, training);
  for (int i = 0; i < 2; i++) e->dx[i] = training ? lk_arena_reals(arena, N * widest) : NULL;
}

void lk_encoder_pack_layer(lk_encoder *e, const lk_params *params, int l, int training, lk_part part) {
  if (l == 0) lk_input_layer_pack(&e->input, params, training, part);
  for (int d = 0; d < e->directions; d++) lk_recurrent_pack(&e->layer[l][d], params, training, part);
}

void lk_encoder_pack(lk_encoder *e, const lk_params *params, int training, lk_part part) {
  for (int l = 0; l < e->layers; l++) lk_encoder_pack_layer(e, params, l, training, part);
}

/* Dropout after layer l, in place; forward on the outputs, backward on their gradients. */
static void drop(const lk_encoder *e, const lk_pack *pack, lk_mode mode, int l, lk_real *x) {
  const lk_config_model *m = &e->config->model;
  lk_dropout(pack, mode, m->dropout, m->variational, l + 1, width_of(e, l), x, ld_of(e, l), x, ld_of(e, l));
}

static lk_rows rows_of(const lk_encoder *e, int l) {
  return l == 0 ? lk_input_layer_rows(&e->input) : (lk_rows){.x = e->y[l - 1], .ld = ld_of(e, l - 1)};
}

/* Units of the layers below l, in one direction. */
static ptrdiff_t units_below(const lk_encoder *e, int l) {
  ptrdiff_t sum = 0;
  for (int i = 0; i < l; i++) sum += e->H[i];
  return sum;
}

/* Copy the states of layer l (forward direction) between one sequence's carry and state row `row`. */
static void move_states(const lk_encoder *e, const lk_pack *pack, int l, ptrdiff_t row, const lk_real *in,
                        lk_real *out) {
  const lk_recurrent *layer = &e->layer[l][0];
  const ptrdiff_t H = e->H[l];
  const int states = lk_cell_states(e->config->model.cell);
  for (int i = 0; i < states; i++) {
    lk_real *at = lk_recurrent_state(layer, pack, i, row);
    ptrdiff_t offset = states * units_below(e, l) + i * H;
    if (in != NULL) {
      copy_row(at, in + offset, H);
      zero_pads(at, H, layer->Hp);
    } else {
      copy_row(out + offset, at, H);
    }
  }
}

/* y[l] = the directions of layer l, concatenated. */
static void join_directions(lk_encoder *e, int l, const lk_pack *pack) {
  const ptrdiff_t H = e->H[l], ld = ld_of(e, l);
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    lk_real *row = e->y[l] + r * ld;
    for (int d = 0; d < e->directions; d++)
      copy_row(row + d * H, e->layer[l][d].h + (pack->B + r) * e->layer[l][d].Hp, H);
    zero_pads(row, width_of(e, l), ld);
  }
}

void lk_encoder_forward(lk_encoder *e, const lk_params *params, const lk_pack *pack, const lk_inputs *in, lk_mode mode,
                        const lk_real *carry) {
  ptrdiff_t size = lk_encoder_carry_size(e);
  LK_ASSERT(carry == NULL || size > 0);
  lk_params_need(params, e->end[0]);
  (void)lk_input_layer_forward(&e->input, params, pack, in, mode);
  for (int l = 0; l < e->layers; l++) {
    lk_params_need(params, e->end[l]);
    for (ptrdiff_t b = 0; carry != NULL && b < pack->B; b++) move_states(e, pack, l, b, carry + b * size, NULL);
    for (int d = 0; d < e->directions; d++) {
      lk_recurrent_begin_mode(&e->layer[l][d], params, mode);
      lk_recurrent_forward(&e->layer[l][d], params, pack, rows_of(e, l), carry != NULL);
    }
    join_directions(e, l, pack);
    drop(e, pack, mode, l, e->y[l]);
  }
}

double lk_encoder_penalty(const lk_encoder *e, const lk_pack *pack, int s) {
  const lk_range rows = {pack->shard_row[s], pack->shard_row[s + 1]};
  const int last = e->layers - 1;
  const double mean = 1 / (double)e->width;
  double sum = 0;
  if (e->ar > 0) sum += lk_activation_loss(e->ar * mean, e->target, rows, e->width, e->y[last], e->ld);
  for (int d = 0; d < e->directions && e->tar > 0; d++) {
    const lk_recurrent *layer = &e->layer[last][d];
    sum += lk_change_loss(e->tar * mean, e->target, pack, rows, layer->H, layer->h + pack->B * layer->Hp, layer->Hp);
  }
  return sum;
}

/* TAR's part of the gradient with respect to the outputs of the last layer, before dropout. */
static void add_changes(const lk_encoder *e, const lk_pack *pack, const lk_recurrent *layer) {
  const ptrdiff_t first = pack->B * layer->Hp;
  if (!(e->tar > 0)) return;
  lk_change_gradient(e->tar / (double)e->width, e->target, pack, layer->H, layer->h + first, layer->dh + first,
                     layer->Hp);
}

const lk_real *lk_encoder_output(const lk_encoder *e, ptrdiff_t *ld) {
  *ld = e->ld;
  return e->y[e->layers - 1];
}

lk_real *lk_encoder_output_gradient(lk_encoder *e, ptrdiff_t *ld) {
  *ld = e->ld;
  return e->dx[0];
}

/* dh of direction d, from the gradient with respect to the concatenated output. */
static void split_direction(lk_encoder *e, int l, int d, const lk_pack *pack, const lk_real *dy) {
  const lk_recurrent *layer = &e->layer[l][d];
  memset(layer->dh, 0, (size_t)(pack->B * layer->Hp) * sizeof *layer->dh);
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    lk_real *row = layer->dh + (pack->B + r) * layer->Hp;
    copy_row(row, dy + r * ld_of(e, l) + d * layer->H, layer->H);
    zero_pads(row, layer->H, layer->Hp);
  }
}

/* The packed row at which direction d of sequence b ends. */
static ptrdiff_t final_row(const lk_pack *pack, int d, ptrdiff_t b) {
  return lk_pack_row(pack, b, d == 0 ? pack->length[b] - 1 : 0);
}

void lk_encoder_final(const lk_encoder *e, const lk_pack *pack, int l, int i, lk_real *out, ptrdiff_t ldo) {
  for (ptrdiff_t b = 0; b < pack->B; b++) {
    for (int d = 0; d < e->directions; d++) {
      const lk_recurrent *layer = &e->layer[l][d];
      const lk_real *state = lk_recurrent_state(layer, pack, i, pack->B + final_row(pack, d, b));
      copy_row(out + b * ldo + d * layer->H, state, layer->H);
    }
    zero_pads(out + b * ldo, width_of(e, l), ldo);
  }
}

/* Add the gradients with respect to the final states of layer l. Returns whether there are any for c; dc is then
 * initialised here. */
static int add_finals(lk_encoder *e, const lk_final_gradients *finals, int l, int d, const lk_pack *pack) {
  const lk_recurrent *layer = &e->layer[l][d];
  int cells = 0;
  for (int i = 0; finals != NULL && i < 2; i++) {
    if (finals->state[l][i] == NULL) continue;
    if (lk_cell_state(e->config->model.cell, i) == 'c') {
      memset(layer->dc, 0, (size_t)((pack->B + pack->N) * layer->Hp) * sizeof *layer->dc);
      cells = 1;
    }
    for (ptrdiff_t b = 0; b < pack->B; b++) {
      const lk_real *from = finals->state[l][i] + b * finals->ld + d * layer->H;
      lk_real *row = lk_recurrent_state_gradient(layer, pack, i, pack->B + final_row(pack, d, b));
      for (ptrdiff_t u = 0; u < layer->H; u++) row[u] += from[u];
    }
  }
  return cells;
}

void lk_encoder_backward(lk_encoder *e, const lk_pack *pack, lk_mode mode, const lk_final_gradients *finals,
                         const lk_shard_product *also, lk_lookup_gradient *lookup, const lk_grads *grads) {
  const int learns = lk_input_layer_learns(&e->input);
  const lk_grads inside = lk_grads_inside(grads); /* the first direction's tensors lie before the second's */
  lk_real *dy = e->dx[0], *dx = e->dx[1];
  if (mode.training && e->ar > 0)
    lk_activation_gradient(e->ar / (double)e->width, e->target, pack->N, e->width, e->y[e->layers - 1], dy, e->ld);
  for (int l = e->layers - 1; l >= 0; l--) {
    lk_real *to = l > 0 || learns ? dx : NULL;
    const ptrdiff_t ld = l > 0 ? ld_of(e, l - 1) : e->input.ld;
    drop(e, pack, mode, l, dy);
    for (int d = 0; d < e->directions; d++) {
      split_direction(e, l, d, pack, dy);
      if (mode.training && l == e->layers - 1) add_changes(e, pack, &e->layer[l][d]);
      const int cells = add_finals(e, finals, l, d, pack);
      /* no gradient with respect to initial states: back-propagation is truncated where states are carried over */
      lk_recurrent_backward(&e->layer[l][d], pack, rows_of(e, l), 0, cells, to, to ? ld : 0, d,
                            d + 1 < e->directions ? &inside : grads);
    }
    lk_grads_final(grads, e->layer[l][0].weight_ih);
    dx = dy;
    dy = to;
  }
  if (learns) lk_input_layer_backward(&e->input, pack, mode, dy, also, lookup, &inside);
}

ptrdiff_t lk_encoder_carry_size(const lk_encoder *e) {
  return e->directions == 1 ? lk_cell_states(e->config->model.cell) * units_below(e, e->layers) : 0;
}

void lk_encoder_carry(const lk_encoder *e, const lk_pack *pack, lk_real *carry) {
  ptrdiff_t size = lk_encoder_carry_size(e);
  for (ptrdiff_t b = 0; b < pack->B; b++)
    for (int l = 0; l < e->layers; l++)
      move_states(e, pack, l, pack->B + lk_pack_row(pack, b, pack->length[b] - 1), NULL, carry + b * size);
}
