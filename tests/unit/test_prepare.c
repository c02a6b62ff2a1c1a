/* prepare: what is stored, and the message for every mistake in the input. */
#include "prepare.h"

#include <math.h>

#include "data_fixture.h"

static lk_prepare settings_of(const char *kind, const char *train) {
  lk_prepare p;
  lk_prepare_init(&p);
  p.kind = kind;
  p.input[LK_TRAIN] = write_text("in.txt", train);
  p.output = path_of("out.h5");
  return p;
}

static lk_corpus *prepared(const lk_prepare *p, lk_prepare_report *report) {
  lk_corpus *corpus = NULL;
  lk_prepare_report ignored;
  const lk_status status = lk_prepare_run(p, report ? report : &ignored);
  assert_string_equal(lk_error_get()->text, "");
  assert_int_equal(status, LK_OK);
  assert_int_equal(lk_corpus_open(&corpus, p->output, true), LK_OK);
  return corpus;
}

/* The units of a row, or of a part of running text, joined by spaces. */
static const char *spell(const lk_corpus *corpus, const int32_t *ids, ptrdiff_t count) {
  static char out[1000];
  out[0] = '\0';
  for (ptrdiff_t t = 0; t < count; t++) {
    if (t > 0) strcat(out, " ");
    assert_true(ids[t] >= 0 && ids[t] < lk_corpus_about(corpus)->source.count);
    strcat(out, lk_strings_get(&lk_corpus_about(corpus)->source, ids[t]));
  }
  return out;
}

/* Row `row` of a split, over all buckets; its target if wanted. */
static const char *row_of(const lk_corpus *corpus, lk_split split, ptrdiff_t row, int32_t *target) {
  const lk_corpus_info *info = lk_corpus_about(corpus);
  int32_t source[64], length;
  int k = 0;
  while (k < info->buckets[split] && row >= info->bucket[split][k].rows) row -= info->bucket[split][k++].rows;
  assert_true(k < info->buckets[split]);
  assert_int_equal(lk_corpus_rows(corpus, split, k, row, 1, source, &length, target, NULL), LK_OK);
  for (ptrdiff_t t = length; t < info->bucket[split][k].width; t++) assert_int_equal(source[t], LK_PAD);
  return spell(corpus, source, length);
}

static const char *stream_of(const lk_corpus *corpus, lk_split split) {
  int32_t ids[256];
  const ptrdiff_t count = lk_corpus_about(corpus)->tokens[split];
  assert_true(count <= 256);
  if (count > 0) assert_int_equal(lk_corpus_stream(corpus, split, 0, count, ids), LK_OK);
  return spell(corpus, ids, count);
}

static const char *label_at(const lk_corpus *corpus, int32_t label) {
  assert_true(label >= 0 && label < lk_corpus_about(corpus)->label.count);
  return lk_strings_get(&lk_corpus_about(corpus)->label, label);
}

static void lines_become_rows(void **state) {
  (void)state;
  lk_prepare p = settings_of("text", "the cat\n\n  \nthe <eos> dog \r\nthe mat sat\nthe end");
  lk_prepare_report report;
  p.fraction[LK_VALID] = 0.25;
  lk_corpus *corpus = prepared(&p, &report);
  const lk_corpus_info *info = lk_corpus_about(corpus);
  assert_int_equal(info->kind, LK_CORPUS_TEXT);
  assert_string_equal(info->unit, "word");
  assert_int_equal(info->rows[LK_TRAIN], 3);
  assert_int_equal(info->rows[LK_VALID], 1);
  assert_int_equal(info->source.count, 9); /* <eos> is there already */
  assert_string_equal(lk_strings_get(&info->source, 4), "the");
  assert_int_equal(info->source.number[4], 3);
  assert_string_equal(row_of(corpus, LK_TRAIN, 0, NULL), "<sos> the cat <eos>");
  assert_string_equal(row_of(corpus, LK_TRAIN, 1, NULL), "<sos> the <eos> dog <eos>");
  assert_string_equal(row_of(corpus, LK_VALID, 0, NULL), "<sos> the <unk> <eos>");
  assert_int_equal(report.rows[LK_TRAIN], 3);
  assert_int_equal(report.units[LK_TRAIN], 8);
  assert_int_equal(report.units[LK_VALID], 2);
  assert_int_equal(report.unknown[LK_TRAIN], 0);
  assert_int_equal(report.unknown[LK_VALID], 1);
  assert_int_equal(report.vocabulary, 9);
  assert_true(fabs(report.padding - (1.0 - 18.0 / 20.0)) < 1e-12); /* widths 4 6 6 4 hold 4 5 5 4 */
  lk_corpus_close(&corpus);
}

