/* characters_recurrent.c - two directions over the characters of a word; its vector is their last states, side by side.
 * Source: Lample et al. 2016 (lstm), section 4.1. */
#include "characters.h"

#include "nn_impl.h"

static lk_status declare(lk_characters *c, lk_params *params, const lk_config *config) {
  const lk_config_model *m = &config->model;
  c->width = 2 * (ptrdiff_t)m->character_hidden;
  for (int d = 0; d < 2; d++) {
    const lk_recurrent_spec spec = {.cell = c->net->name,
                                    .name = d == 0 ? "characters.forward" : "characters.backward",
                                    .I = c->E,
                                    .H = c->width / 2,
                                    .backward = d,
                                    .distinct = 1,
                                    .recurrent_bias = m->recurrent_bias,
                                    .forget_bias = m->forget_bias,
                                    .init = m->recurrent_init};
    LK_TRY(lk_recurrent_declare(&c->layer[d], params, &spec));
  }
  return LK_OK;
}

static void layout_weights(lk_characters *c, lk_arena *weights, int training) {
  for (int d = 0; d < 2; d++) lk_recurrent_layout_weights(&c->layer[d], weights, training);
}

static void layout(lk_characters *c, lk_arena *arena, ptrdiff_t B, int training) {
  for (int d = 0; d < 2; d++) lk_recurrent_layout(&c->layer[d], arena, B, c->most, training);
}

static void pack(lk_characters *c, const lk_params *params, int training, lk_part part) {
  for (int d = 0; d < 2; d++) lk_recurrent_pack(&c->layer[d], params, training, part);
}

static lk_rows rows_of(const lk_characters *c) {
  return (lk_rows){.x = c->x, .ld = lk_padded(c->E), .distinct = &c->distinct};
}

/* The row of a state matrix with the last state of direction d of word b. */
static lk_real *last_row(const lk_characters *c, int d, ptrdiff_t b, lk_real *states) {
  const ptrdiff_t row = lk_pack_row(&c->pack, b, d == 0 ? c->pack.length[b] - 1 : 0);
  return states + (c->pack.B + row) * c->layer[d].Hp;
}

static void forward(lk_characters *c, const lk_params *params, lk_real *word) {
  for (int d = 0; d < 2; d++) {
    const lk_recurrent *l = &c->layer[d];
    lk_recurrent_forward(&c->layer[d], params, &c->pack, rows_of(c), 0);
    for (ptrdiff_t b = 0; b < c->pack.B; b++) copy_row(word + b * c->ld + d * l->H, last_row(c, d, b, l->h), l->H);
  }
}

static void backward(lk_characters *c, const lk_grads *grads) {
  for (int d = 0; d < 2; d++) {
    const lk_recurrent *l = &c->layer[d];
    memset(l->dh, 0, (size_t)((c->pack.B + c->pack.N) * l->Hp) * sizeof *l->dh);
    for (ptrdiff_t b = 0; b < c->pack.B; b++) copy_row(last_row(c, d, b, l->dh), c->dword + b * c->ld + d * l->H, l->H);
    lk_recurrent_backward(&c->layer[d], &c->pack, rows_of(c), 0, 0, c->dx, lk_padded(c->E), d, grads);
  }
}

#define RECURRENT_NET(cell)                                                                \
  const lk_character_net lk_characters_##cell = {                                          \
      .name = #cell,                                                                       \
      .help = "the last states of two directions of this cell",                            \
      .reads = "model.character_embedding model.character_hidden model.character_dropout", \
      .declare = declare,                                                                  \
      .layout_weights = layout_weights,                                                    \
      .layout = layout,                                                                    \
      .pack = pack,                                                                        \
      .forward = forward,                                                                  \
      .backward = backward};
RECURRENT_NET(lstm)
RECURRENT_NET(gru)
