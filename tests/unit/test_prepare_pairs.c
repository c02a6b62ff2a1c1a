/* prepare pairs: both sides, alternative targets, units and vocabularies of each side, SentencePiece, and the message
 * for every mistake. */
#include "prepare.h"

#include <math.h>

#include "pieces_impl.h"
#include "data_fixture.h"
#include "tokenizer.h"

static lk_prepare settings_of(const char *train) {
  lk_prepare p;
  lk_prepare_init(&p);
  p.kind = "pairs";
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
  assert_int_equal(lk_corpus_about(corpus)->kind, LK_CORPUS_PAIRS);
  return corpus;
}

static void spell(char *out, const lk_strings *words, const int32_t *ids, ptrdiff_t count) {
  for (ptrdiff_t t = 0; t < count; t++) {
    assert_true(ids[t] >= 0 && ids[t] < words->count);
    strcat(strcat(out, t > 0 ? " " : ""), lk_strings_get(words, ids[t]));
  }
}

/* "source | target" of a row of a split, over all buckets; beyond their lengths both are <pad>. */
static const char *row_of(const lk_corpus *corpus, lk_split split, ptrdiff_t row) {
  static char out[1000];
  const lk_corpus_info *info = lk_corpus_about(corpus);
  int32_t source[64], target[64], length, target_length;
  int k = 0;
  while (k < info->buckets[split] && row >= info->bucket[split][k].rows) row -= info->bucket[split][k++].rows;
  assert_true(k < info->buckets[split]);
  const lk_bucket *bucket = &info->bucket[split][k];
  assert_int_equal(lk_corpus_rows(corpus, split, k, row, 1, source, &length, target, NULL), LK_OK);
  assert_int_equal(lk_corpus_target_lengths(corpus, split, k, row, 1, &target_length), LK_OK);
  for (ptrdiff_t t = length; t < bucket->width; t++) assert_int_equal(source[t], LK_PAD);
  for (ptrdiff_t t = target_length; t < bucket->target_width; t++) assert_int_equal(target[t], LK_PAD);
  out[0] = '\0';
  spell(out, &info->source, source, length);
  strcat(out, " | ");
  spell(out, &info->target, target, target_length);
  return out;
}

static const char *references_of(const lk_corpus *corpus, lk_split split, ptrdiff_t row) {
  static char out[1000];
  lk_strings all = {0};
  for (int k = 0; k < lk_corpus_about(corpus)->buckets[split]; k++)
    assert_int_equal(lk_corpus_references(corpus, split, k, &all), LK_OK);
  assert_int_equal(all.count, lk_corpus_about(corpus)->rows[split]);
  (void)snprintf(out, sizeof out, "%s", lk_strings_get(&all, row));
  lk_strings_release(&all);
  return out;
}

