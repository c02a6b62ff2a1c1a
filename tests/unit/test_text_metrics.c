/* BLEU, chrF and error rates: cases computed by hand, and figures from sacreBLEU's tests. */
#include "text_metrics.h"

#include <math.h>

#include "data_fixture.h"
#include "rng.h"
#include "text_impl.h"

static lk_text_scorer *scorer;

static lk_text_counts score(lk_unit unit, const char *found, const char *references) {
  lk_text_counts counts = {0};
  assert_int_equal(lk_text_scorer_create(&scorer, unit), LK_OK);
  assert_int_equal(lk_text_score(scorer, found, strlen(found), references, strlen(references), &counts), LK_OK);
  lk_text_scorer_destroy(&scorer);
  return counts;
}

/* Several texts, one after the other with the same scorer; the list ends with NULL. */
static lk_text_counts score_all(lk_unit unit, const char *const *pairs) {
  lk_text_counts counts = {0};
  assert_int_equal(lk_text_scorer_create(&scorer, unit), LK_OK);
  for (int i = 0; pairs[i]; i += 2)
    assert_int_equal(lk_text_score(scorer, pairs[i], strlen(pairs[i]), pairs[i + 1], strlen(pairs[i + 1]), &counts),
                     LK_OK);
  lk_text_scorer_destroy(&scorer);
  return counts;
}

static void assert_near(double value, double expected, double tolerance) {
  if (!(fabs(value - expected) <= tolerance)) fail_msg("%.12g is not %.12g", value, expected);
}

static void assert_bleu(const lk_bleu_counts *c, int64_t length, int64_t reference, const int64_t correct[4],
                        const int64_t total[4]) {
  assert_int_equal(c->length, length);
  assert_int_equal(c->reference, reference);
  assert_memory_equal(c->correct, correct, sizeof c->correct);
  assert_memory_equal(c->total, total, sizeof c->total);
}

/* The tokens, joined by bars. */
static const char *tokens_of(const char *text) {
  static char out[256];
  lk_buffer buffer = {0};
  const char *start;
  size_t at = 0, length, size = 0;
  assert_int_equal(lk_tokenize_13a(&buffer, text, strlen(text)), LK_OK);
  while (lk_unit_next(LK_WORD, buffer.data, buffer.size, &at, &start, &length))
    size += (size_t)snprintf(out + size, sizeof out - size, "%s%.*s", size ? "|" : "", (int)length, start);
  out[size] = '\0';
  lk_buffer_release(&buffer);
  return out;
}

static void tokens_of_mteval(void **state) {
  (void)state;
  assert_string_equal(tokens_of("Hello, world."), "Hello|,|world|.");
  assert_string_equal(tokens_of("don't  well-known"), "don't|well-known");
  assert_string_equal(tokens_of("$3,000.5 or 5%"), "$|3,000.5|or|5|%");
  assert_string_equal(tokens_of("in 1990-1995."), "in|1990|-|1995|.");
  assert_string_equal(tokens_of("U.S. (a/b)"), "U|.|S|.|(|a|/|b|)");
  assert_string_equal(tokens_of("..."), ".|.|.");
  assert_string_equal(tokens_of("1..2"), "1|.|.|2");
  assert_string_equal(tokens_of("a,,b"), "a|,|,|b");
  assert_string_equal(tokens_of("&quot;x&quot; &amp;lt; y<skipped>z"), "\"|x|\"|<|yz"); /* &amp; goes first */
  assert_string_equal(tokens_of("\xc3\xa9.\xe4\xbd\xa0,5 \xc2\xab"), "\xc3\xa9|.|\xe4\xbd\xa0|,|5|\xc2\xab");
  assert_string_equal(tokens_of("a-\nb\nc"), "ab|c");
  assert_string_equal(tokens_of(""), "");
}

/* The example of sacreBLEU's README, 48.530827 in its tests. Tokens: "The dog bit the man ." all of it in the first
 * reference; "It wasn't surprising ." It and the period; "The man had just bitten him ." all but just, of the bigrams
 * the man and man had, of the trigrams the man had. 14/17 7/14 5/11 3/8; lengths 6 4 7 against 6 5 7. */
static void bleu_of_the_published_example(void **state) {
  (void)state;
  const char *const pairs[] = {"The dog bit the man.",
                               "The dog bit the man.\tThe dog had bit the man.",
                               "It wasn't surprising.",
                               "It was not unexpected.\tNo one was surprised.",
                               "The man had just bitten him.",
                               "The man bit him first.\tThe man had bitten the dog.",
                               NULL};
  const lk_text_counts c = score_all(LK_WORD, pairs);
  assert_bleu(&c.bleu, 17, 18, (int64_t[]){14, 7, 5, 3}, (int64_t[]){17, 14, 11, 8});
  assert_near(lk_bleu_brevity(&c.bleu), exp(1 - 18.0 / 17), 1e-15);
  assert_near(lk_bleu(&c.bleu), 48.530827, 1e-6);
}

