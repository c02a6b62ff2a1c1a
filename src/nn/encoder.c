#include "encoder.h"

#include <stdio.h>

#include "nn_impl.h"

#define FIRST_WORD 4 /* ids below it are <pad> <sos> <eos> <unk> */
#define UNKNOWN    3

const char *const *lk_input_names(size_t *count) {
  static const char *const names[] = {"embed", "onehot"};
  *count = sizeof names / sizeof *names;
  return names;
}

static int has_embedding(const lk_encoder *e) { return !e->onehot && !e->frames; }

static lk_status check_settings(const lk_config *config) {
  const lk_config_model *m = &config->model;
  if (m->hidden < 1)
    return lk_config_error(config, "model.hidden", "expected at least 1, found %lld", (long long)m->hidden);
  if (m->hidden > LK_MAX_WIDTH / 2)
    return lk_config_error(config, "model.hidden", "expected at most %d, found %lld", LK_MAX_WIDTH / 2,
                           (long long)m->hidden);
  if (m->embedding > LK_MAX_WIDTH)
    return lk_config_error(config, "model.embedding", "expected at most %d, found %lld", LK_MAX_WIDTH,
                           (long long)m->embedding);
  if (m->layers < 1 || m->layers > LK_MAX_LAYERS)
    return lk_config_error(config, "model.layers", "expected 1 to %d, found %lld", LK_MAX_LAYERS, (long long)m->layers);
  if (!(m->dropout >= 0 && m->dropout < 1))
    return lk_config_error(config, "model.dropout", "expected 0 or more and less than 1, found %g", m->dropout);
  if (!(m->word_dropout >= 0))
    return lk_config_error(config, "model.word_dropout", "expected 0 or more, found %g", m->word_dropout);
  size_t count, index;
  const char *const *cells = lk_cell_names(&count);
  return lk_config_choice(config, "model.cell", cells, count, &index);
}

/* What layer 0 reads: e->onehot, e->frames, e->I0; and the embedding, where there is one. */
static lk_status declare_input(lk_encoder *e, lk_params *params, ptrdiff_t frames) {
  const lk_config_model *m = &e->config->model;
  size_t count, input;
  const char *const *names = lk_input_names(&count);
  LK_TRY(lk_config_choice(e->config, "model.input", names, count, &input));
  e->frames = e->V == 0;
  e->onehot = !e->frames && input == 1;
  e->I0 = e->frames ? frames : e->onehot ? e->V : m->embedding;
  LK_ASSERT(e->V > 0 || frames > 0);
  if (e->onehot) return LK_OK;
  if (!e->frames && m->embedding < 1)
    return lk_config_error(e->config, "model.embedding", "expected at least 1, found %lld", (long long)m->embedding);
  if (e->I0 > LK_MAX_WIDTH)
    return lk_config_error(e->config, "data.corpus", "an input of %td numbers is too wide: at most %d", e->I0,
                           LK_MAX_WIDTH);
  return e->frames ? LK_OK
                   : lk_embedding_declare(&e->embedding, params, "embedding", e->V, e->I0, m->embedding_deviation);
}

/* Counts that are all missing would turn every word into <unk>. */
static lk_status check_counts(const lk_encoder *e) {
  int64_t seen = 0;
  if (!(e->config->model.word_dropout > 0) || e->counts == NULL || e->V <= FIRST_WORD) return LK_OK;
  for (ptrdiff_t id = FIRST_WORD; id < e->V; id++) seen += e->counts[id] > 0;
  if (seen > 0) return LK_OK;
  return LK_FAIL(LK_DATA, "model.word_dropout: the corpus does not say how often words were seen: prepare it again");
}

