/* Hostile files, made by hand with HDF5: each is refused with one line, without a crash and without much memory. The
 * same files with a user block and valid digest must be refused too, as anybody can compute a digest. */
#include <hdf5.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "corpus.h"
#include "durable.h"
#include "h5_vlen_impl.h"
#include "store_fixture.h"

static hid_t begin(void) {
  const hid_t list = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_userblock(list, 512);
  H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18); /* a superblock like ours */
  const hid_t file = H5Fcreate("x.h5", H5F_ACC_TRUNC, list, access);
  H5Pclose(access);
  H5Pclose(list);
  assert_true(file >= 0);
  return file;
}

/* Give the file a valid digest. */
static void seal(void) {
  size_t size;
  char hex[33], line[512] = "";
  char *bytes = read_all("x.h5", &size);
  bytes = realloc(bytes, size + 8);
  for (int i = 0; i < 8; i++) bytes[size + (size_t)i] = (char)(size >> (8 * i)); /* as h5.h says: bytes, then size */
  lk_digest(bytes + 512, size - 512 + 8, hex);
  snprintf(line, sizeof line, "lockstep xxh3-128 %s %zu\n", hex, size);
  memcpy(bytes, line, sizeof line);
  write_all("x.h5", bytes, size);
  free(bytes);
}

static void end(hid_t file) {
  assert_true(H5Fclose(file) >= 0);
  seal();
}

/* Open as a second rank does, without the child's check, so that only the checks of this process can refuse it. */
static lk_h5 *reopen(void) {
  lk_h5 *file;
  OK(lk_h5_open(&file, "x.h5", false));
  return file;
}

/* As the child opens files that we did not write. */
static lk_h5 *open_foreign(void) {
  lk_h5 *file;
  OK(lk_h5_open_descriptor(&file, "x.h5", open("x.h5", O_RDONLY | O_CLOEXEC), true));
  return file;
}

/* Reading /x fails with these words; where it is a link exists() says no. */
static void refused(const char *words) {
  static int32_t numbers[1 << 16];
  lk_type type;
  int dims;
  ptrdiff_t shape[LK_H5_DIMS];
  lk_h5 *file = reopen();
  FAILS(LK_DATA, words, lk_h5_shape(file, "/x", &type, &dims, shape));
  FAILS(LK_DATA, words, lk_h5_read(file, "/x", LK_INT32, 0, 4, numbers));
  lk_h5_close(&file);
  FAILS(LK_DATA, "x.h5", lk_h5_open(&file, "x.h5", true)); /* the child refuses it too */
}

static hid_t space_of(hsize_t rows) { return H5Screate_simple(1, &rows, NULL); }

