/* Frames in an untrusted HDF5 file: every type that h5py writes is read, mistakes are named with data set, row and
 * value, and neither a file's contents nor a child's messages can harm this process. */
#include <hdf5.h>

#include <fcntl.h>
#include <math.h>
#include <signal.h>

#include "foreign.h"
#include "h5.h"
#include "input.h"
#include "foreign_impl.h"
#include "store_fixture.h"

enum { ROWS = 3, FRAMES = 6, WIDTH = 2 };
static const int64_t offsets[ROWS + 1] = {0, 2, 2, 6};
static const double numbers[FRAMES * WIDTH] = {0, 1, -2, 0.5, 4, 1.5, 0.25, 7, 1, 1, 0, 3};

static hid_t half(void) { /* as h5py makes it */
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

static hid_t names(hid_t base, const char *first, const char *second) {
  const hid_t type = H5Tenum_create(base);
  for (int i = 0; i < 2; i++) {
    int64_t value = i;
    H5Tconvert(H5T_NATIVE_INT64, base, 1, &value, NULL, H5P_DEFAULT);
    H5Tenum_insert(type, i ? second : first, &value);
  }
  return type;
}

/* A data set of numbers, converted by HDF5; `memory` is what they are here. */
static void put(hid_t file, const char *path, hid_t type, int dims, const hsize_t *shape, hid_t memory,
                const void *data, hid_t list) {
  const hid_t space = H5Screate_simple(dims, shape, NULL);
  const hid_t set = H5Dcreate2(file, path, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  assert_true(set >= 0);
  assert_true(H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
  H5Dclose(set);
  H5Sclose(space);
}

static void put_frames(hid_t file, hid_t type, const double *data, hid_t list) {
  put(file, "/frames", type, 2, (hsize_t[]){FRAMES, WIDTH}, H5T_NATIVE_DOUBLE, data, list);
}
static void put_offsets(hid_t file, hid_t type) {
  put(file, "/offsets", type, 1, (hsize_t[]){ROWS + 1}, H5T_NATIVE_INT64, offsets, H5P_DEFAULT);
}
static void put_labels(hid_t file, hid_t type, const int64_t labels[ROWS]) {
  put(file, "/labels", type, 1, (hsize_t[]){ROWS}, H5T_NATIVE_INT64, labels, H5P_DEFAULT);
}

static const int64_t plain[ROWS] = {7, -3, 100};

/* A valid file except for `without`, which the test adds. */
static hid_t begin(const char *without) {
  const hid_t file = H5Fcreate("f.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(file >= 0);
  if (strcmp(without, "/frames") != 0) put_frames(file, H5T_IEEE_F32LE, numbers, H5P_DEFAULT);
  if (strcmp(without, "/offsets") != 0) put_offsets(file, H5T_STD_I64LE);
  if (strcmp(without, "/labels") != 0) put_labels(file, H5T_STD_I32LE, plain);
  return file;
}

static lk_foreign *reopen(hid_t file) {
  lk_foreign *f;
  assert_true(H5Fclose(file) >= 0);
  OK(lk_foreign_open(&f, "f.h5", "f.h5"));
  return f;
}

static void refused(hid_t file, const char *words) {
  lk_foreign *f;
  assert_true(H5Fclose(file) >= 0);
  FAILS(LK_DATA, words, lk_foreign_open(&f, "f.h5", "f.h5"));
  assert_null(f);
}

/* All rows in order, and then in reverse order, which starts the child again. */
static void expect_frames(lk_foreign *f, const double *expected) {
  const float *frames;
  ptrdiff_t length;
  assert_true(lk_foreign_about(f)->rows == ROWS && lk_foreign_about(f)->width == WIDTH);
  for (int i = 0; i < 2 * ROWS; i++) {
    const int row = i < ROWS ? i : 2 * ROWS - 1 - i;
    OK(lk_foreign_row(f, row, &frames, &length));
    assert_int_equal(length, offsets[row + 1] - offsets[row]);
    for (ptrdiff_t j = 0; j < length * WIDTH; j++) assert_true((double)frames[j] == expected[offsets[row] * WIDTH + j]);
  }
}

static void expect_labels(const lk_foreign *f, const char *a, const char *b, const char *c) {
  const char *const expected[] = {a, b, c};
  for (int i = 0; i < ROWS; i++) assert_string_equal(lk_strings_get(lk_foreign_about(f)->label, i), expected[i]);
}

static void all_types_of_frames(void **state) {
  (void)state;
  const hid_t kinds[] = {H5Tcopy(H5T_IEEE_F32LE), H5Tcopy(H5T_IEEE_F64BE), H5Tcopy(H5T_NATIVE_LDOUBLE), half(),
                         H5Tcopy(H5T_STD_I8LE),   H5Tcopy(H5T_STD_I16BE),  H5Tcopy(H5T_STD_U64LE)};
  double whole[FRAMES * WIDTH];
  for (int i = 0; i < FRAMES * WIDTH; i++) whole[i] = fabs(floor(numbers[i]));
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    const hid_t file = begin("/frames");
    put_frames(file, kinds[i], i < 4 ? numbers : whole, H5P_DEFAULT);
    lk_foreign *f = reopen(file);
    expect_frames(f, i < 4 ? numbers : whole);
    lk_foreign_close(&f);
    H5Tclose(kinds[i]);
  }
  /* h5py's bool, in chunks that are narrower than a row, shuffled and deflated */
  const hid_t file = begin("/frames"), truth = names(H5T_STD_I8LE, "FALSE", "TRUE");
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  signed char bits[FRAMES * WIDTH];
  for (int i = 0; i < FRAMES * WIDTH; i++) whole[i] = bits[i] = i % 3 == 0;
  H5Pset_chunk(list, 2, (hsize_t[]){4, 1});
  H5Pset_shuffle(list);
  H5Pset_deflate(list, 4);
  put(file, "/frames", truth, 2, (hsize_t[]){FRAMES, WIDTH}, truth, bits, list);
  H5Pclose(list);
  H5Tclose(truth);
  lk_foreign *f = reopen(file);
  expect_frames(f, whole);
  lk_foreign_close(&f);
}

static void all_types_of_labels(void **state) {
  (void)state;
  const hid_t kinds[] = {H5T_STD_I8LE, H5T_STD_I16LE, H5T_STD_I64BE, H5T_IEEE_F32LE, H5T_IEEE_F64LE};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    const hid_t file = begin("/labels");
    put_labels(file, kinds[i], plain);
    lk_foreign *f = reopen(file);
    expect_labels(f, "7", "-3", "100");
    lk_foreign_close(&f);
  }
  hid_t file = begin("/labels");
  put(file, "/labels", H5T_STD_U64LE, 2, (hsize_t[]){ROWS, 1}, H5T_NATIVE_UINT64,
      (uint64_t[]){UINT64_MAX, UINT64_MAX - 1, 5}, H5P_DEFAULT); /* in a column */
  lk_foreign *f = reopen(file);
  expect_labels(f, "18446744073709551615", "18446744073709551614", "5");
  lk_foreign_close(&f);

  const hid_t truth = names(H5T_STD_I8LE, "FALSE", "TRUE"), animals = names(H5T_STD_U16BE, "cat", "dog");
  file = begin("/labels");
  put(file, "/labels", truth, 1, (hsize_t[]){ROWS}, truth, (signed char[]){1, 0, 1}, H5P_DEFAULT);
  f = reopen(file);
  expect_labels(f, "1", "0", "1");
  lk_foreign_close(&f);
  file = begin("/labels");
  put(file, "/labels", animals, 1, (hsize_t[]){ROWS}, animals, (unsigned char[]){0, 1, 0, 0, 0, 9}, H5P_DEFAULT);
  f = reopen(file);
  expect_labels(f, "dog", "cat", "9"); /* the last has no name */
  lk_foreign_close(&f);
  H5Tclose(truth);
  H5Tclose(animals);

  for (int kind = 0; kind < 3; kind++) { /* of fixed length, padded with NUL; of variable length; padded with spaces */
    const hid_t text = H5Tcopy(H5T_C_S1);
    const bool variable = kind == 1;
    H5Tset_size(text, variable ? H5T_VARIABLE : 6);
    if (kind == 2) H5Tset_strpad(text, H5T_STR_SPACEPAD);
    file = begin("/labels");
    const char *const strings[] = {"one", "na\xc3\xafve", "x"};
    put(file, "/labels", text, 1, (hsize_t[]){ROWS}, text,
        variable    ? (const void *)strings
        : kind == 0 ? "one\0\0\0na\xc3\xafvex\0\0\0\0\0"
                    : "one   na\xc3\xafvex     ",
        H5P_DEFAULT);
    H5Tclose(text);
    f = reopen(file);
    expect_labels(f, "one", "na\xc3\xafve", "x");
    lk_foreign_close(&f);
  }
}

static void whole_offsets_with_a_point(void **state) {
  (void)state;
  const hid_t kinds[] = {H5T_IEEE_F64LE, H5T_IEEE_F32LE, H5T_STD_U8LE, H5T_STD_U64BE, half()};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    const hid_t file = begin("/offsets");
    put_offsets(file, kinds[i]);
    lk_foreign *f = reopen(file);
    expect_frames(f, numbers);
    lk_foreign_close(&f);
  }
  H5Tclose(kinds[4]);
}

static void wrong_parts_are_named(void **state) {
  (void)state;
  const hsize_t four[] = {ROWS + 1}, three[] = {ROWS};
  refused(begin("/frames"),
          "f.h5: there is no /frames (there is 'labels', 'offsets'); expected /frames, /offsets and /labels");
  refused(begin("/labels"), "there is no /labels");
  hid_t file = begin("/offsets");
  put(file, "/offsets", H5T_IEEE_F64LE, 1, four, H5T_NATIVE_DOUBLE, (double[]){0, 1.5, 2, 6}, H5P_DEFAULT);
  refused(file, "f.h5: /offsets row 1: 1.5, expected a whole number");
  file = begin("/offsets");
  put(file, "/offsets", H5T_IEEE_F64LE, 1, four, H5T_NATIVE_DOUBLE, (double[]){0, 1, NAN, 6}, H5P_DEFAULT);
  refused(file, "f.h5: /offsets row 2: nan, expected a whole number");
  file = begin("/offsets");
  put(file, "/offsets", H5T_STD_I64LE, 1, four, H5T_NATIVE_INT64, (int64_t[]){0, 4, 2, 6}, H5P_DEFAULT);
  refused(file, "f.h5: /offsets row 2: 2, expected at least 4 and at most 6");
  file = begin("/offsets");
  put(file, "/offsets", H5T_STD_U64LE, 1, four, H5T_NATIVE_UINT64, (uint64_t[]){0, 4, 5, UINT64_MAX}, H5P_DEFAULT);
  refused(file, "/offsets row 3: ");
  file = begin("/labels");
  put(file, "/labels", H5T_IEEE_F32LE, 1, three, H5T_NATIVE_DOUBLE, (double[]){0, 1, 2.5}, H5P_DEFAULT);
  refused(file, "f.h5: /labels row 2: 2.5, expected a whole number");
  file = begin("/labels");
  put(file, "/labels", H5T_STD_I32LE, 1, four, H5T_NATIVE_INT64, offsets, H5P_DEFAULT);
  refused(file, "f.h5: /labels has 4 rows, expected 3, one fewer than /offsets");
  file = begin("/frames");
  put(file, "/frames", H5T_STD_I32LE, 1, four, H5T_NATIVE_INT64, offsets, H5P_DEFAULT);
  refused(file, "f.h5: /frames has 1 axes");
  file = begin("/labels");
  const hid_t pair = H5Tcreate(H5T_COMPOUND, 8);
  H5Tinsert(pair, "a", 0, H5T_STD_I32LE);
  put(file, "/labels", pair, 1, three, pair, (int64_t[]){1, 2, 3}, H5P_DEFAULT);
  H5Tclose(pair);
  refused(file, "/labels is refused: it is of none of");
  write_all("f.h5", "\x89HDF\r\n\x1a\n and no more", 20);
  lk_foreign *f;
  FAILS(LK_DATA, "f.h5 is not an HDF5 file, or is damaged", lk_foreign_open(&f, "f.h5", "f.h5"));
  FAILS(LK_IO, "cannot open none: No such file", lk_foreign_open(&f, "none", "none"));
  FAILS(LK_IO, "cannot open <stdin>: it is not a regular file", lk_foreign_open(&f, "/dev/null", "<stdin>"));
}

static void numbers_beyond_float32(void **state) {
  (void)state;
  double data[FRAMES * WIDTH] = {0};
  const float *frames;
  ptrdiff_t length;
  for (int i = 0; i < 3; i++) {
    data[7] = (double[]){1e300, NAN, -INFINITY}[i];
    const hid_t file = begin("/frames");
    put_frames(file, H5T_IEEE_F64LE, data, H5P_DEFAULT);
    lk_foreign *f = reopen(file);
    const lk_status status = lk_foreign_row(f, 2, &frames, &length);
    if (i == 0) FAILS(LK_DATA, "f.h5: /frames row 3 column 1: 1e+300 is beyond float32 (3.40282e+38)", status);
    if (i > 0) assert_true(status == LK_OK && (i == 1 ? isnan(frames[3]) : isinf(frames[3])));
    lk_foreign_close(&f);
  }
}

static void filters_are_named(void **state) {
  (void)state;
  static const struct {
    H5Z_filter_t filter;
    const char *name;
  } cases[] = {{32000, "lzf"}, {32001, "blosc"}, {32015, "zstd"}, {4, "szip"}, {777, "number 777"}};
  for (size_t i = 0; i < 5; i++) {
    const hid_t file = begin("/frames"), list = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t space = H5Screate_simple(2, (hsize_t[]){FRAMES, WIDTH}, NULL);
    char words[200];
    H5Pset_chunk(list, 2, (hsize_t[]){FRAMES, WIDTH});
    H5Pset_filter(list, cases[i].filter, H5Z_FLAG_OPTIONAL, 0, NULL);
    const hid_t set = H5Dcreate2(file, "/frames", H5T_IEEE_F32LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (set >= 0) H5Dclose(set);
    H5Sclose(space);
    H5Pclose(list);
    if (set < 0) { /* this HDF5 checks szip's parameters */
      H5Fclose(file);
      continue;
    }
    snprintf(words, sizeof words,
             "f.h5: /frames is compressed with %s, which is not read (gzip is): h5repack -f GZIP=4 f.h5 NEW.h5",
             cases[i].name);
    refused(file, words);
  }
}

/* More than one packet and more than one block, rows of all lengths. */
static void many_rows(void **state) {
  (void)state;
  enum { MANY = 50000, WIDE = 39 };
  int64_t *places = malloc((MANY + 1) * sizeof *places), total = 0;
  for (int i = 0; i < MANY; i++) places[i] = total, total += i % 7;
  places[MANY] = total;
  float *data = malloc((size_t)total * WIDE * sizeof *data);
  for (int64_t i = 0; i < total * WIDE; i++) data[i] = (float)i;
  const hid_t file = H5Fcreate("f.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  put(file, "/frames", H5T_IEEE_F32LE, 2, (hsize_t[]){(hsize_t)total, WIDE}, H5T_NATIVE_FLOAT, data, H5P_DEFAULT);
  put(file, "/offsets", H5T_STD_I64LE, 1, (hsize_t[]){MANY + 1}, H5T_NATIVE_INT64, places, H5P_DEFAULT);
  put(file, "/labels", H5T_STD_I64LE, 1, (hsize_t[]){MANY}, H5T_NATIVE_INT64, places, H5P_DEFAULT);
  lk_foreign *f = reopen(file);
  const float *frames;
  ptrdiff_t length;
  for (ptrdiff_t pass = 1; pass < 9; pass += 7) /* every row, then some */
    for (ptrdiff_t row = 0; row < MANY; row += pass) {
      OK(lk_foreign_row(f, row, &frames, &length));
      assert_int_equal(length, row % 7);
      if (length) assert_memory_equal(frames, data + places[row] * WIDE, (size_t)length * WIDE * sizeof *data);
    }
  assert_int_equal(atoll(lk_strings_get(lk_foreign_about(f)->label, MANY - 1)), places[MANY - 1]);
  lk_foreign_close(&f);
  free(places);
  free(data);
}

/* Any byte of the file is changed: HDF5 may crash, but only in the child. */
static void spoiled_files(void **state) {
  (void)state;
  enum { TRIES = 60 };
  size_t size;
  uint64_t random = 3;
  const float *frames;
  ptrdiff_t length;
  int good = 0;
  lk_foreign *f = reopen(begin(""));
  lk_foreign_close(&f);
  unsigned char *bytes = (unsigned char *)read_all("f.h5", &size);
  for (int i = 0; i < TRIES; i++) {
    unsigned char *spoiled = malloc(size);
    memcpy(spoiled, bytes, size);
    for (int j = 0; j < 4; j++) {
      const size_t at = next_random(&random) % size;
      spoiled[at] = j % 2 ? 0xff : (unsigned char)next_random(&random);
    }
    write_all("f.h5", spoiled, size);
    free(spoiled);
    lk_status status = lk_foreign_open(&f, "f.h5", "f.h5");
    for (ptrdiff_t row = 0; status == LK_OK && row < lk_foreign_about(f)->rows; row++)
      status = lk_foreign_row(f, row, &frames, &length);
    if (status != LK_OK && status != LK_DATA) print_error("%s\n", lk_error_get()->text);
    assert_true(status == LK_OK || status == LK_DATA);
    assert_null(strchr(lk_error_get()->text, '\n'));
    good += status == LK_OK;
    lk_error_clear();
    lk_foreign_close(&f);
  }
  assert_true(good > 0 && good < TRIES);
  free(bytes);
}

/* ---- a child that sends wrong messages ---- */

typedef struct words {
  unsigned char bytes[4096];
  size_t size;
} words;

static void say(words *w, uint32_t kind, uint32_t announced, const void *bytes, size_t size) {
  memcpy(w->bytes + w->size, &(lk_packet){kind, announced}, sizeof(lk_packet));
  w->size += sizeof(lk_packet);
  if (size) memcpy(w->bytes + w->size, bytes, size);
  w->size += size;
}

static lk_status hear(const words *w, const char *ending) {
  static char program[] = "./probe";
  char text[200];
  lk_foreign *f;
  write_all("words", w->bytes, w->size);
  const int size = snprintf(text, sizeof text, "#!/bin/sh\ncat words >&4\n%s\n", ending);
  (void)remove(program);
  write_all(program, text, (size_t)size);
  assert_int_equal(chmod(program, 0755), 0);
  lk_h5_probe_program(program);
  lk_status status = lk_foreign_open(&f, "f.h5", "f.h5");
  const float *frames;
  ptrdiff_t length;
  for (ptrdiff_t row = 0; status == LK_OK && row < lk_foreign_about(f)->rows; row++)
    status = lk_foreign_row(f, row, &frames, &length);
  lk_foreign_close(&f);
  lk_h5_probe_program(NULL);
  return status;
}

static void lying_children(void **state) {
  (void)state;
  static const char garbled[] = "f.h5 is refused: the child that reads it does not say what it should";
  const lk_foreign_head head = {1, 2, 3}, huge = {INT64_MAX / 2, 2, 3}, wide = {1, INT64_MAX, 3};
  const int64_t places[] = {0, 3, 9};
  const char label[] = "\1\0\0\0a", long_label[] = "\377\377\377\377a";
  const float data[8] = {1};
  words w = {0};
  lk_foreign *f = reopen(begin(""));
  lk_foreign_close(&f);
  FAILS(LK_DATA, "ended without an answer (code 3)", hear(&w, "exit 3"));
  FAILS(LK_DATA, "ended with signal 11", hear(&w, "kill -SEGV $$"));
  FAILS(LK_DATA, "more time or memory than an undamaged file needs", hear(&w, "kill -XCPU $$"));
#define NEXT(expected, keep)                       \
  do {                                             \
    FAILS(LK_DATA, expected, hear(&w, "sleep 0")); \
    w.size = (keep);                               \
  } while (0)
  say(&w, LK_PACKET_OFFSETS, 24, places, 24);
  NEXT(garbled, 0);
  say(&w, LK_PACKET_HEAD, 24, &wide, 24);
  NEXT(garbled, 0);
  say(&w, LK_PACKET_HEAD, 24, &huge, 24);
  NEXT("its offsets take more than 256 MiB", 0);
  say(&w, LK_PACKET_HEAD, 1u << 31, &head, 24);
  NEXT(garbled, 0);
  say(&w, LK_PACKET_HEAD, 24, &head, 24);
  const size_t after_head = w.size;
  say(&w, LK_PACKET_OFFSETS, 24, places, 24); /* one too many */
  NEXT(garbled, after_head);
  say(&w, LK_PACKET_OFFSETS, 16, places, 16);
  const size_t after_offsets = w.size;
  say(&w, LK_PACKET_LABELS, 5, long_label, 5);
  NEXT(garbled, after_offsets);
  say(&w, LK_PACKET_LABELS, 5, "\1\0\0\0\xff", 5);
  NEXT(garbled, after_offsets);
  say(&w, LK_PACKET_LABELS, 5, label, 5);
  const size_t after_labels = w.size;
  say(&w, LK_PACKET_FRAMES, 32, data, 32); /* two numbers too many */
  NEXT(garbled, after_labels);
  say(&w, LK_PACKET_FRAMES, 5, data, 5);
  NEXT(garbled, after_labels);
  say(&w, LK_PACKET_END, 0, NULL, 0);
  NEXT(garbled, after_labels);
  say(&w, LK_PACKET_FRAMES, 8, data, 8);
  NEXT("ended without an answer", after_labels);
  say(&w, LK_PACKET_FAIL, 12, "\2\0\0\0words\nof", 12);
  NEXT("words of", after_labels);
  say(&w, LK_PACKET_FAIL, 8, "\143\0\0\0code", 8);
  NEXT(garbled, after_labels);
  say(&w, LK_PACKET_FRAMES, 24, data, 24);
  OK(hear(&w, "exit 0"));
  /* without a child nothing is read */
  lk_h5_probe_program("/nonexistent");
  FAILS(LK_IO, "f.h5: no process can be started to read it", lk_foreign_open(&f, "f.h5", "f.h5"));
  lk_h5_probe_program(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_scratch, leave_scratch)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(all_types_of_frames),
      TEST(all_types_of_labels),
      TEST(whole_offsets_with_a_point),
      TEST(wrong_parts_are_named),
      TEST(numbers_beyond_float32),
      TEST(filters_are_named),
      TEST(many_rows),
      TEST(spoiled_files),
      TEST(lying_children),
  };
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
