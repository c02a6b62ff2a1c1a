#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics.h"
#include "rng.h"

static const char *const names[] = {"O",     "B-PER", "I-PER", "E-PER", "S-PER", "B-LOC",
                                    "I-LOC", "E-LOC", "S-LOC", "B-a-b", "I-a-b"};
enum { NAMES = sizeof names / sizeof *names };

static void make(lk_tagset *set, const char *const *text, ptrdiff_t count) {
  lk_strings labels = {0};
  for (ptrdiff_t i = 0; i < count; i++) assert_int_equal(lk_strings_add(&labels, text[i], strlen(text[i]), 0), LK_OK);
  assert_int_equal(lk_tagset_create(set, &labels, NULL), LK_OK);
  lk_strings_release(&labels);
}

static int32_t number(const char *name, size_t size) {
  for (int32_t i = 0; i < NAMES; i++)
    if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0) return i;
  fail_msg("no tag %.*s", (int)size, name);
  return -1;
}

static ptrdiff_t numbers(const char *tags, int32_t *out) {
  ptrdiff_t n = 0;
  for (size_t size; *tags; tags += size + (tags[size] == ' ')) {
    size = strcspn(tags, " ");
    out[n++] = number(tags, size);
  }
  return n;
}

/* Of all types. */
static lk_tally count(const lk_tagset *set, const int32_t *gold, const int32_t *found, ptrdiff_t n) {
  lk_tally by_type[8] = {0};
  assert_true(set->types.count < 8);
  lk_spans_count(set, gold, found, n, by_type);
  return lk_tally_sum(by_type, set->types.count + 1);
}

static void expect(const char *gold, const char *found, int64_t in_gold, int64_t in_found, int64_t correct) {
  lk_tagset set;
  int32_t a[32], b[32];
  make(&set, names, NAMES);
  ptrdiff_t n = numbers(gold, a);
  assert_int_equal(numbers(found, b), n);
  const lk_tally counts = count(&set, a, b, n);
  lk_tagset_release(&set);
  if (counts.gold != in_gold || counts.found != in_found || counts.correct != correct)
    fail_msg("%s | %s: %lld gold, %lld found, %lld correct", gold, found, (long long)counts.gold,
             (long long)counts.found, (long long)counts.correct);
}

static void test_spans_by_hand(void **state) {
  (void)state;
  expect("B-PER I-PER O B-LOC", "B-PER I-PER O B-LOC", 2, 2, 2);
  expect("B-PER I-PER O B-LOC", "B-PER O O B-LOC", 2, 2, 1); /* too short */
  expect("B-PER O O B-LOC", "B-PER I-PER O B-LOC", 2, 2, 1); /* too long */
  expect("B-PER I-PER", "B-LOC I-LOC", 1, 1, 0);             /* right place, wrong type */
  expect("O O O", "O O O", 0, 0, 0);
  /* IOB1: I opens a span, B only parts two neighbours of one type */
  expect("I-PER I-PER B-PER I-LOC", "I-PER I-PER B-PER I-LOC", 3, 3, 3);
  expect("I-PER I-PER B-PER", "B-PER I-PER B-PER", 2, 2, 2); /* IOB1 against IOB2: the same spans */
  /* odd transitions: I after another type, I after O, B B */
  expect("B-PER I-LOC", "B-PER I-LOC", 2, 2, 2);
  expect("B-PER B-LOC", "B-PER I-LOC", 2, 2, 2);
  expect("O I-LOC I-LOC", "O B-LOC I-LOC", 1, 1, 1);
  expect("B-PER B-PER", "B-PER I-PER", 2, 1, 0);
  /* BIOES */
  expect("B-PER I-PER E-PER S-PER O S-LOC", "B-PER I-PER E-PER S-PER O S-LOC", 3, 3, 3);
  expect("S-PER S-PER", "B-PER E-PER", 2, 1, 0);
  expect("B-PER E-PER B-PER E-PER", "B-PER I-PER I-PER E-PER", 2, 1, 0);
  expect("B-PER E-PER O", "B-PER I-PER O", 1, 1, 1);         /* a missing E ends at O all the same */
  expect("O E-PER I-PER", "O S-PER B-PER", 2, 2, 2);         /* E without a B is a span; I after E starts one */
  expect("B-PER I-PER E-PER", "I-PER E-PER E-PER", 1, 2, 0); /* E E: the second starts anew */
  expect("B-a-b I-a-b", "B-a-b I-a-b", 1, 1, 1);             /* hyphens inside a type */
  /* starts together, ends apart, starts together again */
  expect("B-PER I-PER B-PER", "B-PER B-PER B-PER", 2, 3, 1);
  /* the sentence's end closes what is open, and the next begins outside */
  expect("O B-PER", "O B-PER", 1, 1, 1);
  expect("I-PER", "I-PER", 1, 1, 1);
}