lk_status lk_encoder_declare(lk_encoder *e, lk_params *params, const lk_config *config, ptrdiff_t V, ptrdiff_t frames,
                             const int64_t *counts) {
  const lk_config_model *m = &config->model;
  LK_TRY(check_settings(config));
  *e = (lk_encoder){.config = config, .V = V, .counts = counts};
  e->directions = m->bidirectional ? 2 : 1;
  e->layers = (int)m->layers;
  e->H = (ptrdiff_t)m->hidden;
  e->width = e->H * e->directions;
  LK_TRY(check_counts(e));
  LK_TRY(declare_input(e, params, frames));
  for (int l = 0; l < e->layers; l++)
    for (int d = 0; d < e->directions; d++) {
      char name[64];
      (void)snprintf(name, sizeof name, "rnn.%d.%s", l, d == 0 ? "forward" : "backward");
      lk_recurrent_spec spec = {.cell = m->cell,
                                .name = name,
                                .I = l == 0 ? e->I0 : e->width,
                                .H = e->H,
                                .backward = d,
                                .onehot = l == 0 && e->onehot,
                                .distinct = l == 0 && has_embedding(e),
                                .recurrent_bias = m->recurrent_bias,
                                .forget_bias = m->forget_bias,
                                .init = m->recurrent_init};
      LK_TRY(lk_recurrent_declare(&e->layer[l][d], params, &spec));
    }
  return LK_OK;
}

void lk_encoder_layout_weights(lk_encoder *e, lk_arena *weights, int training) {
  for (int l = 0; l < e->layers; l++)
    for (int d = 0; d < e->directions; d++) lk_recurrent_layout_weights(&e->layer[l][d], weights, training);
}

void lk_encoder_layout(lk_encoder *e, lk_arena *arena, ptrdiff_t B, ptrdiff_t N, int training) {
  ptrdiff_t widest = lk_padded(e->width);
  e->ids = e->frames ? NULL : lk_arena_ints(arena, N);
  if (has_embedding(e)) {
    lk_embedding_layout(&e->embedding, arena, N, training);
    lk_distinct_layout(&e->distinct, arena, e->V, N);
  }
  for (int l = 0; l <= e->layers; l++) {
    e->ld[l] = l == 0 ? lk_padded(e->I0) : lk_padded(e->width);
    int absent = l == 0 && e->onehot;
    e->x[l] = absent ? NULL : lk_arena_reals(arena, N * e->ld[l]);
    if (!absent && e->ld[l] > widest) widest = e->ld[l];
  }
  for (int l = 0; l < e->layers; l++)
    for (int d = 0; d < e->directions; d++) lk_recurrent_layout(&e->layer[l][d], arena, B, N, training);
  for (int i = 0; i < 2; i++) e->dx[i] = training ? lk_arena_reals(arena, N * widest) : NULL;
}

void lk_encoder_pack(lk_encoder *e, const lk_params *params, int training, lk_part part) {
  for (int l = 0; l < e->layers; l++)
    for (int d = 0; d < e->directions; d++) lk_recurrent_pack(&e->layer[l][d], params, training, part);
}

/* e->ids: the batch's words, rare ones now and then as <unk>, so that <unk> is learnt (Kiperwasser & Goldberg 2016). */
static void take_ids(lk_encoder *e, const lk_pack *pack, const int32_t *ids, lk_mode mode) {
  memcpy(e->ids, ids, (size_t)pack->N * sizeof *ids);
  double a = e->config->model.word_dropout;
  if (!mode.training || !(a > 0) || e->counts == NULL) return;
  lk_rng rng = lk_rng_make(mode.seed, LK_PURPOSE_WORD);
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    if (ids[r] < FIRST_WORD) continue;
    double u = lk_rng_uniform(rng, mode.step, pack->id[pack->seq[r]], (uint32_t)pack->time[r], 0);
    if (u < a / (a + (double)e->counts[ids[r]])) e->ids[r] = UNKNOWN;
  }
}

/* Dropout `layer` in place, on activations forward and on their gradients backward. */
static void drop(const lk_encoder *e, const lk_pack *pack, lk_mode mode, int layer, lk_real *x) {
  const lk_config_model *m = &e->config->model;
  ptrdiff_t width = layer == 0 ? e->I0 : e->width;
  double rate = layer == 0 ? m->input_dropout : m->dropout;
  lk_dropout(pack, mode, rate, m->variational, layer, width, x, e->ld[layer], x, e->ld[layer]);
}

/* Whether rows of the input are masked, so that two of one word differ. */
static int drops(const lk_encoder *e, lk_mode mode) {
  return mode.training && e->config->model.input_dropout > 0 && !e->onehot;
}

