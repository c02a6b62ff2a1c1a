#include "nn_net.h"

#include <math.h>

static const lk_mode training = {.training = 1, .seed = 3, .step = 11};
static const lk_mode still = {.training = 0, .seed = 3, .step = 11};

static const net_spec nets[] = {
    {.cell = "lstm",
     .input = "embed",
     .layers = 2,
     .bidirectional = 1,
     .embedding = 19,
     .hidden = 33,
     .dropout = 0.3,
     .word_dropout = 2,
     .pool = -1},
    {.cell = "gru",
     .input = "onehot",
     .layers = 1,
     .embedding = 4,
     .hidden = 16,
     .variational = 1,
     .dropout = 0.5,
     .pool = -1,
     .carry = 1},
    {.cell = "elman", .input = "frames", .layers = 2, .embedding = 4, .hidden = 37, .pool = LK_POOLING_MEAN},
    {.cell = "lstm", .input = "embed", .layers = 1, .embedding = 24, .hidden = 24, .tied = 1, .pool = -1, .carry = 1},
    {.cell = "gru",
     .input = "frames",
     .layers = 2,
     .bidirectional = 1,
     .embedding = 4,
     .hidden = 20,
     .variational = 1,
     .dropout = 0.2,
     .pool = LK_POOLING_MAX},
    {.cell = "elman",
     .input = "embed",
     .layers = 1,
     .bidirectional = 1,
     .embedding = 9,
     .hidden = 6,
     .pool = LK_POOLING_LAST},
    {.cell = "lstm",
     .input = "embed",
     .layers = 1,
     .bidirectional = 1,
     .embedding = 7,
     .hidden = 12,
     .dropout = 0.2,
     .word_dropout = 2,
     .pool = -1,
     .features = "tag:embed:5,scale,"},
    {.cell = "gru", .input = "onehot", .layers = 1, .embedding = 4, .hidden = 9, .pool = -1, .features = "tag"},
    {.cell = "lstm", .input = "embed", .layers = 1, .embedding = 5, .hidden = 9, .pool = -1, .characters = "lstm"},
    {.cell = "lstm",
     .input = "embed",
     .layers = 1,
     .embedding = 5,
     .hidden = 9,
     .pool = -1,
     .dropout = 0.3,
     .characters = "gru",
     .character_dropout = 0.4,
     .features = "tag"},
    {.cell = "gru", .input = "frames", .layers = 1, .embedding = 5, .hidden = 9, .pool = -1, .characters = "cnn"},
    {.cell = "gru",
     .input = "onehot",
     .layers = 1,
     .embedding = 5,
     .hidden = 9,
     .pool = -1,
     .characters = "cnn",
     .character_dropout = 0.4},
    {.cell = "lstm",
     .input = "embed",
     .layers = 1,
     .embedding = 4,
     .hidden = 9,
     .pool = -1,
     .vectors = "frozen",
     .mapped = 1},
    {.cell = "gru",
     .input = "embed",
     .layers = 2,
     .embedding = 4,
     .hidden = 9,
     .pool = -1,
     .dropout = 0.3,
     .vectors = "tuned"},
    {.cell = "lstm",
     .input = "embed",
     .layers = 1,
     .embedding = 5,
     .hidden = 9,
     .pool = -1,
     .word_dropout = 2,
     .features = "scale",
     .vectors = "added",
     .mapped = 1},
};
enum { NETS = sizeof nets / sizeof *nets };

/* One step of the net on R ranks: total [P] gradient, and the loss of each sequence's rows in the order of the corpus. */
static void step_on(net *n, const fixture_corpus *c, int R, lk_real *total, double *losses) {
  fixture_rank *rank = calloc((size_t)R, sizeof *rank);
  for (int r = 0; r < R; r++) {
    net_run run;
    fixture_rank_open(&rank[r], c, r, R, n->params);
    net_bind(&run, n, &rank[r]);
    (void)net_forward(&run, training);
    net_backward(&run, training);
    const lk_pack *p = &rank[r].pack;
    for (ptrdiff_t b = 0; b < p->B; b++)
      for (ptrdiff_t t = 0; t < (n->spec.pool >= 0 ? 1 : p->length[b]); t++)
        *losses++ = run.head.loss[n->spec.pool >= 0 ? b : lk_pack_row(p, b, t)];
    net_unbind(&run);
  }
  fixture_combine(rank, R, lk_params_count(n->params), total);
  for (int r = 0; r < R; r++) fixture_rank_close(&rank[r]);
  free(rank);
}

