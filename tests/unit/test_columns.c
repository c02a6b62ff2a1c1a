/* Columns beside the words: what is written is read, batches have it at the right rows on any number of ranks, files that
 * say something else are refused; and the columns that are made of words. */
#include "store_fixture.h"

#include "corpus_impl.h"
#include "corpus_writer.h"
#include "loader.h"
#include "word_column.h"

enum { ROWS = 40, D = 2 };

static int32_t tag_of(int row, ptrdiff_t at) { return (int32_t)((row + 3 * at) % 3); }
static float number_of(int row, ptrdiff_t at, int i) { return (float)(1000 * row + 10 * (int)at + i); }
static ptrdiff_t length_of(int row) { return 3 + row * 7 % 11; }

static void describe(lk_corpus_info *info) {
  *info = (lk_corpus_info){.kind = LK_CORPUS_LABEL, .unit = "word", .columns = 2};
  info->column[0] = (lk_corpus_column){.name = "tag", .width = 1};
  info->column[1] = (lk_corpus_column){.name = "weather", .width = D, .numbers = true};
  for (const char *const *w = (const char *const[]){"<pad>", "<sos>", "<eos>", "<unk>", "word", NULL}; *w; w++)
    OK(lk_strings_add(&info->source, *w, strlen(*w), 1));
  OK(lk_strings_add(&info->label, "x", 1, 1));
  for (const char *const *v = (const char *const[]){"a", "b", "c", NULL}; *v; v++)
    OK(lk_strings_add(&info->column[0].values, *v, 1, 0));
}

/* `first`: of the tags; others than 0 to 2 are wrong. */
static void write_corpus(const char *path, int32_t first) {
  lk_corpus_info info;
  lk_corpus_writer *writer = NULL;
  describe(&info);
  OK(lk_corpus_create(&writer, path, &info, "test"));
  for (int row = 0; row < ROWS; row++) {
    const ptrdiff_t n = length_of(row);
    int32_t ids[16], labels[16], tags[16];
    float numbers[16 * D];
    for (ptrdiff_t t = 0; t < n; t++) {
      ids[t] = t == 0 ? LK_SOS : t == n - 1 ? LK_EOS : 4;
      labels[t] = t == 0 || t == n - 1 ? LK_NO_LABEL : 0;
      tags[t] = row == 0 && t == 0 ? first : tag_of(row, t);
      for (int i = 0; i < D; i++) numbers[t * D + i] = number_of(row, t, i);
    }
    OK(lk_corpus_add(
        writer, LK_TRAIN,
        &(lk_corpus_row){.source = ids, .length = n, .target = labels, .target_length = n, .column = {tags, numbers}}));
  }
  OK(lk_corpus_commit(writer));
  lk_corpus_discard(&writer);
  lk_info_release(&info);
}

static void the_file_says_what_was_written(void **state) {
  (void)state;
  lk_corpus *corpus;
  lk_column_form form[LK_MAX_COLUMNS];
  write_corpus("c.h5", 0);
  OK(lk_corpus_open(&corpus, "c.h5", true));
  const lk_corpus_info *info = lk_corpus_about(corpus);
  assert_int_equal(lk_corpus_columns(info, form), 3);
  assert_string_equal(form[0].name, "source");
  assert_string_equal(form[1].name, "tag");
  assert_int_equal(form[1].values, 3);
  assert_string_equal(lk_strings_get(&info->column[0].values, 2), "c");
  assert_string_equal(form[2].name, "weather");
  assert_int_equal(form[2].values, 0);
  assert_int_equal(form[2].width, D);
  lk_corpus_close(&corpus);
}

/* Rows are found again by their numbers, which say row and place. */
static int check_all(const lk_batch *batch) {
  const lk_pack *pack = &batch->pack;
  assert_int_equal(batch->input.count, 3);
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    const float *numbers = batch->input.column[2].numbers + r * D;
    const int row = (int)numbers[0] / 1000;
    const ptrdiff_t at = pack->time[r] + 1; /* <sos> is left out */
    assert_int_equal(pack->length[pack->seq[r]], length_of(row) - 2);
    for (int i = 0; i < D; i++) assert_true(numbers[i] == number_of(row, at, i));
    assert_int_equal(batch->input.column[1].ids[r], tag_of(row, at));
  }
  return (int)pack->N;
}

