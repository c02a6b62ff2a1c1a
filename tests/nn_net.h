/* nn_net.h - a whole small net for tests: encoder, pooling or none, head. */
#pragma once
#include "nn_fixture.h"

#include <stdio.h>

#include "encoder.h"
#include "head.h"
#include "pooling.h"

enum {
  NET_V = 11,
  NET_CLASSES = 5,
  NET_FRAME = 6,
  NET_TAGS = 3,
  NET_SCALES = 2,
  NET_COLUMNS = 4,
  NET_ALPHABET = 9,
  NET_FORMS = 6
};
enum { NET_VECTORS = 6, NET_VECTOR = 5 };

typedef struct net_spec {
  const char *cell, *input; /* embed | onehot | frames */
  int layers, bidirectional, embedding, hidden;
  double dropout;
  int variational;
  double word_dropout;
  int tied;
  int pool; /* lk_pooling_kind, or -1: a prediction for every row */
  int carry;
  const char *features;   /* model.features, of the columns "tag" (tokens) and "scale" (numbers); NULL: none */
  const char *head;       /* as model.output has it; NULL: softmax */
  const char *characters; /* as model.characters has it, of the column "form"; NULL: none */
  double character_dropout;
  const char *vectors; /* model.vectors, of the words (mapped) or of the tags, which then are the rows; NULL: none */
  int mapped;
} net_spec;

/* Words of 0 to 5 characters between their marks. */
static const int32_t net_character[] = {1, 2, 1, 4, 2, 1, 5, 4, 2, 1, 6, 7, 6, 2,
                                        1, 8, 4, 5, 3, 2, 1, 7, 4, 6, 8, 7, 2};
static const int64_t net_begin[NET_FORMS + 1] = {0, 2, 5, 9, 14, 20, 27};
static const lk_spelling net_spelling = {.count = NET_FORMS, .character = net_character, .begin = net_begin};

typedef struct net {
  net_spec spec;
  lk_config config;
  lk_params *params;
  lk_encoder encoder;
  lk_pooling pooling;
  lk_head head;
  int64_t counts[NET_V];
  lk_vectors vectors;
  float values[NET_VECTORS * NET_VECTOR];
  int32_t row_of[NET_V];
} net;

/* The net on one rank: buffers, and copies of the layers that point into them. */
typedef struct net_run {
  net *net;
  fixture_rank *rank;
  lk_arena arena;
  lk_encoder encoder;
  lk_pooling pooling;
  lk_head head;
  lk_units units;
  ptrdiff_t rows; /* units */
  lk_real *carry;
  int32_t *ids, *tags, *forms, *target;
  float *frames, *scales;
} net_run;

static inline void net_set(lk_config *config, const char *key, const char *value) {
  char text[128];
  (void)snprintf(text, sizeof text, "model.%s=%s", key, value);
  if (lk_config_override(config, text) != LK_OK) fail_msg("%s", lk_error_get()->text);
}

static inline void net_set_number(lk_config *config, const char *key, double value) {
  char text[32];
  (void)snprintf(text, sizeof text, "%g", value);
  net_set(config, key, text);
}

static inline void net_configure(lk_config *config, const net_spec *spec) {
  assert_int_equal(lk_config_init(config), LK_OK);
  net_set(config, "cell", spec->cell);
  net_set(config, "input", strcmp(spec->input, "frames") == 0 ? "embed" : spec->input);
  net_set_number(config, "layers", spec->layers);
  net_set_number(config, "hidden", spec->hidden);
  net_set_number(config, "embedding", spec->embedding);
  net_set_number(config, "dropout", spec->dropout);
  net_set_number(config, "word_dropout", spec->word_dropout);
  net_set(config, "bidirectional", spec->bidirectional ? "true" : "false");
  net_set(config, "variational", spec->variational ? "true" : "false");
  net_set(config, "recurrent_bias", "true");
  if (spec->pool >= 0) net_set(config, "pool", (const char *const[]){"last", "mean", "max"}[spec->pool]);
  if (spec->features) net_set(config, "features", spec->features);
  if (spec->vectors) net_set(config, "vectors", spec->vectors);
  if (spec->head) net_set(config, "output", spec->head);
  if (spec->characters) net_set(config, "characters", spec->characters);
  net_set_number(config, "character_embedding", 3);
  net_set_number(config, "character_hidden", 5);
  net_set_number(config, "character_filters", 4);
  net_set(config, "character_widths", "3,2");
  net_set_number(config, "character_dropout", spec->character_dropout);
  assert_int_equal(lk_config_override(config, "train.smoothing=0.1"), LK_OK);
}

