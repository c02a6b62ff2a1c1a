/* Labels as tags of spans: all common schemes, and labels that are no tags. */
#include "tags.h"

#include "data_fixture.h"

/* Labels in one string, separated by spaces. */
static void read_tags(lk_tagset *set, const char *text) {
  lk_strings labels = {0};
  for (size_t size; *text; text += size + (text[size] == ' ')) {
    size = strcspn(text, " ");
    assert_int_equal(lk_strings_add(&labels, text, size, 0), LK_OK);
  }
  assert_int_equal(lk_tagset_create(set, &labels, NULL), LK_OK);
  assert_int_equal(set->count, labels.count);
  lk_strings_release(&labels);
}

/* They mark spans, with these letters, and "type ..." in order. */
static void expect_spans(const char *labels, const char *letters, const char *types) {
  lk_tagset set;
  char found[64] = "", names[256] = "";
  read_tags(&set, labels);
  for (ptrdiff_t i = 0; i < set.count; i++) found[i] = set.tag[i].prefix ? set.tag[i].prefix : '-';
  for (ptrdiff_t i = 0; i < set.types.count; i++) {
    strcat(names, i ? " " : "");
    strcat(names, lk_strings_get(&set.types, i));
  }
  if (!set.spans || set.misfit >= 0 || set.fits != set.count) fail_msg("'%s' marks no spans", labels);
  assert_string_equal(found, letters);
  assert_string_equal(names, types);
  lk_tagset_release(&set);
}

static void expect_none(const char *labels, ptrdiff_t misfit, bool spoilt) {
  lk_tagset set;
  read_tags(&set, labels);
  if (set.spans) fail_msg("'%s' marks spans", labels);
  assert_int_equal(set.misfit, misfit);
  assert_int_equal(lk_tagset_spoilt(&set), spoilt);
  lk_tagset_release(&set);
}

static void test_schemes(void **state) {
  (void)state;
  expect_spans("O B-PER I-PER B-LOC", "OBIB", "LOC PER");
  expect_spans("O I-PER B-PER", "OIB", "PER");            /* IOB1 */
  expect_spans("O I-PER I-LOC", "OII", "LOC PER");        /* IO */
  expect_spans("O B-x I-x E-x S-x", "OBIES", "x");        /* BIOES */
  expect_spans("O B-x I-x L-x U-x", "OBIES", "x");        /* BILOU */
  expect_spans("O B-x M-x E-x S-x", "OBIES", "x");        /* BMES */
  expect_spans("B_x M_x E_x W_x O", "BIESO", "x");        /* BMEWO */
  expect_spans("o b-per i-per", "OBI", "per");            /* small letters */
  expect_spans("PER-B PER-I O LOC-B", "BIOB", "LOC PER"); /* the letter behind */
  expect_spans("PER_B PER_I O", "BIO", "PER");
  expect_spans("B:PER I:PER O", "BIO", "PER");
  expect_spans("B/PER I/PER O", "BIO", "PER");
  expect_spans("B-a-b I-a-b I-a", "BII", "a a-b"); /* hyphens inside a type */
  expect_spans("B-I I-I B-S O", "BIBO", "I S");    /* types that look like letters */
  expect_spans("B- I- O", "BIO", "");              /* a type without a name */
  expect_spans("B-\xc3\xa9 I-\xc3\xa9 O", "BIO", "\xc3\xa9");
  expect_spans("S-B S-I O E-B", "BIOB", "E S"); /* the same behind */
  expect_spans("B I O", "BIO", "_");
  expect_spans("b i o", "BIO", "_");
  expect_spans("S B E M", "SBEI", "_");
  expect_spans("B M E S O", "BIESO", "_");
  expect_spans("I O", "IO", "_");
  expect_spans("B-x", "B", "x");
}

static void test_no_spans(void **state) {
  (void)state;
  expect_none("NOUN VERB O", 0, false);
  expect_none("O", -1, false);
  expect_none("O B-x X-y", 2, true); /* the first that does not fit */
  expect_none("B-x I-x O NOUN _ B-y", 3, true);
  expect_none("B-x I-x O B", 3, true); /* a letter alone among types */
  expect_none("I M O", -1, false);     /* inside, membrane, outside */
  expect_none("S O", -1, false);       /* subject, object */
  expect_none("", -1, false);
  expect_none("- -- B", 0, false);
}

static void test_types_are_numbered_by_name(void **state) {
  (void)state;
  lk_tagset set;
  read_tags(&set, "O U-xy B-x I-x L-x U-x B-a");
  static const int32_t types[] = {-1, 2, 1, 1, 1, 1, 0};
  for (int i = 0; i < 7; i++) assert_int_equal(set.tag[i].type, types[i]);
  lk_tagset_release(&set);
}

