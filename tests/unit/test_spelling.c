/* Words as characters: spellings by hand, the column that says how words are written, and what a loader makes of it. */
#include "store_fixture.h"

#include <stdio.h>

#include "loader.h"
#include "prepare.h"
#include "spelling.h"
#include "word_column.h"

static lk_vocab *alphabet(const char *text, int64_t least) {
  lk_vocab *v = NULL;
  OK(lk_vocab_create(&v, true));
  OK(lk_spelling_count(v, text, strlen(text)));
  OK(lk_vocab_finish(v, 0, least));
  return v;
}

/* The spelling as text: < for <sos>, > for <eos>, _ for <unk>. */
static const char *read_back(const lk_spelling *s, ptrdiff_t word, const lk_strings *characters, char out[256]) {
  size_t at = 0;
  for (int64_t i = s->begin[word]; i < s->begin[word + 1]; i++) {
    const int32_t id = s->character[i];
    const char *text = id == LK_SOS ? "<" : id == LK_EOS ? ">" : id == LK_UNK ? "_" : lk_strings_get(characters, id);
    at += (size_t)snprintf(out + at, 256 - at, "%s", text);
  }
  return out;
}

static void spellings_by_hand(void **state) {
  (void)state;
  static const char *const words[][2] = {{"abc", "<abc>"},
                                         {"axb", "<a_b>"},
                                         {"\xc3\xa4"
                                          "b",
                                          "<\xc3\xa4"
                                          "b>"},
                                         {"", "<>"},
                                         {"<unk>", "<>"},
                                         {"<pad>", "<>"},
                                         {"abcabcabcabcabcabcabcabcabcabcab", "<abcabcabcabcabcabcabcabcabcabcab>"},
                                         /* 33 characters: the one in the middle is left out */
                                         {"aaaaaaaaaaaaaaaacbbbbbbbbbbbbbbbb", "<aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb>"}};
  lk_vocab *v = alphabet("aabbcc\xc3\xa4\xc3\xa4x", LK_CHARACTER_LEAST);
  lk_speller s = {0};
  char text[256];
  for (int round = 0; round < 2; round++) { /* and again after all were forgotten */
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
      OK(lk_speller_add(&s, v, words[i][0], strlen(words[i][0])));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
      assert_string_equal(read_back(&s.spelling, (ptrdiff_t)i, lk_vocab_strings(v), text), words[i][1]);
    lk_speller_clear(&s);
  }
  lk_speller_release(&s);
  lk_vocab_destroy(&v);
}

/* Value 0 is what the vocabulary has; what folding changed, and what is unknown, has values of its own. */
static void forms_by_hand(void **state) {
  (void)state;
  static const struct {
    const char *word;
    int32_t value;
  } words[] = {{"the", 0}, {"The", 1}, {"new", 2}, {"The", 1}, {"0", 0}, {"7", 3}, {"a\xcc\x88", 4}, {"\xc3\xa4", 4}};
  const lk_corpus_info info = {.nfc = 1, .lower = 1, .digits = 1};
  lk_word_lookup lookup = {.info = &info};
  lk_vocab *vocab = NULL;
  OK(lk_vocab_create(&vocab, true));
  OK(lk_vocab_count_text(vocab, LK_WORD, "the 0", 5));
  OK(lk_vocab_finish(vocab, 0, 1));
  OK(lk_word_lookup_begin(&lookup));
  lookup.vocab = vocab;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    int32_t value;
    OK(lk_word_column_find(LK_FORMS)->value(&lookup, words[i].word, strlen(words[i].word), &value));
    if (value != words[i].value) fail_msg("'%s': value %d, not %d", words[i].word, (int)value, (int)words[i].value);
  }
  lk_word_lookup_release(&lookup);
  lk_vocab_destroy(&vocab);
}

static void put(const char *path, const char *text) {
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

/* All words that the rows of a corpus are spelled as, joined, by the loader; *most: the rows of characters of a batch. */
static void spell_all(const char *kind, const char *text, bool stream, lk_view view, lk_buffer *out, ptrdiff_t *most) {
  lk_prepare p;
  lk_corpus *corpus;
  lk_loader *loader;
  lk_arena arena = {0};
  lk_batch batch;
  char word[256];
  const lk_shards shards = lk_shards_make(1, 0, 1);
  const lk_loader_settings settings = {.view = view, .split = LK_TRAIN, .batch = 1, .unroll = 100};
  put("train.txt", text);
  lk_prepare_init(&p);
  p.kind = kind, p.input[LK_TRAIN] = "train.txt", p.output = "c.h5", p.stream = stream, p.lower = true, p.minimum = 2;
  OK(lk_prepare_run(&p, NULL));
  OK(lk_corpus_open(&corpus, "c.h5", true));
  OK(lk_loader_open(&loader, corpus, &shards, &settings));
  lk_loader_layout(loader, &batch, &arena);
  OK(lk_arena_reserve(&arena));
  lk_loader_layout(loader, &batch, &arena);
  *most = lk_loader_bounds(loader, 1).characters;
  for (int64_t step = 0; step < lk_loader_steps(loader); step++) {
    assert_int_equal(lk_loader_batch(loader, 0, step, &batch), LK_OK);
    const lk_column *column = &batch.input.column[1];
    assert_string_equal(column->name, LK_FORMS);
    ptrdiff_t rows = 0;
    for (ptrdiff_t r = lk_pack_row(&batch.pack, 0, 0); r >= 0; r = batch.pack.later[r]) {
      read_back(column->spelling, column->ids[r], &lk_corpus_about(corpus)->character, word);
      OK(lk_buffer_printf(out, "%s", word));
      rows += (ptrdiff_t)(column->spelling->begin[column->ids[r] + 1] - column->spelling->begin[column->ids[r]]);
    }
    assert_true(rows <= *most);
    OK(lk_buffer_printf(out, "\n"));
  }
  lk_arena_release(&arena);
  lk_loader_close(&loader);
  lk_corpus_close(&corpus);
}

static void check_loader(const char *kind, const char *text, bool stream, lk_view view, const char *want,
                         ptrdiff_t want_most) {
  lk_buffer out = {0};
  ptrdiff_t most;
  spell_all(kind, text, stream, view, &out, &most);
  assert_string_equal(out.data, want);
  assert_int_equal(most, want_most);
  lk_buffer_release(&out);
}

/* Characters that were seen once are unknown; words are spelled as written, also where the vocabulary has <unk>. */
static void loaders_spell_what_was_written(void **state) {
  (void)state;
  check_loader("label", "The\tx\ncat\ty\n\nTHE\tx\ncats\ty\nteh\tx\n", false, LK_VIEW_LABEL,
               "<T__><cat_><teh>\n<The><cat>\n", 16);
  check_loader("classify", "x\tThe cat\ny\tThe The The\n", false, LK_VIEW_CLASSIFY, "<The><The><The>\n<The><___>\n",
               15);
  check_loader("text", "The cat\nThe The The\n", false, LK_VIEW_LM, "<><The><The><The>\n<><The><___>\n", 17);
  check_loader("text", "The cat\nThe <unk>\n", true, LK_VIEW_LM, "<The><___><><The><>\n", 19);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(spellings_by_hand),
      cmocka_unit_test(forms_by_hand),
      cmocka_unit_test_setup_teardown(loaders_spell_what_was_written, enter_scratch, leave_scratch),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