/* Zeros in the first rows; words of every kind: none, without a vector, several with the same one. */
static inline void net_make_vectors(net *n) {
  for (ptrdiff_t i = LK_VECTOR_FIRST * NET_VECTOR; i < NET_VECTORS * NET_VECTOR; i++)
    n->values[i] = (float)fixture_real(7, 0, (int)i, 0);
  for (int i = 0; i < NET_V; i++) n->row_of[i] = (5 * i + 3) % NET_VECTORS;
  n->vectors = (lk_vectors){.rows = n->spec.mapped ? NET_VECTORS : NET_TAGS,
                            .width = NET_VECTOR,
                            .values = n->values,
                            .row_of = n->spec.mapped ? n->row_of : NULL};
}

static inline void net_open(net *n, const net_spec *spec, uint64_t seed) {
  memset(n, 0, sizeof *n);
  n->spec = *spec;
  net_configure(&n->config, spec);
  for (int i = 0; i < NET_V; i++) n->counts[i] = i;
  int frames = strcmp(spec->input, "frames") == 0;
  assert_int_equal(lk_params_create(&n->params), LK_OK);
  lk_column_form columns[NET_COLUMNS] = {
      frames ? (lk_column_form){.name = "frames", .width = NET_FRAME}
             : (lk_column_form){.name = "source", .values = NET_V, .width = 1, .counts = n->counts},
      {.name = "tag", .values = NET_TAGS, .width = 1},
      {.name = "scale", .width = NET_SCALES},
      {.name = "form", .values = NET_ALPHABET, .spelled = 1, .width = 1}};
  net_make_vectors(n);
  if (spec->vectors) columns[spec->mapped ? 0 : 1].vectors = &n->vectors;
  if (lk_encoder_declare(&n->encoder, n->params, &n->config, columns, NET_COLUMNS))
    fail_msg("%s", lk_error_get()->text);
  int tied = spec->tied ? lk_input_layer_embedding(&n->encoder.input)->weight : -1;
  ptrdiff_t classes = spec->tied ? NET_V : NET_CLASSES;
  assert_int_equal(lk_pooling_declare(&n->pooling, &n->config, n->encoder.width, n->encoder.directions), LK_OK);
  assert_int_equal(lk_head_declare(&n->head, n->params, &n->config, n->encoder.width, classes, tied), LK_OK);
  assert_int_equal(lk_params_commit(n->params, seed), LK_OK);
}

static inline void net_close(net *n) {
  lk_params_destroy(&n->params);
  lk_config_release(&n->config);
}

static inline void net_layout(net_run *run) {
  ptrdiff_t B = run->rank->pack.B, N = run->rank->pack.N;
  lk_arena *arena = &run->arena;
  run->encoder = run->net->encoder;
  run->pooling = run->net->pooling;
  run->head = run->net->head;
  run->rows = run->net->spec.pool >= 0 ? B : N;
  lk_encoder_layout_weights(&run->encoder, arena, 1);
  lk_encoder_layout(&run->encoder, arena, B, N, 1);
  lk_pooling_layout(&run->pooling, arena, B, 1);
  lk_head_layout_weights(&run->head, arena, 1);
  lk_head_layout(&run->head, arena, run->rows, run->rows, 1);
  run->carry = lk_arena_reals(arena, B * lk_encoder_carry_size(&run->encoder));
  run->ids = lk_arena_ints(arena, N);
  run->target = lk_arena_ints(arena, run->rows);
  run->tags = lk_arena_ints(arena, N);
  run->forms = lk_arena_ints(arena, N);
  run->frames = lk_arena_take(arena, (size_t)(N * NET_FRAME) * sizeof *run->frames);
  run->scales = lk_arena_take(arena, (size_t)(N * NET_SCALES) * sizeof *run->scales);
}

