/* lk_recurrent, lk_encoder and softmax_loss against PyTorch in double (tests/reference/make_vectors.py): outputs, last
 * states and all gradients, to 1e-10. */
#include "nn_fixture.h"

#include <math.h>
#include <stdio.h>

#include "encoder.h"
#include "reference/vectors.h"

enum { I = TORCH_I, H = TORCH_H, B = TORCH_B, T = TORCH_T };
#define TOLERANCE 1e-10

/* Sequences 0 1 | 2 3 in two shards, each sorted by falling length. */
static fixture_corpus deal(void) {
  fixture_corpus c = {.S = 2, .sequences = B, .shard_seq = {0, 2, 4}};
  for (int b = 0; b < B; b++) {
    c.length[b] = torch_lengths[b];
    c.id[b] = (uint32_t)b;
  }
  return c;
}

static void near(lk_real got, double want, const char *what) {
  if (!(fabs((double)got - want) <= TOLERANCE * fmax(1, fabs(want))))
    fail_msg("%s: %.15g, PyTorch has %.15g", what, (double)got, want);
}

/* Set all tensors of params from torch's list, which has the same order. */
static void set_weights(lk_params *params, const double *weights) {
  for (int i = 0; i < lk_params_tensors(params); i++) {
    lk_real *value = lk_params_value(params, i);
    for (ptrdiff_t j = 0; j < lk_params_at(params, i)->count; j++) value[j] = (lk_real)*weights++;
  }
}

static void check_gradients(const lk_params *params, const lk_grads *grads, const double *want) {
  for (int i = 0; i < lk_params_tensors(params); i++) {
    const lk_param *p = lk_params_at(params, i);
    for (ptrdiff_t j = 0; j < p->count; j++) near(grads->subtree[0][p->offset + j], *want++, p->name);
  }
}

/* One layer, one direction of `c`; torch's direction d. */
typedef struct one_direction {
  lk_params *params;
  lk_recurrent layer;
  lk_arena arena;
  fixture_rank k;
} one_direction;

static lk_status declare_direction(const torch_recurrent *c, int d, lk_params *params, lk_recurrent *layer) {
  lk_recurrent_spec spec = {.cell = c->cell,
                            .name = d == 0 ? "rnn.0.forward" : "rnn.0.backward",
                            .I = I,
                            .H = H,
                            .backward = d,
                            .recurrent_bias = 1,
                            .forget_bias = 1};
  return lk_recurrent_declare(layer, params, &spec);
}

static void open_direction(one_direction *o, const torch_recurrent *c, int d) {
  *o = (one_direction){0};
  assert_int_equal(lk_params_create(&o->params), LK_OK);
  assert_int_equal(declare_direction(c, d, o->params, &o->layer), LK_OK);
  assert_int_equal(lk_params_commit(o->params, 1), LK_OK);
  ptrdiff_t count = lk_params_trainable(o->params);
  set_weights(o->params, c->weights + d * count);
  fixture_corpus corpus = deal();
  fixture_rank_open(&o->k, &corpus, 0, 1, o->params);
  lk_recurrent_layout_weights(&o->layer, &o->arena, 1);
  lk_recurrent_layout(&o->layer, &o->arena, B, o->k.pack.N, 1);
  assert_int_equal(lk_arena_reserve(&o->arena), LK_OK);
  fixture_poison(&o->arena);
  lk_recurrent_layout_weights(&o->layer, &o->arena, 1);
  lk_recurrent_layout(&o->layer, &o->arena, B, o->k.pack.N, 1);
  lk_recurrent_pack(&o->layer, o->params, 1, LK_WHOLE);
}

static void close_direction(one_direction *o) {
  fixture_rank_close(&o->k);
  lk_arena_release(&o->arena);
  lk_params_destroy(&o->params);
}

/* Row `to` of a state matrix = torch's state of direction d and sequence b; pads zero. */
static void set_state(lk_real *to, const double *from, int d, ptrdiff_t b, ptrdiff_t Hp) {
  for (ptrdiff_t i = 0; i < Hp; i++) to[i] = i < H ? (lk_real)from[(d * B + b) * H + i] : 0;
}

