/* lk_characters against PyTorch in double (tests/reference/make_character_vectors.py): the vectors of words and all
 * gradients, to 1e-10; every net in the table of characters.c must be there. */
#include "nn_fixture.h"

#include <math.h>
#include <stdio.h>

#include "characters.h"
#include "choices.h"
#include "reference/character_vectors.h"

enum { B = SPELT_B, T = SPELT_T };
#define TOLERANCE 1e-10

static const lk_spelling spelling = {.count = SPELT_WORDS, .character = spelt_characters, .begin = spelt_begin};

/* Sequences by falling length: 0 2 | 1 3 of the reference, in two shards. */
static const int order[B] = {0, 2, 1, 3};

static fixture_corpus deal(void) {
  fixture_corpus c = {.S = 2, .sequences = B, .shard_seq = {0, 2, 4}};
  for (int b = 0; b < B; b++) {
    c.length[b] = spelt_lengths[order[b]];
    c.id[b] = (uint32_t)b;
  }
  return c;
}

static void near(lk_real got, double want, const char *what) {
  if (!(fabs((double)got - want) <= TOLERANCE * fmax(1, fabs(want))))
    fail_msg("%s: %.15g, PyTorch has %.15g", what, (double)got, want);
}

static void set(lk_config *config, const char *key, const char *value) {
  char text[96];
  (void)snprintf(text, sizeof text, "model.%s=%s", key, value);
  if (lk_config_override(config, text) != LK_OK) fail_msg("%s", lk_error_get()->text);
}

static void configure(lk_config *config, const char *net) {
  char number[16];
  assert_int_equal(lk_config_init(config), LK_OK);
  set(config, "characters", net);
  set(config, "character_widths", spelt_widths);
  (void)snprintf(number, sizeof number, "%d", SPELT_E);
  set(config, "character_embedding", number);
  (void)snprintf(number, sizeof number, "%d", SPELT_H);
  set(config, "character_hidden", number);
  set(config, "character_filters", number);
}

static void layout(lk_characters *c, lk_arena *arena, ptrdiff_t N) {
  lk_characters_layout_weights(c, arena, 1);
  lk_characters_layout(c, arena, N, 0, 1);
}

/* Where the reference has row r. */
static ptrdiff_t place(const lk_pack *p, ptrdiff_t r) { return order[p->seq[r]] * T + p->time[r]; }

static void run(lk_characters *c, const lk_params *params, fixture_rank *k, const spelt_net *want) {
  const lk_pack *p = &k->pack;
  const lk_mode mode = {.training = 1};
  int32_t ids[B * T];
  lk_real x[B * T * 16], dx[B * T * 16];
  for (ptrdiff_t r = 0; r < p->N; r++) ids[r] = spelt_rows[place(p, r)];
  lk_characters_pack(c, params, 1, LK_WHOLE);
  lk_characters_forward(c, params, p, ids, &spelling, mode, x, 16);
  for (ptrdiff_t r = 0; r < p->N; r++)
    for (ptrdiff_t i = 0; i < want->width; i++) {
      near(x[r * 16 + i], want->y[place(p, r) * want->width + i], want->name);
      dx[r * 16 + i] = (lk_real)want->g[place(p, r) * want->width + i];
    }
  lk_characters_backward(c, p, mode, dx, 16, &k->grads);
}

static void check_net(const spelt_net *want) {
  lk_config config;
  lk_params *params;
  lk_characters c;
  lk_arena arena = {0};
  fixture_rank k;
  const fixture_corpus corpus = deal();
  const double *weight = want->weights, *gradient = want->gradients;
  configure(&config, want->name);
  assert_int_equal(lk_params_create(&params), LK_OK);
  assert_int_equal(lk_characters_declare(&c, params, &config, SPELT_V), LK_OK);
  assert_int_equal(c.width, want->width);
  assert_int_equal(lk_params_commit(params, 1), LK_OK);
  for (int i = 0; i < lk_params_tensors(params); i++)
    for (ptrdiff_t j = 0; j < lk_params_at(params, i)->count; j++) lk_params_value(params, i)[j] = (lk_real)*weight++;
  fixture_rank_open(&k, &corpus, 0, 1, params);
  layout(&c, &arena, k.pack.N);
  assert_int_equal(lk_arena_reserve(&arena), LK_OK);
  fixture_poison(&arena);
  layout(&c, &arena, k.pack.N);
  run(&c, params, &k, want);
  for (int i = 0; i < lk_params_tensors(params); i++) {
    const lk_param *p = lk_params_at(params, i);
    for (ptrdiff_t j = 0; j < p->count; j++) near(k.grads.subtree[0][p->offset + j], *gradient++, p->name);
  }
  fixture_rank_close(&k);
  lk_arena_release(&arena);
  lk_params_destroy(&params);
  lk_config_release(&config);
}

static void every_net(void **state) {
  (void)state;
  const char *names[LK_MOST_CHOICES];
  const size_t count = lk_choices_names("model.characters", names), known = sizeof spelt_nets / sizeof *spelt_nets;
  for (size_t i = 1; i < count; i++) { /* 0: none */
    size_t at = 0;
    while (at < known && strcmp(spelt_nets[at].name, names[i]) != 0) at++;
    if (at == known) fail_msg("model.characters: %s has no vectors in tests/reference", names[i]);
    check_net(&spelt_nets[at]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_net)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
