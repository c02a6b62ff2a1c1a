/* Input files before they are text: compressed in four ways, damaged, archives, other encodings. */
#include "input.h"

#include <archive.h>
#include <archive_entry.h>

#include "store_fixture.h"

typedef int add_filter(struct archive *);
static const struct {
  const char *name;
  add_filter *add;
} filters[] = {{"gzip", archive_write_add_filter_gzip},
               {"xz", archive_write_add_filter_xz},
               {"zstd", archive_write_add_filter_zstd},
               {"bzip2", archive_write_add_filter_bzip2}};
enum { FILTERS = sizeof filters / sizeof *filters, ROOM = 4 << 20 };
static char packed[ROOM];

/* Bytes behind a filter, `times` in a row, in packed; returns their size. */
static size_t pack(add_filter *add, const char *text, size_t size, size_t blocks) {
  size_t used = 0;
  struct archive *archive = archive_write_new();
  struct archive_entry *entry = archive_entry_new();
  assert_true(add(archive) >= ARCHIVE_WARN);
  archive_write_set_format_raw(archive);
  archive_write_set_bytes_in_last_block(archive, 1);
  assert_int_equal(archive_write_open_memory(archive, packed, ROOM, &used), ARCHIVE_OK);
  archive_entry_set_filetype(entry, AE_IFREG);
  assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
  for (size_t i = 0; i < blocks; i++) assert_int_equal(archive_write_data(archive, text, size), size);
  archive_entry_free(entry);
  assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
  archive_write_free(archive);
  return used;
}

static size_t make_text(char *text, size_t room) {
  size_t size = 0;
  uint64_t random = 1;
  while (size + 16 < room) size += (size_t)sprintf(text + size, "word%u ", next_random(&random) % 1000);
  text[size - 1] = '\n';
  return size;
}

/* A file as prepare sees it, in blocks. */
static lk_status read_back(lk_buffer *back, const char *path) {
  lk_spool spool = {.fd = -1, .beside = "x"};
  lk_blocks blocks;
  lk_status status = lk_input_open(&blocks, path, path, &spool);
  char *block = malloc(blocks.block + 1);
  size_t got = 1;
  assert_non_null(block);
  for (ptrdiff_t i = 0; status == LK_OK && got > 0; i++) {
    status = lk_blocks_read(&blocks, i, block, &got);
    if (status == LK_OK) status = lk_buffer_append(back, block, got);
  }
  free(block);
  lk_blocks_close(&blocks);
  lk_spool_close(&spool);
  return status;
}

/* And as it is in memory. */
static lk_status unwrap(lk_buffer *back, const char *path) {
  OK(lk_buffer_read_file(back, path));
  return lk_input_unwrap(back, path);
}

#define IS(text, size, path) assert_text(text, size, path, __LINE__)
static void assert_text(const char *text, size_t size, const char *path, int line) {
  lk_buffer back = {0}, same = {0};
  OK(read_back(&back, path));
  OK(unwrap(&same, path));
  assert_int_equal(same.size, back.size);
  if (size) assert_memory_equal(same.data, back.data, size);
  lk_buffer_release(&same);
  if (back.size != size || (size && memcmp(back.data, text, size) != 0)) print_error("line %d: another text\n", line);
  assert_int_equal(back.size, size);
  if (size) assert_memory_equal(back.data, text, size);
  lk_buffer_release(&back);
}

static void refused(const char *words, const void *bytes, size_t size) {
  lk_buffer back = {0};
  write_all("f", bytes, size);
  FAILS(LK_DATA, words, read_back(&back, "f"));
  assert_null(back.data);
  FAILS(LK_DATA, words, unwrap(&back, "f"));
  lk_buffer_release(&back);
}
#define REFUSED(words, literal) refused(words, literal, sizeof(literal) - 1)

/* Whatever their name, and several concatenated as by `cat a.gz b.gz`. */
static void compressed_text_comes_back(void **state) {
  (void)state;
  static char text[600000], twice[1200000];
  const size_t size = make_text(text, sizeof text);
  memcpy(twice, text, size);
  memcpy(twice + size, text, size);
  for (int i = 0; i < FILTERS; i++) {
    const size_t used = pack(filters[i].add, text, size, 1);
    assert_true(used < size / 2);
    write_all("plain.txt", packed, used);
    IS(text, size, "plain.txt");
    memcpy(packed + used, packed, used);
    write_all("x", packed, 2 * used);
    IS(twice, 2 * size, "x");
    write_all("x", packed, pack(filters[i].add, "", 0, 0)); /* an empty one: the reader reports that */
    IS("", 0, "x");
  }
  write_all("BZh.txt", "BZh is no magic alone\n", 22);
  IS("BZh is no magic alone\n", 22, "BZh.txt");
}

