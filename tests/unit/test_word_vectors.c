/* Files of word vectors: both forms come back, also from gzip and across the borders of blocks; every kind of bad file is
 * one line with its place; a hostile header asks for no memory. */
#include "word_vectors.h"

#include <math.h>
#include <sys/resource.h>

#include "store_fixture.h"

enum { MOST = 8, WIDEST = 64, WIDTH = 3 };

/* What the sink received. */
typedef struct kept {
  ptrdiff_t width;
  const char *skip; /* a word that is not wanted */
  int count;
  char word[MOST][300];
  float values[MOST][WIDEST];
  int64_t offered;
} kept;

static lk_status take_width(void *context, ptrdiff_t width) {
  ((kept *)context)->width = width;
  return LK_OK;
}

static bool wants(void *context, const char *word, size_t size) {
  kept *k = context;
  k->offered++;
  return k->count < MOST && !(k->skip && strlen(k->skip) == size && memcmp(k->skip, word, size) == 0);
}

static lk_status take(void *context, const char *word, size_t size, const float *values) {
  kept *k = context;
  memcpy(k->word[k->count], word, size);
  k->word[k->count][size] = '\0';
  memcpy(k->values[k->count++], values, (size_t)(k->width < WIDEST ? k->width : WIDEST) * sizeof *values);
  return LK_OK;
}

static lk_status load(const char *path, kept *k, lk_vector_file *about) {
  const char *skip = k->skip;
  *k = (kept){.skip = skip};
  return lk_vectors_load(path, &(lk_vector_sink){k, take_width, wants, take}, about);
}

static void write_text(const char *text) { write_all("v", text, strlen(text)); }

/* The words of a text, separated by |, and its first and last number. */
static void reads(const char *text, ptrdiff_t width, const char *words, float first, float last) {
  kept k = {0};
  lk_vector_file about;
  char all[2000] = "";
  write_text(text);
  OK(load("v", &k, &about));
  for (int i = 0; i < k.count; i++)
    snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? "|" : "", k.word[i]);
  assert_string_equal(all, words);
  assert_int_equal(k.width, width);
  assert_int_equal(about.width, width);
  assert_int_equal(about.binary, 0);
  assert_true(k.values[0][0] == first && k.values[k.count - 1][width - 1] == last);
}

static void text_comes_back(void **state) {
  (void)state;
  reads("2 3\nthe 1 -2 3e-1\nof .5 +4 7\n", 3, "the|of", 1, 7);
  reads("the 0.25 -2 3\nof 0.5 4 8.5\n", 3, "the|of", 0.25, 8.5);
  reads("2 3\r\nthe 1 2 3 \r\nof\t4\t5\t6\r\n", 3, "the|of", 1, 6);
  reads("\xef\xbb\xbfthe 1 2\nof 3 4", 2, "the|of", 1, 4);
  reads("the 1.5 2.5\n. . . 3.5 4.5\nat name@domain.com 5.5 6.5\n", 2, "the|. . .|at name@domain.com", 1.5, 6.5);
  reads("1999 1.5 2.5\n7 3.5 4.5\n\n", 2, "1999|7", 1.5, 4.5);
  reads("nan 1 2\ninf 3 4\n\xc3\xa4 5 6\n", 2, "nan|inf|\xc3\xa4", 1, 6);
}

static void words_that_cannot_be_used_are_counted(void **state) {
  (void)state;
  char text[2000], word[400];
  kept k = {0};
  lk_vector_file about;
  memset(word, 'x', 256);
  word[256] = '\0';
  snprintf(text, sizeof text, "the 1 2\n%s 3 4\n%s 5 6\n\xff\xfe 7 8\n", word, word + 1);
  write_text(text);
  OK(load("v", &k, &about));
  assert_int_equal(about.rows, 4);
  assert_int_equal(about.unusable, 2);
  assert_int_equal(k.count, 2);
  assert_int_equal(strlen(k.word[1]), 255);
}

/* ---- bad text ---- */

static void refused(const char *text, const char *words) {
  kept k = {.skip = "skip"};
  lk_vector_file about;
  write_text(text);
  FAILS(LK_DATA, words, load("v", &k, &about));
}