static void bleu_of_other_published_cases(void **state) {
  (void)state;
  const char *const empty[] = {"", "The dog bit the man.", "", "It was not unexpected.", NULL};
  lk_text_counts c = score_all(LK_WORD, empty);
  assert_bleu(&c.bleu, 0, 11, (int64_t[]){0, 0, 0, 0}, (int64_t[]){0, 0, 0, 0});
  assert_true(lk_bleu(&c.bleu) == 0 && lk_bleu_brevity(&c.bleu) == 0);
  c = score(LK_WORD, "this is a cat", "okay thanks");
  assert_true(lk_bleu(&c.bleu) == 0);
  c = score(LK_WORD,
            "Produc\xc8\x9bia de zah\xc4\x83r prim\xc4\x83 va fi exprimat\xc4\x83 \xc3\xaen ceea ce prive\xc8\x99te"
            " zah\xc4\x83rul alb;",
            "produc\xc5\xa3ia de zah\xc4\x83r brut se exprim\xc4\x83 \xc3\xaen zah\xc4\x83r alb;");
  assert_near(lk_bleu(&c.bleu), 8.493, 1e-3);
  const lk_bleu_counts counts = {.length = 11, .reference = 11, .correct = {9, 7, 5, 3}, .total = {10, 8, 6, 4}};
  assert_near(lk_bleu(&counts), 83.75922397, 1e-6);
}

/* 3/4, 1/3, then orders without a match: 1/2 of one in 2, 1/4 of one in 1. The product is 1/64, its fourth root
 * 1 / (2 sqrt 2). */
static void bleu_smoothing(void **state) {
  (void)state;
  lk_text_counts c = score(LK_WORD, "a b c d", "a b x d");
  assert_bleu(&c.bleu, 4, 4, (int64_t[]){3, 1, 0, 0}, (int64_t[]){4, 3, 2, 1});
  assert_near(lk_bleu(&c.bleu), 100 / (2 * sqrt(2)), 1e-10);
  c = score(LK_WORD, "a b c", "a b c"); /* no 4-gram at all: the order has no precision */
  assert_true(lk_bleu(&c.bleu) == 0);
}

/* Everything is correct, but a third is missing: exp(1 - 6/4). */
static void bleu_brevity(void **state) {
  (void)state;
  lk_text_counts c = score(LK_WORD, "a b c d", "a b c d e f");
  assert_near(lk_bleu(&c.bleu), 100 * exp(-0.5), 1e-10);
  c = score(LK_WORD, "a b c d e f", "a b c d");
  assert_near(lk_bleu_brevity(&c.bleu), 1, 0);
  c = score(LK_WORD, "a b c d", "a b c d e f\ta b"); /* 6 and 2 are as near: the shorter */
  assert_int_equal(c.bleu.reference, 2);
  c = score(LK_WORD, "a b c d", "a\ta b c d e f\ta b c");
  assert_int_equal(c.bleu.reference, 3);
}

/* Papineni et al. 2002, example 2: "the" is credited twice, as often as one reference has it. */
static void bleu_clipping(void **state) {
  (void)state;
  const lk_text_counts c =
      score(LK_WORD, "the the the the the the the", "the cat is on the mat\tthere is a cat on the mat");
  assert_bleu(&c.bleu, 7, 7, (int64_t[]){2, 0, 0, 0}, (int64_t[]){7, 6, 5, 4});
}

static double chrf(const char *found, const char *references, double beta) {
  const lk_text_counts c = score(LK_WORD, found, references);
  return lk_chrf(&c.chrf, beta);
}