/* The same bits on 1, 2, 3 and 8 ranks; and although every buffer started as NaN, none is left. */
static void same_bits_on_any_number_of_ranks(void **state) {
  (void)state;
  fixture_corpus c = fixture_deal(8, 4, 9, 6);
  enum { ROWS = FIXTURE_MOST * 9 };
  for (int i = 0; i < NETS; i++) {
    net n;
    net_open(&n, &nets[i], 23);
    ptrdiff_t P = lk_params_count(n.params);
    size_t bytes = (size_t)P * sizeof(lk_real);
    lk_real *want = fixture_alloc(P), *got = fixture_alloc(P);
    double one[ROWS] = {0}, many[ROWS] = {0};
    step_on(&n, &c, 1, want, one);
    for (ptrdiff_t j = 0; j < P; j++) assert_true(!isnan(want[j]));
    for (int j = 0; j < ROWS; j++) assert_true(!isnan(one[j]));
    const int ranks[] = {2, 3, 8};
    for (int j = 0; j < 3; j++) {
      step_on(&n, &c, ranks[j], got, many);
      assert_memory_equal(many, one, sizeof one);
      assert_memory_equal(got, want, bytes);
    }
    free(want);
    free(got);
    net_close(&n);
  }
}

/* The words of a part that starts at time `offset` of the text. */
static void read_text(net_run *run, ptrdiff_t offset) {
  const lk_pack *p = &run->rank->pack;
  for (ptrdiff_t r = 0; r < p->N; r++) run->ids[r] = fixture_word(1, p->id[p->seq[r]], p->time[r] + offset, NET_V);
}

static fixture_corpus lanes(int length) {
  fixture_corpus c = {.S = 2, .sequences = 5, .shard_seq = {0, 3, 5}, .id = {7, 8, 9, 10, 11}};
  for (int b = 0; b < 5; b++) c.length[b] = length;
  return c;
}

/* Run times [offset, offset + length) from the states in `carry`, and update these; out [5, 8, width]. */
static void read_part(net *n, ptrdiff_t offset, int length, lk_real *carry, lk_real *out) {
  fixture_corpus c = lanes(length);
  fixture_rank k;
  net_run run;
  fixture_rank_open(&k, &c, 0, 1, n->params);
  net_bind(&run, n, &k);
  read_text(&run, offset);
  memcpy(run.carry, carry, (size_t)(5 * lk_encoder_carry_size(&run.encoder)) * sizeof *carry);
  (void)net_forward(&run, still);
  ptrdiff_t ld, width = run.encoder.width;
  const lk_real *y = lk_encoder_output(&run.encoder, &ld);
  for (ptrdiff_t b = 0; b < 5; b++)
    for (ptrdiff_t t = 0; t < length; t++)
      memcpy(out + (b * 8 + offset + t) * width, y + lk_pack_row(&k.pack, b, t) * ld, (size_t)width * sizeof *y);
  lk_encoder_carry(&run.encoder, &k.pack, carry);
  net_unbind(&run);
  fixture_rank_close(&k);
}

static void two_halves_are_one_whole(void **state) {
  (void)state;
  size_t count;
  const char *const *cells = lk_cell_names(&count);
  for (size_t i = 0; i < count; i++) {
    net_spec spec = {.cell = cells[i], .input = "embed", .layers = 2, .embedding = 9, .hidden = 21, .pool = -1};
    spec.carry = 1;
    net n;
    net_open(&n, &spec, 29);
    ptrdiff_t size = lk_encoder_carry_size(&n.encoder);
    assert_int_equal(size, 2 * 21 * lk_cell_states(cells[i]));
    lk_real once[5 * 168], halves[5 * 168], whole[5 * 8 * 21], parts[5 * 8 * 21];
    memset(whole, 0, sizeof whole);
    assert_true(size <= 168);
    for (int j = 0; j < 5 * 168; j++) once[j] = halves[j] = fixture_real(9, 0, 0, j);
    read_part(&n, 0, 8, once, whole);
    read_part(&n, 0, 5, halves, parts);
    read_part(&n, 5, 3, halves, parts);
    assert_memory_equal(parts, whole, sizeof whole);
    assert_memory_equal(halves, once, (size_t)(5 * size) * sizeof *once);
    net_close(&n);
  }
}

