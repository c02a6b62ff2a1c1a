/* A pass without training works through the words in portions: the vectors are those of all words at once. */
#include "nn_fixture.h"

#include <stdio.h>

#include "characters.h"
#include "choices.h"

enum { FORMS = 300, ALPHABET = 40, ROWS = 500, LD = 48 };

static int32_t character[FORMS * LK_SPELLING_LONGEST];
static int64_t begin[FORMS + 1];
static const lk_spelling spelling = {.count = FORMS, .character = character, .begin = begin};

/* Words of all lengths, and of far more characters than a portion has. */
static void spell(void) {
  for (int w = 0; w < FORMS; w++) {
    const int length = 2 + w % (LK_SPELLING_LONGEST - 1);
    begin[w + 1] = begin[w] + length;
    for (int i = 0; i < length; i++)
      character[begin[w] + i] = i == 0 ? 1 : i == length - 1 ? 2 : 3 + (7 * w + i * i) % (ALPHABET - 3);
  }
  assert_true(begin[FORMS] > 4096);
}

static void layout(lk_characters *c, lk_arena *arena, ptrdiff_t most, int training) {
  lk_characters_layout_weights(c, arena, training);
  lk_characters_layout(c, arena, ROWS, most, training);
}

static void run(lk_characters *c, const lk_params *params, const lk_pack *pack, ptrdiff_t most, int training,
                lk_real *x) {
  lk_arena arena = {0};
  int32_t ids[ROWS];
  for (ptrdiff_t r = 0; r < pack->N; r++) ids[r] = (int32_t)((31 * r + r / 7) % FORMS);
  layout(c, &arena, most, training);
  assert_int_equal(lk_arena_reserve(&arena), LK_OK);
  fixture_poison(&arena);
  layout(c, &arena, most, training);
  lk_characters_pack(c, params, training, LK_WHOLE);
  lk_characters_forward(c, params, pack, ids, &spelling, (lk_mode){0}, x, LD);
  lk_arena_release(&arena);
}

static void check_net(const char *net) {
  static lk_real whole[ROWS * LD], portions[ROWS * LD];
  lk_config config;
  lk_params *params;
  lk_characters c;
  fixture_rank k;
  fixture_corpus corpus = {.S = 3, .sequences = 5, .shard_seq = {0, 2, 2, 5}};
  char setting[64];
  for (int b = 0; b < corpus.sequences; b++) corpus.length[b] = 100;
  (void)snprintf(setting, sizeof setting, "model.characters=%s", net);
  assert_int_equal(lk_config_init(&config), LK_OK);
  assert_int_equal(lk_config_override(&config, setting), LK_OK);
  assert_int_equal(lk_config_override(&config, "model.character_hidden=20"), LK_OK);
  assert_int_equal(lk_config_override(&config, "model.character_filters=20"), LK_OK);
  assert_int_equal(lk_config_override(&config, "model.character_widths=4,1"), LK_OK);
  assert_int_equal(lk_params_create(&params), LK_OK);
  assert_int_equal(lk_characters_declare(&c, params, &config, ALPHABET), LK_OK);
  assert_int_equal(lk_params_commit(params, 1), LK_OK);
  fixture_rank_open(&k, &corpus, 0, 1, NULL);
  run(&c, params, &k.pack, 0, 1, whole);
  run(&c, params, &k.pack, 0, 0, portions);
  for (ptrdiff_t r = 0; r < k.pack.N; r++)
    assert_memory_equal(portions + r * LD, whole + r * LD, (size_t)c.width * sizeof *whole);
  run(&c, params, &k.pack, 1, 1, portions); /* as small as a portion can be: the longest word */
  for (ptrdiff_t r = 0; r < k.pack.N; r++)
    assert_memory_equal(portions + r * LD, whole + r * LD, (size_t)c.width * sizeof *whole);
  fixture_rank_close(&k);
  lk_params_destroy(&params);
  lk_config_release(&config);
}

static void portions_give_the_same_bits(void **state) {
  (void)state;
  const char *names[LK_MOST_CHOICES];
  const size_t count = lk_choices_names("model.characters", names);
  spell();
  for (size_t i = 1; i < count; i++) check_net(names[i]); /* 0: none */
}

static int all(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(portions_give_the_same_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void) { return fixture_every_kernel(all); }