/* Truncated anywhere, or with one bit flipped anywhere: the text or LK_DATA, never another text. (Frames that
 * libarchive's zstd writes have no checksum.) */
static void damage_never_passes(void **state) {
  (void)state;
  static char text[1200], spoiled[ROOM];
  const size_t size = make_text(text, sizeof text);
  for (int i = 0; i < FILTERS; i++) {
    const size_t used = pack(filters[i].add, text, size, 1);
    const bool checked = strcmp(filters[i].name, "zstd") != 0;
    int found = 0;
    for (size_t at = 10; at < used; at++) {
      lk_buffer back = {0};
      write_all("x", packed, at);
      FAILS(LK_DATA, "x: ", read_back(&back, "x"));
      memcpy(spoiled, packed, used);
      spoiled[at] ^= (char)(1 << at % 8);
      write_all("x", spoiled, used);
      const lk_status status = read_back(&back, "x");
      assert_true(status == LK_OK || status == LK_DATA);
      if (status == LK_OK && checked) assert_true(back.size == size && memcmp(back.data, text, size) == 0);
      found += status == LK_DATA;
      lk_error_clear();
      lk_buffer_release(&back);
    }
    assert_true(!checked || found > (int)used * 8 / 10);
  }
  const size_t used = pack(filters[0].add, text, size, 1);
  memcpy(packed + used, "more", 4);
  refused("compressed with gzip, and damaged: other bytes follow its end", packed, used + 4);
  memset(packed + used, 0, 100); /* a tape's padding */
  write_all("x", packed, used + 100);
  IS(text, size, "x");
}

static void bombs_are_stopped(void **state) {
  (void)state;
  static char zeros[1 << 20];
  for (int i = 0; i < FILTERS; i += 2) {
    refused("become more than 64 MiB (the limit is 50 times their size, at least 64 MiB)", packed,
            pack(filters[i].add, zeros, sizeof zeros, 65));
    write_all("x", packed, pack(filters[i].add, zeros, sizeof zeros, 64));
    lk_buffer back = {0};
    OK(read_back(&back, "x"));
    assert_int_equal(back.size, sizeof zeros * 64);
    lk_buffer_release(&back);
  }
}

static void no_texts_are_named(void **state) {
  (void)state;
  static char tar[1024];
  REFUSED("f: a zip archive (.docx and .xlsx are such, too), no text: unpack it first (unzip)", "PK\3\4and so on");
  memcpy(tar + 257, "ustar  ", 8);
  refused("f: a tar archive, no text: unpack it first (tar xf)", tar, sizeof tar);
  refused("f: a tar archive", packed, pack(filters[1].add, tar, sizeof tar, 1));
  write_all("x", "PAR1 and LZIP are words, too\n", 29);
  IS("PAR1 and LZIP are words, too\n", 29, "x");
  REFUSED("f: an HDF5 file, no text: only 'lockstep prepare frames' reads HDF5", "\x89HDF\r\n\x1a\n");
  REFUSED("f: a corpus or a checkpoint of Lockstep", "lockstep xxh3-128 00");
  REFUSED("f: a NumPy array", "\x93NUMPY and more");
  char once[4096];
  const size_t used = pack(filters[1].add, "text\n", 5, 1);
  memcpy(once, packed, used);
  refused("f: compressed twice, the second time with xz", packed, pack(filters[0].add, once, used, 1));
}

/* Text in units of `width` bytes; the characters are below U+10000. */
static size_t widen(char *out, const char *mark, size_t mark_size, const unsigned *text, size_t count, int width,
                    bool big) {
  size_t size = mark_size;
  memcpy(out, mark, mark_size);
  for (size_t i = 0; i < count; i++)
    for (int b = 0; b < width; b++) out[size++] = (char)(text[i] >> 8 * (big ? width - 1 - b : b));
  return size;
}

