/* Units of a text, and their numbers. */
#include "vocab.h"

#include "data_fixture.h"

/* The units of a text, joined by '|'. */
static const char *cut(lk_unit unit, const char *text) {
  static char out[256];
  const char *start;
  size_t at = 0, length;
  out[0] = '\0';
  while (lk_unit_next(unit, text, strlen(text), &at, &start, &length)) {
    if (out[0]) strcat(out, "|");
    strncat(out, start, length);
  }
  assert_int_equal(at, strlen(text));
  return out;
}

static void units_are_words_or_characters(void **state) {
  (void)state;
  assert_string_equal(cut(LK_WORD, "  two\twords "), "two|words");
  assert_string_equal(cut(LK_WORD,
                          "a\xc2\xa0"
                          "b\xe3\x80\x80"
                          "c\xe2\x80\x83"
                          "\xc3\xa9"),
                      "a|b|c|\xc3\xa9"); /* no-break, ideographic, em space */
  assert_string_equal(cut(LK_WORD,
                          "\xe2\x82\xac"
                          "5 \xe1\x83\xa0"),
                      "\xe2\x82\xac"
                      "5|\xe1\x83\xa0"); /* no spaces */
  assert_string_equal(cut(LK_WORD, " \t\r\n"), "");
  assert_string_equal(cut(LK_WORD, ""), "");
  assert_string_equal(cut(LK_CHAR, "a \xc3\xa9\xf0\x9f\x98\x80\n"), "a| |\xc3\xa9|\xf0\x9f\x98\x80|\n");
}

static void count_all(lk_vocab *vocab, const char *text) {
  assert_int_equal(lk_vocab_count_text(vocab, LK_WORD, text, strlen(text)), LK_OK);
}

static void assert_entry(const lk_vocab *vocab, ptrdiff_t id, const char *text, int64_t count) {
  const lk_strings *strings = lk_vocab_strings(vocab);
  assert_true(id < strings->count);
  assert_string_equal(lk_strings_get(strings, id), text);
  assert_int_equal(strings->number[id], count);
  assert_int_equal(lk_vocab_find(vocab, text, strlen(text), -7), id);
}

static void numbers_fall_with_counts(void **state) {
  (void)state;
  lk_vocab *vocab = NULL;
  assert_int_equal(lk_vocab_create(&vocab, true), LK_OK);
  count_all(vocab, "b b b z a a ab \xc3\xa9 <eos> b");
  assert_int_equal(lk_vocab_finish(vocab, 0, 1), LK_OK);
  assert_int_equal(lk_vocab_size(vocab), 9);
  const struct {
    const char *text;
    int64_t count;
  } expected[] = {{"<pad>", 0}, {"<sos>", 0}, {"<eos>", 1}, {"<unk>", 0},   {"b", 4},
                  {"a", 2},     {"ab", 1},    {"z", 1},     {"\xc3\xa9", 1}};
  for (int i = 0; i < 9; i++) assert_entry(vocab, i, expected[i].text, expected[i].count);
  assert_int_equal(lk_vocab_find(vocab, "none", 4, LK_UNK), LK_UNK);
  assert_int_equal(lk_vocab_find(vocab, "n", 1, -1), -1);
  lk_vocab_destroy(&vocab);
  assert_null(vocab);
}

static void what_is_left_out_counts_for_unk(void **state) {
  (void)state;
  lk_vocab *vocab = NULL;
  assert_int_equal(lk_vocab_create(&vocab, true), LK_OK);
  count_all(vocab, "a a a b b c c d");
  assert_int_equal(lk_vocab_finish(vocab, 2, 1), LK_OK);
  assert_int_equal(lk_vocab_size(vocab), 6);
  assert_entry(vocab, LK_UNK, "<unk>", 3);
  assert_entry(vocab, 5, "b", 2);
  lk_vocab_destroy(&vocab);
  assert_int_equal(lk_vocab_create(&vocab, true), LK_OK);
  count_all(vocab, "a a a b b c c d");
  assert_int_equal(lk_vocab_finish(vocab, 0, 2), LK_OK);
  assert_int_equal(lk_vocab_size(vocab), 7);
  assert_entry(vocab, LK_UNK, "<unk>", 1);
  lk_vocab_destroy(&vocab);
}

static void labels_are_numbered_from_zero(void **state) {
  (void)state;
  lk_vocab *vocab = NULL;
  assert_int_equal(lk_vocab_create(&vocab, false), LK_OK);
  count_all(vocab, "O O B-x O B-x I");
  assert_int_equal(lk_vocab_finish(vocab, 0, 1), LK_OK);
  assert_int_equal(lk_vocab_size(vocab), 3);
  assert_entry(vocab, 0, "O", 3);
  assert_entry(vocab, 1, "B-x", 2);
  assert_entry(vocab, 2, "I", 1);
  lk_vocab_destroy(&vocab);
}