static void rare_words_become_unknown(void **state) {
  (void)state;
  net_spec spec = nets[0];
  spec.word_dropout = 5;
  net n;
  net_open(&n, &spec, 1);
  fixture_corpus c = fixture_deal(16, 4, 40, 9);
  fixture_rank k;
  net_run run;
  fixture_rank_open(&k, &c, 0, 1, n.params);
  net_bind(&run, &n, &k);
  double replaced = 0, expected = 0, variance = 0;
  for (uint32_t step = 0; step < 20; step++) {
    (void)net_forward(&run, (lk_mode){1, 3, step});
    for (ptrdiff_t r = 0; r < k.pack.N; r++) {
      int changed = run.encoder.input.ids[r] != run.ids[r];
      double p = run.ids[r] < 4 ? 0 : 5.0 / (5.0 + (double)run.ids[r]);
      assert_true(!changed || (p > 0 && run.encoder.input.ids[r] == 3));
      replaced += changed;
      expected += p;
      variance += p * (1 - p);
    }
  }
  assert_true(variance > 100 && fabs(replaced - expected) < 5 * sqrt(variance));
  (void)net_forward(&run, still);
  assert_memory_equal(run.encoder.input.ids, run.ids, (size_t)k.pack.N * sizeof *run.ids);
  net_unbind(&run);
  fixture_rank_close(&k);
  net_close(&n);
}

/* An encoder laid out for inference only gives the same output. */
static void inference_layout_gives_the_same(void **state) {
  (void)state;
  for (int i = 0; i < NETS; i++) {
    net n;
    fixture_corpus c = fixture_deal(3, 4, 9, 6);
    fixture_rank k;
    net_run run;
    net_open(&n, &nets[i], 2);
    fixture_rank_open(&k, &c, 0, 1, n.params);
    net_bind(&run, &n, &k);
    (void)net_forward(&run, still);
    lk_encoder e = n.encoder;
    lk_arena arena = {0};
    lk_encoder_layout_weights(&e, &arena, 0);
    lk_encoder_layout(&e, &arena, k.pack.B, k.pack.N, 0);
    assert_true(arena.used < run.arena.used);
    assert_int_equal(lk_arena_reserve(&arena), LK_OK);
    fixture_poison(&arena);
    lk_encoder_layout_weights(&e, &arena, 0);
    lk_encoder_layout(&e, &arena, k.pack.B, k.pack.N, 0);
    lk_encoder_pack(&e, n.params, 0, LK_WHOLE);
    const lk_inputs in = net_inputs(&run);
    lk_encoder_forward(&e, n.params, &k.pack, &in, still, nets[i].carry ? run.carry : NULL);
    ptrdiff_t ld, ld2;
    const lk_real *want = lk_encoder_output(&run.encoder, &ld), *got = lk_encoder_output(&e, &ld2);
    assert_int_equal(ld, ld2);
    assert_memory_equal(got, want, (size_t)(k.pack.N * ld) * sizeof *got);
    lk_arena_release(&arena);
    net_unbind(&run);
    fixture_rank_close(&k);
    net_close(&n);
  }
}

static void tensors_have_their_names_and_shapes(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int dims;
    ptrdiff_t rows, columns;
  } want[] = {
      {"embedding.weight", 2, NET_V, 19},       {"rnn.0.forward.weight_ih", 2, 132, 19},
      {"rnn.0.forward.weight_hh", 2, 132, 33},  {"rnn.0.forward.bias_ih", 1, 132, 0},
      {"rnn.0.forward.bias_hh", 1, 132, 0},     {"rnn.0.backward.weight_ih", 2, 132, 19},
      {"rnn.0.backward.weight_hh", 2, 132, 33}, {"rnn.0.backward.bias_ih", 1, 132, 0},
      {"rnn.0.backward.bias_hh", 1, 132, 0},    {"rnn.1.forward.weight_ih", 2, 132, 66},
      {"rnn.1.forward.weight_hh", 2, 132, 33},  {"rnn.1.forward.bias_ih", 1, 132, 0},
      {"rnn.1.forward.bias_hh", 1, 132, 0},     {"rnn.1.backward.weight_ih", 2, 132, 66},
      {"rnn.1.backward.weight_hh", 2, 132, 33}, {"rnn.1.backward.bias_ih", 1, 132, 0},
      {"rnn.1.backward.bias_hh", 1, 132, 0},    {"output.weight", 2, NET_CLASSES, 66},
      {"output.bias", 1, NET_CLASSES, 0},
  };
  net n;
  net_open(&n, &nets[0], 1);
  assert_int_equal(lk_params_tensors(n.params), sizeof want / sizeof *want);
  for (int i = 0; i < lk_params_tensors(n.params); i++) {
    const lk_param *p = lk_params_at(n.params, i);
    assert_string_equal(p->name, want[i].name);
    assert_int_equal(p->dims, want[i].dims);
    assert_int_equal(p->shape[0], want[i].rows);
    if (p->dims == 2) assert_int_equal(p->shape[1], want[i].columns);
    assert_non_null(p->note);
  }
  net_close(&n);
}

