/* prepare on files as users have them: comments, numbered columns, labels that training does not have, words without a
 * label, empty parts, separators, digits, concatenated files, and warnings. */
#include "prepare.h"

#include "data_fixture.h"
#include "log.h"
#include "tokenizer.h"

static lk_prepare settings_of(const char *kind, const char *train, const char *test) {
  lk_prepare p;
  lk_prepare_init(&p);
  p.kind = kind;
  p.input[LK_TRAIN] = write_text("in.txt", train);
  if (test) p.input[LK_TEST] = write_text("test.txt", test);
  p.output = path_of("out.h5");
  return p;
}

static void add_unit(char *out, const lk_strings *words, int32_t id) {
  strcat(out, id == LK_NO_LABEL ? "-" : lk_strings_get(words, id));
}

/* A label that training does not have, after a question mark. */
static void add_label(char *out, const lk_corpus_info *info, int32_t id) {
  if (id <= LK_UNSEEN_LABEL) strcat(out, "?");
  if (id <= LK_UNSEEN_LABEL)
    add_unit(out, &info->unseen, LK_UNSEEN_LABEL - id);
  else
    add_unit(out, &info->label, id);
}

/* A row without <sos> and <eos>: each unit with its label after a slash; or after the row's label; or both sides. */
static void add_row(char *out, const lk_corpus_info *info, const int32_t *source, int32_t n, const int32_t *target,
                    int32_t targets) {
  const bool frames = info->kind == LK_CORPUS_FRAMES, tagged = info->kind == LK_CORPUS_LABEL;
  if (info->kind == LK_CORPUS_CLASSIFY || frames) {
    add_label(out, info, target[0]);
    strcat(out, ":");
  }
  if (frames) sprintf(out + strlen(out), "%d", n);
  for (int32_t t = 1; !frames && t < n - 1; t++) {
    if (t > 1) strcat(out, " ");
    add_unit(out, &info->source, source[t]);
    if (tagged) strcat(out, "/");
    if (tagged) add_label(out, info, target[t]);
  }
  if (info->kind == LK_CORPUS_PAIRS) strcat(out, " =");
  for (int32_t t = 1; info->kind == LK_CORPUS_PAIRS && t < targets - 1; t++) {
    strcat(out, " ");
    add_unit(out, &info->target, target[t]);
  }
  strcat(out, "\n");
}

/* All rows of all splits, one on each line, splits separated by "--"; in the order of buckets. */
static const char *rows_of(const char *path) {
  static char out[4000];
  lk_corpus *corpus = NULL;
  assert_int_equal(lk_corpus_open(&corpus, path, true), LK_OK);
  const lk_corpus_info *info = lk_corpus_about(corpus);
  out[0] = '\0';
  for (int s = 0; s < LK_SPLITS; s++) {
    if (s > 0 && info->buckets[s] > 0) strcat(out, "--\n");
    for (int k = 0; k < info->buckets[s]; k++) {
      for (ptrdiff_t row = 0; row < info->bucket[s][k].rows; row++) {
        int32_t source[64] = {0}, target[64] = {0}, length, targets = 0;
        assert_int_equal(lk_corpus_rows(corpus, (lk_split)s, k, row, 1, source, &length, target, NULL), LK_OK);
        if (info->kind == LK_CORPUS_PAIRS)
          assert_int_equal(lk_corpus_target_lengths(corpus, (lk_split)s, k, row, 1, &targets), LK_OK);
        add_row(out, info, source, length, target, targets);
      }
    }
  }
  lk_corpus_close(&corpus);
  return out;
}

