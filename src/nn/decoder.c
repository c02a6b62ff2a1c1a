#include "decoder.h"

#include <stdio.h>

#include "choices.h"
#include "decoder_impl.h"

static lk_choice bridge_choice(size_t i) {
  static const lk_choice bridges[] = {{"dense", "by a dense layer", NULL},
                                      {"copy", "copied, from one direction", NULL}};
  return i < sizeof bridges / sizeof *bridges ? bridges[i] : (lk_choice){0};
}
LK_CHOICES("model.bridge", bridge_choice)

/* Read model.bridge and model.attention, and check that they suit the encoder. */
static lk_status choose(const lk_config *config, int *copying, lk_attention_kind *kind) {
  const lk_config_model *m = &config->model;
  size_t bridge, attention;
  if (*m->widths)
    return lk_config_error(config, "model.widths", "all layers of a translator have the width model.hidden");
  LK_TRY(lk_config_choice(config, "model.bridge", &bridge));
  LK_TRY(lk_config_choice(config, "model.attention", &attention));
  *copying = bridge == 1;
  *kind = (lk_attention_kind)attention;
  if (*copying && m->bidirectional)
    return lk_config_error(config, "model.bridge",
                           "states of two directions are too wide to be copied: expected dense, or an encoder of one");
  if (*kind == LK_ATTENTION_DOT && m->bidirectional)
    return lk_config_error(config, "model.attention",
                           "dot needs an encoder as wide as the decoder, found %lld and %lld: expected general or "
                           "additive, or an encoder of one direction",
                           2 * (long long)m->hidden, (long long)m->hidden);
  return LK_OK;
}

lk_status lk_decoder_check(const lk_config *config) {
  int copying;
  lk_attention_kind kind;
  return choose(config, &copying, &kind);
}

static lk_status declare_bridge(lk_decoder *d, lk_params *params, const lk_encoder *encoder) {
  char name[64];
  for (int l = 0; l < d->layers && !d->copying; l++)
    for (int i = 0; i < d->handed; i++) {
      (void)snprintf(name, sizeof name, "decoder.bridge.%d.%c", l, lk_cell_state(d->config->model.cell, i));
      LK_TRY(lk_dense_declare(&d->bridge[l][i], params, name, encoder->width, d->H, -1));
    }
  return LK_OK;
}

static lk_status declare_layers(lk_decoder *d, lk_params *params) {
  const lk_config_model *m = &d->config->model;
  char name[64];
  for (int l = 0; l < d->layers; l++) {
    (void)snprintf(name, sizeof name, "decoder.rnn.%d", l);
    lk_recurrent_spec spec = {.cell = m->cell,
                              .name = name,
                              .I = l == 0 ? d->E + d->F : d->H,
                              .H = d->H,
                              .F = l == 0 ? d->F : 0,
                              .distinct = l == 0,
                              .recurrent_bias = m->recurrent_bias,
                              .forget_bias = m->forget_bias,
                              .highway_bias = m->highway_bias,
                              .init = m->recurrent_init,
                              .weight_dropout = m->weight_dropout};
    LK_TRY(lk_recurrent_declare(&d->layer[l], params, &spec));
  }
  return LK_OK;
}

lk_status lk_decoder_declare(lk_decoder *d, lk_params *params, const lk_config *config, const lk_encoder *encoder,
                             ptrdiff_t V, int shared) {
  const lk_config_model *m = &config->model;
  lk_attention_kind kind = LK_ATTENTION_NONE;
  int copying = 0;
  LK_TRY(choose(config, &copying, &kind));
  *d = (lk_decoder){.config = config, .layers = encoder->layers, .shared = shared, .V = V, .E = m->embedding};
  d->copying = copying;
  d->states = lk_cell_states(m->cell);
  while (d->handed < d->states && lk_cell_state(m->cell, d->handed)) d->handed++;
  d->H = (ptrdiff_t)m->hidden; /* as in all layers of the encoder: lk_decoder_check() */
  d->Hp = lk_padded(d->H);
  d->W = encoder->width;
  d->F = m->input_feeding && kind != LK_ATTENTION_NONE ? d->H : 0;
  d->ld0 = lk_padded(d->E);
  d->ldc = lk_padded(d->H + d->W);
  d->ldfinal = lk_padded(encoder->width);
  LK_ASSERT(!shared || lk_input_layer_embedding(&encoder->input));
  if (shared)
    d->embedding = *lk_input_layer_embedding(&encoder->input);
  else
    LK_TRY(lk_embedding_declare(&d->embedding, params, "decoder.embedding", V, d->E, m->embedding_deviation));
  d->first = lk_params_tensors(params);
  LK_TRY(declare_bridge(d, params, encoder));
  LK_TRY(declare_layers(d, params));
  LK_TRY(lk_attention_declare(&d->attention, params, kind, d->H, d->W));
  if (kind == LK_ATTENTION_NONE) return LK_OK;
  return lk_dense_declare_linear(&d->combine, params, "decoder.combine", d->H + d->W, d->H);
}

