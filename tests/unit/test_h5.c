/* HDF5 files: written data are read back; the same content gives the same bytes; a flipped bit or a missing byte is
 * found before HDF5 opens the file; a full disk leaves no file. */
#include "h5.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "h5_impl.h"
#include "store_fixture.h"

enum { ROWS = 1000, WIDTH = 7 };

static void add_content(lk_h5 *file) {
  static int32_t ids[ROWS * WIDTH];
  static double numbers[3] = {1.5, -2, 1e300};
  lk_strings words = {0};
  uint64_t random = 1;
  for (int i = 0; i < ROWS * WIDTH; i++) ids[i] = (int32_t)(next_random(&random) % 100) - 50;
  OK(lk_h5_write(file, "/a/plain", LK_INT32, 2, (const ptrdiff_t[]){ROWS, WIDTH}, ids, 0, "plain ids"));
  OK(lk_h5_write(file, "/a/packed", LK_INT32, 2, (const ptrdiff_t[]){ROWS, WIDTH}, ids, 1, NULL));
  OK(lk_h5_write(file, "/numbers", LK_FLOAT64, 1, (const ptrdiff_t[]){3}, numbers, 0, NULL));
  OK(lk_h5_write(file, "/one", LK_FLOAT64, 0, NULL, numbers, 0, NULL));
  OK(lk_h5_write(file, "/none", LK_FLOAT32, 2, (const ptrdiff_t[]){0, 5}, numbers, 1, NULL));
  for (int i = 0; i < ROWS; i += 37) {
    const ptrdiff_t shape[] = {i + 37 < ROWS ? 37 : ROWS - i, WIDTH};
    OK(lk_h5_append(file, "/deep/er/grown", LK_INT32, 2, shape, ids + i * WIDTH, 64, 1, "grown"));
  }
  OK(lk_strings_add(&words, "<pad>", 5, 3));
  OK(lk_strings_add(&words, "", 0, 2));
  OK(lk_strings_add(&words, "na\xc3\xafve", 6, 1));
  OK(lk_h5_write_strings(file, "/words", &words, "words"));
  OK(lk_h5_write(file, "/words_count", LK_INT64, 1, (const ptrdiff_t[]){3}, words.number, 0, NULL));
  lk_strings_release(&words);
  OK(lk_h5_set_text(file, "/", "format", "a test"));
  OK(lk_h5_set_text(file, "/empty/group", "nothing", ""));
  OK(lk_h5_set_int(file, "/a", "count", -7));
  OK(lk_h5_set_int(file, "/a", "count", INT64_MIN));
  OK(lk_h5_set_real(file, "/a/plain", "real", 0.1));
}

static void make(const char *path, bool in_memory) {
  lk_h5 *file;
  OK(lk_h5_create(&file, path, in_memory));
  add_content(file);
  assert_int_not_equal(access(path, F_OK), 0);
  OK(lk_h5_commit(file));
  assert_int_equal(strlen(lk_h5_digest(file)), 32);
  lk_h5_close(&file);
  assert_null(file);
}

static void check_ids(const lk_h5 *file, const char *path) {
  static int32_t ids[ROWS * WIDTH], part[ROWS * WIDTH];
  static float reals[ROWS * WIDTH];
  lk_type type;
  int dims;
  ptrdiff_t shape[LK_H5_DIMS];
  OK(lk_h5_shape(file, path, &type, &dims, shape));
  assert_int_equal(type, LK_INT32);
  assert_int_equal(dims, 2);
  assert_true(shape[0] == ROWS && shape[1] == WIDTH && shape[2] == 1);
  OK(lk_h5_read(file, path, LK_INT32, 0, ROWS, ids));
  uint64_t random = 1;
  for (int i = 0; i < ROWS * WIDTH; i++) assert_int_equal(ids[i], (int32_t)(next_random(&random) % 100) - 50);
  for (ptrdiff_t row = 0, rows = 1; row < ROWS; row += rows, rows = rows % 5 * 31 + 1) {
    if (rows > ROWS - row) rows = ROWS - row;
    OK(lk_h5_read(file, path, LK_INT32, row, rows, part));
    assert_memory_equal(part, ids + row * WIDTH, (size_t)rows * WIDTH * sizeof *part);
  }
  OK(lk_h5_read(file, path, LK_FLOAT32, 3, ROWS - 3, reals));
  for (int i = 0; i < (ROWS - 3) * WIDTH; i++) assert_true(reals[i] == (float)ids[i + 3 * WIDTH]);
  FAILS(LK_DATA, "too many", lk_h5_read(file, path, LK_INT32, ROWS - 1, 2, part));
  FAILS(LK_DATA, "too many", lk_h5_read(file, path, LK_FLOAT32, 0, ROWS + 1, part));
}