static void lines_of_two_columns(void **state) {
  (void)state;
  lk_prepare p = settings_of("A B\tAH B\n\nC A B <eos>\tK\r\nB A\tB AH T AH L AO NG\n");
  p.input[LK_TEST] = write_text("test.txt", "A\tAH\tEY  X\nC B D\tK B\n");
  lk_prepare_report report;
  lk_corpus *corpus = prepared(&p, &report);
  const lk_corpus_info *info = lk_corpus_about(corpus);
  assert_string_equal(info->unit, "word");
  assert_string_equal(info->target_unit, "word");
  assert_int_equal(info->shared, 0);
  assert_int_equal(info->source.count, 4 + 3);
  assert_int_equal(info->target.count, 4 + 7);
  assert_int_equal(info->source.number[4], 3); /* A, as often as B, and before it */
  assert_string_equal(lk_strings_get(&info->source, 4), "A");
  assert_int_equal(info->max_length, 9);
  assert_string_equal(row_of(corpus, LK_TRAIN, 0), "<sos> A B <eos> | <sos> AH B <eos>");
  assert_string_equal(row_of(corpus, LK_TRAIN, 1), "<sos> C A B <unk> <eos> | <sos> K <eos>"); /* no <eos> inside */
  assert_string_equal(row_of(corpus, LK_TRAIN, 2), "<sos> B A <eos> | <sos> B AH T AH L AO NG <eos>");
  assert_string_equal(row_of(corpus, LK_TEST, 0), "<sos> A <eos> | <sos> AH <eos>");
  assert_string_equal(references_of(corpus, LK_TEST, 0), "AH\tEY X");
  assert_string_equal(row_of(corpus, LK_TEST, 1), "<sos> C B <unk> <eos> | <sos> K B <eos>");
  assert_string_equal(references_of(corpus, LK_TEST, 1), "K B");
  assert_int_equal(report.rows[LK_TRAIN], 3);
  assert_int_equal(report.units[LK_TRAIN], 8);
  assert_int_equal(report.unknown[LK_TRAIN], 1);
  assert_int_equal(report.target_units[LK_TRAIN], 10);
  assert_int_equal(report.unknown[LK_TEST], 1);
  assert_int_equal(report.target_units[LK_TEST], 3);
  assert_int_equal(report.further[LK_TEST], 1);
  assert_int_equal(report.target_vocabulary, 11);
  /* widths 4, 6, 9 and 4, 6, both sides; in use 4+4, 6+3, 4+9 and 3+3, 5+4 */
  assert_true(fabs(report.padding - (1.0 - 45.0 / 58.0)) < 1e-12);
  lk_strings none = {0};
  assert_int_equal(lk_corpus_references(corpus, LK_TRAIN, 0, &none), LK_DATA);
  lk_error_clear();
  lk_strings_release(&none);
  lk_corpus_close(&corpus);
}

static void two_files(void **state) {
  (void)state;
  lk_prepare p = settings_of("the cat\n\nthe dog sat\nthe end\n"), q;
  p.pairs.target[LK_TRAIN] = write_text("in.de", "die Katze\n\nder Hund\ndas Ende\n");
  p.pairs.unit = LK_CHAR;
  p.fraction[LK_VALID] = 0.33;
  lk_corpus *corpus = prepared(&p, NULL);
  assert_int_equal(lk_corpus_about(corpus)->rows[LK_TRAIN], 2);
  assert_string_equal(lk_corpus_about(corpus)->target_unit, "char");
  /* by buckets: of 10 units, then of 11 */
  assert_string_equal(row_of(corpus, LK_TRAIN, 0), "<sos> the dog sat <eos> | <sos> d e r   H u n d <eos>");
  assert_string_equal(row_of(corpus, LK_TRAIN, 1), "<sos> the cat <eos> | <sos> d i e   K a t z e <eos>");
  assert_string_equal(references_of(corpus, LK_VALID, 0), "das Ende");
  lk_corpus_close(&corpus);
  q = settings_of("the cat\nthe dog\n"); /* other targets are read beside the file to test on */
  q.pairs.target[LK_TRAIN] = write_text("in.de", "die Katze\nder Hund\n");
  q.input[LK_TEST] = write_text("test.en", "the dog\n");
  q.pairs.target[LK_TEST] = write_text("test.de", "der Hund\tDer  Hund\n");
  q.lower = true;
  corpus = prepared(&q, NULL);
  assert_string_equal(row_of(corpus, LK_TEST, 0), "<sos> the dog <eos> | <sos> der hund <eos>");
  assert_string_equal(references_of(corpus, LK_TEST, 0), "der hund\tder hund");
  lk_corpus_close(&corpus);
}