static void put(hid_t file, const char *name, hsize_t rows, hid_t create) {
  static int32_t numbers[1 << 16];
  const hid_t space = space_of(rows);
  const hid_t data = H5Dcreate2(file, name, H5T_STD_I32LE, space, H5P_DEFAULT, create, H5P_DEFAULT);
  assert_true(data >= 0);
  if (rows <= 1 << 16) assert_true(H5Dwrite(data, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0);
  H5Dclose(data);
  H5Sclose(space);
}

static void honest_files_pass(void **state) {
  (void)state;
  int32_t numbers[4] = {1, 1, 1, 1};
  hid_t file = begin();
  put(file, "/x", 4, H5P_DEFAULT);
  end(file);
  lk_h5 *h5 = reopen();
  OK(lk_h5_read(h5, "/x", LK_INT32, 0, 4, numbers));
  assert_int_equal(numbers[3], 0);
  lk_h5_close(&h5);
}

static void links(void **state) {
  (void)state;
  hid_t file = begin();
  put(file, "/y", 4, H5P_DEFAULT);
  H5Lcreate_soft("/y", file, "/x", H5P_DEFAULT, H5P_DEFAULT);
  end(file);
  refused("/x is or leads over a soft, external or foreign link");
  lk_h5 *h5 = reopen();
  assert_false(lk_h5_exists(h5, "/x"));
  lk_h5_close(&h5);

  assert_int_equal(rename("x.h5", "other.h5"), 0);
  file = begin();
  H5Lcreate_external("other.h5", "/y", file, "/x", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external("other.h5", "/", file, "/train", H5P_DEFAULT, H5P_DEFAULT);
  end(file);
  refused("/x is or leads over a soft, external or foreign link");
  h5 = reopen();
  int64_t rows;
  FAILS(LK_DATA, "external", lk_h5_get_int(h5, "/train", "rows", &rows));
  FAILS(LK_DATA, "external", lk_h5_read(h5, "/train/y", LK_INT32, 0, 4, &rows));
  assert_false(lk_h5_exists(h5, "/train/y"));
  lk_h5_close(&h5);
}

static void circles(void **state) {
  (void)state;
  char path[200] = "";
  hid_t file = begin();
  const hid_t group = H5Gcreate2(file, "/x", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_hard(file, "/x", file, "/x/x", H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(group);
  end(file);
  refused("/x is not a data set");
  lk_h5 *h5 = reopen();
  for (int i = 0; i < 60; i++) strcat(path, "/x");
  assert_false(lk_h5_exists(h5, path));
  lk_strings names = {0};
  OK(lk_h5_list(h5, "/x/x/x", &names));
  assert_int_equal(names.count, 1);
  lk_strings_release(&names);
  lk_h5_close(&h5);
}

static void numbers_elsewhere(void **state) {
  (void)state;
  write_all("secret", "0123456789abcdef", 16);
  hid_t file = begin(), list = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_external(list, "secret", 0, 16);
  put(file, "/x", 4, list);
  H5Pclose(list);
  end(file);
  refused("/x is refused: its numbers are in another file");

  file = begin();
  put(file, "/y", 4, H5P_DEFAULT);
  H5Fset_libver_bounds(file, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);
  const hid_t space = space_of(4);
  list = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_virtual(list, space, "other.h5", "/y", space);
  const hid_t data = H5Dcreate2(file, "/x", H5T_STD_I32LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
  assert_true(data >= 0);
  H5Dclose(data);
  H5Pclose(list);
  H5Sclose(space);
  end(file);
  refused("/x is refused: it is a virtual data set");
}

static hid_t chunked(hsize_t rows) {
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(list, 1, &rows);
  return list;
}

static void filters(void **state) {
  (void)state;
  hid_t file = begin(), list = chunked(16);
  H5Pset_szip(list, H5_SZIP_NN_OPTION_MASK, 8);
  put(file, "/x", 32, list);
  H5Pclose(list);
  end(file);
  refused("/x is refused: its filters are not");

  file = begin();
  list = chunked(16);
  H5Pset_nbit(list);
  put(file, "/x", 32, list);
  H5Pclose(list);
  end(file);
  refused("/x is refused: its filters are not");

  file = begin();
  list = chunked(16);
  H5Pset_filter(list, 32015, H5Z_FLAG_OPTIONAL, 0, NULL); /* a plugin's filter, which must not be searched for */
  put(file, "/x", 32, list);
  H5Pclose(list);
  end(file);
  refused("/x is refused: its filters are not");

  file = begin();
  list = chunked(16);
  for (int i = 0; i < 20; i++) H5Pset_shuffle(list);
  for (int i = 0; i < 20; i++) H5Pset_filter(list, H5Z_FILTER_DEFLATE, 0, 1, (const unsigned[]){1});
  put(file, "/x", 32, list);
  H5Pclose(list);
  end(file);
  refused("/x is refused: it has ");
}

static void wild_shapes(void **state) {
  (void)state;
  hid_t list, file = begin();
  put(file, "/x", (hsize_t)1 << 40, H5P_DEFAULT); /* never written, so no space is allocated */
  end(file);
  refused("/x is refused: its shape states more than the file holds");

  file = begin();
  list = chunked(1024);
  H5Pset_deflate(list, 1);
  put(file, "/x", (hsize_t)1 << 60, list);
  H5Pclose(list);
  end(file);
  refused("/x is refused: its shape states more than the file holds");

  file = begin();
  list = chunked((hsize_t)1 << 25); /* 128 MiB a chunk */
  put(file, "/x", (hsize_t)1 << 25, list);
  H5Pclose(list);
  end(file);
  refused("/x is refused: its chunks are over 64 MiB");

  file = begin();
  const hid_t space = H5Screate_simple(4, (const hsize_t[]){1, 1, 2, 2}, NULL);
  H5Dclose(H5Dcreate2(file, "/x", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(space);
  end(file);
  refused("/x is refused: it has not 0 to 3 axes");
}

static void wild_types(void **state) {
  (void)state;
  const hid_t space = space_of(4);
  const hid_t compound = H5Tcreate(H5T_COMPOUND, 8);
  H5Tinsert(compound, "a", 0, H5T_STD_I32LE);
  const hid_t list = H5Tvlen_create(H5T_STD_I32LE), odd = H5Tcopy(H5T_IEEE_F64LE);
  H5Tset_fields(odd, 63, 50, 13, 0, 50);
  const hid_t types[] = {compound, list, odd, H5T_STD_REF_OBJ};
  for (int i = 0; i < 4; i++) {
    const hid_t file = begin();
    const hid_t data = H5Dcreate2(file, "/x", types[i], space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t holder = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate2(file, "format", types[i], holder, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(data >= 0 && attribute >= 0);
    H5Aclose(attribute);
    H5Dclose(data);
    H5Sclose(holder);
    end(file);
    refused("/x is refused: it is of none of float32");
    lk_h5 *h5 = reopen();
    lk_buffer out = {0};
    lk_strings strings = {0};
    int64_t integer;
    double real;
    FAILS(LK_DATA, "is not text", lk_h5_get_text(h5, "/", "format", &out));
    FAILS(LK_DATA, "is not an integer", lk_h5_get_int(h5, "/", "format", &integer));
    FAILS(LK_DATA, "is not a number", lk_h5_get_real(h5, "/", "format", &real));
    FAILS(LK_DATA, "/x is refused", lk_h5_read_strings(h5, "/x", &strings));
    lk_h5_close(&h5);
  }
  H5Tclose(compound);
  H5Tclose(list);
  H5Tclose(odd);
  H5Sclose(space);
}

/* ---- text of variable length ---- */

enum { HEAD = 16 };

/* A file with texts as attribute "format" and as data set /x, in one collection of the heap. */
static void put_texts(void) {
  static const char *const words[] = {"first", "", "the third"};
  const hid_t file = begin(), three = space_of(3), one = space_of(1), text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, H5T_VARIABLE);
  const hid_t data = H5Dcreate2(file, "/x", text, three, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t attribute = H5Acreate2(file, "format", text, one, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(H5Dwrite(data, text, H5S_ALL, H5S_ALL, H5P_DEFAULT, words) >= 0);
  assert_true(H5Awrite(attribute, text, &words[2]) >= 0);
  H5Aclose(attribute);
  H5Dclose(data);
  H5Tclose(text);
  H5Sclose(one);
  H5Sclose(three);
  end(file);
}

/* Change the collection and give the file a valid digest again. */
static void spoil(void (*edit)(unsigned char *collection)) {
  size_t size;
  unsigned char *bytes = (unsigned char *)read_all("x.h5", &size);
  unsigned char *at = memmem(bytes, size, "GCOL", 4);
  assert_non_null(at);
  edit(at);
  write_all("x.h5", bytes, size);
  free(bytes);
  seal();
}

static void other_name(unsigned char *c) { c[0] = 'X'; }
static void other_version(unsigned char *c) { c[4] = 2; }
static void no_size(unsigned char *c) { memset(c + 8, 0, 8); }
static void beyond_file(unsigned char *c) { c[13] = 1; }
static void renumbered(unsigned char *c) { c[HEAD] = 0x77; }
static void longer_object(unsigned char *c) { c[HEAD + 8] += 40; } /* what HDF5 1.10 copies into room for the text */
static void shorter_object(unsigned char *c) { c[HEAD + 8]--; }
static void huge_object(unsigned char *c) { memset(c + HEAD + 8, 0xff, 8); }
static void no_objects(unsigned char *c) { c[HEAD] = 0; }
static void not_utf8(unsigned char *c) { memset(c + HEAD + HEAD, 0xff, 5); }

static void texts_of_variable_length(void **state) {
  (void)state;
  static void (*const edits[])(unsigned char *) = {other_name, other_version, no_size,     beyond_file,
                                                   renumbered, longer_object, huge_object, no_objects,
                                                   not_utf8,   shorter_object};
  lk_buffer out = {0};
  lk_strings strings = {0};
  put_texts();
  lk_h5 *file = reopen();
  OK(lk_h5_get_text(file, "/", "format", &out));
  assert_string_equal(out.data, "the third");
  FAILS(LK_DATA, "/x is refused: its strings are of variable length", lk_h5_read_strings(file, "/x", &strings));
  lk_h5_close(&file);
  file = open_foreign();
  OK(lk_h5_read_strings(file, "/x", &strings));
  assert_string_equal(lk_strings_get(&strings, 0), "first");
  assert_string_equal(lk_strings_get(&strings, 1), "");
  assert_string_equal(lk_strings_get(&strings, 2), "the third");
  lk_h5_close(&file);
  lk_strings_release(&strings);
  for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
    put_texts();
    spoil(edits[i]);
    file = open_foreign();
    FAILS(LK_DATA, edits[i] == not_utf8 ? "is not valid UTF-8" : "/x refers to text of variable length",
          lk_h5_read_strings(file, "/x", &strings));
    lk_h5_close(&file);
    lk_strings_release(&strings);
    FAILS(LK_DATA, "variable length", lk_h5_open(&file, "x.h5", true));
  }
  lk_buffer_release(&out);
}

static void put_turns(void) {
  enum { TURNS = 400000, LONG = 40000 };
  static char words[2][LONG + 1];
  static const char *turns[TURNS];
  const hid_t file = begin(), space = space_of(2), text = H5Tcopy(H5T_C_S1), many = space_of(TURNS);
  H5Tset_size(text, H5T_VARIABLE);
  for (int i = 0; i < 2; i++) memset(words[i], 'a' + i, LONG);
  for (int i = 0; i < 2; i++) turns[i] = words[i];
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(list, 1, (hsize_t[]){TURNS});
  const hid_t two = H5Dcreate2(file, "/two", text, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t data = H5Dcreate2(file, "/x", text, many, H5P_DEFAULT, list, H5P_DEFAULT);
  assert_true(H5Dwrite(two, text, H5S_ALL, H5S_ALL, H5P_DEFAULT, turns) >= 0);
  unsigned char *pairs = calloc(TURNS, LK_H5_REFERENCE);
  assert_true(H5Dread(two, lk_h5_reference_type(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pairs) >= 0);
  for (int i = 2; i < TURNS; i++) memcpy(pairs + i * LK_H5_REFERENCE, pairs + i % 2 * LK_H5_REFERENCE, LK_H5_REFERENCE);
  assert_true(H5Dwrite_chunk(data, H5P_DEFAULT, 0, (hsize_t[]){0}, TURNS * LK_H5_REFERENCE, pairs) >= 0);
  free(pairs);
  H5Pclose(list);
  H5Dclose(two);
  H5Dclose(data);
  H5Tclose(text);
  H5Sclose(space);
  H5Sclose(many);
  end(file);
}

/* Texts that begin with NUL are empty, so that only the work of finding them counts. */
static void empty_texts(void) {
  size_t size;
  char *bytes = read_all("x.h5", &size);
  for (const char *word = "ab"; *word; word++) {
    const char run[] = {*word, *word, *word, *word, *word, *word, *word, *word};
    char *at = memmem(bytes, size, run, sizeof run);
    assert_non_null(at);
    *at = '\0';
  }
  write_all("x.h5", bytes, size);
  free(bytes);
  seal();
}

/* References to two collections in turn, again and again, cost neither more memory nor more time than the file may. */
static void texts_in_turn(void **state) {
  (void)state;
  for (int empty = 0; empty < 2; empty++) {
    lk_strings strings = {0};
    put_turns();
    if (empty) empty_texts();
    lk_h5 *file = open_foreign();
    FAILS(LK_DATA, empty ? "/x refers to text" : "/x refers to more text than the file has",
          lk_h5_read_strings(file, "/x", &strings));
    lk_h5_close(&file);
    lk_strings_release(&strings);
  }
}

/* Raw chunks whose bytes do not have the size of their shape. */
static void put_chunk(const void *bytes, size_t size, unsigned mask, bool fletcher) {
  const hid_t file = begin(), list = chunked(1 << 14), space = space_of(1 << 14);
  if (fletcher) H5Pset_fletcher32(list);
  H5Pset_deflate(list, 1);
  const hid_t data = H5Dcreate2(file, "/x", H5T_STD_I32LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
  assert_true(H5Dwrite_chunk(data, H5P_DEFAULT, mask, (const hsize_t[]){0}, size, bytes) >= 0);
  H5Dclose(data);
  H5Pclose(list);
  H5Sclose(space);
  end(file);
}

static void read_fails(const char *words) {
  static int32_t numbers[1 << 14];
  lk_h5 *file = reopen();
  FAILS(LK_DATA, words, lk_h5_read(file, "/x", LK_INT32, 0, 4, numbers));
  lk_h5_close(&file);
}

static void wild_chunks(void **state) {
  (void)state;
  static char garbage[1 << 16];
  /* A deflate stream of nothing. */
  static const unsigned char empty[64 + 16] = {0x78, 0x01, 0x03, 0, 0, 0, 0, 1};
  put_chunk(empty, 80, 0, false);
  read_fails("/x is damaged: a chunk has the wrong size");
  put_chunk(garbage, 100, 0, false);
  read_fails("/x is damaged: a chunk does not inflate");
  put_chunk(garbage, 100, 1, false); /* marked as stored without the filter */
  read_fails("/x is damaged: a chunk has the wrong size");
  put_chunk(garbage, 2, 0, false);
  read_fails("/x is refused: its shape states more");
  garbage[99] = 1;
  put_chunk(garbage, 100, 2, true);
  read_fails("/x is damaged: a chunk does not agree with its checksum");
  garbage[99] = 0;
  put_chunk(garbage, sizeof garbage, 1, false);
  lk_h5 *file = reopen();
  int32_t numbers[4] = {7};
  OK(lk_h5_read(file, "/x", LK_INT32, 0, 4, numbers)); /* which is valid */
  assert_int_equal(numbers[0], 0);
  lk_h5_close(&file);
}

static void bomb(void **state) {
  (void)state;
  enum { ROWS = 1 << 16 };
  static char stored[1 << 20];
  uint32_t mask;
  hsize_t size = 0;
  hid_t file = begin(), list = chunked(16 * ROWS), space = space_of(16 * ROWS);
  int32_t *zeros = calloc(16 * ROWS, sizeof *zeros);
  H5Pset_deflate(list, 9);
  hid_t data = H5Dcreate2(file, "/x", H5T_STD_I32LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
  H5Dwrite(data, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros);
  H5Fflush(file, H5F_SCOPE_GLOBAL);
  H5Dget_chunk_storage_size(data, (const hsize_t[]){0}, &size);
  assert_true(size < sizeof stored && H5Dread_chunk(data, H5P_DEFAULT, (const hsize_t[]){0}, &mask, stored) >= 0);
  H5Dclose(data);
  H5Pclose(list);
  H5Sclose(space);
  end(file);
  free(zeros);
  put_chunk(stored, (size_t)size, 0, false); /* 4 MiB in a chunk of 64 KiB */
  read_fails("/x is damaged: a chunk does not inflate");
}

static void missing_chunks(void **state) {
  (void)state;
  static int32_t numbers[1 << 16];
  const hsize_t rows = 1 << 12, most = H5S_UNLIMITED;
  const hid_t file = begin(), list = chunked(1 << 12), space = H5Screate_simple(1, &rows, &most);
  const hid_t memory = H5Screate_simple(1, &rows, NULL);
  H5Pset_deflate(list, 1);
  const hid_t data = H5Dcreate2(file, "/x", H5T_STD_I32LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
  H5Dwrite(data, H5T_NATIVE_INT32, memory, space, H5P_DEFAULT, numbers);
  H5Dset_extent(data, (const hsize_t[]){2 << 12});
  assert_true(H5Dclose(data) >= 0);
  H5Pclose(list);
  H5Sclose(space);
  H5Sclose(memory);
  end(file);
  lk_h5 *h5 = reopen();
  OK(lk_h5_read(h5, "/x", LK_INT32, 0, 1 << 12, numbers));
  FAILS(LK_DATA, "/x is damaged: a chunk is missing", lk_h5_read(h5, "/x", LK_INT32, 4000, 200, numbers));
  lk_h5_close(&h5);
}

/* Files as h5py writes them must open: other types and byte orders, chunks along all axes, checksums, strings. */
static void foreign_files_open(void **state) {
  (void)state;
  enum { A = 37, B = 23, C = 5 };
  static int16_t shorts[A * B * C];
  static float back[A * B * C], part[A * B * C];
  static const char *const labels[] = {"one", "", "dr\xc3\xa9i"};
  hid_t file = H5Fcreate("f.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), list = H5Pcreate(H5P_DATASET_CREATE);
  hid_t space = H5Screate_simple(3, (const hsize_t[]){A, B, C}, NULL);
  for (int i = 0; i < A * B * C; i++) shorts[i] = (int16_t)(i * 7919);
  H5Pset_chunk(list, 3, (const hsize_t[]){8, 7, 2});
  H5Pset_shuffle(list);
  H5Pset_deflate(list, 4);
  H5Pset_fletcher32(list);
  hid_t data = H5Dcreate2(file, "/frames", H5T_STD_I16BE, space, H5P_DEFAULT, list, H5P_DEFAULT);
  H5Dwrite(data, H5T_NATIVE_INT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, shorts);
  H5Dclose(data);
  H5Sclose(space);
  H5Pclose(list);
  space = space_of(3);
  const hid_t text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, H5T_VARIABLE);
  data = H5Dcreate2(file, "/labels", text, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(data, text, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels);
  H5Dclose(data);
  H5Sclose(space);
  H5Tclose(text);
  H5Fclose(file);

  lk_h5 *h5;
  lk_type type;
  int dims;
  ptrdiff_t shape[LK_H5_DIMS];
  lk_strings strings = {0};
  FAILS(LK_DATA, "f.h5 is not a Lockstep file: an HDF5 file without a digest", lk_h5_open(&h5, "f.h5", true));
  OK(lk_h5_open_descriptor(&h5, "f.h5", open("f.h5", O_RDONLY | O_CLOEXEC), true)); /* as the child does */
  OK(lk_h5_shape(h5, "/frames", &type, &dims, shape));
  assert_true(type == LK_INT32 && dims == 3 && shape[0] == A && shape[1] == B && shape[2] == C);
  OK(lk_h5_read(h5, "/frames", LK_FLOAT32, 0, A, back));
  for (int i = 0; i < A * B * C; i++) assert_true(back[i] == (float)shorts[i]);
  for (ptrdiff_t row = 0; row < A; row += 5) {
    const ptrdiff_t rows = A - row < 5 ? A - row : 5;
    OK(lk_h5_read(h5, "/frames", LK_FLOAT32, row, rows, part));
    assert_memory_equal(part, back + row * B * C, (size_t)(rows * B * C) * sizeof *part);
  }
  OK(lk_h5_read_strings(h5, "/labels", &strings));
  assert_int_equal(strings.count, 3);
  assert_string_equal(lk_strings_get(&strings, 0), "one");
  assert_string_equal(lk_strings_get(&strings, 1), "");
  assert_string_equal(lk_strings_get(&strings, 2), "dr\xc3\xa9i");
  lk_strings_release(&strings);
  lk_h5_close(&h5);
}

/* The reverse: HDF5 decodes the chunks that our code compressed. */
static void our_chunks_are_good(void **state) {
  (void)state;
  enum { COUNT = 1 << 21, KINDS = 6 };
  static const int chunks[KINDS] = {1, 7, 1000, 1 << 14, 1 << 20, 4096};
  int32_t *numbers = malloc(COUNT * sizeof *numbers), *back = malloc(COUNT * sizeof *back);
  lk_h5 *h5;
  for (int kind = 0; kind < KINDS; kind++) {
    const ptrdiff_t count = kind < 2 ? 500 : COUNT, first = count / 3;
    uint64_t random = 1;
    for (ptrdiff_t i = 0; i < count; i++) {
      const int32_t any = (int32_t)next_random(&random);
      const int32_t of_kind[KINDS] = {any, any % 100, any % 60000, 0, -any, i % 9 ? -1 : any % 5};
      numbers[i] = of_kind[kind];
    }
    OK(lk_h5_create(&h5, "x.h5", kind % 2));
    OK(lk_h5_append(h5, "/x", LK_INT32, 1, &first, numbers, chunks[kind], 1 + kind, NULL));
    OK(lk_h5_append(h5, "/x", LK_INT32, 1, &(ptrdiff_t){count - first}, numbers + first, chunks[kind], 1 + kind, NULL));
    OK(lk_h5_commit(h5));
    lk_h5_close(&h5);
    const hid_t file = H5Fopen("x.h5", H5F_ACC_RDONLY, H5P_DEFAULT), data = H5Dopen2(file, "/x", H5P_DEFAULT);
    assert_true(H5Dread(data, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, back) >= 0);
    assert_memory_equal(back, numbers, (size_t)count * sizeof *back);
    H5Dclose(data);
    H5Fclose(file);
    h5 = reopen();
    memset(back, 0, (size_t)count * sizeof *back);
    OK(lk_h5_read(h5, "/x", LK_INT32, 0, count, back));
    assert_memory_equal(back, numbers, (size_t)count * sizeof *back);
    lk_h5_close(&h5);
  }
  free(numbers);
  free(back);
}

static void strings_are_utf8(void **state) {
  (void)state;
  const hid_t file = begin(), space = space_of(2), text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, 4);
  const hid_t data = H5Dcreate2(file, "/x", text, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(data, text, H5S_ALL, H5S_ALL, H5P_DEFAULT, "good\xff\xfe\0");
  H5Dclose(data);
  H5Tclose(text);
  H5Sclose(space);
  end(file);
  lk_h5 *h5 = reopen();
  lk_strings strings = {0};
  FAILS(LK_DATA, "/x row 1 is not valid UTF-8", lk_h5_read_strings(h5, "/x", &strings));
  lk_strings_release(&strings);
  lk_h5_close(&h5);
}

/* A program in place of the child, which does what the line says. */
static void probe_by(const char *line) {
  static char path[] = "./probe";
  char text[200];
  const int size = snprintf(text, sizeof text, "#!/bin/sh\n%s\n", line);
  (void)remove(path);
  write_all(path, text, (size_t)size);
  assert_int_equal(chmod(path, 0755), 0);
  lk_h5_probe_program(path);
}

static void honest_file(const char *path, int32_t value) {
  lk_h5 *file;
  OK(lk_h5_create(&file, path, true));
  OK(lk_h5_write(file, "/x", LK_INT32, 1, &(ptrdiff_t){1}, &value, 0, NULL));
  OK(lk_h5_commit(file));
  lk_h5_close(&file);
}

/* A file is only accepted when the child answers "0 good" and exits with 0. */
static void a_look_first(void **state) {
  (void)state;
  static const struct {
    const char *line;
    lk_status code;
    const char *words;
  } ends[] = {
      {"kill -SEGV $$", LK_DATA, "a.h5 is refused: it is damaged, or made to crash its reader"},
      {"kill -XCPU $$", LK_DATA, "a.h5 is refused: reading it takes more time or memory"},
      {"exit 0", LK_DATA, "ended without an answer"},
      {"echo '0 good' >&4; exit 1", LK_DATA, "ended without an answer"},
      {"echo '0 good' >&4; kill -ABRT $$", LK_DATA, "signal 6"},
      {"echo '2 a.h5: something else' >&4; exit 65", LK_DATA, "a.h5: something else"},
      {"echo '6 cannot read a.h5' >&4; exit 74", LK_IO, "cannot read a.h5"},
      {"echo '99 a.h5' >&4; exit 65", LK_DATA, "ended without an answer"},
      {"yes >&4", LK_DATA, "takes more time or memory"},
  };
  lk_h5 *file;
  honest_file("a.h5", 1);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    probe_by(ends[i].line);
    FAILS(ends[i].code, ends[i].words, lk_h5_open(&file, "a.h5", true));
  }
  /* Where no process can be started a valid digest is enough. */
  lk_h5_probe_program("/nonexistent");
  OK(lk_h5_open(&file, "a.h5", true));
  lk_h5_close(&file);
  lk_h5_probe_program(NULL);
  /* The answer is remembered for that file only: another file under the same name is checked again. */
  honest_file("a.h5", 2);
  OK(lk_h5_open(&file, "a.h5", true));
  lk_h5_close(&file);
  honest_file("a.h5", 3);
  probe_by("exit 65");
  FAILS(LK_DATA, "without an answer", lk_h5_open(&file, "a.h5", true));
  lk_h5_probe_program(NULL);
}

/* Neither environment variables of HDF5 nor threads matter. */
static void the_childs_environment(void **state) {
  (void)state;
  lk_h5 *file;
  size_t size = 0;
  honest_file("a.h5", 1);
  setenv("HDF5_PLUGIN_PATH", "/tmp/plugins", 1);
  probe_by("env >env.txt; echo 0 good >&4");
  OK(lk_h5_open(&file, "a.h5", true));
  lk_h5_close(&file);
  unsetenv("HDF5_PLUGIN_PATH");
  lk_h5_probe_program(NULL);
  char *text = read_all("env.txt", &size);
  text = realloc(text, size + 1);
  text[size] = 0;
  assert_non_null(strstr(text, "LOCKSTEP_PROBE=own:a.h5\n"));
  assert_non_null(strstr(text, "OPENBLAS_NUM_THREADS=1\n"));
  assert_null(strstr(text, "HDF5_PLUGIN_PATH"));
  free(text);
}

/* No test above allocated a size given by a hostile file: the peak is below 400 MB (including a sanitizer's). */
static void little_memory(void **state) {
  (void)state;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  print_message("peak memory %ld MB\n", usage.ru_maxrss / 1024);
  assert_true(usage.ru_maxrss < 400 * 1024);
}

static herr_t print_nothing(hid_t stack, void *context) {
  (void)stack, (void)context;
  return 0;
}

static void settings_are_restored(void **state) {
  (void)state;
  H5E_auto2_t print = NULL;
  void *context = NULL;
  unsigned plugins = 0;
  int mine = 0;
  lk_h5 *file = NULL;
  lk_h5_restore_settings();
  assert_true(H5Eset_auto2(H5E_DEFAULT, print_nothing, &mine) >= 0 && H5PLset_loading_state(H5PL_FILTER_PLUGIN) >= 0);
  for (int i = 0; i < 2; i++) {
    OK(lk_h5_create(&file, "x.h5", false));
    lk_h5_close(&file);
    assert_true(H5Eget_auto2(H5E_DEFAULT, &print, &context) >= 0 && print == NULL);
  }
  lk_h5_restore_settings();
  assert_true(H5Eget_auto2(H5E_DEFAULT, &print, &context) >= 0 && H5PLget_loading_state(&plugins) >= 0);
  assert_true(print == print_nothing && context == &mine && plugins == H5PL_FILTER_PLUGIN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_scratch, leave_scratch)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(settings_are_restored),
      TEST(honest_files_pass),
      TEST(links),
      TEST(circles),
      TEST(numbers_elsewhere),
      TEST(filters),
      TEST(wild_shapes),
      TEST(wild_types),
      TEST(texts_of_variable_length),
      TEST(texts_in_turn),
      TEST(wild_chunks),
      TEST(bomb),
      TEST(missing_chunks),
      TEST(foreign_files_open),
      TEST(strings_are_utf8),
      TEST(a_look_first),
      TEST(the_childs_environment),
      TEST(little_memory),
      TEST(our_chunks_are_good),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