static void running_text_of_characters(void **state) {
  (void)state;
  /* 16 characters, a line end counts one: floor(8.8), then up to floor(12), then the rest */
  lk_prepare p = settings_of("text", "abc\r\nd\xc3\xa9g\n\nxbab\nab");
  p.unit = LK_CHAR;
  p.stream = true;
  p.fraction[LK_VALID] = 0.2;
  p.fraction[LK_TEST] = 0.25;
  lk_prepare_report report;
  lk_corpus *corpus = prepared(&p, &report);
  assert_int_equal(lk_corpus_about(corpus)->stream, 1);
  assert_string_equal(stream_of(corpus, LK_TRAIN), "a b c \n d \xc3\xa9 g \n");
  assert_string_equal(stream_of(corpus, LK_VALID), "\n <unk> b a");
  assert_string_equal(stream_of(corpus, LK_TEST), "b \n a b");
  assert_int_equal(report.units[LK_VALID], 4);
  assert_int_equal(report.unknown[LK_VALID], 1);
  lk_corpus_close(&corpus);
}

static void cuts_fall_on_the_character(void **state) {
  (void)state;
  enum { N = 200 };
  char text[N + 1];
  for (int i = 0; i < N; i++) text[i] = i % 13 == 12 ? '\n' : (char)('a' + i * i % 7);
  text[N] = '\0';
  const double fractions[] = {0.1, 0.25, 0.9, 0.33, 0.065};
  for (int f = 0; f < 5; f++) {
    lk_prepare p = settings_of("text", text);
    p.unit = LK_CHAR;
    p.stream = true;
    p.fraction[LK_VALID] = fractions[f];
    lk_corpus *corpus = prepared(&p, NULL);
    const ptrdiff_t n = lk_corpus_about(corpus)->tokens[LK_TRAIN];
    assert_int_equal(n, (ptrdiff_t)floor(N * (1.0 - fractions[f]) + 1e-9));
    assert_int_equal(lk_corpus_about(corpus)->tokens[LK_VALID], N - n);
    int32_t ids[N];
    assert_int_equal(lk_corpus_stream(corpus, LK_TRAIN, 0, n, ids), LK_OK);
    assert_int_equal(lk_corpus_stream(corpus, LK_VALID, 0, N - n, ids + n), LK_OK);
    for (int i = 0; i < N; i++) {
      const char *unit = lk_strings_get(&lk_corpus_about(corpus)->source, ids[i]);
      assert_true((unit[0] == text[i] && unit[1] == '\0') || (i >= n && ids[i] == LK_UNK));
    }
    lk_corpus_close(&corpus);
  }
}

static void running_text_of_words(void **state) {
  (void)state;
  lk_prepare p = settings_of("text", "one two\n\n one <unk> three\nlast");
  p.stream = true;
  lk_prepare_report report;
  lk_corpus *corpus = prepared(&p, &report);
  assert_string_equal(stream_of(corpus, LK_TRAIN), "one two <eos> <eos> one <unk> three <eos> last <eos>");
  assert_int_equal(lk_corpus_about(corpus)->source.number[LK_EOS], 4);
  assert_int_equal(lk_corpus_about(corpus)->source.number[LK_UNK], 1);
  assert_int_equal(report.units[LK_TRAIN], 10);
  assert_int_equal(report.unknown[LK_TRAIN], 1);
  lk_corpus_close(&corpus);
}