/* Row r of the input layer: the word's vector, then a one at the place of the tag, then the two numbers. */
static void features_lie_side_by_side(void **state) {
  (void)state;
  enum { E = 5 };
  const net_spec spec = {
      .cell = "elman", .input = "embed", .layers = 1, .embedding = E, .hidden = 4, .pool = -1, .features = "tag,scale"};
  net n;
  fixture_rank k;
  net_run run;
  net_open(&n, &spec, 5);
  const fixture_corpus c = fixture_deal(2, 2, 5, 8);
  fixture_rank_open(&k, &c, 0, 1, n.params);
  net_bind(&run, &n, &k);
  (void)net_forward(&run, still);
  const lk_input_layer *in = &run.encoder.input;
  assert_int_equal(in->width, E + NET_TAGS + NET_SCALES);
  const lk_real *table = lk_params_value(n.params, in->feature[0].table.weight);
  for (ptrdiff_t r = 0; r < k.pack.N; r++) {
    const lk_real *row = in->x + r * in->ld;
    assert_memory_equal(row, table + run.ids[r] * E, E * sizeof *row);
    for (int i = 0; i < NET_TAGS; i++) assert_true(row[E + i] == (i == run.tags[r] ? 1 : 0));
    for (int i = 0; i < NET_SCALES; i++) assert_true(row[E + NET_TAGS + i] == (lk_real)run.scales[r * NET_SCALES + i]);
    for (ptrdiff_t i = in->width; i < in->ld; i++) assert_true(row[i] == 0);
  }
  net_unbind(&run);
  fixture_rank_close(&k);
  net_close(&n);
}

/* A row of vectors: the numbers of its word, or, where it has none, the trained ones. */
static void check_vector(const net *n, const lk_feature *f, int32_t row, const lk_real *x) {
  const lk_real *weight = lk_params_value(n->params, f->table.weight);
  for (int i = 0; i < NET_VECTOR; i++)
    assert_true(x[i] ==
                (row < LK_VECTOR_FIRST ? weight[row * NET_VECTOR + i] : (lk_real)n->values[row * NET_VECTOR + i]));
}

/* Read beside the embedding of words: by a map from the words, or as the tags, which are the rows. Dropped words keep their
 * vectors. */
static void vectors_are_those_of_the_words(void **state) {
  (void)state;
  enum { E = 4 };
  for (int mapped = 0; mapped < 2; mapped++) {
    const net_spec spec = {.cell = "elman",
                           .input = "embed",
                           .layers = 1,
                           .embedding = E,
                           .hidden = 4,
                           .pool = -1,
                           .word_dropout = 1000,
                           .vectors = "added",
                           .mapped = mapped};
    net n;
    fixture_rank k;
    net_run run;
    net_open(&n, &spec, 5);
    const fixture_corpus c = fixture_deal(2, 4, 9, 8);
    fixture_rank_open(&k, &c, 0, 1, n.params);
    net_bind(&run, &n, &k);
    const lk_input_layer *in = &run.encoder.input;
    lk_real *missing = lk_params_value(n.params, in->feature[1].table.weight);
    for (int i = 0; i < LK_VECTOR_FIRST * NET_VECTOR; i++) missing[i] = (lk_real)(100 + i);
    (void)net_forward(&run, training);
    assert_int_equal(in->width, E + NET_VECTOR);
    for (ptrdiff_t r = 0; r < k.pack.N; r++)
      check_vector(&n, &in->feature[1], mapped ? n.row_of[run.ids[r]] : run.tags[r], in->x + r * in->ld + E);
    net_unbind(&run);
    fixture_rank_close(&k);
    net_close(&n);
  }
}