static void expect_tally(lk_tally t, int64_t gold, int64_t found, int64_t correct) {
  assert_int_equal(t.gold, gold);
  assert_int_equal(t.found, found);
  assert_int_equal(t.correct, correct);
}

static void test_sentences_and_missing_labels(void **state) {
  (void)state;
  lk_tagset set;
  lk_tally by_type[4] = {0};
  make(&set, names, NAMES);
  int32_t inside[] = {1, 2}, more[] = {2, 2};
  assert_int_equal(set.types.count, 3); /* LOC PER a-b */
  lk_spans_count(&set, inside, inside, 2, by_type);
  lk_spans_count(&set, more, more, 2, by_type); /* I-PER after a sentence's end is a new span */
  expect_tally(by_type[1], 2, 2, 2);
  /* no label: O on both sides, whatever was found there */
  int32_t none[] = {1, -1, 2}, found[] = {1, 5, 2};
  expect_tally(count(&set, none, found, 3), 2, 2, 2);
  found[1] = 2; /* one span found where the gold data has two, but it is cut where there is no label */
  expect_tally(count(&set, none, found, 3), 2, 2, 2);
  expect_tally(count(&set, none, found, 0), 0, 0, 0);
  lk_tagset_release(&set);
}

/* Labels that training does not have: neighbouring ones form a span that nothing can match; predicted spans there are
 * wrong. */
static void test_unseen_labels(void **state) {
  (void)state;
  lk_tagset set;
  make(&set, names, NAMES);
  struct {
    int32_t gold[4], found[4];
    int64_t unseen, in_gold, in_found, correct;
  } cases[] = {
      {{-2, -2, 0, 0}, {0, 0, 0, 0}, 1, 1, 0, 0},  /* one span, missed */
      {{-2, -2, 0, -2}, {1, 2, 0, 5}, 2, 2, 2, 0}, /* two, taken for PER and LOC */
      {{1, 2, -2, 0}, {1, 2, 0, 0}, 1, 2, 1, 1},   /* behind PER, which ends there and was found */
      {{1, 2, -2, 0}, {1, 2, 2, 0}, 1, 2, 1, 0},   /* and was found too long */
      {{-2, 2, 0, 0}, {0, 2, 0, 0}, 1, 2, 1, 1},   /* in front of one that begins with I */
      {{-2, -1, -2, 0},
       {0, 1, 0, 0},
       2,
       2,
       0,
       0}, /* a word without a label parts them, and what was found is not a span */
      {{-2, -2, -2, -2}, {1, 1, 1, 1}, 1, 1, 4, 0}, /* to the end */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lk_tally by_type[4] = {0};
    lk_spans_count(&set, cases[i].gold, cases[i].found, 4, by_type);
    const lk_tally sum = lk_tally_sum(by_type, 4);
    if (by_type[3].gold != cases[i].unseen || by_type[3].found != 0) fail_msg("case %zu: unseen", i);
    if (sum.gold != cases[i].in_gold || sum.found != cases[i].in_found || sum.correct != cases[i].correct)
      fail_msg("case %zu: %lld %lld %lld", i, (long long)sum.gold, (long long)sum.found, (long long)sum.correct);
  }
  lk_tagset_release(&set);
}

