/* The same spans in all schemes: written by definition, read back, recognised; and sequences that no scheme allows. */
#include "tag_scheme.h"

#include "data_fixture.h"
#include "metrics.h"

enum { MOST = 12, TYPES = 3 };

typedef struct sentence {
  int n, span[MOST], type[MOST]; /* the span that a word is in, 0: none; and its type */
} sentence;

static int draw(int n) { return rand() % n; } /* NOLINT(cert-msc30-c,cert-msc50-cpp): a fixed sequence is wanted */

/* Spans of one to four words; apart: none directly behind another of its type. */
static sentence draw_sentence(bool apart) {
  sentence s = {.n = 1 + draw(MOST)};
  for (int i = 0, count = 0; i < s.n;) {
    const int length = draw(3) == 0 ? 0 : 1 + draw(4), type = draw(TYPES);
    const bool meets = apart && i > 0 && s.span[i - 1] > 0 && s.type[i - 1] == type;
    if (length == 0 || meets) {
      i++;
      continue;
    }
    count++;
    for (int k = 0; k < length && i < s.n; k++, i++) s.span[i] = count, s.type[i] = type;
  }
  return s;
}

/* The letter of word i by the definition of a scheme. */
static char define(const sentence *s, int i, lk_scheme scheme) {
  const bool first = i == 0 || s->span[i - 1] != s->span[i], last = i + 1 == s->n || s->span[i + 1] != s->span[i];
  const bool same_before = i > 0 && s->span[i - 1] > 0 && s->type[i - 1] == s->type[i];
  const bool same_after = i + 1 < s->n && s->span[i + 1] > 0 && s->type[i + 1] == s->type[i];
  if (s->span[i] == 0) return 'O';
  if (scheme == LK_SCHEME_IOB1) return first && same_before ? 'B' : 'I';
  if (scheme == LK_SCHEME_IOB2) return first ? 'B' : 'I';
  if (scheme == LK_SCHEME_IOE1) return last && same_after ? 'E' : 'I';
  if (scheme == LK_SCHEME_IOE2) return last ? 'E' : 'I';
  if (scheme == LK_SCHEME_IO) return 'I';
  return first ? (last ? 'S' : 'B') : last ? 'E' : 'I';
}

static void write_by_definition(const sentence *s, lk_scheme scheme, lk_tag *tags) {
  for (int i = 0; i < s->n; i++)
    tags[i] = (lk_tag){.prefix = define(s, i, scheme), .type = s->span[i] ? s->type[i] : -1};
}

static void expect_tags(const lk_tag *found, const lk_tag *wanted, int n) {
  for (int i = 0; i < n; i++) {
    assert_int_equal(found[i].prefix, wanted[i].prefix);
    assert_int_equal(found[i].type, wanted[i].type);
  }
}

/* From every scheme to every other. Where spans of a type may meet, IO cannot tell them apart. */
static void test_round_trips(void **state) {
  (void)state;
  for (int trial = 0; trial < 4000; trial++) {
    const sentence s = draw_sentence(trial % 2);
    for (lk_scheme from = LK_SCHEME_IOB1; from < LK_SCHEMES; from++)
      for (lk_scheme to = LK_SCHEME_IOB1; to < LK_SCHEMES; to++) {
        lk_tag tags[MOST], wanted[MOST];
        if (from == LK_SCHEME_IO && trial % 2 == 0) continue;
        write_by_definition(&s, from, tags);
        write_by_definition(&s, to, wanted);
        lk_scheme_write(tags, s.n, to);
        expect_tags(tags, wanted, s.n);
      }
  }
}

static void test_recognised(void **state) {
  (void)state;
  for (lk_scheme scheme = LK_SCHEME_IOB1; scheme < LK_SCHEMES; scheme++) {
    lk_scheme_census census = {0};
    for (int i = 0; i < 300; i++) {
      const sentence s = draw_sentence(false);
      lk_tag tags[MOST];
      write_by_definition(&s, scheme, tags);
      if (i % 20 == 0) tags[0] = (lk_tag){.prefix = 'I', .type = 0}; /* a fault here and there */
      const lk_tag outside = {.prefix = 'O', .type = -1};
      for (ptrdiff_t w = 0; w < s.n; w++)
        lk_scheme_count(&census, w > 0 ? tags[w - 1] : outside, tags[w], w + 1 < s.n ? tags[w + 1] : outside, 1);
    }
    assert_int_equal(lk_scheme_of(&census), scheme == LK_SCHEME_BIOES ? LK_SCHEME_AS_FILED : scheme);
  }
}

/* ---- labels ---- */

