/* Several files for a split, and how the rows of the training files are divided into splits. */
#include "prepare.h"

#include "data_fixture.h"

/* A file whose path is not changed. */
static const char *file_of(const char *name, const char *text) {
  static char kept[32][512];
  static int turn;
  return strcpy(kept[turn = (turn + 1) % 32], write_text(name, text));
}

static lk_prepare settings_of(const char *kind, const char *train) {
  lk_prepare p;
  lk_prepare_init(&p);
  p.kind = kind;
  p.input[LK_TRAIN] = train;
  static char output[512];
  p.output = strcpy(output, path_of("out.h5"));
  return p;
}

static lk_corpus *prepared(const lk_prepare *p) {
  lk_corpus *corpus = NULL;
  const lk_status status = lk_prepare_run(p, NULL);
  assert_string_equal(lk_error_get()->text, "");
  assert_int_equal(status, LK_OK);
  assert_int_equal(lk_corpus_open(&corpus, p->output, true), LK_OK);
  return corpus;
}

/* All rows of a part, or its running text, units joined by blanks, rows by '|', rows of a bucket after those of smaller
 * ones; the label in front of each where there is one. */
static const char *spell(const lk_corpus *corpus, lk_split part) {
  static char out[4][4000];
  static int turn;
  char *text = out[turn = (turn + 1) % 4];
  const lk_corpus_info *info = lk_corpus_about(corpus);
  int32_t ids[256], length, label;
  text[0] = '\0';
  for (int k = 0; k < info->buckets[part]; k++)
    for (ptrdiff_t row = 0; row < info->bucket[part][k].rows; row++) {
      assert_int_equal(
          lk_corpus_rows(corpus, part, k, row, 1, ids, &length, info->label.count > 0 ? &label : NULL, NULL), LK_OK);
      if (text[0]) strcat(text, "|");
      if (info->label.count > 0) strcat(strcat(text, lk_strings_get(&info->label, label)), ":");
      for (int32_t t = 1; t + 1 < length; t++)
        strcat(strcat(text, t > 1 ? " " : ""), lk_strings_get(&info->source, ids[t]));
    }
  if (info->stream && info->tokens[part] > 0) {
    assert_int_equal(lk_corpus_stream(corpus, part, 0, info->tokens[part], ids), LK_OK);
    for (ptrdiff_t t = 0; t < info->tokens[part]; t++) strcat(text, lk_strings_get(&info->source, ids[t]));
  }
  return text;
}

static void several_files_are_one_part(void **state) {
  (void)state;
  lk_prepare p = settings_of("text", file_of("a.txt", "a b\nc d\n"));
  const char *const more[] = {file_of("b.txt",
                                      "\xef\xbb\xbf"
                                      "e f"),
                              file_of("c.txt", "g h\n"), NULL};
  const char *const valid[] = {file_of("w.txt", "h g\n"), NULL};
  p.further[LK_TRAIN] = more;
  p.input[LK_VALID] = file_of("v.txt", "a a\n");
  p.further[LK_VALID] = valid;
  lk_corpus *corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_TRAIN), "a b|c d|e f|g h");
  assert_string_equal(spell(corpus, LK_VALID), "a a|h g");
  lk_corpus_close(&corpus);
  p.input[LK_VALID] = NULL;
  p.further[LK_VALID] = NULL;
  p.fraction[LK_VALID] = 0.5; /* of all files, not of each */
  corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_TRAIN), "a b|c d");
  assert_string_equal(spell(corpus, LK_VALID), "<unk> <unk>|<unk> <unk>");
  lk_corpus_close(&corpus);
}

/* The end of a file ends a line without a line end; the split point may be in a later file. */
static void running_text_over_files(void **state) {
  (void)state;
  lk_prepare p = settings_of("text", file_of("a.txt", "ab\nc"));
  const char *const more[] = {file_of("b.txt", "abc\n"), file_of("c.txt", "ca"), NULL};
  p.further[LK_TRAIN] = more;
  p.stream = true;
  p.unit = LK_CHAR;
  lk_corpus *corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_TRAIN), "ab\nc\nabc\nca");
  lk_corpus_close(&corpus);
  p.fraction[LK_VALID] = 0.5; /* 11 characters: the cut is behind the fifth */
  corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_TRAIN), "ab\nc\n");
  assert_string_equal(spell(corpus, LK_VALID), "abc\nca");
  lk_corpus_close(&corpus);
  p.fraction[LK_VALID] = 0.4;
  corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_TRAIN), "ab\nc\na");
  assert_string_equal(spell(corpus, LK_VALID), "bc\nca");
  lk_corpus_close(&corpus);
}