static ptrdiff_t last_row(const lk_pack *p, ptrdiff_t b, int backward) {
  return lk_pack_row(p, b, backward ? 0 : p->length[b] - 1);
}

static void run_forward(one_direction *o, const torch_recurrent *c, int d, const lk_real *x) {
  lk_recurrent *l = &o->layer;
  const lk_pack *p = &o->k.pack;
  for (ptrdiff_t b = 0; b < B; b++) {
    set_state(l->h + b * l->Hp, c->h0, d, b, l->Hp);
    if (l->c != NULL) set_state(l->c + b * l->Hp, c->c0, d, b, l->Hp);
    for (int i = 0; i < lk_cell_states(c->cell); i++) /* no input lies before the first */
      if (!lk_cell_state(c->cell, i)) memset(lk_recurrent_state(l, p, i, b), 0, (size_t)l->Hp * sizeof *l->h);
  }
  lk_recurrent_forward(l, o->params, p, (lk_rows){.x = x, .ld = LK_LANES}, 1);
  for (ptrdiff_t r = 0; r < p->N; r++)
    for (ptrdiff_t i = 0; i < l->Hp; i++) {
      ptrdiff_t at = ((p->seq[r] * T + p->time[r]) * c->directions + d) * H + i;
      near(l->h[(B + r) * l->Hp + i], i < H ? c->y[at] : 0, "output");
    }
  for (ptrdiff_t b = 0; b < B; b++)
    for (ptrdiff_t i = 0; i < H; i++) {
      ptrdiff_t row = B + last_row(p, b, d);
      near(l->h[row * l->Hp + i], c->hn[(d * B + b) * H + i], "last h");
      if (l->c != NULL) near(l->c[row * l->Hp + i], c->cn[(d * B + b) * H + i], "last c");
    }
}

static void run_backward(one_direction *o, const torch_recurrent *c, int d, const lk_real *x, lk_real *dx) {
  lk_recurrent *l = &o->layer;
  const lk_pack *p = &o->k.pack;
  int final_dc = l->dc != NULL;
  memset(l->dh, 0, (size_t)((B + p->N) * l->Hp) * sizeof *l->dh);
  if (final_dc) memset(l->dc, 0, (size_t)((B + p->N) * l->Hp) * sizeof *l->dc);
  for (ptrdiff_t r = 0; r < p->N; r++)
    for (ptrdiff_t i = 0; i < H; i++)
      l->dh[(B + r) * l->Hp + i] = (lk_real)c->gy[((p->seq[r] * T + p->time[r]) * c->directions + d) * H + i];
  for (ptrdiff_t b = 0; b < B && final_dc; b++) set_state(l->dc + (B + last_row(p, b, d)) * l->Hp, c->gc, d, b, l->Hp);
  lk_recurrent_backward(l, p, (lk_rows){.x = x, .ld = LK_LANES}, 1, final_dc, dx, LK_LANES, d, &o->k.grads);
  for (ptrdiff_t b = 0; b < B; b++)
    for (ptrdiff_t i = 0; i < H; i++) {
      near(l->dh[b * l->Hp + i], c->dh0[(d * B + b) * H + i], "gradient by h0");
      if (final_dc) near(l->dc[b * l->Hp + i], c->dc0[(d * B + b) * H + i], "gradient by c0");
    }
  check_gradients(o->params, &o->k.grads, c->gradients + d * lk_params_trainable(o->params));
}

static void read_x(const lk_pack *p, const torch_recurrent *c, lk_real *x) {
  for (ptrdiff_t r = 0; r < p->N; r++)
    for (ptrdiff_t i = 0; i < LK_LANES; i++)
      x[r * LK_LANES + i] = i < I ? (lk_real)c->x[(p->seq[r] * T + p->time[r]) * I + i] : (lk_real)NAN;
}