static inline void net_fill(net_run *run) {
  const lk_pack *p = &run->rank->pack;
  fixture_words(p, 1, NET_V, run->ids);
  fixture_words(p, 5, NET_TAGS, run->tags);
  fixture_words(p, 7, NET_FORMS, run->forms);
  for (ptrdiff_t i = 0; i < p->N * NET_SCALES; i++)
    run->scales[i] = (float)fixture_real(6, p->id[p->seq[i / NET_SCALES]], p->time[i / NET_SCALES], i % NET_SCALES);
  for (ptrdiff_t r = 0; r < p->N; r++)
    for (int i = 0; i < NET_FRAME; i++)
      run->frames[r * NET_FRAME + i] = (float)fixture_real(2, p->id[p->seq[r]], p->time[r], i);
  for (ptrdiff_t r = 0; r < run->rows; r++) {
    ptrdiff_t b = run->net->spec.pool >= 0 ? r : p->seq[r], t = run->net->spec.pool >= 0 ? 0 : p->time[r];
    run->target[r] = fixture_word(3, p->id[b], t, run->head.O);
  }
  ptrdiff_t size = lk_encoder_carry_size(&run->encoder);
  for (ptrdiff_t b = 0; b < p->B; b++)
    for (ptrdiff_t i = 0; i < size; i++) run->carry[b * size + i] = fixture_real(4, p->id[b], 0, i) / 2;
}

/* All buffers start as NaN, so that reading before writing is noticed. */
static inline void net_bind(net_run *run, net *n, fixture_rank *rank) {
  memset(run, 0, sizeof *run);
  run->net = n;
  run->rank = rank;
  net_layout(run);
  assert_int_equal(lk_arena_reserve(&run->arena), LK_OK);
  fixture_poison(&run->arena);
  net_layout(run);
  net_fill(run);
}

static inline void net_unbind(net_run *run) { lk_arena_release(&run->arena); }

static inline lk_inputs net_inputs(const net_run *run) {
  const bool frames = strcmp(run->net->spec.input, "frames") == 0;
  lk_inputs in = {.count = NET_COLUMNS};
  in.column[0] = (lk_column){.name = frames ? "frames" : "source"};
  if (frames)
    in.column[0].numbers = run->frames;
  else
    in.column[0].ids = run->ids;
  in.column[1] = (lk_column){.name = "scale", .numbers = run->scales}; /* in another order than the corpus names them */
  in.column[2] = (lk_column){.name = "tag", .ids = run->tags};
  in.column[3] = (lk_column){.name = "form", .ids = run->forms, .spelling = &net_spelling};
  return in;
}

/* The sum of the losses; run->head.loss has those of the units. */
static inline double net_forward(net_run *run, lk_mode mode) {
  const net_spec *spec = &run->net->spec;
  const lk_pack *pack = &run->rank->pack;
  const lk_params *params = run->net->params;
  lk_encoder *e = &run->encoder;
  lk_units *u = &run->units;
  lk_encoder_pack(e, params, 1, LK_WHOLE);
  lk_head_pack(&run->head, params, 1, LK_WHOLE);
  const lk_inputs in = net_inputs(run);
  lk_encoder_forward(e, params, pack, &in, mode, spec->carry ? run->carry : NULL);
  *u = (lk_units){.pack = pack, .n = run->rows, .target = run->target, .per_sequence = spec->pool >= 0};
  u->x = lk_encoder_output(e, &u->ldx);
  if (u->per_sequence) {
    lk_pooling_forward(&run->pooling, pack, u->x, u->ldx);
    u->x = run->pooling.y, u->ldx = run->pooling.ld;
  }
  lk_head_loss(&run->head, params, u);
  double sum = 0;
  for (ptrdiff_t r = 0; r < run->rows; r++) sum += run->head.loss[r];
  return sum;
}

/* After net_forward(run, mode): all gradients, into the rank's subtrees. */
static inline void net_backward(net_run *run, lk_mode mode) {
  lk_encoder *e = &run->encoder;
  ptrdiff_t lddy;
  lk_real *dy = lk_encoder_output_gradient(e, &lddy);
  const int pooled = run->units.per_sequence;
  lk_head_backward(&run->head, &run->units, pooled ? run->pooling.dy : dy, pooled ? run->pooling.ld : lddy,
                   &run->rank->grads);
  if (pooled) lk_pooling_backward(&run->pooling, &run->rank->pack, dy, lddy);
  const lk_shard_product also = lk_head_tied(&run->head, &run->units);
  lk_encoder_backward(e, &run->rank->pack, mode, NULL, run->net->spec.tied ? &also : NULL, NULL, &run->rank->grads);
}