static void text_is_folded(void **state) {
  (void)state;
  const char *text = "E\xcc\x81t\xc3\xa9 \xc3\x89T\xc3\x89\n"; /* decomposed; composed and upper case */
  lk_prepare p = settings_of("text", text);
  p.lower = true;
  lk_corpus *corpus = prepared(&p, NULL);
  assert_string_equal(row_of(corpus, LK_TRAIN, 0, NULL), "<sos> \xc3\xa9t\xc3\xa9 \xc3\xa9t\xc3\xa9 <eos>");
  assert_int_equal(lk_corpus_about(corpus)->lower, 1);
  assert_int_equal(lk_corpus_about(corpus)->nfc, 1);
  lk_corpus_close(&corpus);
  p.lower = false;
  p.nfc = false;
  corpus = prepared(&p, NULL);
  assert_string_equal(row_of(corpus, LK_TRAIN, 0, NULL), "<sos> E\xcc\x81t\xc3\xa9 \xc3\x89T\xc3\x89 <eos>");
  assert_int_equal(lk_corpus_about(corpus)->nfc, 0);
  lk_corpus_close(&corpus);
}

static void rare_units_become_unk(void **state) {
  (void)state;
  lk_prepare p = settings_of("text", "a a a b b c\n");
  p.minimum = 2;
  p.vocabulary = 1;
  lk_prepare_report report;
  lk_corpus *corpus = prepared(&p, &report);
  assert_string_equal(row_of(corpus, LK_TRAIN, 0, NULL), "<sos> a a a <unk> <unk> <unk> <eos>");
  assert_int_equal(lk_corpus_about(corpus)->source.number[LK_UNK], 3);
  assert_int_equal(report.unknown[LK_TRAIN], 3);
  lk_corpus_close(&corpus);
}

static void long_sequences_are_skipped_or_cut(void **state) {
  (void)state;
  lk_prepare p = settings_of("text", "a b\na b c d\nb\n");
  lk_prepare_report report;
  p.max_length = 2;
  p.too_long = LK_TOO_LONG_SKIP;
  lk_corpus *corpus = prepared(&p, &report);
  assert_int_equal(lk_corpus_about(corpus)->rows[LK_TRAIN], 2);
  assert_int_equal(lk_corpus_about(corpus)->source.count, 6);
  assert_int_equal(report.skipped, 1);
  lk_corpus_close(&corpus);
  p.too_long = LK_TOO_LONG_CUT;
  corpus = prepared(&p, &report);
  assert_int_equal(lk_corpus_about(corpus)->rows[LK_TRAIN], 3);
  assert_string_equal(row_of(corpus, LK_TRAIN, 1, NULL), "<sos> a b <eos>");
  assert_int_equal(lk_corpus_about(corpus)->source.count, 6);
  assert_int_equal(report.cut, 1);
  lk_corpus_close(&corpus);
}

static void labelled_lines(void **state) {
  (void)state;
  lk_prepare p = settings_of("classify", "fr\tab\nen\tb\n\nen\tbc\n");
  p.unit = LK_CHAR;
  p.input[LK_TEST] = write_text("test.txt", "fr\tcz\n");
  lk_corpus *corpus = prepared(&p, NULL);
  int32_t label;
  assert_int_equal(lk_corpus_about(corpus)->label.count, 2);
  assert_string_equal(lk_strings_get(&lk_corpus_about(corpus)->label, 0), "en");
  assert_int_equal(lk_corpus_about(corpus)->label.number[0], 2);
  assert_string_equal(row_of(corpus, LK_TRAIN, 0, &label), "<sos> a b <eos>");
  assert_string_equal(label_at(corpus, label), "fr");
  assert_string_equal(row_of(corpus, LK_TRAIN, 1, &label), "<sos> b <eos>");
  assert_string_equal(label_at(corpus, label), "en");
  assert_string_equal(row_of(corpus, LK_TEST, 0, &label), "<sos> c <unk> <eos>");
  assert_string_equal(label_at(corpus, label), "fr");
  lk_corpus_close(&corpus);
}

static void assert_tags(const lk_corpus *corpus, ptrdiff_t row, const char *words, const char *tags) {
  int32_t target[64];
  char spelled[256] = "";
  assert_string_equal(row_of(corpus, LK_TRAIN, row, target), words);
  assert_int_equal(target[0], -1);
  int n = 1;
  for (; target[n] >= 0; n++) {
    if (n > 1) strcat(spelled, " ");
    strcat(spelled, label_at(corpus, target[n]));
  }
  assert_string_equal(spelled, tags);
  assert_int_equal(target[n], -1); /* at <eos> */
}