static void read_input(lk_encoder *e, const lk_params *params, const lk_pack *pack, lk_encoder_input in, lk_mode mode) {
  LK_ASSERT(e->frames ? in.frames != NULL : in.ids != NULL);
  if (!e->frames) take_ids(e, pack, in.ids, mode);
  if (e->frames) {
    for (ptrdiff_t r = 0; r < pack->N; r++) {
      lk_real *row = e->x[0] + r * e->ld[0];
      for (ptrdiff_t i = 0; i < e->I0; i++) row[i] = (lk_real)in.frames[r * e->I0 + i];
      zero_pads(row, e->I0, e->ld[0]);
    }
  } else if (!e->onehot) {
    if (drops(e, mode))
      lk_distinct_each(&e->distinct, pack, e->ids);
    else
      lk_distinct_find(&e->distinct, pack, e->ids);
    lk_embedding_forward(&e->embedding, params, e->distinct.n, e->distinct.id, e->x[0], e->ld[0]);
  }
  if (drops(e, mode)) drop(e, pack, mode, 0, e->x[0]);
}

static lk_rows rows_of(const lk_encoder *e, int l) {
  if (l == 0 && e->onehot) return (lk_rows){.ids = e->ids};
  return (lk_rows){.x = e->x[l], .ld = e->ld[l], .distinct = l == 0 && has_embedding(e) ? &e->distinct : NULL};
}

/* The states of layer l (forward direction) that one sequence's carry holds, h then c, between it and row `row`. */
static void move_states(const lk_encoder *e, int l, ptrdiff_t row, const lk_real *in, lk_real *out) {
  const lk_recurrent *layer = &e->layer[l][0];
  lk_real *state[2] = {layer->h, layer->c};
  ptrdiff_t states = lk_cell_states(e->config->model.cell);
  LK_ASSERT(states <= 2);
  for (ptrdiff_t i = 0; i < states; i++) {
    lk_real *at = state[i] + row * layer->Hp;
    ptrdiff_t offset = (l * states + i) * e->H;
    if (in != NULL) {
      copy_row(at, in + offset, e->H);
      zero_pads(at, e->H, layer->Hp);
    } else {
      copy_row(out + offset, at, e->H);
    }
  }
}

/* x[l+1] = the directions of layer l side by side. */
static void join_directions(lk_encoder *e, int l, const lk_pack *pack) {
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    lk_real *row = e->x[l + 1] + r * e->ld[l + 1];
    for (int d = 0; d < e->directions; d++)
      copy_row(row + d * e->H, e->layer[l][d].h + (pack->B + r) * e->layer[l][d].Hp, e->H);
    zero_pads(row, e->width, e->ld[l + 1]);
  }
}

void lk_encoder_forward(lk_encoder *e, const lk_params *params, const lk_pack *pack, lk_encoder_input in, lk_mode mode,
                        const lk_real *carry) {
  ptrdiff_t size = lk_encoder_carry_size(e);
  LK_ASSERT(carry == NULL || size > 0);
  read_input(e, params, pack, in, mode);
  for (int l = 0; l < e->layers; l++) {
    for (ptrdiff_t b = 0; carry != NULL && b < pack->B; b++) move_states(e, l, b, carry + b * size, NULL);
    for (int d = 0; d < e->directions; d++) lk_recurrent_forward(&e->layer[l][d], pack, rows_of(e, l), carry != NULL);
    join_directions(e, l, pack);
    drop(e, pack, mode, l + 1, e->x[l + 1]);
  }
}

const lk_real *lk_encoder_output(const lk_encoder *e, ptrdiff_t *ld) {
  *ld = e->ld[e->layers];
  return e->x[e->layers];
}

lk_real *lk_encoder_output_gradient(lk_encoder *e, ptrdiff_t *ld) {
  *ld = e->ld[e->layers];
  return e->dx[0];
}

/* dh of direction d from the gradient by the joined output. */
static void split_direction(lk_encoder *e, int l, int d, const lk_pack *pack, const lk_real *dy) {
  const lk_recurrent *layer = &e->layer[l][d];
  memset(layer->dh, 0, (size_t)(pack->B * layer->Hp) * sizeof *layer->dh);
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    lk_real *row = layer->dh + (pack->B + r) * layer->Hp;
    copy_row(row, dy + r * e->ld[l + 1] + d * e->H, e->H);
    zero_pads(row, e->H, layer->Hp);
  }
}