/* Figures from sacreBLEU's tests of chrF3 with white space left out, to the digits given there. */
static void chrf_of_published_cases(void **state) {
  (void)state;
  assert_near(chrf(" risk assessment must be made of those who are qualified and expertise in the sector - these are "
                   "the scientists .",
                   "risk assessment has to be undertaken by those who are qualified and expert in that area - that is "
                   "the scientists .",
                   3),
              63.361730303214769, 1e-10);
  assert_near(chrf(" Die    Beziehung zwischen  Obama und Netanjahu ist nicht gerade  freundlich. ",
                   "Das Verh\xc3\xa4ltnis zwischen Obama und Netanyahu ist nicht gerade freundschaftlich.", 3),
              64.130269831561459, 1e-10);
  assert_near(
      chrf("Niemand hat die Absicht, eine Mauer zu errichten", "Niemand hat die Absicht, eine Mauer zu errichten", 3),
      100, 1e-10);
  assert_near(chrf("a", "a", 3), 100, 1e-10);
  assert_near(chrf("a b c", "abc", 3), 100, 1e-10);
  assert_near(chrf("aa", "ab", 3), 25, 1e-10);
  assert_true(chrf("abcdefg", "hijklmnop", 3) == 0 && chrf("", "reference", 3) == 0 && chrf("source", "", 3) == 0);
  const lk_text_counts c = score_all(LK_WORD, (const char *const[]){"a", "a", "b", "c", NULL});
  assert_near(lk_chrf(&c.chrf, 3), 50, 1e-10);
}

/* "ab" for "abc": 2 of 2 and 2 of 3 letters, 1 of 1 and 1 of 2 bigrams: P = 1, R = (2/3 + 1/2)/2 = 7/12,
 * F2 = 5 P R / (4 P + R) = 35/55. The other way round P = 7/12, R = 1, F2 = 35/40; the trigram of "abc" has no
 * counterpart in "ab" and does not count. */
static void chrf_by_hand(void **state) {
  (void)state;
  assert_near(chrf("ab", "abc", 2), 100 * 7.0 / 11, 1e-10);
  assert_near(chrf("abc", "ab", 2), 87.5, 1e-10);
  const lk_text_counts c = score_all(LK_WORD, (const char *const[]){"abc", "ab", "xyz", "xyw", NULL});
  const lk_chrf_counts expected = {.found = {6, 4, 1}, .reference = {5, 3, 1}, .common = {4, 2, 0}};
  assert_memory_equal(&c.chrf, &expected, sizeof expected);
  assert_near(chrf("ab", "xy\tabc\tzz", 2), 100 * 7.0 / 11, 1e-10); /* the best of three */
}

/* Pronunciations: the first is one of its two references. The second has two at one edit: of equals the first, of 3
 * sounds. The third is two edits off its third reference, EH for AH and T at the end, of 5 sounds; the others are
 * farther. 2 of 3 are wrong; 0 + 1 + 2 edits in 6 + 3 + 5 sounds. */
static void pronunciations(void **state) {
  (void)state;
  const lk_text_counts c =
      score_all(LK_WORD, (const char *const[]){"T AH M EY T OW", "T AH M AA T OW\tT AH M EY T OW", "R EH D",
                                               "R IY D\tR EH D D", "N AH K S", "X X X X X X\tN\tN EH K S T", NULL});
  assert_int_equal(c.texts, 3);
  assert_int_equal(c.exact, 1);
  assert_int_equal(c.symbol.edits, 3);
  assert_int_equal(c.symbol.length, 6 + 3 + 5);
  assert_memory_equal(&c.word, &c.symbol, sizeof c.word);
  lk_metric metrics[LK_MAX_METRICS];
  assert_int_equal(lk_text_metrics(&c, metrics, 1), 7);
  assert_string_equal(metrics[3].name, "exact_match");
  assert_near(metrics[3].value, 1.0 / 3, 1e-15);
  assert_int_equal(metrics[3].rising, 1);
  assert_string_equal(metrics[4].name, "sequence_error_rate");
  assert_near(metrics[4].value, 2.0 / 3, 1e-15);
  assert_string_equal(metrics[6].name, "symbol_error_rate");
  assert_near(metrics[6].value, 3.0 / 14, 1e-15);
  assert_int_equal(metrics[6].rising, 0);
}

/* kitten -> sitting: s for k, i for e, g at the end. */
static void edits_of_characters_and_words(void **state) {
  (void)state;
  lk_text_counts c = score(LK_CHAR, "kitten", "sitting");
  assert_int_equal(c.symbol.edits, 3);
  assert_int_equal(c.symbol.length, 7);
  assert_int_equal(c.word.edits, 1);
  assert_int_equal(c.word.length, 1);
  c = score(LK_CHAR, "", "ab cd");
  assert_int_equal(c.symbol.edits, 5);
  assert_near(lk_edit_rate(&c.symbol), 1, 0);
  c = score(LK_CHAR, "abcd", "");
  assert_int_equal(c.symbol.edits, 4);
  assert_near(lk_edit_rate(&c.symbol), 0, 0);
  c = score(LK_CHAR, "\xd8\xa3\xd9\x86", "\xd8\xa3\xd9\x86\xd8\xaf"); /* letters, not bytes */
  assert_int_equal(c.symbol.edits, 1);
  assert_int_equal(c.symbol.length, 3);
  c = score(LK_CHAR, "a  b", "a b"); /* blanks are characters, but do not make words */
  assert_true(c.exact == 0 && c.symbol.edits == 1 && c.word.edits == 0);
  c = score(LK_WORD, " a  b", "a b ");
  assert_true(c.exact == 1 && c.symbol.edits == 0 && c.symbol.length == 2);
  c = score(LK_WORD, "the cat sat on mat", "a cat sat down on the mat"); /* a for the; down, the are missing */
  assert_int_equal(c.word.edits, 3);
  assert_int_equal(c.word.length, 7);
}