/* Frozen vectors are no parameters; tuned ones start from the numbers. */
static void only_tuned_vectors_are_parameters(void **state) {
  (void)state;
  for (int tuned = 0; tuned < 2; tuned++) {
    const net_spec spec = {.cell = "elman",
                           .input = "embed",
                           .layers = 1,
                           .embedding = 4,
                           .hidden = 4,
                           .pool = -1,
                           .vectors = tuned ? "tuned" : "frozen",
                           .mapped = 1};
    net n;
    net_open(&n, &spec, 5);
    const lk_param *first = lk_params_at(n.params, 0);
    const lk_real *values = lk_params_value(n.params, 0);
    assert_string_equal(first->name, tuned ? "vectors.weight" : "vectors.missing");
    assert_int_equal(first->shape[0], tuned ? NET_VECTORS : LK_VECTOR_FIRST);
    for (ptrdiff_t i = 0; i < first->count; i++) assert_true(values[i] == (tuned ? (lk_real)n.values[i] : 0));
    for (int i = 1; i < lk_params_tensors(n.params); i++)
      assert_null(strstr(lk_params_at(n.params, i)->name, "embedding"));
    net_close(&n);
  }
}

static const lk_column_form columns[] = {{.name = "source", .values = NET_V, .width = 1},
                                         {.name = "tag", .values = NET_TAGS, .width = 1}};

/* Declaring fails with this configuration, and the message names the key. */
static void refuse(const lk_config *config, const char *key) {
  lk_params *params;
  lk_encoder e;
  lk_error_clear();
  assert_int_equal(lk_params_create(&params), LK_OK);
  assert_int_equal(lk_encoder_declare(&e, params, config, columns, 2), LK_USAGE);
  assert_non_null(strstr(lk_error_get()->text, key));
  lk_error_clear();
  lk_params_destroy(&params);
}

static void wrong_settings_are_named(void **state) {
  (void)state;
  lk_config config;
  assert_int_equal(lk_config_init(&config), LK_OK);
  const lk_config_model good = config.model;
#define REFUSE(field, value)          \
  do {                                \
    config.model = good;              \
    config.model.field = (value);     \
    refuse(&config, "model." #field); \
  } while (0)
  REFUSE(embedding, 0);
  REFUSE(cell, "lstn");
  REFUSE(input, "embedding");
  REFUSE(features, "casing");
  REFUSE(features, "tag:frozen");
  REFUSE(features, "tag:numbers");
  REFUSE(features, "tag:embed");
  REFUSE(features, "tag:embed:0");
  REFUSE(features, "tag:onehot:");
  REFUSE(features, "tag:embed:32769");
  REFUSE(features, ",");
  REFUSE(features, "tag,tag");
  REFUSE(features, "source");
  config.model = good;
  /* word dropout needs counts, and there are none where all words were seen 0 times */
  int64_t counts[NET_V] = {9, 9, 9, 9};
  const lk_column_form counted = {.name = "source", .values = NET_V, .width = 1, .counts = counts};
  lk_encoder e;
  for (int seen = 0; seen < 2; seen++) {
    lk_params *params;
    assert_int_equal(lk_params_create(&params), LK_OK);
    config.model.word_dropout = 0.5;
    counts[NET_V - 1] = seen;
    assert_int_equal(lk_encoder_declare(&e, params, &config, &counted, 1), seen ? LK_OK : LK_DATA);
    lk_error_clear();
    lk_params_destroy(&params);
  }
  lk_config_release(&config);
}

static int all(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_bits_on_any_number_of_ranks),  cmocka_unit_test(two_halves_are_one_whole),
      cmocka_unit_test(features_lie_side_by_side),         cmocka_unit_test(rare_words_become_unknown),
      cmocka_unit_test(inference_layout_gives_the_same),   cmocka_unit_test(tensors_have_their_names_and_shapes),
      cmocka_unit_test(wrong_settings_are_named),          cmocka_unit_test(vectors_are_those_of_the_words),
      cmocka_unit_test(only_tuned_vectors_are_parameters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void) { return fixture_every_kernel(all); }