static void check_rest(const lk_h5 *file) {
  lk_strings words = {0}, names = {0};
  lk_buffer text = {0};
  int64_t integer = 0;
  double real = 0, numbers[3];
  OK(lk_h5_read_strings(file, "/words", &words));
  assert_int_equal(words.count, 3);
  assert_string_equal(lk_strings_get(&words, 0), "<pad>");
  assert_string_equal(lk_strings_get(&words, 1), "");
  assert_string_equal(lk_strings_get(&words, 2), "na\xc3\xafve");
  assert_true(words.number[0] == 3 && words.number[2] == 1);
  OK(lk_h5_list(file, "/", &names));
  static const char *const expected[] = {"a", "deep", "empty", "none", "numbers", "one", "words", "words_count"};
  assert_int_equal(names.count, 8);
  for (int i = 0; i < 8; i++) assert_string_equal(lk_strings_get(&names, i), expected[i]);
  OK(lk_h5_get_text(file, "/", "format", &text));
  assert_string_equal(text.data, "a test");
  OK(lk_h5_get_text(file, "/empty/group", "nothing", &text));
  assert_string_equal(text.data, "a test");
  assert_true(lk_h5_has_attribute(file, "/a/plain", "description"));
  OK(lk_h5_get_int(file, "/a", "count", &integer));
  assert_true(integer == INT64_MIN);
  OK(lk_h5_get_real(file, "/a/plain", "real", &real));
  assert_true(real == 0.1);
  OK(lk_h5_read(file, "/numbers", LK_FLOAT64, 0, 3, numbers));
  assert_true(numbers[0] == 1.5 && numbers[2] == 1e300);
  OK(lk_h5_read(file, "/one", LK_FLOAT64, 0, 1, &real));
  assert_true(real == 1.5);
  OK(lk_h5_read(file, "/none", LK_FLOAT32, 0, 0, numbers));
  lk_strings_release(&words);
  lk_strings_release(&names);
  lk_buffer_release(&text);
}

static void round_trip(void **state) {
  (void)state;
  lk_h5 *file;
  for (int in_memory = 0; in_memory < 2; in_memory++) {
    const char *path = in_memory ? "memory.h5" : "disk.h5";
    make(path, in_memory);
    OK(lk_h5_open(&file, path, true));
    assert_string_equal(lk_h5_path(file), path);
    check_ids(file, "/a/plain");
    check_ids(file, "/a/packed");
    check_ids(file, "/deep/er/grown");
    check_rest(file);
    lk_h5_close(&file);
  }
  assert_int_equal(count_files("."), 2);
}

/* ---- text of every kind ---- */

