/* Several files a part, and how the rows of the training files are dealt to the parts. */
#include "lockstep/prepare.h"

#include "data_fixture.h"

/* A file whose path stays as it is. */
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

/* A file that does not end in a line end ends its line all the same; the cut may lie in a later file. */
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
  refused(&p, LK_USAGE, "is input and output at once");
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(several_files_are_one_part),
      cmocka_unit_test(running_text_over_files),
      cmocka_unit_test(a_file_is_named_with_its_own_lines),
      cmocka_unit_test(pairs_of_files),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