/* Another corpus may be there from before. */
static void refused_usage(const lk_prepare *p, const char *words) {
  assert_int_equal(lk_prepare_run(p, NULL), LK_USAGE);
  if (!strstr(lk_error_get()->text, words)) assert_string_equal(lk_error_get()->text, words);
  lk_error_clear();
}

static void refused(const lk_prepare *p, lk_status code, const char *words) {
  assert_int_equal(lk_prepare_run(p, NULL), code);
  if (!strstr(lk_error_get()->text, words)) assert_string_equal(lk_error_get()->text, words);
  lk_error_clear();
  assert_int_not_equal(access(p->output, F_OK), 0);
}

static void a_file_is_named_with_its_own_lines(void **state) {
  (void)state;
  (void)clear_folder(NULL);
  lk_prepare p = settings_of("classify", file_of("a.tsv", "x\ta\nx\tb\n"));
  const char *const more[] = {file_of("b.tsv", "y\ta\nno tab\n"), NULL};
  p.further[LK_TRAIN] = more;
  refused(&p, LK_DATA, "b.tsv:2:7: 1 column, expected 2");
  const char *const twice[] = {"-", NULL};
  p.further[LK_TRAIN] = twice;
  p.input[LK_TRAIN] = "-";
  refused(&p, LK_USAGE, "standard input can be only one of the input files");
  p.input[LK_TRAIN] = more[0];
  const char *const itself[] = {p.output, NULL};
  p.further[LK_TRAIN] = itself;
  refused(&p, LK_USAGE, "is both input and output");
}

static void pairs_of_files(void **state) {
  (void)state;
  (void)clear_folder(NULL);
  lk_prepare p = settings_of("pairs", file_of("a.en", "a\nb\n"));
  const char *const sources[] = {file_of("b.en", "c\n"), NULL};
  const char *const targets[] = {file_of("b.de", "z\n"), NULL};
  p.further[LK_TRAIN] = sources;
  p.pairs.target[LK_TRAIN] = file_of("a.de", "x\ny\n");
  refused(&p, LK_USAGE, "train: 2 files of sources, but 1 of targets");
  p.pairs.further[LK_TRAIN] = targets;
  lk_corpus *corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_TRAIN), "a|b|c");
  assert_int_equal(lk_corpus_about(corpus)->target.count, LK_SPECIALS + 3);
  lk_corpus_close(&corpus);
  (void)clear_folder("a.");
  (void)file_of("b.en", "c\nd\n");
  (void)file_of("b.de", "z\n");
  refused(&p, LK_DATA, "b.de:2:1: the file ends, but ");
}

static void classes_are_dealt_alike(void **state) {
  (void)state;
  /* sorted by class: 10 of a, 6 of b, 3 of c, 1 of d */
  lk_prepare p = settings_of("classify", file_of("a.tsv",
                                                 "a\t0\na\t1\na\t2\na\t3\na\t4\na\t5\na\t6\na\t7\na\t8\na\t9\n"
                                                 "b\t0\nb\t1\nb\t2\nb\t3\nb\t4\nb\t5\nc\t6\nc\t7\nc\t8\nd\t9\n"));
  p.fraction[LK_VALID] = 0.2;
  /* 4 of 20: exactly 2, 1.2, 0.6 and 0.2: the missing one goes to c */
  lk_corpus *corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_TRAIN), "a:0|a:1|a:2|a:3|a:4|a:5|a:6|a:7|b:0|b:1|b:2|b:3|b:4|c:6|c:7|d:9");
  assert_string_equal(spell(corpus, LK_VALID), "a:<unk>|a:9|b:5|c:<unk>");
  assert_string_equal(lk_corpus_about(corpus)->split, "valid 0.2, alike in class");
  lk_corpus_close(&corpus);
  /* test first: 2 of a, 1 of b, 1 of c; then 4 of 20 again: c may give one more, d none */
  p.fraction[LK_TEST] = 0.2;
  corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_TRAIN), "a:0|a:1|a:2|a:3|a:4|a:5|b:0|b:1|b:2|b:3|c:6|d:9");
  assert_string_equal(spell(corpus, LK_VALID), "a:6|a:<unk>|b:4|c:<unk>");
  assert_string_equal(spell(corpus, LK_TEST), "a:<unk>|a:9|b:5|c:<unk>");
  lk_corpus_close(&corpus);
  p.fraction[LK_TEST] = 0;
  p.in_order = true;
  p.unseen = LK_UNSEEN_ERROR; /* c and d are there only */
  assert_int_equal(lk_prepare_run(&p, NULL), LK_DATA);
  assert_non_null(strstr(lk_error_get()->text, "label 'c', which does not occur in the training part"));
  lk_error_clear();
}