static void columns_of_words_and_tags(void **state) {
  (void)state;
  lk_prepare p = settings_of("label",
                             "-DOCSTART- -X- O O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\t\n"
                             "#tag NN I-NP O\n\n\n");
  lk_corpus *corpus = prepared(&p, NULL);
  assert_int_equal(lk_corpus_about(corpus)->rows[LK_TRAIN], 2);
  assert_tags(corpus, 0, "<sos> EU rejects <eos>", "B-ORG O");
  assert_tags(corpus, 1, "<sos> #tag <eos>", "O");
  lk_corpus_close(&corpus);
  p.column_word = -3;
  p.column_tag = 2;
  corpus = prepared(&p, NULL);
  assert_tags(corpus, 0, "<sos> NNP VBZ <eos>", "B-NP B-VP");
  lk_corpus_close(&corpus);
  p = settings_of("label", "two words\tA\n<unk>\tB\n");
  corpus = prepared(&p, NULL);
  assert_int_equal(lk_corpus_about(corpus)->source.count, 5); /* a word of two, as the file has it */
  assert_tags(corpus, 0, "<sos> two words <unk> <eos>", "A B");
  lk_corpus_close(&corpus);
}

#define CONLLU_REST "\t_\t_\t_\t_\t_\t_\n"
static void universal_dependencies(void **state) {
  (void)state;
  lk_prepare p = settings_of("label", "# sent_id = 1\n1-2\tdon't\t_\t_" CONLLU_REST "1\tdo\tdo\tAUX" CONLLU_REST
                                      "2\tn't\tnot\tPART" CONLLU_REST "2.1\tgo\tgo\tVERB" CONLLU_REST
                                      "\n"
                                      "1\tNew York\t_\tPROPN" CONLLU_REST);
  p.conllu = true;
  lk_corpus *corpus = prepared(&p, NULL);
  assert_int_equal(lk_corpus_about(corpus)->rows[LK_TRAIN], 2);
  assert_int_equal(lk_corpus_about(corpus)->source.count, 7);
  assert_tags(corpus, 0, "<sos> do n't <eos>", "AUX PART");
  assert_tags(corpus, 1, "<sos> New York <eos>", "PROPN");
  lk_corpus_close(&corpus);
}

static void assert_frames(const lk_corpus *corpus, lk_split split, int bucket, ptrdiff_t row, const char *label,
                          int32_t length, const float *expected) {
  int32_t n, target;
  float frames[64];
  const lk_corpus_info *info = lk_corpus_about(corpus);
  assert_int_equal(lk_corpus_rows(corpus, split, bucket, row, 1, NULL, &n, &target, frames), LK_OK);
  assert_int_equal(n, length);
  assert_string_equal(label_at(corpus, target), label);
  assert_memory_equal(frames, expected, (size_t)(length * info->frames) * sizeof *frames);
}

static void frames_of_numbers(void **state) {
  (void)state;
  lk_prepare p = settings_of("frames",
                             "b\t1,2 -0.5,1e-3\na\t0.1,+.25  3.,12345678901234567890123 1E5,-0\n"
                             "b\t16777217,0.3 1e-45,3.4028234e38\n");
  p.fraction[LK_TEST] = 0.33;
  lk_prepare_report report;
  lk_corpus *corpus = prepared(&p, &report);
  assert_int_equal(lk_corpus_about(corpus)->frames, 2);
  assert_string_equal(lk_corpus_about(corpus)->unit, "frame");
  assert_frames(corpus, LK_TRAIN, 0, 0, "b", 2, (float[]){1, 2, -0.5f, 1e-3f});
  assert_frames(corpus, LK_TRAIN, 0, 1, "a", 3, (float[]){0.1f, 0.25f, 3, 12345678901234567890123.0f, 1e5f, -0.0f});
  assert_frames(corpus, LK_TEST, 0, 0, "b", 2, (float[]){16777216, 0.3f, 1e-45f, 3.4028234e38f});
  assert_int_equal(report.frames, 2);
  assert_int_equal(report.units[LK_TRAIN], 5);
  lk_corpus_close(&corpus);
}