static void vocabularies_of_their_own_and_one_for_both(void **state) {
  (void)state;
  lk_prepare p = settings_of("a a b\tx x x y\nb c\ta\n");
  p.minimum = 2;
  p.pairs.vocabulary = 1;
  lk_corpus *corpus = prepared(&p, NULL);
  assert_string_equal(row_of(corpus, LK_TRAIN, 1), "<sos> a a b <eos> | <sos> x x x <unk> <eos>");
  assert_string_equal(row_of(corpus, LK_TRAIN, 0), "<sos> b <unk> <eos> | <sos> <unk> <eos>");
  assert_int_equal(lk_corpus_about(corpus)->target.number[LK_UNK], 2);
  lk_corpus_close(&corpus);
  p.minimum = 1;
  p.pairs.vocabulary = 0;
  p.pairs.shared = true;
  corpus = prepared(&p, NULL);
  const lk_corpus_info *info = lk_corpus_about(corpus);
  assert_int_equal(info->shared, 1);
  assert_int_equal(info->source.count, 4 + 5);
  assert_int_equal(info->target.count, 4 + 5);
  assert_string_equal(lk_strings_get(&info->target, 4), "a"); /* two of the source, one of the target */
  assert_int_equal(info->source.number[4], 3);
  assert_string_equal(row_of(corpus, LK_TRAIN, 0), "<sos> b c <eos> | <sos> a <eos>");
  lk_corpus_close(&corpus);
}

static void long_pairs_are_skipped_or_cut(void **state) {
  (void)state;
  lk_prepare p = settings_of("a b\tx\na\tx y z w\na b c d\tx y z\nb\ty\n");
  lk_prepare_report report;
  p.max_length = 2;
  p.too_long = LK_TOO_LONG_SKIP;
  lk_corpus *corpus = prepared(&p, &report);
  assert_int_equal(report.rows[LK_TRAIN], 2);
  assert_int_equal(report.skipped, 2); /* pairs, not sides */
  assert_int_equal(report.target_vocabulary, 4 + 2);
  lk_corpus_close(&corpus);
  p.too_long = LK_TOO_LONG_CUT;
  p.input[LK_TEST] = write_text("test.txt", "a b c\tx y z\n");
  corpus = prepared(&p, &report);
  assert_int_equal(report.rows[LK_TRAIN], 4);
  assert_int_equal(report.cut, 3);
  assert_string_equal(row_of(corpus, LK_TRAIN, 1), "<sos> a <eos> | <sos> x y <eos>");
  assert_string_equal(row_of(corpus, LK_TRAIN, 2), "<sos> a b <eos> | <sos> x y <eos>");
  assert_string_equal(references_of(corpus, LK_TEST, 0), "x y z"); /* correct text is unchanged */
  lk_corpus_close(&corpus);
}

/* One mistake on each line; a file of targets, or NULL; a test file, or NULL. */
static const struct {
  const char *train, *beside, *test, *words;
} mistakes[] = {
    {"a\tx\nb y\n", NULL, NULL, "%s/in.txt:2:4: 1 column, expected 2: source, TAB, target"},
    {"a\tx\n\tx\n", NULL, NULL, "%s/in.txt:2:1: an empty source; --empty skip leaves out what is empty"},
    {"a\tx\n\xc3\xa9\t \n", NULL, NULL, "%s/in.txt:2:3: an empty target; --empty skip leaves out what is empty"},
    {"a\tx\n\nb\t\tx\n", NULL, NULL, "%s/in.txt:3:3: an empty target; --empty skip leaves out what is empty"},
    {"a\tx\n\xc3\xa9\ty\tz\tw\n", NULL, NULL,
     "%s/in.txt:2:5: a second target, which only validation and test may have"},
    {"a\tx\n", NULL, "b\ty\nc\t\ty\n", "%s/test.txt:2:3: an empty target; --empty skip leaves out what is empty"},
    {"a\tx\n", NULL, "b\n", "%s/test.txt:1:2: 1 column, expected 2: source, TAB, target"},
    {"\n\n", NULL, NULL, "%s/in.txt:1:1: the file holds no sequence"},
    {"a b c d\tx\n", NULL, NULL,
     "%s/in.txt:1:7: a sequence of 4 units, more than 3: raise --max-length, or --too-long skip or cut"},
    {"a\tx y\nb\tx y z z z\n", NULL, NULL,
     "%s/in.txt:2:9: a sequence of 5 units, more than 3: raise --max-length, or --too-long skip or cut"},
    {"a\nb\nc\n", "x\ny\n", NULL, "%s/beside.txt:3:1: the file ends, but in.txt goes on"},
    {"a\nb\n", "x\ny\nz\n", NULL, "%s/in.txt:3:1: the file ends, but beside.txt goes on"},
    {"a\nb\n", "x\n\n", NULL, "%s/beside.txt:2:1: an empty target; --empty skip leaves out what is empty"},
    {"a\n\n", "x\ny\n", NULL, "%s/in.txt:2:1: an empty source; --empty skip leaves out what is empty"},
    {"a\nb\tc\n", "x\ny\n", NULL, "%s/in.txt:2:2: a TAB in a file of sources"},
    {"a\nb\n", "x\ny\tz\n", NULL, "%s/beside.txt:2:3: a second target, which only validation and test may have"},
    {"a\nb\n", "x\n\xff\n", NULL, "%s/beside.txt:2:1: not valid UTF-8: byte 0xff"},
};