static void test_ratios(void **state) {
  (void)state;
  const lk_tally none = {0}, missed = {.gold = 3}, some = {.gold = 4, .found = 5, .correct = 3};
  assert_true(lk_tally_precision(none) == 0 && lk_tally_recall(none) == 0 && lk_tally_f1(none) == 0);
  assert_true(lk_tally_precision(missed) == 0 && lk_tally_recall(missed) == 0 && lk_tally_f1(missed) == 0);
  assert_true(lk_tally_precision(some) == 0.6 && lk_tally_recall(some) == 0.75 && lk_tally_f1(some) == 6.0 / 9);
  const lk_tally all[] = {none, missed, some};
  assert_true(lk_tally_macro_f1(all, 3) == (0 + 6.0 / 9) / 2); /* what never occurs is no class */
  assert_true(isnan(lk_tally_macro_f1(all, 1)));
}

/* An independent count: list the spans of each side by a table of conlleval's rules, then compare the lists. */
typedef struct span {
  ptrdiff_t begin, end;
  char type;
} span;

static int column(char prefix) { return (int)(strchr("OBIES", prefix) - "OBIES"); }

static ptrdiff_t list_spans(const int32_t *label, ptrdiff_t n, span *out) {
  /* rows: tag before, columns: tag after, O B I E S, of one type: e ends, s starts, x both, . neither */
  static const char *const rules[] = {".ssss", "ex..x", "ex..x", "exxxx", "exxxx"};
  ptrdiff_t count = 0, open = -1;
  char before = 'O', type_before = '\0';
  for (ptrdiff_t i = 0; i <= n; i++) {
    const char *name = i < n ? names[label[i]] : "O";
    char tag = name[0], type = tag == 'O' ? '\0' : name[2], rule = rules[column(before)][column(tag)];
    if (before != 'O' && tag != 'O' && type != type_before) rule = 'x';
    if (rule == 'e' || rule == 'x') out[count++] = (span){open, i, type_before};
    if (rule == 's' || rule == 'x') open = i;
    before = tag;
    type_before = type;
  }
  return count;
}

static void test_spans_at_random(void **state) {
  (void)state;
  enum { MOST = 12, ROUNDS = 20000 };
  lk_tagset set;
  lk_rng rng = lk_rng_make(3, LK_PURPOSE_SAMPLE);
  int64_t matched = 0;
  make(&set, names, NAMES);
  for (uint32_t round = 0; round < ROUNDS; round++) {
    int32_t gold[MOST], found[MOST];
    span a[MOST], b[MOST];
    ptrdiff_t n = (ptrdiff_t)(lk_rng_uniform(rng, round, 0, 0, 0) * (MOST + 1));
    for (ptrdiff_t i = 0; i < n; i++) { /* half of the tags agree, so that some spans do */
      gold[i] = (int32_t)(lk_rng_uniform(rng, round, 1, (uint32_t)i, 0) * NAMES);
      found[i] = (int32_t)(lk_rng_uniform(rng, round, 2, (uint32_t)i, 0) * NAMES);
      if (lk_rng_uniform(rng, round, 3, (uint32_t)i, 0) < 0.5) found[i] = gold[i];
    }
    ptrdiff_t in_gold = list_spans(gold, n, a), in_found = list_spans(found, n, b), correct = 0;
    for (ptrdiff_t i = 0; i < in_gold; i++)
      for (ptrdiff_t j = 0; j < in_found; j++)
        correct += a[i].begin == b[j].begin && a[i].end == b[j].end && a[i].type == b[j].type;
    const lk_tally counts = count(&set, gold, found, n);
    assert_int_equal(counts.gold, in_gold);
    assert_int_equal(counts.found, in_found);
    assert_int_equal(counts.correct, correct);
    matched += correct;
  }
  assert_true(matched > ROUNDS / 2); /* enough spans did match */
  lk_tagset_release(&set);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_spans_by_hand),   cmocka_unit_test(test_sentences_and_missing_labels),
      cmocka_unit_test(test_unseen_labels),   cmocka_unit_test(test_ratios),
      cmocka_unit_test(test_spans_at_random),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