static void bad_text_has_its_line(void **state) {
  (void)state;
  refused("", "v:1: the file is empty");
  refused("the\n", "v:1: no word vectors");
  refused("the of and\n", "v:1: no word vectors");
  /* ragged, also in rows that are not wanted, and where a row looks like a word with blanks inside */
  refused("2 3\nthe 1 2 3\nof 1 2\n", "v:3: 2 numbers behind the word, expected 3 as the header says");
  refused("the 1.0 2.0 3.0\nof 1.0 2.0\n", "v:2: 2 numbers behind the word, expected 3 as in line 1");
  refused("the 1.0 2.0\nskip 1.0\n", "v:2: 1 number behind the word, expected 2");
  refused("the 1.0 2.0\nof 1.0 2.0 3.0\n", "v:2: 3 numbers behind the word, expected 2 as in line 1");
  refused("the 1.0 2.0\nskip 1.0 2.0 3.0\n", "v:2: 3 numbers behind the word");
  refused("the 1.0 2.0\nof\nand 1.0 2.0\n", "v:2: 0 numbers behind the word");
  /* no numbers, or none that are finite; those of rows that are not wanted by their characters */
  refused("1 2\nthe 1 x2\n", "v:2: number 2 is 'x2', expected a finite decimal number");
  refused("the 1 2\nof nan 2\n", "v:2: number 1 is 'nan', expected a finite");
  refused("the 1 2\nof 1 -inf\n", "v:2: number 2 is '-inf', expected a finite");
  refused("the 1 2\nof 1e99 2\n", "v:2: number 1 is '1e99', expected a finite");
  refused("the 1 2\nof 1 0x10\n", "v:2: number 2 is '0x10', expected a finite");
  refused("the 1 2\nof 1 1.2.3\n", "v:2: number 2 is '1.2.3', expected a finite");
  refused("the 1 2\nskip 1 nan\n", "v:2: number 2 is 'nan', expected a finite");
  /* cut off, or another number of rows than the header says */
  refused("the 1.0 2.0\nof 1.0", "v:2: 1 number behind the word, expected 2 as in line 1; the file ends here");
  refused("3 2\nthe 1 2\nof 3 4\n", "v:3: the file ends after 2 rows, but its header says 3 words: it may be cut off");
  refused("1 2\nthe 1 2\nof 3 4\n", "v:3: more rows than the 1 word that the header says");
  refused("0 2\nthe 1 2\n", "v:1: the header says that there are no words");
  refused("2 0\nthe\nof\n", "v:1: the header says vectors of 0 numbers, expected 1 to 32768");
  refused("2 2147483648\nthe 1\n", "v:1: the header says vectors of 2147483648 numbers");
  refused("2 99999999999999999999\nthe 1\n", "v:1: the header says vectors of ");
  /* something else */
  refused("\x28\xb5\x2f\xfd", "v: compressed, and not with gzip");
  refused("%PDF-1.4\n", "v: a PDF document");
}

static void a_missing_file_is_named(void **state) {
  (void)state;
  kept k = {0};
  lk_vector_file about;
  FAILS(LK_IO, "cannot open missing.vec: No such file", load("missing.vec", &k, &about));
  FAILS(LK_IO, "cannot read .", load(".", &k, &about));
}

/* ---- large files, and blocks ---- */

/* Lines longer than a block, and so many of them that the borders of blocks fall everywhere. */
static void rows_across_blocks_come_back(void **state) {
  (void)state;
  enum { ROWS = 40, LONG = 30000 };
  kept k = {0};
  lk_vector_file about;
  FILE *file = fopen("v", "wb");
  for (int row = 0; row < ROWS; row++) {
    fprintf(file, "w%d", row);
    for (int i = 0; i < LONG; i++) fprintf(file, " %d.%d", row, i);
    fputc('\n', file);
  }
  fclose(file);
  OK(load("v", &k, &about));
  assert_int_equal(about.rows, ROWS);
  assert_int_equal(k.width, LONG);
  assert_string_equal(k.word[7], "w7");
  assert_true(k.values[7][12] == 7.12F);
  assert_int_equal(system("gzip -c v >v.gz"), 0);
  OK(load("v.gz", &k, &about));
  assert_int_equal(about.rows, ROWS);
  assert_true(k.values[7][12] == 7.12F);
}

static void gzip_is_checked(void **state) {
  (void)state;
  size_t size;
  kept k = {0};
  lk_vector_file about;
  write_text("2 2\nthe 1.25 2.5\nof 3.75 4\n");
  assert_int_equal(system("gzip -c v >v.gz"), 0);
  char *bytes = read_all("v.gz", &size);
  for (size_t cut = 12; cut < size; cut++) {
    write_all("cut", bytes, cut);
    FAILS(LK_DATA, "cut: compressed with gzip, and cut off", load("cut", &k, &about));
  }
  bytes[size - 6] ^= 1; /* of the checksum */
  write_all("bad", bytes, size);
  FAILS(LK_DATA, "bad: compressed with gzip, and damaged", load("bad", &k, &about));
  free(bytes);
}

/* ---- binary ---- */

/* word2vec's form: `end` behind each record. */
static size_t make_binary(char *to, const char *header, int rows, const char *end) {
  size_t size = (size_t)sprintf(to, "%s\n", header);
  for (int row = 0; row < rows; row++) {
    float values[WIDTH];
    for (int i = 0; i < WIDTH; i++) values[i] = (float)(row + 1) + 0.1F * (float)i;
    size += (size_t)sprintf(to + size, "word%d ", row);
    memcpy(to + size, values, sizeof values);
    size += sizeof values;
    size += (size_t)sprintf(to + size, "%s", end);
  }
  return size;
}