static void mistakes_are_named_and_leave_nothing(void **state) {
  (void)state;
  (void)clear_folder(NULL);
  for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
    lk_prepare p = settings_of(mistakes[i].train);
    char words[512];
    if (mistakes[i].beside) p.pairs.target[LK_TRAIN] = write_text("beside.txt", mistakes[i].beside);
    if (mistakes[i].test) p.input[LK_TEST] = write_text("test.txt", mistakes[i].test);
    p.max_length = 3;
    const char *other = strstr(mistakes[i].words, "but "); /* the other file is named with its folder too */
    if (other)
      (void)snprintf(words, sizeof words, "%.*s%s/%s", (int)(other + 4 - mistakes[i].words), mistakes[i].words, folder,
                     other + 4);
    assert_fails(lk_prepare_run(&p, NULL), LK_DATA, other ? words : mistakes[i].words);
    assert_int_equal(clear_folder("in.txt"), (mistakes[i].beside != NULL) + (mistakes[i].test != NULL));
  }
}

static void misuse(lk_prepare p, const char *words) { assert_fails(lk_prepare_run(&p, NULL), LK_USAGE, words); }

static void options_that_do_not_go_together(void **state) {
  (void)state;
  lk_prepare p = settings_of("a\tb\n"), q;
  q = p, q.stream = true;
  misuse(q, "--stream is for text, not for pairs");
  q = p, q.pairs.target[LK_TRAIN] = "x", q.input[LK_TEST] = "y";
  misuse(q, "test: give a file of targets for every part or for none");
  q = p, q.pairs.target[LK_VALID] = "x", q.input[LK_VALID] = "y";
  misuse(q, "valid: give a file of targets for every part or for none");
  q = p, q.pairs.target[LK_TRAIN] = q.output;
  misuse(q, "%s/out.h5 is both input and output");
  q = p, q.pairs.target[LK_TRAIN] = q.input[LK_TRAIN] = "-";
  misuse(q, "standard input can be only one of the input files");
  q = p, q.pairs.shared = true, q.pairs.unit = LK_CHAR;
  misuse(q, "--shared-vocabulary: both sides have to be cut in the same way");
  q = p, q.pairs.shared = true, q.pairs.vocabulary = 5;
  misuse(q, "--shared-vocabulary: there is one size and one minimum count for both sides");
  q = p, q.unit = LK_PIECE;
  misuse(q, "a SentencePiece model is needed: --sentencepiece MODEL");
  q = p, q.pairs.model[LK_SOURCE] = "m";
  misuse(q, "--sentencepiece: neither side's unit is sentencepiece");
  q = p, q.kind = "text", q.unit = LK_PIECE;
  misuse(q, "SentencePiece is for pairs, not for text");
  q = p, q.kind = "classify", q.pairs.shared = true;
  misuse(q, "a shared vocabulary is for pairs, not for classify");
  q = p, q.kind = "label", q.pairs.target[LK_TRAIN] = "x";
  misuse(q, "a file of targets is for pairs, not for label");
}

/* ---- SentencePiece ---- */