/* An attribute and a data set of one string of 8 bytes, scalars or [1]. */
static void put_text(const lk_h5 *file, int number, H5T_str_t padding, H5T_cset_t set, bool scalar, const char *bytes) {
  char name[16];
  const hid_t type = H5Tcopy(H5T_C_S1);
  const hid_t space = scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, (const hsize_t[]){1}, NULL);
  assert_true(H5Tset_size(type, 8) >= 0 && H5Tset_strpad(type, padding) >= 0 && H5Tset_cset(type, set) >= 0);
  snprintf(name, sizeof name, "text%d", number);
  const hid_t attribute = H5Acreate2(file->id, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t data = H5Dcreate2(file->id, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(H5Awrite(attribute, type, bytes) >= 0);
  assert_true(H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0);
  H5Aclose(attribute);
  H5Dclose(data);
  H5Tclose(type);
  H5Sclose(space);
}

static void every_kind_of_text(void **state) {
  (void)state;
  static const struct {
    H5T_str_t padding;
    const char *bytes, *text;
  } kinds[] = {{H5T_STR_NULLTERM, "a b \0xx", "a b "},    {H5T_STR_NULLPAD, "na\xc3\xafve\0\0", "na\xc3\xafve"},
               {H5T_STR_NULLPAD, "12345678", "12345678"}, {H5T_STR_SPACEPAD, " a b    ", " a b"},
               {H5T_STR_SPACEPAD, "        ", ""},        {H5T_STR_SPACEPAD, "12345678", "12345678"}};
  enum { KINDS = sizeof kinds / sizeof *kinds, ALL = 4 * KINDS };
  lk_h5 *file;
  OK(lk_h5_create(&file, "text.h5", false));
  for (int i = 0; i < ALL; i++)
    put_text(file, i, kinds[i / 4].padding, i % 2 ? H5T_CSET_UTF8 : H5T_CSET_ASCII, i % 4 / 2, kinds[i / 4].bytes);
  OK(lk_h5_commit(file));
  lk_h5_close(&file);
  OK(lk_h5_open(&file, "text.h5", true));
  for (int i = 0; i < ALL; i++) {
    char path[17];
    lk_buffer text = {0};
    lk_strings strings = {0};
    snprintf(path, sizeof path, "/text%d", i);
    OK(lk_h5_get_text(file, "/", path + 1, &text));
    assert_string_equal(text.size ? text.data : "", kinds[i / 4].text);
    OK(lk_h5_read_strings(file, path, &strings));
    assert_int_equal(strings.count, 1);
    assert_string_equal(lk_strings_get(&strings, 0), kinds[i / 4].text);
    lk_buffer_release(&text);
    lk_strings_release(&strings);
  }
  lk_h5_close(&file);
}

/* ---- what other programs read ---- */

/* The text of an attribute of one string of variable length. */
static void expect_text(const lk_h5 *file, const char *object, const char *name, const char *text) {
  const hid_t id = H5Aopen_by_name(file->id, object, name, H5P_DEFAULT, H5P_DEFAULT), type = H5Aget_type(id);
  char *got = NULL;
  assert_true(H5Tis_variable_str(type) > 0 && H5Tget_cset(type) == H5T_CSET_UTF8);
  assert_true(H5Aread(id, type, &got) >= 0);
  assert_string_equal(got, text);
  H5free_memory(got);
  H5Tclose(type);
  H5Aclose(id);
}

/* The name of what a reference of an attribute, a list of one, points at. */
static void expect_scale(const lk_h5 *file, const char *data, const char *scale) {
  const hid_t id = H5Aopen_by_name(file->id, data, "DIMENSION_LIST", H5P_DEFAULT, H5P_DEFAULT), type = H5Aget_type(id);
  hvl_t list;
  char name[64];
  assert_true(H5Aread(id, type, &list) >= 0);
  assert_int_equal(list.len, 1);
  assert_true(H5Rget_name(file->id, H5R_OBJECT, list.p, name, sizeof name) > 0);
  assert_string_equal(name, scale);
  H5free_memory(list.p);
  H5Tclose(type);
  H5Aclose(id);
}

static void curves(void **state) {
  (void)state;
  static const lk_h5_curve names[] = {{"x", "m"}, {"y", "s"}, {"z", "1"}};
  static double table[300], back[100];
  lk_h5 *file;
  lk_buffer text = {0};
  for (int i = 0; i < 300; i++) table[i] = i;
  OK(lk_h5_create(&file, "curves.h5", true));
  OK(lk_h5_write_curves(file, "/plots/some", names, 3, 1, 100, table, "some curves"));
  OK(lk_h5_write_curves(file, "/plots/none", names, 3, 2, 0, NULL, "no curves"));
  OK(lk_h5_show(file, "/plots", "NXentry", "some"));
  OK(lk_h5_commit(file));
  lk_h5_close(&file);
  OK(lk_h5_open(&file, "curves.h5", true));
  for (int c = 0; c < 3; c++) {
    char path[32];
    snprintf(path, sizeof path, "/plots/some/%s", names[c].name);
    OK(lk_h5_read(file, path, LK_FLOAT64, 0, 100, back));
    for (int i = 0; i < 100; i++) assert_true(back[i] == table[3 * i + c]);
    expect_text(file, path, "units", names[c].units);
    if (c > 0) expect_scale(file, path, "/plots/some/x");
  }
  expect_scale(file, "/plots/none/z", "/plots/none/x");
  OK(lk_h5_get_text(file, "/plots/some/x", "CLASS", &text));
  assert_string_equal(text.data, "DIMENSION_SCALE");
  expect_text(file, "/plots/some", "signal", "y");
  expect_text(file, "/plots/some", "axes", "x");
  expect_text(file, "/plots", "default", "some");
  lk_buffer_truncate(&text, 0);
  OK(lk_h5_get_text(file, "/plots/some", "axes", &text)); /* an array of one */
  assert_string_equal(text.data, "x");
  lk_buffer_release(&text);
  lk_h5_close(&file);
}

static void mistakes_are_named(void **state) {
  (void)state;
  lk_h5 *file;
  lk_buffer text = {0};
  lk_strings strings = {0};
  int64_t integer;
  double real;
  lk_type type;
  int dims;
  ptrdiff_t shape[LK_H5_DIMS];
  make("a.h5", true);
  OK(lk_h5_open(&file, "a.h5", true));
  FAILS(LK_DATA, "a.h5: / has no attribute \"none\"", lk_h5_get_text(file, "/", "none", &text));
  FAILS(LK_DATA, "a.h5: there is no /none/such", lk_h5_get_int(file, "/none/such", "x", &integer));
  FAILS(LK_DATA, "is not an integer", lk_h5_get_int(file, "/", "format", &integer));
  FAILS(LK_DATA, "is not an integer", lk_h5_get_int(file, "/a/plain", "real", &integer));
  FAILS(LK_DATA, "is not a number", lk_h5_get_real(file, "/", "format", &real));
  FAILS(LK_DATA, "is not text", lk_h5_get_text(file, "/a", "count", &text));
  FAILS(LK_DATA, "/a is not a data set", lk_h5_shape(file, "/a", &type, &dims, shape));
  FAILS(LK_DATA, "holds strings", lk_h5_shape(file, "/words", &type, &dims, shape));
  FAILS(LK_DATA, "not a list of strings", lk_h5_read_strings(file, "/numbers", &strings));
  FAILS(LK_DATA, "/numbers is not a group", lk_h5_list(file, "/numbers", &strings));
  assert_true(lk_h5_exists(file, "/") && lk_h5_exists(file, "/a/plain") && lk_h5_exists(file, "/a"));
  assert_false(lk_h5_exists(file, "/b") || lk_h5_exists(file, "/a/plain/x") || lk_h5_exists(file, "a"));
  assert_int_equal(lk_error_get()->code, LK_OK);
  lk_h5_close(&file);
  FAILS(LK_IO, "cannot open none.h5: No such file", lk_h5_open(&file, "none.h5", true));
  FAILS(LK_IO, "it is a folder", lk_h5_open(&file, ".", true));
  FAILS(LK_IO, "not a regular file", lk_h5_open(&file, "/dev/zero", true));
  write_all("text", "once upon a time", 16);
  FAILS(LK_DATA, "text is not a Lockstep file", lk_h5_open(&file, "text", true));
  write_all("empty", "", 0);
  FAILS(LK_DATA, "empty is not a Lockstep file", lk_h5_open(&file, "empty", false));
  FAILS(LK_IO, "cannot write none/a.h5: No such", lk_h5_create(&file, "none/a.h5", false));
}

static void same_bytes(void **state) {
  (void)state;
  size_t size[3];
  char *bytes[3];
  make("a.h5", true);
  sleep(1); /* a time stamp would differ */
  make("b.h5", true);
  make("c.h5", false);
  for (int i = 0; i < 3; i++) bytes[i] = read_all((const char *[]){"a.h5", "b.h5", "c.h5"}[i], &size[i]);
  for (int i = 1; i < 3; i++) {
    assert_int_equal(size[i], size[0]);
    assert_memory_equal(bytes[i], bytes[0], size[0]);
  }
  for (int i = 0; i < 3; i++) free(bytes[i]);
}

static void image_is_the_file(void **state) {
  (void)state;
  lk_h5 *file;
  void *bytes;
  size_t size, written;
  make("a.h5", false);
  OK(lk_h5_create(&file, "b.h5", true));
  add_content(file);
  OK(lk_h5_image(file, &bytes, &size));
  lk_h5_close(&file);
  char *other = read_all("a.h5", &written);
  assert_int_equal(size, written);
  assert_memory_equal(bytes, other, size);
  free(bytes);
  free(other);
  assert_int_equal(count_files("."), 1);
}

static void every_flip_is_found(void **state) {
  (void)state;
  lk_h5 *file;
  size_t size;
  uint64_t random = 3;
  make("a.h5", true);
  char *bytes = read_all("a.h5", &size);
  for (int i = 0; i < 300; i++) {
    /* the first third in the user block, then the first and last bytes, then anywhere */
    size_t at = i < 100 ? next_random(&random) % 512 : next_random(&random) % size;
    if (i == 100) at = 0;
    if (i == 101) at = size - 1;
    const char bit = (char)(1 << next_random(&random) % 8);
    bytes[at] = (char)(bytes[at] ^ bit);
    write_all("b.h5", bytes, size);
    bytes[at] = (char)(bytes[at] ^ bit);
    const lk_status status = lk_h5_open(&file, "b.h5", true);
    FAILS(LK_DATA, "b.h5 is ", status);
  }
  free(bytes);
}

static void every_cut_is_found(void **state) {
  (void)state;
  lk_h5 *file;
  size_t size;
  make("a.h5", true);
  char *bytes = read_all("a.h5", &size);
  for (int i = 0; i < 64; i++) {
    write_all("b.h5", bytes, i == 63 ? size - 1 : size * (size_t)i / 64);
    for (int verify = 0; verify < 2; verify++)
      FAILS(LK_DATA, i < 1 ? "b.h5 is not a Lockstep file" : "b.h5 is damaged", lk_h5_open(&file, "b.h5", verify));
  }
  bytes = realloc(bytes, size + 1);
  bytes[size] = 0;
  write_all("b.h5", bytes, size + 1);
  FAILS(LK_DATA, "b.h5 is damaged: it has", lk_h5_open(&file, "b.h5", false));
  free(bytes);
}

static void nothing_stays_without_commit(void **state) {
  (void)state;
  lk_h5 *file;
  OK(lk_h5_create(&file, "a.h5", false));
  add_content(file);
  assert_int_equal(count_files("."), 1);
  lk_h5_close(&file);
  assert_int_equal(count_files("."), 0);
}

/* The disk is full after `limit` bytes, which HDF5 1.10 does not report. */
static void full_disk(void **state) {
  (void)state;
  struct rlimit limit, old;
  signal(SIGXFSZ, SIG_IGN);
  make("a.h5", false);
  struct stat about;
  stat("a.h5", &about);
  getrlimit(RLIMIT_FSIZE, &old);
  for (int i = 0; i < 12; i++) {
    lk_h5 *file;
    lk_status status = LK_OK;
    static float rows[4096];
    limit = old;
    limit.rlim_cur = (rlim_t)(i * 20000);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(lk_h5_create(&file, "a.h5", i % 2), LK_OK);
    for (int j = 0; j < 20 && status == LK_OK; j++)
      status = lk_h5_append(file, "/x", LK_FLOAT32, 1, (const ptrdiff_t[]){4096}, rows, 1000, 0, NULL);
    if (status == LK_OK) status = lk_h5_commit(file);
    lk_h5_close(&file);
    setrlimit(RLIMIT_FSIZE, &old);
    FAILS(LK_IO, "cannot write a.h5: File too large", status);
    assert_int_equal(count_files("."), 1);
  }
  struct stat after;
  stat("a.h5", &after);
  assert_true(after.st_ino == about.st_ino && after.st_size == about.st_size);
}

static void long_rows_are_cut(void **state) {
  (void)state;
  enum { WIDE = 700000, TALL = 3 };
  lk_h5 *file;
  float *rows = calloc(TALL * WIDE, sizeof *rows), *back = calloc(TALL * WIDE, sizeof *back);
  for (int i = 0; i < TALL * WIDE; i++) rows[i] = (float)(i % 1001);
  OK(lk_h5_create(&file, "a.h5", false));
  OK(lk_h5_append(file, "/two", LK_FLOAT32, 2, (const ptrdiff_t[]){TALL, WIDE}, rows, 100, 1, NULL));
  OK(lk_h5_write(file, "/three", LK_FLOAT32, 3, (const ptrdiff_t[]){TALL, WIDE / 10, 10}, rows, 1, NULL));
  OK(lk_h5_commit(file));
  lk_h5_close(&file);
  OK(lk_h5_open(&file, "a.h5", true));
  OK(lk_h5_read(file, "/two", LK_FLOAT32, 0, TALL, back));
  assert_memory_equal(back, rows, TALL * WIDE * sizeof *rows);
  OK(lk_h5_read(file, "/three", LK_FLOAT32, 1, TALL - 1, back));
  assert_memory_equal(back, rows + WIDE, (TALL - 1) * WIDE * sizeof *rows);
  lk_h5_close(&file);
  free(rows);
  free(back);
}

static void nul_is_refused(void **state) {
  (void)state;
  lk_h5 *file;
  lk_strings strings = {0};
  OK(lk_strings_add(&strings, "a\0b", 3, 0));
  OK(lk_h5_create(&file, "a.h5", true));
  FAILS(LK_DATA, "NUL", lk_h5_write_strings(file, "/s", &strings, NULL));
  lk_h5_close(&file);
  lk_strings_release(&strings);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_scratch, leave_scratch)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(round_trip),          TEST(every_kind_of_text), TEST(curves),
      TEST(mistakes_are_named),  TEST(same_bytes),         TEST(image_is_the_file),
      TEST(every_flip_is_found), TEST(every_cut_is_found), TEST(nothing_stays_without_commit),
      TEST(full_disk),           TEST(long_rows_are_cut),  TEST(nul_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