static void layout_states(lk_decoder *d, lk_arena *arena, ptrdiff_t B, int training) {
  for (int l = 0; l < d->layers; l++)
    for (int i = 0; i < d->handed; i++) {
      d->final[l][i] = lk_arena_reals(arena, B * d->ldfinal);
      d->start[l][i] = d->copying ? d->final[l][i] : lk_arena_reals(arena, B * d->Hp);
      if (!d->copying) lk_dense_layout(&d->bridge[l][i], arena, training);
      if (training) d->dfinal[l][i] = lk_arena_reals(arena, B * d->ldfinal);
    }
  if (training) d->dstart = lk_arena_reals(arena, B * d->Hp);
}

static void layout_gradients(lk_decoder *d, lk_arena *arena, ptrdiff_t N) {
  d->dout = lk_arena_reals(arena, N * d->Hp);
  d->dx = lk_arena_reals(arena, N * (d->ld0 > d->Hp ? d->ld0 : d->Hp));
  if (d->attention.kind != LK_ATTENTION_NONE) {
    d->djoined = lk_arena_reals(arena, N * d->ldc);
    d->dcontext = lk_arena_reals(arena, N * lk_padded(d->W));
  }
  if (d->F) d->dfed = lk_arena_reals(arena, N * d->Hp);
  if (!d->shared) return;
  d->all_ids = lk_arena_ints(arena, 2 * N);
  d->all_dx = lk_arena_reals(arena, 2 * N * d->ld0);
  d->all_rows = lk_arena_take(arena, sizeof(ptrdiff_t) * (LK_MAX_SHARDS + 1));
}

void lk_decoder_layout_weights(lk_decoder *d, lk_arena *weights, int training) {
  for (int l = 0; l < d->layers; l++) {
    lk_recurrent_layout_weights(&d->layer[l], weights, training);
    for (int i = 0; i < d->handed && !d->copying; i++) lk_dense_layout_weights(&d->bridge[l][i], weights, training);
  }
  lk_attention_layout_weights(&d->attention, weights, training);
  if (d->attention.kind != LK_ATTENTION_NONE) lk_dense_layout_weights(&d->combine, weights, training);
}

void lk_decoder_layout(lk_decoder *d, lk_arena *arena, ptrdiff_t B, ptrdiff_t N, ptrdiff_t M, ptrdiff_t T,
                       int training) {
  lk_embedding_layout(&d->embedding, arena, d->shared ? N + M : N, training);
  layout_states(d, arena, B, training);
  for (int l = 0; l < d->layers; l++) {
    lk_recurrent_layout(&d->layer[l], arena, B, N, training);
    d->x[l] = lk_arena_reals(arena, N * (l == 0 ? d->ld0 : d->Hp));
  }
  d->ids = lk_arena_ints(arena, N);
  lk_distinct_layout(&d->distinct, arena, d->V, N);
  d->picked = lk_arena_ints(arena, 3 * B);
  d->out = lk_arena_reals(arena, N * d->Hp);
  lk_attention_layout(&d->attention, arena, N, B, M, T, training);
  if (d->attention.kind != LK_ATTENTION_NONE) {
    lk_dense_layout(&d->combine, arena, training);
    d->joined = lk_arena_reals(arena, N * d->ldc);
    d->mixed = lk_arena_reals(arena, N * d->Hp);
  }
  if (d->F) d->fed = lk_arena_reals(arena, N * d->Hp);
  if (training) layout_gradients(d, arena, N);
}

void lk_decoder_pack(lk_decoder *d, const lk_params *params, int training, lk_part part) {
  for (int l = 0; l < d->layers; l++) {
    lk_recurrent_pack(&d->layer[l], params, training, part);
    for (int i = 0; i < d->handed && !d->copying; i++) lk_dense_pack(&d->bridge[l][i], params, training, part);
  }
  lk_attention_pack(&d->attention, params, training, part);
  if (d->attention.kind != LK_ATTENTION_NONE) lk_dense_pack(&d->combine, params, training, part);
}

const lk_real *lk_decoder_output(const lk_decoder *d, ptrdiff_t *ld) {
  *ld = d->Hp;
  return d->out;
}

lk_real *lk_decoder_output_gradient(lk_decoder *d, ptrdiff_t *ld) {
  *ld = d->Hp;
  return d->dout;
}

ptrdiff_t lk_decoder_carry_size(const lk_decoder *d) { return d->layers * d->states * d->H + d->F; }

void lk_decoder_carry(const lk_decoder *d, const lk_pack *pack, lk_real *carry) {
  const ptrdiff_t size = lk_decoder_carry_size(d);
  for (ptrdiff_t b = 0; b < pack->B; b++, carry += size) {
    const ptrdiff_t row = lk_pack_row(pack, b, pack->length[b] - 1);
    lk_real *to = carry;
    for (int l = 0; l < d->layers; l++)
      for (int i = 0; i < d->states; i++, to += d->H)
        copy_row(to, lk_recurrent_state(&d->layer[l], pack, i, pack->B + row), d->H);
    if (d->F) copy_row(to, d->out + row * d->Hp, d->F);
  }
}