/* Prepare; *said, where not NULL, gets the warnings, one on each line. */
static lk_prepare_report report;
static char said[4000];
static void assert_rows(const lk_prepare *p, const char *rows) {
  const char *log = path_of("log.txt");
  lk_buffer text = {0};
  (void)unlink(log);
  assert_int_equal(lk_log_open(log), LK_OK);
  const lk_status status = lk_prepare_run(p, &report);
  lk_log_close();
  if (status != LK_OK) {
    (void)strcpy(said, lk_error_get()->text);
    lk_error_clear();
    fail_msg("%s", said);
  }
  assert_int_equal(lk_buffer_read_file(&text, log), LK_OK);
  (void)snprintf(said, sizeof said, "%s", text.data ? text.data : "");
  lk_buffer_release(&text);
  assert_string_equal(rows_of(p->output), rows);
}

static void assert_said(const char *words) {
  if (!strstr(said, words)) fail_msg("expected '%s' in '%s'", words, said);
}

/* ---- comments ---- */

/* Words and comments, in files separated by TABs and by spaces. */
static void comments_are_no_words(void **state) {
  (void)state;
  static const struct {
    const char *file, *rows;
    int comments;
  } cases[] = {
      {"# sent_id = 1\n# text = a b\na X\nb Y\n\n# sent_id = 2\na Y\n#tag X\n\n", "a/X b/Y\na/Y #tag/X\n", 3},
      {"# newdoc\na X\n\n# 12\nb X\n# X\n\n# end\n", "a/X\nb/X #/X\n", 3},           /* as many columns */
      {"#tag X\nb X\n\n#id 12\na X\n\n# X\nc X\n", "#tag/X b/X\na/X\n#/X c/X\n", 1}, /* a row's label is known */
      {"#one HT\na X\n\nb X\n#two HT\n", "#one/HT a/X\nb/X #two/HT\n", 0},           /* inside: certain */
      {"a X\n# # \nb X\n", "a/X #/# b/X\n", 0},
      {"# a comment\nthat X\n# in a sentence\nis X\n", "that/X is/X\n", 2},
      {"#comment\n#c d e\na X\n", "a/X\n", 2},
      {"#a X\n#b Y\n\n#c X\n", "#a/X #b/Y\n#c/X\n", 0},                                       /* no other rows */
      {"# sent_id = 1\na\tX\nb\tY\n\n# newdoc\n#\tX\n#tag\tX\n", "a/X b/Y\n#/X #tag/X\n", 2}, /* TABs */
      {"# text = a\tX\na\tX\n\n# x\ty\n#id\t1\nb\tX\n#\tO\nc\tX\n", "a/X\n#id/1 b/X #/O c/X\n", 2},
      {"#\tSYM\n1\tNUM\n\n#win\tHT\n", "#/SYM 1/NUM\n#win/HT\n", 0},
      {"# y\tZ\n# x\tX\na\tX\n", "# x/X a/X\n", 1},
      {"a X\n\n#end document\n\n#begin document (1); part 0\na X\n", "a/X\na/X\n", 2},
      {"a\tX\n#\t#\n# y\nb\tX\n", "a/X #/# b/X\n", 1},
      {"# sent_id = 1\n\n-DOCSTART- O\n\na X\n\n# text = -DOCSTART- -X-\nb X\n", "a/X\nb/X\n", 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lk_prepare p = settings_of("label", cases[i].file, NULL);
    assert_rows(&p, cases[i].rows);
    assert_int_equal(report.comments, cases[i].comments);
  }
}

/* A label known from training decides in the other splits; the training files are read without such knowledge, in both
 * passes. */
static void comments_of_other_parts(void **state) {
  (void)state;
  lk_prepare q = settings_of("label", "#a HT\nb X\n", NULL);
  const char *const second[] = {write_text("second.txt", "b X\n#c HT\n"), NULL};
  q.further[LK_TRAIN] = second;
  assert_rows(&q, "b/X\nb/X #c/HT\n");
  assert_int_equal(report.labels, 2);
  lk_prepare p = settings_of("label", "#a HT\nb X\nc X\n#d HT\n", "#e HT\nb X\n\n#id 12\nb X\n");
  assert_rows(&p, "#a/HT b/X c/X #d/HT\n--\n<unk>/HT b/X\nb/X\n");
}

#define ROW(id, word, tag) id "\t" word "\t" tag "\t-\tannotator\n"
static void universal_ner(void **state) {
  (void)state;
  const char *file = "# sent_id = w-1\n# text = EU rejects\n" ROW("1", "EU", "B-ORG")
      ROW("2", "rejects", "O") "\n# sent_id = w-2\n" ROW("1", "No", "O") ROW("2-3", "don't", "_") ROW("2", "do", "O")
          ROW("3", "n't", "O");
  lk_prepare p = settings_of("label", file, NULL);
  p.conllu = true;
  p.column_word = 1;
  p.column_tag = 2;
  assert_rows(&p, "EU/B-ORG rejects/O\nNo/O do/O n't/O\n");
  p.column_tag = -1;
  assert_rows(&p, "EU/annotator rejects/annotator\nNo/annotator do/annotator n't/annotator\n");
  p.conllu = false;
  assert_fails(lk_prepare_run(&p, NULL), LK_DATA,
               "%s/in.txt:8:1: a range of words where other lines number words: --conllu leaves such lines out");
  p.column_word = p.column_tag = LK_COLUMN_DEFAULT;
  assert_fails(lk_prepare_run(&p, NULL), LK_DATA,
               "%s/in.txt:3:1: the first column numbers the words: say --conllu --column word=I,tag=J, the columns of "
               "word and tag, counted from 0");
  p.column_word = 1;
  (void)write_text("in.txt", ROW("1", "EU", "O") ROW("2", "rejects", "O") ROW("1", "No", "O"));
  assert_fails(lk_prepare_run(&p, NULL), LK_DATA,
               "%s/in.txt:3:1: ID '1' again after 2: is the blank line between two sentences missing?");
  p.column_word = 0; /* if that is what is wanted */
  assert_int_equal(lk_prepare_run(&p, NULL), LK_OK);
}

#define CUPT(id, word, mwe) id "\t" word "\t_\tNOUN\t_\t_\t_\t_\t_\t_\t" mwe "\n"
static void eleven_columns(void **state) {
  (void)state;
  lk_prepare p =
      settings_of("label", "# global.columns = ID FORM\n" CUPT("1", "go", "1:VPC") CUPT("2", "on", "1"), NULL);
  p.conllu = true;
  p.column_tag = 10;
  assert_rows(&p, "go/1:VPC on/1\n");
  p.column_tag = LK_COLUMN_DEFAULT;
  p.column_word = 1;
  assert_rows(&p, "go/NOUN on/NOUN\n");
}

/* ---- the structure of CoNLL-U ---- */

#define CONLLU(id, form, upos) id "\t" form "\t_\t" upos "\t_\t_\t_\t_\t_\t_\n"
static void ids_are_checked(void **state) {
  (void)state;
  static const struct {
    const char *file, *words; /* NULL: good */
  } cases[] = {
      {CONLLU("0.1", "e", "X") CONLLU("1-2", "ab", "_") CONLLU("1", "a", "X") CONLLU("2", "b", "X")
           CONLLU("2.1", "f", "X") CONLLU("2.2", "g", "X") CONLLU("3-3", "c", "_") CONLLU("3", "c", "X"),
       NULL},
      {CONLLU("1", "a", "X") CONLLU("2", "b", "X") CONLLU("1", "c", "X"),
       "%s/in.txt:3:1: ID '1' again after 2: is the blank line between two sentences missing?"},
      {CONLLU("1", "a", "X") "# sent_id = 2\n" CONLLU("1-2", "bc", "_") CONLLU("1", "b", "X") CONLLU("2", "c", "X"),
       "%s/in.txt:3:1: ID '1-2' again after 1: is the blank line between two sentences missing?"},
      {CONLLU("1", "a", "X") CONLLU("3", "b", "X"), "%s/in.txt:2:1: ID '3', expected 2 (CoNLL-U)"},
      {CONLLU("1", "a", "X") CONLLU("2", "b", "X") CONLLU("2", "b", "X"),
       "%s/in.txt:3:1: ID '2', expected 3 (CoNLL-U)"},
      {CONLLU("2", "a", "X"), "%s/in.txt:1:1: ID '2', expected 1, as a sentence begins (CoNLL-U)"},
      {CONLLU("1", "a", "X") "\n" CONLLU("2", "a", "X"),
       "%s/in.txt:3:1: ID '2', expected 1, as a sentence begins (CoNLL-U)"},
      {CONLLU("1", "a", "X") CONLLU("3-4", "b", "X"), "%s/in.txt:2:1: ID '3-4', expected 2 (CoNLL-U)"},
      {CONLLU("1", "a", "X") CONLLU("2-1", "b", "X"), "%s/in.txt:2:1: ID '2-1', expected 2 (CoNLL-U)"},
      {CONLLU("1", "a", "X") CONLLU("1.2", "b", "X"), "%s/in.txt:2:1: ID '1.2', expected 1.1 or 2 (CoNLL-U)"},
      {CONLLU("1", "a", "X") CONLLU("2-", "b", "X"),
       "%s/in.txt:2:1: ID '2-', expected a number, a range or an empty node (CoNLL-U)"},
      {CONLLU("1", "a", "X") CONLLU("12345678901234567890", "b", "X"),
       "%s/in.txt:2:1: ID '12345678901234567890', expected a number, a range or an empty node (CoNLL-U)"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lk_prepare p = settings_of("label", cases[i].file, NULL);
    p.conllu = true;
    if (cases[i].words)
      assert_fails(lk_prepare_run(&p, NULL), LK_DATA, cases[i].words);
    else
      assert_rows(&p, "a/X b/X c/X\n");
  }
}

/* ---- labels ---- */

/* They count as wrong, with one warning; or are an error, by --unseen-labels. */
static void labels_that_training_never_has(void **state) {
  (void)state;
  lk_prepare p = settings_of("label", "a X\nb Y\n", "a X\nb V\n\nb W\na W\n\n");
  assert_rows(&p, "a/X b/Y\n--\na/X b/?V\nb/?W a/?W\n");
  assert_int_equal(report.unseen[LK_TEST], 3);
  assert_said("3 of 4 in test (2 different, the first 'V' at ");
  assert_said("test.txt:2:3)");
  p = settings_of("classify", "x\ta\ny\tb\n", "y\ta\nz\tb\n");
  assert_rows(&p, "x:a\ny:b\n--\ny:a\n?z:b\n");
  assert_said("1 of 2 in test (1 different, the first 'z' at ");
  p = settings_of("frames", "x\t1\n", "y\t1 2\n");
  assert_rows(&p, "x:1\n--\n?y:2\n");
  assert_said("test: none of its labels occurs in training");
  p.unseen = LK_UNSEEN_ERROR;
  assert_fails(lk_prepare_run(&p, NULL), LK_DATA,
               "%s/test.txt:1:1: label 'y', which does not occur in the training part");
  p = settings_of("classify", "x\ta\nx\tb\ny\tc\ny\td\n", NULL); /* parts of one file */
  p.fraction[LK_VALID] = 0.5;
  p.in_order = true;
  assert_rows(&p, "x:a\nx:b\n--\n?y:<unk>\n?y:<unk>\n");
}

static void what_is_no_label(void **state) {
  (void)state;
  lk_prepare p = settings_of("label", "a _\nb X\n\nc _\n\nd X\ne -\n", "a _\n\nb _\nc Z\n");
  assert_rows(&p, "a/_ b/X\nc/_\nd/X e/-\n--\na/_\nb/_ c/?Z\n");
  p.no_label[p.no_labels++] = "_";
  assert_rows(&p, "a/- b/X\nd/X e/-\n--\nb/- <unk>/?Z\n");
  assert_int_equal(report.unlabelled, 2);
  assert_int_equal(report.labels, 2);
  p.no_label[p.no_labels++] = "-";
  assert_rows(&p, "a/- b/X\nd/X e/-\n--\nb/- <unk>/?Z\n");
  assert_int_equal(report.labels, 1);
  p.no_label[p.no_labels++] = "X";
  assert_fails(lk_prepare_run(&p, NULL), LK_DATA, "%s/in.txt:1:1: the file holds no sequence with a label");
  p = settings_of("classify", "x\ta\nNA\tb\ny\tc\n", NULL);
  p.no_label[p.no_labels++] = "NA";
  assert_rows(&p, "x:a\ny:c\n");
  assert_int_equal(report.unlabelled, 1);
  p = settings_of("frames", "x\t1\n \t2 3\n", NULL);
  p.no_label[p.no_labels++] = "";
  assert_rows(&p, "x:1\n");
}

/* `_` is a label in FEATS, but UPOS that nobody has annotated. */
static void underscores(void **state) {
  (void)state;
  lk_prepare p = settings_of("label", CONLLU("1", "a", "X") CONLLU("2", "b", "_"), NULL);
  p.conllu = true;
  assert_fails(lk_prepare_run(&p, NULL), LK_DATA,
               "%s/in.txt:2:7: a word without a label (UPOS '_'): --no-label _ leaves such words out of the loss");
  p.no_label[p.no_labels++] = "_";
  assert_rows(&p, "a/X b/-\n");
  p.no_labels = 0;
  p.column_tag = 5;
  assert_rows(&p, "a/_ b/_\n");
}

/* Composed and decomposed, one label; as they are with --no-nfc. Case and digits of labels stay. */
static void labels_are_normalised(void **state) {
  (void)state;
  static const char *const files[][3] = {{"label",
                                          "a \xc3\x89"
                                          "1\nb E\xcc\x81"
                                          "1\n",
                                          "a/\xc3\x89"
                                          "1 b/\xc3\x89"
                                          "1\n"},
                                         {"classify",
                                          "\xc3\x89"
                                          "1\ta\nE\xcc\x81"
                                          "1\tb\n",
                                          "\xc3\x89"
                                          "1:a\n\xc3\x89"
                                          "1:b\n"},
                                         {"frames",
                                          "\xc3\x89"
                                          "1\t1\nE\xcc\x81"
                                          "1\t1\n",
                                          "\xc3\x89"
                                          "1:1\n\xc3\x89"
                                          "1:1\n"}};
  for (int i = 0; i < 3; i++) {
    lk_prepare p = settings_of(files[i][0], files[i][1], NULL);
    p.lower = p.digits = i < 2;
    assert_rows(&p, files[i][2]);
    assert_int_equal(report.labels, 1);
    p.nfc = false;
    assert_int_equal(lk_prepare_run(&p, &report), LK_OK);
    assert_int_equal(report.labels, 2);
  }
}

static void headers_and_rare_labels(void **state) {
  (void)state;
  lk_prepare p = settings_of("classify", "label\ttext\nx\ta\nx\tb\n", NULL);
  assert_rows(&p, "label:text\nx:a\nx:b\n");
  assert_said("label 'label' at ");
  assert_said("in.txt:1:1, the first of the training part, occurs only once: is that line a header?");
  p = settings_of("label", "a X\nb X\n\nc Y\n\nd Z\n", NULL);
  assert_rows(&p, "a/X b/X\nc/Y\nd/Z\n");
  assert_said("2 of 3 labels occur only once in the training part; the first is 'Y' at ");
  assert_said("in.txt:4:3");
  p = settings_of("classify", "x\ta\nx\tb\n", NULL);
  assert_rows(&p, "x:a\nx:b\n");
  assert_null(strstr(said, "once"));
}

/* ---- empty things ---- */

#define IDEOGRAPHIC "\xe3\x80\x80"
#define NBSP        "\xc2\xa0"
/* The same rule for all kinds: a blank line is no sequence; one with an empty part is an error, or left out. */
static void empty_things(void **state) {
  (void)state;
  static const struct {
    const char *kind;
    lk_unit unit;
    const char *file, *mistake, *rows;
    int empty;
  } cases[] = {
      {"text", LK_CHAR, "ab\n" NBSP "\n \t\n" IDEOGRAPHIC "\nb\n", NULL, "a b\nb\n", 0},
      {"classify", LK_WORD, "x\ta\n" NBSP "\t" IDEOGRAPHIC "\ny\t" NBSP "\ny\tb\n", "%s/in.txt:3:3: an empty text",
       "x:a\ny:b\n", 1},
      {"classify", LK_CHAR, "x\ta\ny\t \ny\t\n\t\ny\tb\n", "%s/in.txt:2:3: an empty text", "x:a\ny:b\n", 2},
      {"label", LK_WORD, "a\tX\n" NBSP "\n\nb\tX\n" NBSP "\tX\n\nc\tX\n", "%s/in.txt:5:1: an empty word", "a/X\nc/X\n",
       1},
      {"frames", LK_WORD, "x\t1\n" IDEOGRAPHIC "\nx\t \ny\t2 3\n", "%s/in.txt:3:3: no frames", "x:1\ny:2\n", 1},
      {"pairs", LK_WORD, "a\tb\n\t" NBSP "\na\t" NBSP "\nc\td\n", "%s/in.txt:3:3: an empty target", "a = b\nc = d\n",
       1},
      {"pairs", LK_CHAR, "a\tb\n \td\nc\td\t\t \n", "%s/in.txt:2:1: an empty source", "a = b\nc = d\n", 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lk_prepare p = settings_of(cases[i].kind, cases[i].file, NULL);
    char words[200];
    p.unit = p.pairs.unit = cases[i].unit;
    (void)snprintf(words, sizeof words, "%s; --empty skip leaves out what is empty", cases[i].mistake);
    if (cases[i].mistake) assert_fails(lk_prepare_run(&p, NULL), LK_DATA, words);
    p.empty = LK_EMPTY_SKIP;
    assert_rows(&p, cases[i].rows);
    assert_int_equal(report.empty, cases[i].empty);
  }
}

static void empty_sides_of_two_files(void **state) {
  (void)state;
  lk_prepare p = settings_of("pairs", "a\n" NBSP "\nb\n\nc\n", NULL);
  p.pairs.target[LK_TRAIN] = write_text("beside.txt", "x\n\t\n" IDEOGRAPHIC "\ny\nz\n");
  assert_fails(lk_prepare_run(&p, NULL), LK_DATA,
               "%s/beside.txt:3:1: an empty target; --empty skip leaves out what is empty");
  p.empty = LK_EMPTY_SKIP;
  assert_rows(&p, "a = x\nc = z\n");
  assert_int_equal(report.empty, 2);
}

/* Rows without frames of an HDF5 file, between others and at the end. */
static void empty_rows_of_hdf5(void **state) {
  (void)state;
  const char *path = path_of("in.h5");
  const float frames[3] = {1, 2, 3};
  lk_h5 *file = NULL;
  assert_int_equal(lk_h5_create(&file, path, false), LK_OK);
  assert_int_equal(lk_h5_write(file, "/frames", LK_FLOAT32, 2, (ptrdiff_t[]){3, 1}, frames, 0, NULL), LK_OK);
  assert_int_equal(lk_h5_write(file, "/offsets", LK_INT64, 1, (ptrdiff_t[]){5}, (int64_t[]){0, 1, 1, 3, 3}, 0, NULL),
                   LK_OK);
  assert_int_equal(lk_h5_write(file, "/labels", LK_INT32, 1, (ptrdiff_t[]){4}, (int32_t[]){7, 7, 8, 8}, 0, NULL),
                   LK_OK);
  assert_int_equal(lk_h5_commit(file), LK_OK);
  lk_h5_close(&file);
  lk_prepare p = settings_of("frames", "unused", NULL);
  p.input[LK_TRAIN] = path;
  assert_fails(lk_prepare_run(&p, NULL), LK_DATA, "%s/in.h5: row 1: no frames; --empty skip leaves out what is empty");
  p.empty = LK_EMPTY_SKIP;
  assert_rows(&p, "7:1\n8:2\n");
  assert_int_equal(report.empty, 2);
  p.input[LK_TEST] = write_text("test.txt", "7\t1\n9\t1\n");
  assert_rows(&p, "7:1\n8:2\n--\n7:1\n?9:1\n");
  p.input[LK_TEST] = NULL;
  p.no_label[p.no_labels++] = "8";
  assert_rows(&p, "7:1\n");
}

/* ---- separators after labels, and digits ---- */

static void separators(void **state) {
  (void)state;
  static const struct {
    const char *kind, *separator, *file, *rows;
  } cases[] = {
      {"classify", "", "__label__x one  two\n __label__y\tone\n", "__label__x:one two\n__label__y:one\n"},
      {"classify", "", "NUM:date When\nLOC:city Where\n", "NUM:date:When\nLOC:city:Where\n"},
      {"classify", ",", "x,a,b\n y , c\n", "x:a,b\ny:c\n"},
      {"classify", " ||| ", "x ||| a | b\n", "x:a | b\n"},
      {"frames", "", "x 1,2 3,4\n\ny\t5,6\n", "x:2\ny:1\n"},
      {"frames", ";", "x;1,2 3,4\n", "x:2\n"},
      {"pairs", " ||| ", "a b ||| c\nd ||| e\n", "a b = c\nd = e\n"},
      {"pairs", "", "AB  AH0 B\nC\tK\n", "AB = AH0 B\nC = K\n"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lk_prepare p = settings_of(cases[i].kind, cases[i].file, NULL);
    p.separator = cases[i].separator;
    assert_rows(&p, cases[i].rows);
  }
  lk_prepare p = settings_of("classify", "x a\ny\n", NULL);
  p.separator = "";
  assert_fails(lk_prepare_run(&p, NULL), LK_DATA, "%s/in.txt:2:2: 1 column, expected 2: label, blank, text");
  p = settings_of("classify", "x,a\ny b\n", NULL);
  p.separator = ",";
  assert_fails(lk_prepare_run(&p, NULL), LK_DATA, "%s/in.txt:2:4: 1 column, expected 2: label, ',', text");
  p = settings_of("classify", "__label__x a\n__label__x __label__y b\n", NULL);
  p.separator = "";
  assert_fails(lk_prepare_run(&p, NULL), LK_DATA, "%s/in.txt:2:12: a second label, '__label__y': expected one a line");
  p = settings_of("pairs", "a", NULL);
  p.separator = ",";
  p.pairs.target[LK_TRAIN] = p.input[LK_TRAIN];
  assert_fails(lk_prepare_run(&p, NULL), LK_USAGE, "--separator is for pairs in one file, not for --target");
}

/* Alternative targets are separated by the same separator. */
static void further_targets_of_a_separator(void **state) {
  (void)state;
  lk_prepare p = settings_of("pairs", "a;b\n", "a;b; ;c\n");
  p.separator = ";";
  assert_rows(&p, "a = b\n--\na = b\n");
  assert_int_equal(report.further[LK_TEST], 1);
}

static void digits_become_0(void **state) {
  (void)state;
  lk_prepare p = settings_of("label",
                             "a1 X1\n\xd9\xa3"
                             "b X1\n",
                             NULL);
  p.digits = true;
  assert_rows(&p, "a0/X1 0b/X1\n");
  p = settings_of("pairs", "1984\t84\n", NULL);
  p.digits = true;
  assert_rows(&p, "0000 = 00\n");
  lk_corpus *corpus = NULL; /* reading with the corpus's tokenizer does the same */
  lk_tokenizer *tokenizer = NULL;
  int32_t *ids = NULL;
  ptrdiff_t count = 0;
  size_t capacity = 0;
  assert_int_equal(lk_corpus_open(&corpus, p.output, false), LK_OK);
  assert_int_equal(lk_tokenizer_create(&tokenizer, lk_corpus_about(corpus), LK_SOURCE), LK_OK);
  assert_int_equal(lk_tokenizer_encode(tokenizer, "7777 7", 6, &ids, &count, &capacity), LK_OK);
  assert_int_equal(count, 2);
  assert_true(ids[0] >= LK_SPECIALS && ids[1] == LK_UNK);
  free(ids);
  lk_tokenizer_destroy(&tokenizer);
  lk_corpus_close(&corpus);
}

/* ---- concatenated files, and <unk> ---- */

#define BOM "\xef\xbb\xbf"
static void byte_order_marks(void **state) {
  (void)state;
  lk_prepare p = settings_of("classify", BOM "x\ta\n" BOM "x\tb\n" BOM "\n", NULL);
  assert_rows(&p, "x:a\nx:b\n");
  assert_int_equal(report.labels, 1);
  assert_int_equal(report.marks, 2);
  assert_said("in.txt:2:1: a byte order mark that is not at the beginning of the file (2 in all)");
  p = settings_of("label", "a\tX\n" BOM "# sent_id = 2\nb\tX\n", NULL);
  assert_rows(&p, "a/X b/X\n");
  p = settings_of("text", "a b\nc d." BOM "e f\n" BOM " g " BOM " h" BOM "\n", NULL); /* one end of line is missing */
  assert_rows(&p, "a b\nc d." BOM "e f\ng " BOM " h" BOM "\n");
  assert_int_equal(report.marks, 1);
  assert_said("in.txt:2:5: a byte order mark between two letters (1 in all)");
}

/* A warning where other splits have unknown units and training has none; it says how many units training has once. */
static void unk_is_never_learnt(void **state) {
  (void)state;
  lk_prepare p = settings_of("text", "a a b b\n", "a c c\n");
  const char *words = "training has no <unk>, so a model learns nothing about unknown units";
  assert_rows(&p, "a a b b\n--\na <unk> <unk>\n");
  assert_said(words);
  assert_said("(valid and test have 2): --min-count 3 makes the rarest ones <unk>");
  p.minimum = 3;
  (void)write_text("in.txt", "a a a b b\n");
  assert_rows(&p, "a a a <unk> <unk>\n--\na <unk> <unk>\n");
  assert_null(strstr(said, "<unk>"));
  p = settings_of("text", "a a b b\n", "b a\n");
  assert_rows(&p, "a a b b\n--\nb a\n");
  assert_null(strstr(said, "<unk>"));
  p = settings_of("text", "a a b\n", NULL);
  assert_rows(&p, "a a b\n");
  assert_said(": --min-count 2 makes the rarest ones <unk>");
  p = settings_of("pairs", "a x\ta\na x\ta\n", "a x\tb\n");
  assert_rows(&p, "a x = a\na x = a\n--\na x = <unk>\n");
  assert_said("training has no <unk> among the targets");
  assert_said("--target-min-count 3");
  assert_null(strstr(said, "sources"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(comments_are_no_words),
      cmocka_unit_test(comments_of_other_parts),
      cmocka_unit_test(universal_ner),
      cmocka_unit_test(eleven_columns),
      cmocka_unit_test(ids_are_checked),
      cmocka_unit_test(labels_that_training_never_has),
      cmocka_unit_test(what_is_no_label),
      cmocka_unit_test(underscores),
      cmocka_unit_test(labels_are_normalised),
      cmocka_unit_test(headers_and_rare_labels),
      cmocka_unit_test(empty_things),
      cmocka_unit_test(empty_sides_of_two_files),
      cmocka_unit_test(empty_rows_of_hdf5),
      cmocka_unit_test(separators),
      cmocka_unit_test(further_targets_of_a_separator),
      cmocka_unit_test(digits_become_0),
      cmocka_unit_test(byte_order_marks),
      cmocka_unit_test(unk_is_never_learnt),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