/* A model by hand, in protocol buffers: field 1 of ModelProto is a piece of text (1), score (2) and type (3). */
static size_t add_piece(char *model, size_t at, const char *text, float score, int type) {
  const size_t size = strlen(text), body = 2 + size + 5 + 2;
  model[at++] = 0x0a;
  model[at++] = (char)body;
  model[at++] = 0x0a;
  model[at++] = (char)size;
  memcpy(model + at, text, size);
  at += size;
  model[at++] = 0x15;
  memcpy(model + at, &score, 4);
  at += 4;
  model[at++] = 0x18;
  model[at++] = (char)type;
  return at;
}

/* _the, _c, at and single letters: "the cat" is best cut as _the _c at. */
static const char *write_model(const char *name) {
  static const char *const letters[] = {"\xe2\x96\x81", "t", "h", "e", "c", "a", "d", "o", "g"};
  char model[1024];
  size_t size = add_piece(model, 0, "<unk>", 0, 2);
  size = add_piece(model, size, "<s>", 0, 3);
  size = add_piece(model, size, "</s>", 0, 3);
  size = add_piece(model, size, "\xe2\x96\x81the", -1, 1);
  size = add_piece(model, size,
                   "\xe2\x96\x81"
                   "c",
                   -2, 1);
  size = add_piece(model, size, "at", -2, 1);
  for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) size = add_piece(model, size, letters[i], -5, 1);
  return write_bytes(name, model, size);
}

static bool is_built_in(void) {
  lk_pieces *pieces = NULL;
  const lk_status status = lk_pieces_create(&pieces, "x", "", 0);
  lk_pieces_destroy(&pieces);
  lk_error_clear();
  return status != LK_USAGE;
}

static const char *decoded(lk_tokenizer *tokenizer, const int32_t *ids, ptrdiff_t count) {
  static char out[256];
  lk_buffer text = {0};
  assert_int_equal(lk_tokenizer_decode(tokenizer, ids, count, &text), LK_OK);
  (void)snprintf(out, sizeof out, "%s", text.data ? text.data : "");
  lk_buffer_release(&text);
  return out;
}

#define BAR "\xe2\x96\x81"
static void pieces_of_a_model(void **state) {
  (void)state;
  if (!is_built_in()) skip();
  lk_prepare p = settings_of("the cat\tthe cat\nthe dog\tDie Katze\n");
  p.unit = LK_PIECE;
  p.pairs.model[LK_SOURCE] = write_model("my.model");
  p.input[LK_TEST] = write_text("test.txt", "the  hat\tthe Hut\n");
  lk_corpus *corpus = prepared(&p, NULL);
  const lk_corpus_info *info = lk_corpus_about(corpus);
  assert_string_equal(info->unit, "sentencepiece");
  assert_string_equal(info->target_unit, "word");
  assert_string_equal(row_of(corpus, LK_TRAIN, 0), "<sos> " BAR "the " BAR "c at <eos> | <sos> the cat <eos>");
  assert_string_equal(row_of(corpus, LK_TRAIN, 1), "<sos> " BAR "the " BAR " d o g <eos> | <sos> Die Katze <eos>");
  assert_string_equal(row_of(corpus, LK_TEST, 0), "<sos> " BAR "the " BAR " <unk> at <eos> | <sos> the <unk> <eos>");
  assert_string_equal(references_of(corpus, LK_TEST, 0), "the Hut");
  lk_corpus_close(&corpus);

  p.pairs.unit = LK_PIECE; /* both by one model; what the file holds is enough to cut and to join */
  p.pairs.shared = true;
  corpus = prepared(&p, NULL);
  info = lk_corpus_about(corpus);
  assert_true(info->source_model.size > 100 && info->target_model.size == 0);
  for (int which = 0; which < 2; which++) {
    lk_tokenizer *tokenizer = NULL;
    int32_t *ids = NULL;
    ptrdiff_t count = 0;
    size_t capacity = 0;
    assert_int_equal(lk_tokenizer_create(&tokenizer, info, (lk_text_side)which), LK_OK);
    assert_int_equal(lk_tokenizer_unit(tokenizer), LK_PIECE);
    assert_int_equal(lk_tokenizer_encode(tokenizer, "the cat", 7, &ids, &count, &capacity), LK_OK);
    assert_int_equal(count, 3);
    assert_string_equal(decoded(tokenizer, ids, count), "the cat");
    free(ids);
    lk_tokenizer_destroy(&tokenizer);
  }
  lk_corpus_close(&corpus);

  (void)clear_folder(NULL);
  p = settings_of("the cat\tthe cat\n");
  p.unit = LK_PIECE;
  p.pairs.model[LK_SOURCE] = write_text("bad.model", "this is no model at all");
  assert_int_equal(lk_prepare_run(&p, NULL), LK_DATA);
  assert_non_null(strstr(lk_error_get()->text, "bad.model: not a SentencePiece model"));
  assert_null(strchr(lk_error_get()->text, '\n'));
  lk_error_clear();
  assert_int_equal(clear_folder("in."), 1);
}