/* A text of up to 12 words of three. */
static void random_text(char out[40], uint32_t key) {
  const lk_rng rng = lk_rng_make(7, LK_PURPOSE_INIT);
  const int words = (int)(lk_rng_uniform(rng, key, 0, 0, 0) * 13);
  out[0] = '\0';
  for (int i = 0; i < words; i++) {
    const char word[3] = {(char)('a' + (int)(lk_rng_uniform(rng, key, 1, (uint32_t)i, 0) * 3)), ' ', '\0'};
    strcat(out, word);
  }
}

/* How often the n words at `at` stand in a text of one-letter words, at all places or only before `end`. */
static int64_t often(const char *text, const char *at, size_t n, size_t end) {
  int64_t count = 0;
  for (size_t i = 0; i + 2 * n <= strlen(text) && i < end; i += 2) count += memcmp(text + i, at, 2 * n) == 0;
  return count;
}

/* Clipped n-grams, counted directly: the k-th occurrence is correct where a reference has at least k. */
static void counts_by_the_slow_way(void **state) {
  (void)state;
  int64_t checked = 0;
  assert_int_equal(lk_text_scorer_create(&scorer, LK_WORD), LK_OK);
  for (uint32_t key = 0; key < 500; key++) {
    char found[40], one[40], two[40], references[100];
    random_text(found, 3 * key);
    random_text(one, 3 * key + 1);
    random_text(two, 3 * key + 2);
    (void)snprintf(references, sizeof references, "%s\t%s", one, two);
    lk_text_counts c = {0};
    assert_int_equal(lk_text_score(scorer, found, strlen(found), references, strlen(references), &c), LK_OK);
    for (size_t n = 1; n <= 4; n++) {
      int64_t correct = 0, total = 0;
      for (size_t i = 0; i + 2 * n <= strlen(found); i += 2, total++) {
        const int64_t before = often(found, found + i, n, i), first = often(one, found + i, n, SIZE_MAX),
                      second = often(two, found + i, n, SIZE_MAX);
        correct += before < (first > second ? first : second);
      }
      assert_int_equal(c.bleu.correct[n - 1], correct);
      assert_int_equal(c.bleu.total[n - 1], total);
      checked += correct;
    }
  }
  assert_true(checked > 1000);
  lk_text_scorer_destroy(&scorer);
}

static void counts_add_up(void **state) {
  (void)state;
  const char *const pairs[] = {"the cat sat", "a cat sat\tthe cat sat down", "on the mat .", "on a mat.", "", "x",
                               NULL};
  const lk_text_counts whole = score_all(LK_CHAR, pairs);
  lk_text_counts sum = {0};
  assert_int_equal(LK_TEXT_COUNTS * (ptrdiff_t)sizeof(int64_t), sizeof sum);
  for (int i = 4; i >= 0; i -= 2) {
    const lk_text_counts one = score(LK_CHAR, pairs[i], pairs[i + 1]);
    for (ptrdiff_t k = 0; k < LK_TEXT_COUNTS; k++) ((int64_t *)&sum)[k] += ((const int64_t *)&one)[k];
  }
  assert_memory_equal(&sum, &whole, sizeof sum);
  const lk_text_counts none = {0};
  assert_true(lk_bleu(&none.bleu) == 0 && lk_chrf(&none.chrf, 2) == 0 && lk_edit_rate(&none.symbol) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tokens_of_mteval),
                                     cmocka_unit_test(bleu_of_the_published_example),
                                     cmocka_unit_test(bleu_smoothing),
                                     cmocka_unit_test(bleu_of_other_published_cases),
                                     cmocka_unit_test(bleu_brevity),
                                     cmocka_unit_test(bleu_clipping),
                                     cmocka_unit_test(chrf_of_published_cases),
                                     cmocka_unit_test(chrf_by_hand),
                                     cmocka_unit_test(pronunciations),
                                     cmocka_unit_test(edits_of_characters_and_words),
                                     cmocka_unit_test(counts_by_the_slow_way),
                                     cmocka_unit_test(counts_add_up)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
