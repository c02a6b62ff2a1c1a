/* Corpora of pairs: lengths, references and models are read back; a malformed file is refused with the place. */
#include "corpus_writer.h"
#include "references_impl.h"
#include "store_fixture.h"

enum { WORDS = 8 };

static void add_words(lk_strings *strings, int count) {
  static const char *const words[] = {"<pad>", "<sos>", "<eos>", "<unk>", "a", "b", "c", "d", "e", "f"};
  for (int i = 0; i < count; i++) OK(lk_strings_add(strings, words[i], strlen(words[i]), 10 - i));
}

static void release(lk_corpus_info *info) {
  lk_strings_release(&info->source);
  lk_strings_release(&info->target);
  lk_buffer_release(&info->source_model);
  lk_buffer_release(&info->target_model);
}

static void units_models_and_references_come_back(void **state) {
  (void)state;
  enum { ROWS = 300000 }; /* more than a bucket buffers before it writes, and its references are put away */
  static const char model[] = "\0\n\x12 any bytes \xff";
  lk_corpus_info info = {.kind = LK_CORPUS_PAIRS, .unit = "sentencepiece", .target_unit = "char", .nfc = 1};
  lk_corpus_writer *writer;
  lk_corpus *corpus;
  char text[64];
  add_words(&info.source, WORDS);
  add_words(&info.target, WORDS + 2);
  OK(lk_buffer_append(&info.source_model, model, sizeof model));
  OK(lk_corpus_create(&writer, "c.h5", &info, "x"));
  for (int i = 0; i < ROWS; i++) {
    const int32_t source[] = {1, 4 + i % 4, 2}, target[] = {1, 4 + i % 6, 5, 6, 7, 2};
    lk_corpus_row row = {.source = source, .length = 3, .target = target, .target_length = 3 + i % 4};
    if (i % 2) row.references = text;
    if (i % 2) row.references_size = (size_t)snprintf(text, sizeof text, "row %d\tand \xc3\xa9", i);
    OK(lk_corpus_add(writer, i % 2 ? LK_VALID : LK_TRAIN, &row));
  }
  OK(lk_corpus_commit(writer));
  lk_corpus_discard(&writer);

  OK(lk_corpus_open(&corpus, "c.h5", true));
  const lk_corpus_info *about = lk_corpus_about(corpus);
  assert_string_equal(about->unit, "sentencepiece");
  assert_string_equal(about->target_unit, "char");
  assert_int_equal(about->shared, 0);
  assert_int_equal(about->target.count, WORDS + 2);
  assert_int_equal(about->source_model.size, sizeof model);
  assert_memory_equal(about->source_model.data, model, sizeof model);
  assert_int_equal(about->target_model.size, 0);
  assert_int_equal(about->max_length, 6);
  assert_int_equal(about->tokens[LK_VALID], ROWS / 2);
  int seen = 0;
  for (int k = 0; k < about->buckets[LK_VALID]; k++) { /* 4, 6 for targets of 4 and 6 */
    const lk_bucket *bucket = &about->bucket[LK_VALID][k];
    lk_strings references = {0};
    int32_t *length = malloc((size_t)bucket->rows * sizeof *length);
    assert_true(bucket->references && bucket->target_width == bucket->width);
    OK(lk_corpus_references(corpus, LK_VALID, k, &references));
    OK(lk_corpus_target_lengths(corpus, LK_VALID, k, 0, bucket->rows, length));
    assert_int_equal(references.count, bucket->rows);
    for (ptrdiff_t row = 0, last = -1; row < bucket->rows; row++, seen++) {
      int i = -1;
      assert_int_equal(sscanf(lk_strings_get(&references, row), "row %d\tand \xc3\xa9", &i), 1);
      assert_int_equal(length[row], 3 + i % 4);
      assert_true(i > last);
      last = i;
      assert_true(length[row] <= bucket->width);
    }
    free(length);
    lk_strings_release(&references);
  }
  assert_int_equal(seen, ROWS / 2);
  for (int k = 0; k < about->buckets[LK_TRAIN]; k++) assert_false(about->bucket[LK_TRAIN][k].references);
  lk_strings none = {0};
  FAILS(LK_DATA, "there is no /train/len_0004/references", lk_corpus_references(corpus, LK_TRAIN, 0, &none));
  lk_strings_release(&none);
  lk_corpus_close(&corpus);
  release(&info);
}

/* A small corpus made attribute by attribute, with one thing wrong. */
typedef enum mistake {
  NOTHING,
  NO_TARGET_UNIT,
  SHARED,
  SHARED_SIZES,
  NO_LENGTHS,
  SHORT_LENGTHS,
  MODEL,
  OPENS, /* of the following the file opens, and a row is refused */
  LONG_TARGET = OPENS,
  NO_TARGET,
  TARGET_ID,
  REFERENCES,
  BAD_TEXT,
  CASES
} mistake;

static void set_attributes(lk_h5 *file, mistake wrong) {
  OK(lk_h5_set_text(file, "/", "format", "lockstep-corpus"));
  OK(lk_h5_set_int(file, "/", "version", 1));
  OK(lk_h5_set_text(file, "/", "task", "pairs"));
  OK(lk_h5_set_text(file, "/", "unit", "word"));
  if (wrong != NO_TARGET_UNIT) OK(lk_h5_set_text(file, "/", "target_unit", "word"));
  OK(lk_h5_set_int(file, "/", "shared", wrong == SHARED ? 2 : wrong == SHARED_SIZES));
  OK(lk_h5_set_int(file, "/", "frames", 0));
  OK(lk_h5_set_int(file, "/", "stream", 0));
  OK(lk_h5_set_int(file, "/", "lower", 0));
  OK(lk_h5_set_int(file, "/", "nfc", 1));
  OK(lk_h5_set_int(file, "/", "max_length", 4));
  OK(lk_h5_set_int(file, "/test", "rows", 2));
  OK(lk_h5_set_int(file, "/test", "tokens", 3));
}