/* /frames [5,2], /offsets, /labels: numbers or strings. */
static const char *write_h5(const char *name, const float *frames, const int64_t *offsets, const char *labels) {
  const char *path = path_of(name);
  lk_h5 *file = NULL;
  lk_strings strings = {0};
  assert_int_equal(lk_h5_create(&file, path, false), LK_OK);
  assert_int_equal(lk_h5_write(file, "/frames", LK_FLOAT32, 2, (ptrdiff_t[]){5, 2}, frames, 0, NULL), LK_OK);
  assert_int_equal(lk_h5_write(file, "/offsets", LK_INT64, 1, (ptrdiff_t[]){3}, offsets, 0, NULL), LK_OK);
  if (labels) {
    for (int i = 0; i < 2; i++) assert_int_equal(lk_strings_add(&strings, labels + i, 1, 0), LK_OK);
    assert_int_equal(lk_h5_write_strings(file, "/labels", &strings, NULL), LK_OK);
  } else {
    assert_int_equal(lk_h5_write(file, "/labels", LK_INT32, 1, (ptrdiff_t[]){2}, (int32_t[]){7, -3}, 0, NULL), LK_OK);
  }
  assert_int_equal(lk_h5_commit(file), LK_OK);
  lk_h5_close(&file);
  lk_strings_release(&strings);
  return path;
}