static void one_layer(const torch_recurrent *c) {
  lk_real x[B * T * LK_LANES], dx[B * T * LK_LANES];
  for (int d = 0; d < c->directions; d++) {
    one_direction o;
    open_direction(&o, c, d);
    const lk_pack *p = &o.k.pack;
    read_x(p, c, x);
    run_forward(&o, c, d, x);
    run_backward(&o, c, d, x, dx); /* the second direction adds to dx */
    for (ptrdiff_t r = 0; r < p->N && d == c->directions - 1; r++)
      for (ptrdiff_t i = 0; i < I; i++)
        near(dx[r * LK_LANES + i], c->dx[(p->seq[r] * T + p->time[r]) * I + i], "gradient by x");
    close_direction(&o);
  }
}

static void every_cell_and_direction(void **state) {
  (void)state;
  size_t count = sizeof torch_recurrents / sizeof *torch_recurrents, seen = 0;
  for (size_t i = 0; i < count; i++)
    if (torch_recurrents[i].layers == 1) {
      one_layer(&torch_recurrents[i]);
      seen++;
    }
  assert_int_equal(2 * seen, count);
}

static void set(lk_config *config, const char *format, const char *value) {
  char text[64];
  (void)snprintf(text, sizeof text, format, value);
  if (lk_config_override(config, text) != LK_OK) fail_msg("%s", lk_error_get()->text);
}

static void configure(lk_config *config, const torch_recurrent *c) {
  char number[16];
  assert_int_equal(lk_config_init(config), LK_OK);
  (void)snprintf(number, sizeof number, "%d", H);
  set(config, "model.hidden=%s", number);
  (void)snprintf(number, sizeof number, "%d", c->layers);
  set(config, "model.layers=%s", number);
  set(config, "model.cell=%s", c->cell);
  set(config, "model.bidirectional=%s", c->directions == 2 ? "true" : "false");
  set(config, "model.dropout=%s", "0");
  set(config, "model.recurrent_bias=%s", "true");
}

/* State i of torch's layer and sequence [H]: h or c; NULL for others. */
static const double *state_of(const torch_recurrent *c, int i, const double *h, const double *cell) {
  const char letter = lk_cell_state(c->cell, i);
  return letter == 'h' ? h : letter == 'c' ? cell : NULL;
}

/* The encoder's carry holds the states layer by layer; zeros where torch has none. */
static void set_carry(const lk_encoder *e, const torch_recurrent *c, lk_real *carry) {
  int states = lk_cell_states(c->cell);
  assert_int_equal(lk_encoder_carry_size(e), c->layers * states * H);
  for (ptrdiff_t b = 0; b < B; b++)
    for (int l = 0; l < c->layers; l++)
      for (int i = 0; i < states * H; i++) {
        const double *from = state_of(c, i / H, c->h0, c->c0);
        *carry++ = from ? (lk_real)from[(l * B + b) * H + i % H] : 0;
      }
}

static void check_carry(const lk_encoder *e, const lk_pack *p, const torch_recurrent *c) {
  lk_real carry[B * 8 * H], *at = carry;
  lk_encoder_carry(e, p, carry);
  for (ptrdiff_t b = 0; b < B; b++)
    for (int l = 0; l < c->layers; l++)
      for (int i = 0; i < lk_cell_states(c->cell) * H; i++, at++) {
        const double *want = state_of(c, i / H, c->hn, c->cn);
        if (want) near(*at, want[(l * B + b) * H + i % H], "last states");
      }
}