static void a_fraction_of_few_rows(void **state) {
  (void)state;
  (void)clear_folder(NULL);
  lk_prepare p = settings_of("classify", file_of("a.tsv", "a\tx\nb\ty\n"));
  p.fraction[LK_VALID] = 0.5; /* each class has one row, which training keeps */
  refused(&p, LK_DATA, "a.tsv:1:1: the file holds too little to leave anything for valid");
  p = settings_of("classify", file_of("b.tsv", "a\tx\na\ty\nb\tz\n"));
  p.fraction[LK_VALID] = 0.01; /* rounded up to a row */
  lk_corpus *corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_TRAIN), "a:x|b:z");
  assert_int_equal(lk_corpus_about(corpus)->rows[LK_VALID], 1);
  lk_corpus_close(&corpus);
}

/* The order depends on the random generator alone, so it is the same on every machine. */
static void rows_are_shuffled_by_the_seed(void **state) {
  (void)state;
  lk_prepare p = settings_of("text", file_of("a.txt", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"));
  p.fraction[LK_VALID] = 0.2;
  p.fraction[LK_TEST] = 0.1;
  lk_corpus *corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_TRAIN), "0|1|2|3|4|5|6"); /* the end of the file where nobody asks */
  assert_string_equal(lk_corpus_about(corpus)->split, "valid 0.2, test 0.1, from the end");
  lk_corpus_close(&corpus);
  p.shuffle = true;
  p.seed = 1;
  corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_TRAIN), "0|1|3|4|5|7|9");
  assert_int_equal(lk_corpus_about(corpus)->rows[LK_VALID], 2);
  assert_string_equal(lk_corpus_about(corpus)->split, "valid 0.2, test 0.1, shuffled by seed 1");
  lk_corpus_close(&corpus);
  p.seed = 2;
  corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_TRAIN), "1|3|4|5|6|8|9");
  lk_corpus_close(&corpus);
  p.fraction[LK_VALID] = p.fraction[LK_TEST] = 0;
  refused_usage(&p, "--shuffle says how rows are dealt to the parts");
  p.fraction[LK_VALID] = 0.5;
  p.stream = true;
  refused_usage(&p, "--shuffle: one running text is cut");
}

static void shuffled_rows_are_alike_in_class(void **state) {
  (void)state;
  lk_prepare p = settings_of("classify", file_of("a.tsv", "a\t0\na\t1\na\t2\na\t3\nb\t4\nb\t5\nb\t6\nb\t7\n"));
  p.fraction[LK_VALID] = 0.25;
  p.shuffle = true;
  for (p.seed = 0; p.seed < 20; p.seed++) {
    lk_corpus *corpus = prepared(&p);
    const char *valid = spell(corpus, LK_VALID);
    assert_true(valid[0] == 'a' && valid[0] != valid[strcspn(valid, "|") + 1]);
    lk_corpus_close(&corpus);
  }
}

static void subjects_share_no_part(void **state) {
  (void)state;
  /* the subject in the first, a middle and the last column */
  static const char *const lines[] = {
      "s1\ta\t0\ns2\ta\t1\ns1\tb\t2\ns3\tb\t3\ns1\ta\t4\ns2\tb\t5\ns1\tb\t6\ns4\ta\t7\n",
      "a\ts1\t0\na\ts2\t1\nb\ts1\t2\nb\ts3\t3\na\ts1\t4\nb\ts2\t5\nb\ts1\t6\na\ts4\t7\n",
      "a\t0\ts1\na\t1\ts2\nb\t2\ts1\nb\t3\ts3\na\t4\ts1\nb\t5\ts2\nb\t6\ts1\na\t7\ts4\n"};
  for (int column = 0; column < 3; column++) {
    lk_prepare p = settings_of("classify", file_of("a.tsv", lines[column]));
    p.group = (lk_prepare_group){.by = LK_GROUP_COLUMN, .column = column < 2 ? column : -1};
    p.fraction[LK_VALID] = 0.25;
    lk_corpus *corpus = prepared(&p); /* s1 and s2 to train, and then s3 and s4 are a quarter */
    assert_string_equal(spell(corpus, LK_TRAIN), "a:0|a:1|b:2|a:4|b:5|b:6");
    assert_string_equal(spell(corpus, LK_VALID), "b:<unk>|a:<unk>");
    lk_corpus_close(&corpus);
  }
  lk_prepare p = settings_of("classify", file_of("a.tsv", "s\ta\tb\ns\tb\tc\n"));
  p.group.by = LK_GROUP_COLUMN;
  p.fraction[LK_VALID] = 0.5;
  (void)clear_folder("a.");
  refused(&p, LK_DATA, "a.tsv:1:1: 1 subject (--group), too few for 2 parts");
  p.group.column = 3;
  refused(&p, LK_DATA, "a.tsv:1:6: 3 columns, but the subject is column 3");
  p.group.column = 0;
  p.input[LK_TRAIN] = file_of("a.tsv", "s\ta\tb\nt\tb\n");
  refused(&p, LK_DATA, "a.tsv:2:4: 1 column, expected 2: label, TAB, text"); /* the place in the line as it stands */
  p.input[LK_TRAIN] = file_of("a.tsv", " \ta\tb\n");
  refused(&p, LK_DATA, "a.tsv:1:1: an empty subject");
}