/* Rows of all lengths, so that a sum over them says that they are the right ones. */
static int check_tags(const lk_batch *batch) {
  int sum = 0;
  assert_int_equal(batch->input.count, 2);
  assert_string_equal(batch->input.column[1].name, "tag");
  for (ptrdiff_t r = 0; r < batch->pack.N; r++) sum += batch->input.column[1].ids[r];
  return sum;
}

static int check_numbers(const lk_batch *batch) {
  assert_int_equal(batch->input.count, 2);
  assert_string_equal(batch->input.column[1].name, "weather");
  for (ptrdiff_t r = 0; r < batch->pack.N; r++) {
    const float *numbers = batch->input.column[1].numbers + r * D;
    assert_true(numbers[1] == numbers[0] + 1 && numbers[0] >= 10);
  }
  return (int)batch->pack.N;
}

static int check_words(const lk_batch *batch) {
  assert_int_equal(batch->input.count, 1);
  for (ptrdiff_t r = 0; r < batch->pack.N; r++) assert_int_equal(lk_batch_ids(batch)[r], 4);
  return (int)batch->pack.N;
}

/* columns: those to be read; returns the sum of what `check` returns. */
static int read_all_batches(const lk_corpus *corpus, int rank, int ranks, lk_column_names columns,
                            int (*check_batch)(const lk_batch *)) {
  const lk_shards shards = lk_shards_make(4, rank, ranks);
  const lk_loader_settings settings = {
      .view = LK_VIEW_LABEL, .split = LK_TRAIN, .columns = columns, .seed = 3, .batch = 9, .shuffle = true};
  lk_loader *loader;
  lk_arena arena = {0};
  lk_batch batch;
  int rows = 0;
  OK(lk_loader_open(&loader, corpus, &shards, &settings));
  lk_loader_layout(loader, &batch, &arena);
  OK(lk_arena_reserve(&arena));
  lk_loader_layout(loader, &batch, &arena);
  for (int64_t step = 0; step < lk_loader_steps(loader); step++) {
    assert_int_equal(lk_loader_batch(loader, 0, step, &batch), LK_OK);
    rows += check_batch(&batch);
  }
  lk_arena_release(&arena);
  lk_loader_close(&loader);
  return rows;
}

static void batches_have_the_columns(void **state) {
  (void)state;
  lk_corpus *corpus;
  int all = 0, tags = 0;
  write_corpus("c.h5", 0);
  for (int row = 0; row < ROWS; row++) {
    all += (int)length_of(row) - 2;
    for (ptrdiff_t at = 1; at < length_of(row) - 1; at++) tags += tag_of(row, at);
  }
  const struct {
    lk_column_names columns;
    int (*check)(const lk_batch *);
    int sum;
  } cases[] = {{{0}, check_all, all},
               {{2, {"tag", "weather"}}, check_all, all},
               {{2, {"source", "tag"}}, check_tags, tags},
               {{1, {"weather"}}, check_numbers, all},
               {{1, {"source"}}, check_words, all}};
  OK(lk_corpus_open(&corpus, "c.h5", false));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int ranks = 1; ranks <= 4; ranks++) {
      int sum = 0;
      for (int rank = 0; rank < ranks; rank++)
        sum += read_all_batches(corpus, rank, ranks, cases[i].columns, cases[i].check);
      assert_int_equal(sum, cases[i].sum);
    }
  lk_corpus_close(&corpus);
}

static void values_outside_the_vocabulary_are_refused(void **state) {
  (void)state;
  for (int32_t first = -1; first <= 3; first += 4) {
    lk_corpus *corpus;
    int32_t tags[ROWS * 16];
    write_corpus("bad.h5", first);
    OK(lk_corpus_open(&corpus, "bad.h5", true));
    FAILS(LK_DATA, "is not in 0 to 2", lk_corpus_read_column(corpus, LK_TRAIN, 0, 0, 0, 1, tags));
    lk_corpus_close(&corpus);
  }
}