static void wide_encodings_are_named(void **state) {
  (void)state;
  static const unsigned words[] = {'O', 'l', 0xe1, ' ', 0x4e2d, 0x6587, ' ', 0x44f, '\r', '\n', 'x', '\n'};
  enum { COUNT = sizeof words / sizeof *words };
  char bytes[100];
  refused("f: the text is in UTF-16 (it has a byte order mark), expected UTF-8: iconv -f UTF-16 -t UTF-8 f >NEW", bytes,
          widen(bytes, "\xff\xfe", 2, words, COUNT, 2, false));
  refused("is in UTF-16 (it has", bytes, widen(bytes, "\xfe\xff", 2, words, COUNT, 2, true));
  refused("is in UTF-16LE (a guess, without a byte order mark), expected UTF-8: iconv -f UTF-16LE -t UTF-8 f >NEW",
          bytes, widen(bytes, "", 0, words, COUNT, 2, false));
  refused("iconv -f UTF-16BE -t", bytes, widen(bytes, "", 0, words, COUNT, 2, true));
  refused("iconv -f UTF-16LE -t", bytes, widen(bytes, "", 0, words + 4, 6, 2, false)); /* hardly an ASCII letter */
  refused("iconv -f UTF-16BE -t", bytes, widen(bytes, "", 0, words + 4, 6, 2, true));
  refused("iconv -f UTF-32 -t", bytes, widen(bytes, "\xff\xfe\0\0", 4, words, COUNT, 4, false));
  refused("iconv -f UTF-32LE -t", bytes, widen(bytes, "", 0, words, COUNT, 4, false));
  refused("iconv -f UTF-32BE -t", bytes, widen(bytes, "", 0, words, COUNT, 4, true));
  write_all("x", "a NUL\0 alone is no encoding\n", 28);
  IS("a NUL\0 alone is no encoding\n", 28, "x");
}

static void bytes_are_guessed(void **state) {
  (void)state;
  static const struct {
    const char *text, *words;
  } cases[] = {
      {"el ni\xf1o est\xe1 aqu\xed\n",
       "byte 0xf1; the text looks like ISO-8859-1: iconv -f ISO-8859-1 -t UTF-8 'my file' >NEW"},
      {"caf\xe9 noir\n", "iconv -f ISO-8859-1 -t"},
      {"it\x92s \x93good\x94\n", "byte 0x92; the text looks like WINDOWS-1252: iconv -f WINDOWS-1252 -t UTF-8"},
      {"\xcf\xf0\xe8\xe2\xe5\xf2 \xec\xe8\xf0\n",
       "looks like WINDOWS-1251 or another encoding of its kind: iconv -f WINDOWS-1251"},
      {"\xf0\xd2\xc9\xd7\xc5\xd4 \xcd\xc9\xd2\n", "iconv -f KOI8-R"},
      {"\xd6\xd0\xb9\xfa\xc8\xcb\xc3\xf1\xb9\xb2\xba\xcd\xb9\xfa\n", "iconv -f GB18030"},
  };
  char words[600];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const size_t size = strlen(cases[i].text), valid = lk_utf8_valid(cases[i].text, size);
    lk_input_say_invalid(words, sizeof words, cases[i].text, size, valid, false, "my file");
    if (!strstr(words, cases[i].words)) print_error("%s\n", words);
    assert_non_null(strstr(words, cases[i].words));
  }
  /* UTF-8 with one mistake, and binary data: no guess of an encoding; a pipe has no file name */
  static const char slip[] = "na\xc3\xafve \xc3\xa9t\xc3\xa9 \xff\n", noise[] = "\x01\x02\xff\x81\x07\x1b\x90\x03";
  lk_input_say_invalid(words, sizeof words, slip, sizeof slip - 1, lk_utf8_valid(slip, sizeof slip - 1), false, "f");
  assert_string_equal(words, "not valid UTF-8: byte 0xff");
  lk_input_say_invalid(words, sizeof words, "cut off: \xe2\x82", 11, 9, false, "f");
  assert_string_equal(words, "not valid UTF-8: byte 0xe2");
  lk_input_say_invalid(words, sizeof words, noise, sizeof noise - 1, 2, false, "f");
  assert_string_equal(words, "not valid UTF-8: byte 0xff");
  lk_input_say_invalid(words, sizeof words, "caf\xe9 noir\n", 10, 3, false, "<stdin>");
  assert_non_null(strstr(words, "put `iconv -f ISO-8859-1 -t UTF-8` before it"));
}

static void hdf5_is_known_by_its_signature(void **state) {
  (void)state;
  static char bytes[8192];
  static const size_t places[] = {0, 512, 1024, 2048, 4096}, others[] = {8, 256, 1536, 3000};
  for (size_t i = 0; i < 5; i++) {
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes + places[i], "\x89HDF\r\n\x1a\n", 8);
    write_all("any.name", bytes, sizeof bytes);
    assert_true(lk_input_is_hdf5("any.name"));
  }
  for (size_t i = 0; i < 4; i++) {
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes + others[i], "\x89HDF\r\n\x1a\n", 8);
    write_all("any.h5", bytes, sizeof bytes);
    assert_false(lk_input_is_hdf5("any.h5"));
  }
  assert_false(lk_input_is_hdf5("none") || lk_input_is_hdf5(".") || lk_input_is_hdf5("/dev/zero"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_scratch, leave_scratch)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(compressed_text_comes_back),
      TEST(damage_never_passes),
      TEST(bombs_are_stopped),
      TEST(no_texts_are_named),
      TEST(wide_encodings_are_named),
      TEST(bytes_are_guessed),
      TEST(hdf5_is_known_by_its_signature),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
