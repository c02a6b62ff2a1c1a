#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lockstep/metrics.h"
#include "lockstep/rng.h"

static const char *const names[] = {"O",     "B-PER", "I-PER", "E-PER", "S-PER", "B-LOC",
                                    "I-LOC", "E-LOC", "S-LOC", "B-a-b", "I-a-b"};
enum { NAMES = sizeof names / sizeof *names };

static void make(lk_tagset *set, const char *const *text, ptrdiff_t count) {
  lk_strings labels = {0};
  for (ptrdiff_t i = 0; i < count; i++) assert_int_equal(lk_strings_add(&labels, text[i], strlen(text[i]), 0), LK_OK);
  assert_int_equal(lk_tagset_create(set, &labels), LK_OK);
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

static void expect(const char *gold, const char *found, int64_t in_gold, int64_t in_found, int64_t correct) {
  lk_tagset set;
  lk_span_counts counts = {0};
  int32_t a[32], b[32];
  make(&set, names, NAMES);
  ptrdiff_t n = numbers(gold, a);
  assert_int_equal(numbers(found, b), n);
  lk_spans_count(&set, a, b, n, &counts);
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

static void test_sentences_and_missing_labels(void **state) {
  (void)state;
  lk_tagset set;
  lk_span_counts counts = {0};
  make(&set, names, NAMES);
  int32_t inside[] = {1, 2}, more[] = {2, 2};
  lk_spans_count(&set, inside, inside, 2, &counts);
  lk_spans_count(&set, more, more, 2, &counts); /* I-PER after a sentence's end is a new span */
  assert_int_equal(counts.gold, 2);
  assert_int_equal(counts.correct, 2);
  int32_t none[] = {1, -1, 2};
  counts = (lk_span_counts){0};
  lk_spans_count(&set, none, none, 3, &counts); /* -1 is O: two spans */
  assert_int_equal(counts.gold, 2);
  lk_spans_count(&set, none, none, 0, &counts);
  assert_int_equal(counts.gold, 2);
  lk_tagset_release(&set);
}

static void test_what_marks_spans(void **state) {
  (void)state;
  static const char *const upos[] = {"NOUN", "VERB", "O"}, *const outside[] = {"O"},
                           *const mixed[] = {"O", "B-x", "X-y"};
  static const char *const bilou[] = {"O", "B-x", "I-x", "L-x", "U-x", "U-xy"};
  lk_tagset set;
  make(&set, upos, 3);
  assert_false(set.spans);
  lk_tagset_release(&set);
  make(&set, outside, 1);
  assert_false(set.spans);
  lk_tagset_release(&set);
  make(&set, mixed, 3);
  assert_false(set.spans);
  lk_tagset_release(&set);
  make(&set, bilou, 6);
  assert_true(set.spans);
  assert_int_equal(set.tag[3].prefix, 'E');
  assert_int_equal(set.tag[4].prefix, 'S');
  assert_int_equal(set.tag[1].type, set.tag[4].type);
  assert_int_not_equal(set.tag[4].type, set.tag[5].type);
  assert_int_equal(set.tag[0].type, -1);
  lk_tagset_release(&set);
}

/* The other way to count: list the spans of each side by a table of the script's rules, then compare the lists. */
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
    lk_span_counts counts = {0};
    lk_spans_count(&set, gold, found, n, &counts);
    assert_int_equal(counts.gold, in_gold);
    assert_int_equal(counts.found, in_found);
    assert_int_equal(counts.correct, correct);
    matched += correct;
  }
  assert_true(matched > ROUNDS / 2); /* the comparison was put to the test */
  lk_tagset_release(&set);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_spans_by_hand),
      cmocka_unit_test(test_sentences_and_missing_labels),
      cmocka_unit_test(test_what_marks_spans),
      cmocka_unit_test(test_spans_at_random),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