static void without_the_library_it_is_said(void **state) {
  (void)state;
  if (is_built_in()) skip();
  lk_prepare p = settings_of("the cat\tthe cat\n");
  p.unit = LK_PIECE;
  p.pairs.model[LK_SOURCE] = write_model("my.model");
  misuse(p,
         "%s/my.model: this program was built without SentencePiece: install libsentencepiece-dev and build it again");
}

static void sides_cut_and_join(void **state) {
  (void)state;
  lk_prepare p = settings_of("\xc3\x89t\xc3\xa9 est\tin it\n");
  p.lower = true;
  p.pairs.unit = LK_CHAR;
  lk_corpus *corpus = prepared(&p, NULL);
  lk_tokenizer *source = NULL, *target = NULL;
  int32_t *ids = NULL;
  ptrdiff_t count = 0;
  size_t capacity = 0;
  assert_int_equal(lk_tokenizer_create(&source, lk_corpus_about(corpus), LK_SOURCE), LK_OK);
  assert_int_equal(lk_tokenizer_create(&target, lk_corpus_about(corpus), LK_TARGET), LK_OK);
  const char *line = "Est <eos> \xc3\x89TE\xcc\x81"; /* decomposed, upper case */
  assert_int_equal(lk_tokenizer_encode(source, line, strlen(line), &ids, &count, &capacity), LK_OK);
  assert_int_equal(count, 3);
  assert_int_equal(ids[1], LK_UNK);
  assert_string_equal(decoded(source, ids, count), "est <unk> \xc3\xa9t\xc3\xa9");
  assert_int_equal(lk_tokenizer_encode(target, "in", 2, &ids, &count, &capacity), LK_OK); /* appended */
  assert_int_equal(count, 5);
  const int32_t found[] = {LK_SOS, ids[3], ids[4], LK_EOS, ids[3]};
  assert_string_equal(decoded(target, found, 5), "in");
  assert_string_equal(decoded(target, found + 3, 2), "");
  assert_int_equal(lk_tokenizer_encode(source, "a\xff", 2, &ids, &count, &capacity), LK_DATA);
  assert_string_equal(lk_error_get()->text, "column 2: not valid UTF-8");
  lk_error_clear();
  assert_int_equal(count, 5);
  free(ids);
  lk_tokenizer_destroy(&source);
  lk_tokenizer_destroy(&target);
  lk_corpus_close(&corpus);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_of_two_columns),
      cmocka_unit_test(two_files),
      cmocka_unit_test(vocabularies_of_their_own_and_one_for_both),
      cmocka_unit_test(long_pairs_are_skipped_or_cut),
      cmocka_unit_test(mistakes_are_named_and_leave_nothing),
      cmocka_unit_test(options_that_do_not_go_together),
      cmocka_unit_test(pieces_of_a_model),
      cmocka_unit_test(without_the_library_it_is_said),
      cmocka_unit_test(sides_cut_and_join),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