static void frames_of_an_hdf5_file(void **state) {
  (void)state;
  const float frames[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  for (int strings = 0; strings < 2; strings++) {
    lk_prepare p = settings_of("frames", "unused");
    p.input[LK_TRAIN] = write_h5("in.h5", frames, (int64_t[]){0, 2, 5}, strings ? "xy" : NULL);
    lk_corpus *corpus = prepared(&p, NULL);
    assert_frames(corpus, LK_TRAIN, 0, 0, strings ? "x" : "7", 2, frames);
    assert_frames(corpus, LK_TRAIN, 0, 1, strings ? "y" : "-3", 3, frames + 4);
    lk_corpus_close(&corpus);
    p.max_length = 2;
    p.too_long = LK_TOO_LONG_SKIP;
    lk_prepare_report report;
    corpus = prepared(&p, &report);
    assert_int_equal(lk_corpus_about(corpus)->rows[LK_TRAIN], 1);
    assert_int_equal(report.skipped, 1);
    lk_corpus_close(&corpus);
  }
}

static void h5_refused(const float *frames, const int64_t *offsets, const char *words) {
  lk_prepare p = settings_of("frames", "unused");
  p.input[LK_TRAIN] = write_h5("in.h5", frames, offsets, "xy");
  assert_fails(lk_prepare_run(&p, NULL), LK_DATA, words);
  assert_int_equal(clear_folder("in."), 0);
}

static void mistakes_in_an_hdf5_file(void **state) {
  (void)state;
  float frames[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  (void)clear_folder(NULL);
  h5_refused(frames, (int64_t[]){1, 2, 5}, "%s/in.h5: /offsets row 0: 1, expected 0");
  h5_refused(frames, (int64_t[]){0, 6, 5}, "%s/in.h5: /offsets row 1: 6, expected at least 0 and at most 5");
  h5_refused(frames, (int64_t[]){0, 2, 1}, "%s/in.h5: /offsets row 2: 1, expected at least 2 and at most 5");
  h5_refused(frames, (int64_t[]){0, 2, 4}, "%s/in.h5: /offsets ends at 4, but there are 5 frames");
  frames[7] = NAN;
  h5_refused(frames, (int64_t[]){0, 2, 5}, "%s/in.h5: /frames row 3 column 1: NaN, expected a finite number");
  frames[7] = -INFINITY;
  h5_refused(frames, (int64_t[]){0, 2, 5}, "%s/in.h5: /frames row 3 column 1: infinity, expected a finite number");
}

/* One mistake on each line: kind, settings, training file, test file, message. */
enum { PLAIN = 0, CHARS = 1, CONLLU = 2, SHORT = 4, HALF = 8, UNSEEN = 16 };
static const struct {
  const char *kind;
  int how;
  const char *train, *test, *words;
} mistakes[] = {
    {"text", PLAIN, "", NULL, "%s/in.txt:1:1: the file is empty"},
    {"text", PLAIN, "\n \n", NULL, "%s/in.txt:1:1: the file holds no sequence"},
    {"text", PLAIN, "good\nb\xff\n", NULL, "%s/in.txt:2:2: not valid UTF-8: byte 0xff"},
    {"text", PLAIN, "a\n", "x\n\xc3", "%s/test.txt:2:1: not valid UTF-8: byte 0xc3"},
    {"text", PLAIN, "a\n", "\n\n", "%s/test.txt:1:1: the file holds no sequence"},
    {"text", HALF, "a\n", NULL, "%s/in.txt:1:1: the file holds too little to leave anything for train"},
    {"text", SHORT, "a b\nc d e f\n", NULL,
     "%s/in.txt:2:7: a sequence of 4 units, more than 3: raise --max-length, or --too-long skip or cut"},
    {"text", SHORT | CHARS, "abc\n\xc3\xa9g\xc3\xa8m\n", NULL,
     "%s/in.txt:2:4: a sequence of 4 units, more than 3: raise --max-length, or --too-long skip or cut"},
    {"classify", PLAIN, "x\ta\nno tab\n", NULL, "%s/in.txt:2:7: 1 column, expected 2: label, TAB, text"},
    {"classify", PLAIN, "x\ta\n\ta\n", NULL, "%s/in.txt:2:1: an empty label"},
    {"classify", PLAIN, "x\ta\n\n\xc3\xa9\t\n", NULL,
     "%s/in.txt:3:3: an empty text; --empty skip leaves out what is empty"},
    {"classify", PLAIN, "x\t  \n", NULL, "%s/in.txt:1:3: an empty text; --empty skip leaves out what is empty"},
    {"classify", PLAIN, "x\ta\xc3\xa9\tb\n", NULL, "%s/in.txt:1:5: a second TAB, expected 2 columns: label, TAB, text"},
    {"classify", UNSEEN, "x\ta\n", "x\ta\ny\tb\n",
     "%s/test.txt:2:1: label 'y', which does not occur in the training part"},
    {"classify", SHORT, "x\ta b c d\n", NULL,
     "%s/in.txt:1:9: a sequence of 4 units, more than 3: raise --max-length, or --too-long skip or cut"},
    {"label", PLAIN, "a X\nb\n", NULL, "%s/in.txt:2:2: 1 column set apart by blanks, expected 2 as in line 1"},
    {"label", PLAIN, "a X\n\nb Y Z\nc Z\n", NULL,
     "%s/in.txt:3:5: 3 columns set apart by blanks, expected 2 as in line 1"},
    {"label", PLAIN, "a X\n\nb\n\nc Z\n", NULL, "%s/in.txt:3:2: 1 column set apart by blanks, expected 2 as in line 1"},
    {"label", PLAIN, "a\nb\n", NULL, "%s/in.txt:1:1: 1 column: word and tag would be the same one"},
    {"label", PLAIN, "# text = a\n", NULL, "%s/in.txt:1:1: the file holds no sequence"},
    {"label", PLAIN, "1\ta\tb\tX\tc\td\te\tf\tg\th\n", NULL, "%s/in.txt:1:1: this looks like CoNLL-U: say --conllu"},
    {"label", PLAIN, "a X\nb Y Z\n", NULL, "%s/in.txt:2:5: 3 columns set apart by blanks, expected 2 as in line 1"},
    {"label", PLAIN, "a\tX\n\tY\n", NULL, "%s/in.txt:2:1: an empty word; --empty skip leaves out what is empty"},
    {"label", PLAIN, "a\tX\nb\t\n", NULL, "%s/in.txt:2:3: a word without a label"},
    {"label", UNSEEN, "a X\n", "a X\n\nb X\nc W\n",
     "%s/test.txt:4:3: label 'W', which does not occur in the training part"},
    {"label", SHORT, "a X\n\na X\na X\na X\na X\n", NULL,
     "%s/in.txt:3:1: a sequence of 4 units, more than 3: raise --max-length, or --too-long skip or cut"},
    {"label", CONLLU, "1\ta\t_\tX" CONLLU_REST "2\tb\tc\n", NULL,
     "%s/in.txt:2:6: 3 columns set apart by TABs, expected 10 as in line 1"},
    {"label", CONLLU, "1\ta\t_\tX\t_\t_\t_\t_\t_\t_\tmore\n", NULL,
     "%s/in.txt:1:21: 11 columns set apart by TABs, expected 10 (CoNLL-U); where a file has others --column "
     "word=I,tag=J says which ones word and tag are, counted from 0"},
    {"label", CONLLU, "one\ta\t_\tX" CONLLU_REST, NULL,
     "%s/in.txt:1:1: ID 'one', expected a number, a range or an empty node (CoNLL-U)"},
    {"label", CONLLU, "1\ta\t_\t_" CONLLU_REST, NULL,
     "%s/in.txt:1:7: a word without a label (UPOS '_'): --no-label _ leaves such words out of the loss"},
    {"label", CONLLU, "1\t\t_\tX" CONLLU_REST, NULL,
     "%s/in.txt:1:3: an empty word; --empty skip leaves out what is empty"},
    {"frames", PLAIN, "x\t1,2 nan,3\n", NULL, "%s/in.txt:1:7: found 'nan', expected a finite number"},
    {"frames", PLAIN, "x\t1,2\nx\t3,-inf\n", NULL, "%s/in.txt:2:5: found '-inf', expected a finite number"},
    {"frames", PLAIN, "x\t1,1e39\n", NULL, "%s/in.txt:1:5: found '1e39', expected a finite number"},
    {"frames", PLAIN, "x\t1,two\n", NULL, "%s/in.txt:1:5: found 'two', expected a finite number"},
    {"frames", PLAIN, "x\t1,,2\n", NULL, "%s/in.txt:1:5: found '', expected a finite number"},
    {"frames", PLAIN, "x\t1,2,\n", NULL, "%s/in.txt:1:7: found '', expected a finite number"},
    {"frames", PLAIN, "x\t1,2 3,4\ny\t5,6 7\n", NULL,
     "%s/in.txt:2:7: a frame of 1 number, expected 2 as in the frames before"},
    {"frames", PLAIN, "x\t1,2\n", "x\t1,2,3\n",
     "%s/test.txt:1:3: a frame of 3 numbers, expected 2 as in the frames before"},
    {"frames", PLAIN, "x\t \n", NULL, "%s/in.txt:1:3: no frames; --empty skip leaves out what is empty"},
    {"frames", PLAIN, "x 1,2\n", NULL, "%s/in.txt:1:6: 1 column, expected 2: label, TAB, frames"},
    {"frames", PLAIN, "\t1,2\n", NULL, "%s/in.txt:1:1: an empty label"},
    {"frames", PLAIN, "x\t1,2\t3,4\n", NULL, "%s/in.txt:1:6: a second TAB, expected 2 columns: label, TAB, frames"},
    {"frames", UNSEEN, "x\t1,2\n", "y\t1,2\n", "%s/test.txt:1:1: label 'y', which does not occur in the training part"},
};

/* Every mistake is reported with its place, and no file but the inputs is left in the folder. */
static void mistakes_are_named_and_leave_nothing(void **state) {
  (void)state;
  (void)clear_folder(NULL);
  for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
    lk_prepare p = settings_of(mistakes[i].kind, mistakes[i].train);
    if (mistakes[i].test) p.input[LK_TEST] = write_text("test.txt", mistakes[i].test);
    if (mistakes[i].how & CHARS) p.unit = LK_CHAR;
    if (mistakes[i].how & SHORT) p.max_length = 3;
    if (mistakes[i].how & HALF) p.fraction[LK_VALID] = 0.5;
    p.conllu = (mistakes[i].how & CONLLU) != 0;
    p.unseen = mistakes[i].how & UNSEEN ? LK_UNSEEN_ERROR : LK_UNSEEN_WRONG;
    assert_fails(lk_prepare_run(&p, NULL), LK_DATA, mistakes[i].words);
    if (mistakes[i].test) assert_int_equal(unlink(path_of("test.txt")), 0);
    assert_int_equal(clear_folder("in.txt"), 0);
  }
}

/* An existing corpus is unchanged after a failed attempt to replace it. */
static void a_failure_keeps_the_old_corpus(void **state) {
  (void)state;
  lk_prepare p = settings_of("classify", "x\tgood\n");
  lk_corpus *corpus = prepared(&p, NULL);
  lk_corpus_close(&corpus);
  p = settings_of("classify", "x\tgood\n");
  p.input[LK_TEST] = write_text("test.txt", "y\tbad\n");
  p.unseen = LK_UNSEEN_ERROR;
  assert_fails(lk_prepare_run(&p, NULL), LK_DATA,
               "%s/test.txt:1:1: label 'y', which does not occur in the training part");
  assert_int_equal(lk_corpus_open(&corpus, p.output, true), LK_OK);
  lk_corpus_close(&corpus);
  assert_int_equal(clear_folder("in."), 2); /* test.txt, out.h5 */
}

static void the_same_input_gives_the_same_corpus(void **state) {
  (void)state;
  char digest[33];
  for (int i = 0; i < 2; i++) {
    lk_prepare p = settings_of("text", "b a\nc b a\n");
    lk_corpus *corpus = prepared(&p, NULL);
    if (i == 0) strcpy(digest, lk_corpus_about(corpus)->digest);
    assert_string_equal(lk_corpus_about(corpus)->digest, digest);
    lk_corpus_close(&corpus);
  }
}

static void misuse(lk_prepare p, const char *words) { assert_fails(lk_prepare_run(&p, NULL), LK_USAGE, words); }

static void options_that_do_not_go_together(void **state) {
  (void)state;
  lk_prepare p = settings_of("text", "a\n"), q = p;
  q.kind = "txet";
  misuse(q, "unknown kind 'txet', did you mean text: text, classify, label, pairs or frames");
  q = p, q.output = q.input[LK_TRAIN];
  misuse(q, "%s/in.txt is both input and output");
  q = p, q.input[LK_VALID] = "x", q.fraction[LK_VALID] = 0.1;
  misuse(q, "valid comes either from a file or from a fraction of the training file, not both");
  q = p, q.fraction[LK_VALID] = 0.6, q.fraction[LK_TEST] = 0.4;
  misuse(q, "the fractions 0.6 and 0.4 leave nothing to train on");
  q = p, q.fraction[LK_VALID] = NAN;
  misuse(q, "valid fraction nan: from 0 to below 1");
  q = p, q.max_length = 0;
  misuse(q, "a maximum length of 0 units: from 1 to 2147483645");
  q = p, q.kind = "label", q.unit = LK_CHAR;
  misuse(q, "label reads words: leave out --unit char");
  q = p, q.kind = "frames", q.stream = true;
  misuse(q, "--stream is for text, not for frames");
  q = p, q.input[LK_TRAIN] = q.input[LK_TEST] = "-";
  misuse(q, "standard input can be only one of the input files");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_become_rows),
      cmocka_unit_test(running_text_of_characters),
      cmocka_unit_test(cuts_fall_on_the_character),
      cmocka_unit_test(running_text_of_words),
      cmocka_unit_test(text_is_folded),
      cmocka_unit_test(rare_units_become_unk),
      cmocka_unit_test(long_sequences_are_skipped_or_cut),
      cmocka_unit_test(labelled_lines),
      cmocka_unit_test(columns_of_words_and_tags),
      cmocka_unit_test(universal_dependencies),
      cmocka_unit_test(frames_of_numbers),
      cmocka_unit_test(frames_of_an_hdf5_file),
      cmocka_unit_test(mistakes_in_an_hdf5_file),
      cmocka_unit_test(mistakes_are_named_and_leave_nothing),
      cmocka_unit_test(a_failure_keeps_the_old_corpus),
      cmocka_unit_test(the_same_input_gives_the_same_corpus),
      cmocka_unit_test(options_that_do_not_go_together),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