static void make_wrong(mistake wrong) {
  lk_h5 *file;
  lk_strings source = {0}, target = {0}, references = {0};
  const ptrdiff_t shape[] = {2, 4}, two = 2, one = 1;
  const int32_t ids[] = {1, 4, 2, 0, 1, 4, 5, 2}, lengths[] = {3, 4};
  const int32_t targets[] = {1, wrong == TARGET_ID ? 10 : 9, 2, 0, 1, 5, 5, 2};
  const int32_t target_lengths[] = {3, wrong == LONG_TARGET ? 5 : wrong == NO_TARGET ? 1 : 4};
  add_words(&source, WORDS);
  add_words(&target, WORDS + 2);
  OK(lk_strings_add(&references, "f", 1, 0));
  if (wrong != REFERENCES) OK(lk_strings_add(&references, wrong == BAD_TEXT ? "b \xc3" : "b b", 3, 0));
  OK(lk_h5_create(&file, "c.h5", true));
  set_attributes(file, wrong);
  OK(lk_h5_write_strings(file, "/vocab/source", &source, NULL));
  OK(lk_h5_write_strings(file, "/vocab/target", &target, NULL));
  if (wrong == MODEL) OK(lk_h5_write(file, "/vocab/source_model", LK_INT32, 1, &two, lengths, 0, NULL));
  OK(lk_h5_write(file, "/test/len_0004/source", LK_INT32, 2, shape, ids, 0, NULL));
  OK(lk_h5_write(file, "/test/len_0004/length", LK_INT32, 1, &two, lengths, 0, NULL));
  OK(lk_h5_write(file, "/test/len_0004/target", LK_INT32, 2, shape, targets, 0, NULL));
  if (wrong != NO_LENGTHS)
    OK(lk_h5_write(file, "/test/len_0004/target_length", LK_INT32, 1, wrong == SHORT_LENGTHS ? &one : &two,
                   target_lengths, 0, NULL));
  OK(lk_h5_write_strings(file, "/test/len_0004/references", &references, NULL));
  OK(lk_h5_commit(file));
  lk_h5_close(&file);
  lk_strings_release(&source);
  lk_strings_release(&target);
  lk_strings_release(&references);
}

static lk_status read_rows(const lk_corpus *corpus) {
  int32_t source[8], length[2], target[8], target_length[2];
  lk_strings references = {0};
  LK_TRY(lk_corpus_rows(corpus, LK_TEST, 0, 0, 2, source, length, target, NULL));
  LK_TRY(lk_corpus_target_lengths(corpus, LK_TEST, 0, 0, 2, target_length));
  const lk_status status = lk_corpus_references(corpus, LK_TEST, 0, &references);
  lk_strings_release(&references);
  return status;
}

static void wrong_files_are_named(void **state) {
  (void)state;
  static const char *const says[CASES] = {
      [NO_TARGET_UNIT] = "no attribute \"target_unit\"",
      [SHARED] = "attribute \"shared\" of / is 2",
      [SHARED_SIZES] = "both sides share one vocabulary, but /vocab/target has 10 entries, not 8",
      [NO_LENGTHS] = "there is no /test/len_0004/target_length",
      [SHORT_LENGTHS] = "/test/len_0004/target_length has not the shape",
      [MODEL] = "/vocab/source_model is not a list of at most",
      [LONG_TARGET] = "c.h5: /test/len_0004/target_length row 1: length 5 is not in 2 to 4",
      [NO_TARGET] = "c.h5: /test/len_0004/target_length row 1: length 1 is not in 2 to 4",
      [TARGET_ID] = "c.h5: /test/len_0004/target row 0: id 10 is not in 0 to 9",
      [REFERENCES] = "c.h5: /test/len_0004/references has 1 row, expected 2",
      [BAD_TEXT] = "c.h5: /test/len_0004/references row 1 is not valid UTF-8",
  };
  for (int i = NOTHING; i < CASES; i++) {
    lk_corpus *corpus = NULL;
    make_wrong((mistake)i);
    if (i > NOTHING && i < OPENS) {
      FAILS(LK_DATA, says[i], lk_corpus_open(&corpus, "c.h5", true));
      continue;
    }
    OK(lk_corpus_open(&corpus, "c.h5", true));
    if (i == NOTHING)
      OK(read_rows(corpus));
    else
      FAILS(LK_DATA, says[i], read_rows(corpus));
    lk_corpus_close(&corpus);
  }
}

/* The memory that they take does not grow with the corpus. */
static void references_wait_on_disk(void **state) {
  (void)state;
  lk_spool spool = {.fd = -1, .beside = "c.h5"};
  lk_references references = {0};
  OK(lk_references_add(&references, "a word", 6));
  OK(lk_references_put_away(&references, &spool));
  assert_int_equal(references.recent.count, 0);
  assert_int_equal(spool.size, 7);
  OK(lk_references_add(&references, "another", 7));
  OK(lk_references_put_away(&references, &spool));
  assert_int_equal(references.recent.count, 0);
  assert_int_equal(spool.size, 15);
  assert_int_equal(references.count, 2);
  lk_references_release(&references);
  lk_spool_close(&spool);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_scratch, leave_scratch)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(units_models_and_references_come_back), TEST(references_wait_on_disk),
                                     TEST(wrong_files_are_named)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