static void run_stack(lk_encoder *e, const lk_params *params, fixture_rank *k, const torch_recurrent *c) {
  const lk_pack *p = &k->pack;
  float frames[B * T * I];
  lk_real carry[B * 8 * H];
  ptrdiff_t ld, width = c->directions * H;
  const lk_mode training = {.training = 1};
  const lk_real *start = c->directions == 1 ? carry : NULL;
  for (ptrdiff_t r = 0; r < p->N; r++)
    for (ptrdiff_t i = 0; i < I; i++) frames[r * I + i] = (float)c->x[(p->seq[r] * T + p->time[r]) * I + i];
  if (start != NULL) set_carry(e, c, carry);
  lk_encoder_pack(e, params, 1, LK_WHOLE);
  const lk_inputs in = {.count = 1, .column = {{.name = "frames", .numbers = frames}}};
  lk_encoder_forward(e, params, p, &in, training, start);
  const lk_real *y = lk_encoder_output(e, &ld);
  for (ptrdiff_t r = 0; r < p->N; r++)
    for (ptrdiff_t i = 0; i < width; i++) near(y[r * ld + i], c->y[(p->seq[r] * T + p->time[r]) * width + i], "output");
  if (start != NULL) check_carry(e, p, c);
  lk_real *dy = lk_encoder_output_gradient(e, &ld);
  for (ptrdiff_t r = 0; r < p->N; r++)
    for (ptrdiff_t i = 0; i < width; i++) dy[r * ld + i] = (lk_real)c->gy[(p->seq[r] * T + p->time[r]) * width + i];
  lk_encoder_backward(e, p, training, NULL, NULL, NULL, &k->grads);
}

static void stack(const torch_recurrent *c) {
  lk_config config;
  lk_params *params;
  lk_encoder e;
  lk_arena arena = {0};
  fixture_rank k;
  fixture_corpus corpus = deal();
  configure(&config, c);
  assert_int_equal(lk_params_create(&params), LK_OK);
  assert_int_equal(lk_encoder_declare(&e, params, &config, &(lk_column_form){.name = "frames", .width = I}, 1), LK_OK);
  assert_int_equal(lk_params_commit(params, 1), LK_OK);
  set_weights(params, c->weights);
  fixture_rank_open(&k, &corpus, 0, 1, params);
  lk_encoder_layout_weights(&e, &arena, 1);
  lk_encoder_layout(&e, &arena, B, k.pack.N, 1);
  assert_int_equal(lk_arena_reserve(&arena), LK_OK);
  fixture_poison(&arena);
  lk_encoder_layout_weights(&e, &arena, 1);
  lk_encoder_layout(&e, &arena, B, k.pack.N, 1);
  run_stack(&e, params, &k, c);
  check_gradients(params, &k.grads, c->gradients);
  fixture_rank_close(&k);
  lk_arena_release(&arena);
  lk_params_destroy(&params);
  lk_config_release(&config);
}

static void every_stack(void **state) {
  (void)state;
  size_t count = sizeof torch_recurrents / sizeof *torch_recurrents, seen = 0;
  for (size_t i = 0; i < count; i++)
    if (torch_recurrents[i].layers == 2) {
      stack(&torch_recurrents[i]);
      seen++;
    }
  assert_int_equal(2 * seen, count);
}

static void cross_entropies(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof torch_entropies / sizeof *torch_entropies; i++) {
    const torch_entropy *c = &torch_entropies[i];
    ptrdiff_t ld = lk_padded(c->classes);
    lk_real *logits = fixture_alloc(c->rows * ld);
    double loss[16];
    int32_t target[16], best[16];
    assert_true(c->rows <= 16);
    for (ptrdiff_t r = 0; r < c->rows; r++) {
      target[r] = c->target[r];
      for (ptrdiff_t v = 0; v < ld; v++)
        logits[r * ld + v] = v < c->classes ? (lk_real)c->logits[r * c->classes + v] : 0;
    }
    lk_softmax softmax[16];
    lk_kernels_get()->softmax_loss(c->rows, c->classes, logits, ld, target, c->smoothing, loss, best, softmax);
    lk_kernels_get()->softmax_gradient(c->rows, c->classes, (lk_range){0, c->classes}, logits, ld, target, c->smoothing,
                                       softmax, logits, ld);
    for (ptrdiff_t r = 0; r < c->rows; r++) {
      near((lk_real)loss[r], c->loss[r], "cross-entropy");
      for (ptrdiff_t v = 0; v < c->classes; v++)
        near(logits[r * ld + v], c->gradient[r * c->classes + v], "gradient by a logit");
    }
    free(logits);
  }
}

static int all(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_cell_and_direction),
      cmocka_unit_test(every_stack),
      cmocka_unit_test(cross_entropies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void) { return fixture_every_kernel(all); }