/* Labels that training does not have follow the scheme of the others and may add types. */
static void test_unseen(void **state) {
  (void)state;
  static const char *const known[] = {"O", "B-x", "I-x"}, *const others[] = {"B-new", "I-new", "X", "I-x"};
  lk_strings labels = {0}, unseen = {0};
  lk_tagset set;
  for (int i = 0; i < 3; i++) assert_int_equal(lk_strings_add(&labels, known[i], strlen(known[i]), 0), LK_OK);
  for (int i = 0; i < 4; i++) assert_int_equal(lk_strings_add(&unseen, others[i], strlen(others[i]), 0), LK_OK);
  assert_int_equal(lk_tagset_create(&set, &labels, &unseen), LK_OK);
  assert_true(set.spans && set.misfit < 0 && set.count == 3 && set.types.count == 2);
  static const char letters[] = "BIII";
  static const int32_t types[] = {0, 0, 2, 1}; /* new, new, none, x */
  for (int i = 0; i < 4; i++) {
    assert_int_equal(set.tag[3 + i].prefix, letters[i]);
    assert_int_equal(set.tag[3 + i].type, types[i]);
  }
  lk_tagset_release(&set);
  assert_int_equal(lk_tagset_create(&set, &labels, NULL), LK_OK); /* one without a name */
  assert_true(set.types.count == 1 && set.tag[3].prefix == 'I' && set.tag[3].type == 1);
  lk_tagset_release(&set);
  lk_strings_release(&labels);
  lk_strings_release(&unseen);
}

/* Which labels may follow which: a row for each label before, the first for the beginning; the last column is the end. */
static void expect_steps(const char *labels, const int64_t *seen, const char *const *rows) {
  lk_strings list = {0};
  lk_tagset set;
  for (ptrdiff_t i = 0; *labels; i++) {
    const size_t size = strcspn(labels, " ");
    assert_int_equal(lk_strings_add(&list, labels, size, seen ? seen[i] : 1), LK_OK);
    labels += size + (labels[size] == ' ');
  }
  assert_int_equal(lk_tagset_create(&set, &list, NULL), LK_OK);
  for (ptrdiff_t a = -1; a < list.count; a++)
    for (ptrdiff_t b = 0; b <= list.count; b++) {
      if (a < 0 && b == list.count) continue;
      if (lk_tagset_allows(&set, a, b < list.count ? b : -1) != (rows[a + 1][b] == '1'))
        fail_msg("%s, then %s: expected %c", a < 0 ? "the beginning" : lk_strings_get(&list, a),
                 b < list.count ? lk_strings_get(&list, b) : "the end", rows[a + 1][b]);
    }
  lk_tagset_release(&set);
  lk_strings_release(&list);
}

static void test_steps(void **state) {
  (void)state;
  expect_steps("O B-x I-x B-y I-y", NULL,
               (const char *const[]){"11010-", "110101", "111101", "111101", "110111", "110111"});
  expect_steps("O B-x I-x E-x S-x S-y", NULL,
               (const char *const[]){"110011-", "1100111", "0011000", "0011000", "1100111", "1100111", "1100111"});
  expect_steps("O U-x L-x B-x I-x", NULL, /* BILOU */
               (const char *const[]){"11010-", "110101", "110101", "110101", "001010", "001010"});
  expect_steps("B M E S", NULL, (const char *const[]){"1001-", "01100", "01100", "10011", "10011"});
  expect_steps("O B-x I-x I-y", (const int64_t[]){900, 2, 100, 80}, /* IOB1 */
               (const char *const[]){"1111-", "11111", "11111", "11111", "11111"});
  expect_steps("O I-x I-y", NULL, (const char *const[]){"111-", "1111", "1111", "1111"});
  expect_steps("O B-x I-x I-y", (const int64_t[]){900, 50, 100, 80}, /* I-y has no B: only I-x needs one */
               (const char *const[]){"1101-", "11011", "11111", "11111", "11011"});
  expect_steps("O E-x I-x I-y", (const int64_t[]){900, 2, 100, 80}, /* IOE1 */
               (const char *const[]){"1111-", "11111", "11111", "11111", "11111"});
  expect_steps("O I-x E-x I-y E-y", (const int64_t[]){900, 100, 80, 90, 60}, /* IOE2 */
               (const char *const[]){"11111-", "111111", "011000", "111111", "000110", "111111"});
  expect_steps("O B-x I-x E-x B-y", (const int64_t[]){900, 80, 20, 50, 30}, /* single words are B: there is no S */
               (const char *const[]){"11001-", "110011", "111111", "001100", "110011", "110011"});
  expect_steps("O B-x I-x E-x", (const int64_t[]){900, 50, 20, 50}, /* no single words: B goes on to E */
               (const char *const[]){"1100-", "11001", "00110", "00110", "11001"});
  expect_steps("NOUN VERB", NULL, (const char *const[]){"11-", "111", "111"});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_schemes),  cmocka_unit_test(test_steps),
      cmocka_unit_test(test_no_spans), cmocka_unit_test(test_types_are_numbered_by_name),
      cmocka_unit_test(test_unseen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