/* The packed row that direction d of sequence b ends with. */
static ptrdiff_t final_row(const lk_pack *pack, int d, ptrdiff_t b) {
  return lk_pack_row(pack, b, d == 0 ? pack->length[b] - 1 : 0);
}

void lk_encoder_final(const lk_encoder *e, const lk_pack *pack, int l, int i, lk_real *out, ptrdiff_t ldo) {
  for (ptrdiff_t b = 0; b < pack->B; b++) {
    for (int d = 0; d < e->directions; d++) {
      const lk_recurrent *layer = &e->layer[l][d];
      const lk_real *state = i == 0 ? layer->h : layer->c;
      copy_row(out + b * ldo + d * e->H, state + (pack->B + final_row(pack, d, b)) * layer->Hp, e->H);
    }
    zero_pads(out + b * ldo, e->width, ldo);
  }
}

/* Add the gradients by the final states of layer l. Returns whether there are some by c: then dc is complete. */
static int add_finals(lk_encoder *e, const lk_final_gradients *finals, int l, int d, const lk_pack *pack) {
  const lk_recurrent *layer = &e->layer[l][d];
  lk_real *to[2] = {layer->dh, layer->dc};
  if (finals == NULL) return 0;
  if (finals->state[l][1]) memset(layer->dc, 0, (size_t)((pack->B + pack->N) * layer->Hp) * sizeof *layer->dc);
  for (int i = 0; i < 2; i++) {
    if (finals->state[l][i] == NULL) continue;
    for (ptrdiff_t b = 0; b < pack->B; b++) {
      const lk_real *from = finals->state[l][i] + b * finals->ld + d * e->H;
      lk_real *row = to[i] + (pack->B + final_row(pack, d, b)) * layer->Hp;
      for (ptrdiff_t u = 0; u < e->H; u++) row[u] += from[u];
    }
  }
  return finals->state[l][1] != NULL;
}

void lk_encoder_backward(lk_encoder *e, const lk_pack *pack, lk_mode mode, const lk_final_gradients *finals,
                         const lk_shard_product *also, lk_lookup_gradient *lookup, const lk_grads *grads) {
  const int embedded = has_embedding(e);
  lk_real *dy = e->dx[0], *dx = e->dx[1];
  for (int l = e->layers - 1; l >= 0; l--) {
    lk_real *to = l > 0 || embedded ? dx : NULL;
    drop(e, pack, mode, l + 1, dy);
    for (int d = 0; d < e->directions; d++) {
      split_direction(e, l, d, pack, dy);
      const int cells = add_finals(e, finals, l, d, pack);
      /* no gradient by the initial states: back-propagation is truncated where states were carried over */
      lk_recurrent_backward(&e->layer[l][d], pack, rows_of(e, l), 0, cells, to, to ? e->ld[l] : 0, d, grads);
    }
    dx = dy;
    dy = to;
  }
  LK_ASSERT(lookup == NULL || embedded);
  if (!embedded) return;
  if (drops(e, mode)) drop(e, pack, mode, 0, dy);
  if (lookup)
    *lookup = (lk_lookup_gradient){.distinct = &e->distinct, .dx = dy, .ld = e->ld[0]};
  else
    lk_embedding_backward(&e->embedding, e->distinct.shard_row, e->distinct.id, dy, e->ld[0], also, grads);
}

ptrdiff_t lk_encoder_carry_size(const lk_encoder *e) {
  return e->directions == 1 ? e->layers * lk_cell_states(e->config->model.cell) * e->H : 0;
}

void lk_encoder_carry(const lk_encoder *e, const lk_pack *pack, lk_real *carry) {
  ptrdiff_t size = lk_encoder_carry_size(e);
  for (ptrdiff_t b = 0; b < pack->B; b++)
    for (int l = 0; l < e->layers; l++)
      move_states(e, l, pack->B + lk_pack_row(pack, b, pack->length[b] - 1), NULL, carry + b * size);
}