static void read_columns(const char *text, lk_status status) {
  lk_h5 *file;
  lk_corpus_info info = {.kind = LK_CORPUS_LABEL};
  OK(lk_h5_create(&file, "columns.h5", false));
  OK(lk_h5_set_text(file, "/", "columns", text));
  OK(lk_h5_commit(file));
  lk_h5_close(&file);
  OK(lk_h5_open(&file, "columns.h5", true));
  const lk_status found = lk_column_forms_read(file, "/", &info);
  if (found != status) print_error("columns=\"%s\"\n", text);
  assert_int_equal(found, status);
  lk_error_clear();
  lk_h5_close(&file);
}

static void wrong_lists_of_columns_are_refused(void **state) {
  (void)state;
  static const char *const wrong[] = {"",     ",",     "a,",      "a,a", "source",         "target_length",
                                      "A",    "a/b",   "..",      "a:0", "a:-1",           "a:99999999",
                                      "a:1x", "label", "x_count", "_x",  "a,b,c,d,e,f,g,h"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) read_columns(wrong[i], LK_DATA);
  read_columns("form:1", LK_DATA);
  read_columns("form", LK_OK);
  read_columns("a", LK_OK);
  read_columns("a,b:3,c_2", LK_OK);
}

static void every_word_column_suits_a_file(void **state) {
  (void)state;
  size_t count;
  const lk_corpus_info info = {.nfc = 1};
  const char *const *names = lk_word_column_names(&count);
  lk_word_lookup lookup = {.info = &info};
  OK(lk_word_lookup_begin(&lookup));
  for (size_t i = 0; i < count; i++) {
    const lk_word_column *column = lk_word_column_find(names[i]);
    const bool forms = strcmp(names[i], LK_FORMS) == 0; /* its values are the words */
    int32_t values = column->values ? 0 : INT32_MAX;
    while (column->values && column->values[values]) values++;
    assert_true(lk_column_name_suits(column->name) && values >= (forms ? 1 : 2));
    for (const char *const *w = (const char *const[]){"a", "B", "1", "-", "<unk>", "\xc3\x84", NULL}; *w; w++) {
      int32_t value;
      OK(column->value(&lookup, *w, strlen(*w), &value));
      if (value < 0 || value >= values + 6 * forms)
        fail_msg("column %s: value %d of '%s'", column->name, (int)value, *w);
    }
  }
  lk_word_lookup_release(&lookup);
}

static void casing_by_hand(void **state) {
  (void)state;
  static const char *const words[][2] = {{"word", "lower"},
                                         {"don't", "lower"},
                                         {"Word", "capitalized"},
                                         {"I", "capitalized"},
                                         {"NATO", "upper"},
                                         {"U.S.", "upper"},
                                         {"iPhone", "mixed"},
                                         {"McDonald", "mixed"},
                                         {"B2B", "mixed"},
                                         {"3rd", "mixed"},
                                         {"1914", "digits"},
                                         {"3.5%", "digits"},
                                         {"...", "other"},
                                         {"\xe4\xb8\xad", "other"},
                                         {"\xc3\x84rger", "capitalized"},
                                         {"\xd0\x9c\xd0\x93\xd0\xa3", "upper"},
                                         {"\xd9\xa3", "digits"},
                                         {"-Word", "capitalized"},
                                         {"wORD", "mixed"}};
  const lk_word_column *casing = lk_word_column_find("casing");
  lk_word_lookup lookup = {0};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    int32_t value;
    OK(casing->value(&lookup, words[i][0], strlen(words[i][0]), &value));
    assert_string_equal(casing->values[value], words[i][1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_file_says_what_was_written, enter_scratch, leave_scratch),
      cmocka_unit_test_setup_teardown(batches_have_the_columns, enter_scratch, leave_scratch),
      cmocka_unit_test_setup_teardown(values_outside_the_vocabulary_are_refused, enter_scratch, leave_scratch),
      cmocka_unit_test_setup_teardown(wrong_lists_of_columns_are_refused, enter_scratch, leave_scratch),
      cmocka_unit_test(every_word_column_suits_a_file),
      cmocka_unit_test(casing_by_hand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