static void binary_comes_back(void **state) {
  (void)state;
  char bytes[1000];
  kept k = {.skip = "word1"};
  lk_vector_file about;
  for (int variant = 0; variant < 2; variant++) {
    write_all("v", bytes, make_binary(bytes, "4 3", 4, variant ? "\n" : ""));
    for (int packed = 0; packed < 2; packed++) {
      if (packed) assert_int_equal(system("gzip -c v >v.gz"), 0);
      OK(load(packed ? "v.gz" : "v", &k, &about));
      assert_true(about.binary && about.rows == 4 && k.width == WIDTH);
      assert_int_equal(k.count, 3);
      assert_string_equal(k.word[1], "word2");
      assert_true(k.values[1][0] == 3 && k.values[1][2] == 3 + 0.1F * 2);
    }
  }
}

static void refused_bytes(const char *bytes, size_t size, const char *words) {
  kept k = {0};
  lk_vector_file about;
  write_all("v", bytes, size);
  FAILS(LK_DATA, words, load("v", &k, &about));
}

static void bad_binary_has_its_record(void **state) {
  (void)state;
  char bytes[9000];
  const size_t size = make_binary(bytes, "4 3", 4, "\n"), record = strlen("word0 ") + WIDTH * sizeof(float) + 1;
  float nan_ = NAN, infinite = INFINITY;
  for (size_t cut = 4 + record; cut < size - 1; cut++) {
    char place[64];
    const size_t found = (cut - 4 + 0) / record;
    snprintf(place, sizeof place, "v: record %zu (byte ", found + 1);
    if ((cut - 4) % record == record - 1) continue; /* only the line end is missing: the next record is */
    refused_bytes(bytes, cut, place);
    refused_bytes(bytes, cut, "is cut off");
  }
  refused_bytes(bytes, make_binary(bytes, "3 3", 4, "\n"), "v: record 4 (byte 61): bytes behind the last word");
  refused_bytes(bytes, make_binary(bytes, "9 3", 4, "\n"), "v: record 5 (byte 80): the file ends here");
  (void)make_binary(bytes, "4 3", 4, "\n");
  memcpy(bytes + 4 + record + strlen("word1 ") + 4, &nan_, 4);
  refused_bytes(bytes, size, "v: record 2 (byte 23): number 2 of 'word1' is NaN");
  memcpy(bytes + 4 + record + strlen("word1 ") + 4, &infinite, 4);
  refused_bytes(bytes, size, "v: record 2 (byte 23): number 2 of 'word1' is infinite");
  memset(bytes, 1, sizeof bytes);
  memcpy(bytes, "4 3\n", 4);
  refused_bytes(bytes, sizeof bytes, "v: record 1 (byte 4): no blank in 4096 bytes");
}

/* Counts of a header are never a size of memory: this would need 2^63 bytes, or at least 2^31 words. */
static void a_hostile_header_takes_no_memory(void **state) {
  (void)state;
  static const char *const headers[] = {"9223372036854775807 3", "2147483648 3", "99999999999999999999 3"};
  char bytes[1000];
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
    refused_bytes(bytes, make_binary(bytes, headers[i], 4, "\n"), "record 5 (byte ");
  refused_bytes(bytes, make_binary(bytes, "4 32768", 4, "\n"), "record 1 (byte ");
  refused_bytes(bytes, make_binary(bytes, "4 32769", 4, "\n"), "v:1: the header says vectors of 32769 numbers");
  getrusage(RUSAGE_SELF, &after);
  assert_true(after.ru_maxrss - before.ru_maxrss < 64 << 10); /* KiB */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(text_comes_back, enter_scratch, leave_scratch),
      cmocka_unit_test_setup_teardown(words_that_cannot_be_used_are_counted, enter_scratch, leave_scratch),
      cmocka_unit_test_setup_teardown(bad_text_has_its_line, enter_scratch, leave_scratch),
      cmocka_unit_test_setup_teardown(a_missing_file_is_named, enter_scratch, leave_scratch),
      cmocka_unit_test_setup_teardown(rows_across_blocks_come_back, enter_scratch, leave_scratch),
      cmocka_unit_test_setup_teardown(gzip_is_checked, enter_scratch, leave_scratch),
      cmocka_unit_test_setup_teardown(binary_comes_back, enter_scratch, leave_scratch),
      cmocka_unit_test_setup_teardown(bad_binary_has_its_record, enter_scratch, leave_scratch),
      cmocka_unit_test_setup_teardown(a_hostile_header_takes_no_memory, enter_scratch, leave_scratch)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