/* Training keeps the only row of a class, though the fractions alone would have its subject in validation. */
static void training_keeps_every_class(void **state) {
  (void)state;
  lk_prepare p = settings_of("classify", file_of("a.tsv",
                                                 "g\ta\t0\ng\ta\t1\ng\ta\t2\ng\ta\t3\ng\ta\t4\ng\ta\t5\ng\ta\t6\n"
                                                 "g\ta\t7\ng\ta\t8\ng\ta\t9\nx\ta\t0\nx\ta\t1\nx\td\t2\nx\ta\t3\n"
                                                 "y\ta\t4\n"));
  p.group = (lk_prepare_group){.by = LK_GROUP_COLUMN};
  p.fraction[LK_VALID] = 0.3;
  lk_corpus *corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_VALID), "a:4");
  assert_int_equal(lk_corpus_about(corpus)->label.count, 2);
  lk_corpus_close(&corpus);
}

static void subjects_by_their_beginning(void **state) {
  (void)state;
  lk_prepare p = settings_of("pairs", file_of("a.tsv", "s_1_x\ta\tA\ns_1_y\tc\tC\nt_1\tb\tB\nu\td\tD\n"));
  p.group = (lk_prepare_group){.by = LK_GROUP_COLUMN, .upto = "_"}; /* s_1 s_1 t u */
  p.fraction[LK_VALID] = 0.5;
  lk_corpus *corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_TRAIN), "a|c");
  assert_int_equal(lk_corpus_about(corpus)->rows[LK_VALID], 2);
  assert_string_equal(lk_corpus_about(corpus)->split, "valid 0.5, by groups: column=0,upto=_");
  lk_corpus_close(&corpus);
}

static void subjects_of_sentences(void **state) {
  (void)state;
  static const char text[] =
      "# doc = x\na N\n\nb N\n\nc N\n\n# doc = y\nd N\n\n# doc = x\ne N\n\n# doc = z\nf N\n\n-DOCSTART- O\n\ng N\n";
  lk_prepare p = settings_of("label", file_of("a.conll", text));
  p.group = (lk_prepare_group){.by = LK_GROUP_COMMENT, .text = "doc"};
  p.fraction[LK_VALID] = 0.4; /* x has 4 of 7 */
  lk_corpus *corpus = prepared(&p);
  assert_int_equal(lk_corpus_about(corpus)->rows[LK_TRAIN], 4);
  assert_int_equal(lk_corpus_about(corpus)->source.count, LK_SPECIALS + 4);
  for (int i = 0; i < 4; i++)
    assert_non_null(strstr("abce", lk_strings_get(&lk_corpus_about(corpus)->source, LK_SPECIALS + i)));
  lk_corpus_close(&corpus);
  p.group = (lk_prepare_group){.by = LK_GROUP_LINE, .text = "-DOCSTART-"};
  p.fraction[LK_VALID] = 0.1;
  corpus = prepared(&p); /* the second document is too large for a tenth, but there is no smaller one */
  assert_int_equal(lk_corpus_about(corpus)->rows[LK_VALID], 1);
  lk_corpus_close(&corpus);
  p = settings_of("text", file_of("b.txt", "= A\na\nb\n= B\nc\n= C\nd\ne\n"));
  p.group = (lk_prepare_group){.by = LK_GROUP_LINE, .text = "="};
  p.fraction[LK_VALID] = 0.25;
  corpus = prepared(&p);
  assert_string_equal(spell(corpus, LK_TRAIN), "= A|a|b|= C|d|e");
  lk_corpus_close(&corpus);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(several_files_are_one_part),
      cmocka_unit_test(running_text_over_files),
      cmocka_unit_test(a_file_is_named_with_its_own_lines),
      cmocka_unit_test(pairs_of_files),
      cmocka_unit_test(classes_are_dealt_alike),
      cmocka_unit_test(a_fraction_of_few_rows),
      cmocka_unit_test(rows_are_shuffled_by_the_seed),
      cmocka_unit_test(shuffled_rows_are_alike_in_class),
      cmocka_unit_test(subjects_share_no_part),
      cmocka_unit_test(training_keeps_every_class),
      cmocka_unit_test(subjects_by_their_beginning),
      cmocka_unit_test(subjects_of_sentences),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