static void characters_are_counted_like_words(void **state) {
  (void)state;
  lk_vocab *vocab = NULL;
  int32_t *ids = NULL;
  ptrdiff_t count = 0;
  size_t capacity = 0;
  const char *text = "a\xc3\xa9 aa\xc3\xa9 b";
  assert_int_equal(lk_vocab_create(&vocab, true), LK_OK);
  assert_int_equal(lk_vocab_count_text(vocab, LK_CHAR, text, strlen(text)), LK_OK);
  assert_int_equal(lk_vocab_count(vocab, "a", 1), LK_OK);
  assert_int_equal(lk_vocab_finish(vocab, 3, 1), LK_OK);
  assert_entry(vocab, LK_UNK, "<unk>", 1);
  assert_entry(vocab, 4, "a", 4);
  assert_entry(vocab, 5, " ", 2);
  assert_entry(vocab, 6, "\xc3\xa9", 2);
  assert_int_equal(lk_vocab_encode(vocab, LK_CHAR, text, strlen(text), &ids, &count, &capacity), LK_OK);
  assert_int_equal(count, 8);
  assert_memory_equal(ids, ((int32_t[]){4, 6, 5, 4, 4, 6, 5, LK_UNK}), 32);
  free(ids);
  lk_vocab_destroy(&vocab);
}

/* Far more units than the table's first size: all are found after it has grown many times. */
static void many_units(void **state) {
  (void)state;
  enum { COUNT = 50000 };
  lk_vocab *vocab = NULL, *again = NULL;
  char text[32];
  assert_int_equal(lk_vocab_create(&vocab, true), LK_OK);
  for (int i = 0; i < COUNT; i++) {
    const int size = snprintf(text, sizeof text, "unit%d", i);
    for (int times = 0; times <= i % 3; times++) assert_int_equal(lk_vocab_count(vocab, text, (size_t)size), LK_OK);
  }
  assert_int_equal(lk_vocab_finish(vocab, 0, 1), LK_OK);
  assert_int_equal(lk_vocab_size(vocab), COUNT + 4);
  assert_int_equal(lk_vocab_from(&again, lk_vocab_strings(vocab), true), LK_OK);
  for (int i = 0; i < COUNT; i++) {
    const int size = snprintf(text, sizeof text, "unit%d", i);
    const int32_t id = lk_vocab_find(vocab, text, (size_t)size, -1);
    assert_true(id >= 4);
    assert_string_equal(lk_strings_get(lk_vocab_strings(vocab), id), text);
    assert_int_equal(lk_vocab_strings(vocab)->number[id], i % 3 + 1);
    assert_int_equal(lk_vocab_find(again, text, (size_t)size, -1), id);
  }
  lk_vocab_destroy(&vocab);
  lk_vocab_destroy(&again);
}

static lk_strings strings_of(const char *const *texts, int count) {
  lk_strings strings = {0};
  for (int i = 0; i < count; i++) assert_int_equal(lk_strings_add(&strings, texts[i], strlen(texts[i]), i), LK_OK);
  return strings;
}

static void a_file_s_vocabulary_is_checked(void **state) {
  (void)state;
  lk_vocab *vocab = NULL;
  lk_strings twice = strings_of((const char *[]){"<pad>", "<sos>", "<eos>", "<unk>", "a", "b", "a"}, 7);
  lk_strings wrong = strings_of((const char *[]){"<pad>", "<eos>", "<sos>", "<unk>"}, 4);
  assert_fails(lk_vocab_from(&vocab, &twice, true), LK_DATA, "vocabulary: 'a' is there twice, again at 6");
  assert_fails(lk_vocab_from(&vocab, &wrong, true), LK_DATA, "vocabulary: entry 1 is not <sos>");
  assert_null(vocab);
  lk_strings_release(&twice);
  lk_strings_release(&wrong);
}

static void encoding_appends(void **state) {
  (void)state;
  lk_vocab *vocab = NULL;
  int32_t *ids = NULL;
  ptrdiff_t count = 0;
  size_t capacity = 0;
  assert_int_equal(lk_vocab_create(&vocab, true), LK_OK);
  count_all(vocab, "a a b");
  assert_int_equal(lk_vocab_finish(vocab, 0, 1), LK_OK);
  const char *text = "b c a <eos> <unk> <pad> <sos>";
  assert_int_equal(lk_vocab_encode(vocab, LK_WORD, text, strlen(text), &ids, &count, &capacity), LK_OK);
  assert_int_equal(lk_vocab_encode(vocab, LK_CHAR, "b<", 2, &ids, &count, &capacity), LK_OK);
  assert_int_equal(count, 9);
  assert_memory_equal(ids, ((int32_t[]){5, LK_UNK, 4, LK_EOS, LK_UNK, LK_UNK, LK_UNK, 5, LK_UNK}), 36);
  free(ids);
  lk_vocab_destroy(&vocab);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(units_are_words_or_characters),     cmocka_unit_test(numbers_fall_with_counts),
      cmocka_unit_test(what_is_left_out_counts_for_unk),   cmocka_unit_test(labels_are_numbered_from_zero),
      cmocka_unit_test(characters_are_counted_like_words), cmocka_unit_test(many_units),
      cmocka_unit_test(a_file_s_vocabulary_is_checked),    cmocka_unit_test(encoding_appends)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