static void split(lk_strings *words, const char *text) {
  for (size_t size; *text; text += size + (text[size] == ' ')) {
    size = strcspn(text, " ");
    assert_int_equal(lk_strings_add(words, text, size, 0), LK_OK);
  }
}

static void read_labels(lk_tagset *set, const char *text, const char *unseen) {
  lk_strings labels = {0}, more = {0};
  split(&labels, text);
  split(&more, unseen);
  assert_int_equal(lk_tagset_create(set, &labels, &more), LK_OK);
  lk_strings_release(&labels);
  lk_strings_release(&more);
}

static int64_t correct_spans(const lk_tagset *set, const int32_t *a, const int32_t *b, int n, int64_t *all) {
  lk_tally tally[TYPES + 2] = {0};
  lk_spans_count(set, a, b, n, tally);
  const lk_tally sum = lk_tally_sum(tally, set->types.count + 1);
  *all = sum.gold;
  assert_int_equal(sum.gold, sum.found);
  return sum.correct;
}

/* Any sequence has the spans that it had, in every scheme but IO; and another pass changes nothing more. */
static void test_any_sequence(void **state) {
  (void)state;
  lk_tagset set;
  lk_scheme_labels labels;
  read_labels(&set, "O B-x I-x E-x S-x B-y I-y E-y S-y B-z I-z E-z S-z", "I-new");
  assert_int_equal(lk_scheme_labels_create(&labels, &set, 0), LK_OK);
  for (int trial = 0; trial < 20000; trial++) {
    int32_t was[MOST], now[MOST], again[MOST];
    const int n = 1 + draw(MOST);
    const lk_scheme scheme = (lk_scheme)(LK_SCHEME_IOB1 + draw(LK_SCHEMES - LK_SCHEME_IOB1));
    for (int i = 0; i < n; i++) was[i] = draw(13);
    memcpy(now, was, sizeof was);
    lk_scheme_relabel(&labels, now, n, scheme);
    memcpy(again, now, sizeof now);
    lk_scheme_relabel(&labels, again, n, scheme);
    assert_memory_equal(again, now, (size_t)n * sizeof *now);
    if (scheme == LK_SCHEME_IO) continue;
    int64_t all;
    const int64_t correct = correct_spans(&set, was, now, n, &all);
    assert_int_equal(correct, all);
  }
  lk_scheme_labels_release(&labels);
  lk_tagset_release(&set);
}

/* Words without a label end spans and stay without; so do labels that the vocabulary does not have. */
static void test_odd_labels(void **state) {
  (void)state;
  lk_tagset set;
  lk_scheme_labels labels;
  read_labels(&set, "O B-x I-x E-x S-x B-y I-y", "I-new"); /* y has no E and S */
  assert_int_equal(lk_scheme_labels_create(&labels, &set, 0), LK_OK);
  int32_t label[] = {1, -1, 2, -2, -2, 1, 2, 5, 6};
  const int32_t wanted[] = {4, -1, 4, -2, -2, 1, 3, 5, 6};
  lk_scheme_relabel(&labels, label, 9, LK_SCHEME_BIOES);
  assert_memory_equal(label, wanted, sizeof wanted);
  lk_scheme_relabel(&labels, label, 0, LK_SCHEME_BIOES);
  lk_scheme_labels_release(&labels);
  lk_tagset_release(&set);
}

/* Labels that training does not have are written in the other scheme where all of their type have names; what training
 * has stays one of its labels, which are counted by their numbers. */
static void test_unseen_labels(void **state) {
  (void)state;
  lk_tagset set;
  lk_scheme_labels labels;
  read_labels(&set, "O B-x I-x B-y", "B-new E-new S-new I-new I-y");
  assert_int_equal(lk_scheme_labels_create(&labels, &set, 5), LK_OK);
  int32_t label[] = {-2, -3, -4, 0, -4, -2, -5, -3, 3, 3};
  const int32_t filed[] = {-2, -5, -2, 0, -2, -2, -5, -5, 3, 3}; /* B I B O B B I I, and y as it is */
  lk_scheme_relabel(&labels, label, 10, LK_SCHEME_IOB2);
  assert_memory_equal(label, filed, sizeof filed);
  lk_scheme_relabel(&labels, label, 10, LK_SCHEME_IO); /* I-y is no label of training */
  assert_int_equal(label[8], 3);
  assert_int_equal(label[0], -5);
  lk_scheme_labels_release(&labels);
  lk_tagset_release(&set);
}

int main(void) {
  srand(5);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trips), cmocka_unit_test(test_recognised),
                                     cmocka_unit_test(test_any_sequence), cmocka_unit_test(test_odd_labels),
                                     cmocka_unit_test(test_unseen_labels)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
