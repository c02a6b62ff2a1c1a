/* Lines of a text file, and the message for a bad one; the same with blocks of any size, which end anywhere. */
#include "reader_impl.h"

#include "data_fixture.h"

#define BOM "\xef\xbb\xbf"

/* Bytes of a block that end within characters, line ends and marks; the last one is larger than any text here. */
static const char *const sizes[] = {"1", "2", "3", "4", "5", "7", "16", "100000"};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void use_blocks(int i) {
  char text[64];
  (void)snprintf(text, sizeof text, "blocks:bytes=%s", sizes[i]);
  assert_int_equal(setenv("LOCKSTEP_DEBUG", text, 1), 0);
}

static lk_spool spool = {.fd = -1};

static void load(lk_text_file *file, const char *bytes, size_t size) {
  spool.beside = path_of("out.h5");
  assert_int_equal(lk_text_file_load(file, write_bytes("a", bytes, size), &spool), LK_OK);
}

static void assert_line(lk_reader *reader, const char *text, ptrdiff_t number, bool ended) {
  lk_line line;
  bool more;
  assert_int_equal(lk_reader_next(reader, &line, &more), LK_OK);
  assert_true(more);
  assert_int_equal(line.size, strlen(text));
  assert_memory_equal(line.text, text, line.size);
  assert_int_equal(line.number, number);
  assert_int_equal(line.ended, ended);
}

static void assert_end(lk_reader *reader, lk_text_file *file) {
  lk_line line;
  bool more;
  assert_int_equal(lk_reader_next(reader, &line, &more), LK_OK);
  assert_false(more);
  lk_reader_release(reader);
  lk_text_file_release(file);
}

static void lines_end_in_three_ways(void **state) {
  (void)state;
  static const char text[] = BOM "one\r\n\ntwo three\r\r\nlast\r";
  for (int i = 0; i < SIZES; i++) {
    lk_text_file file;
    lk_reader reader = {0};
    use_blocks(i);
    load(&file, text, sizeof text - 1);
    lk_reader_start(&reader, &file);
    for (int pass = 0; pass < 2; pass++) {
      assert_line(&reader, "one", 1, true);
      assert_line(&reader, "", 2, true);
      assert_line(&reader, "two three", 3, true);
      if (pass == 0) lk_reader_seek(&reader, 8, 1); /* the second line, and from there again */
      if (pass == 0) assert_line(&reader, "", 2, true);
      if (pass == 0) lk_reader_start(&reader, &file);
    }
    assert_line(&reader, "last", 4, false);
    assert_end(&reader, &file);
  }
}

static void columns_count_characters(void **state) {
  (void)state;
  lk_text_file file;
  lk_reader reader = {0};
  lk_line line;
  bool more;
  load(&file, "\xc3\xa9\xe2\x82\xacx\n", 7);
  lk_reader_start(&reader, &file);
  assert_int_equal(lk_reader_next(&reader, &line, &more), LK_OK);
  assert_int_equal(lk_line_column(&line, line.text), 1);
  assert_int_equal(lk_line_column(&line, line.text + 5), 3);
  assert_int_equal(lk_line_column(&line, line.text + 6), 4);
  lk_reader_split(&reader, &line, 2); /* the rest is another line, of which a mark would be a part */
  assert_int_equal(line.size, 2);
  assert_line(&reader, "\xe2\x82\xacx", 1, true);
  assert_end(&reader, &file);
}

static void refused(const char *bytes, size_t size, const char *words) {
  lk_text_file file;
  spool.beside = path_of("out.h5");
  for (int i = 0; i < SIZES; i++) {
    use_blocks(i);
    assert_fails(lk_text_file_load(&file, write_bytes("bad.txt", bytes, size), &spool), LK_DATA, words);
  }
}

static void bad_bytes_are_named_by_line_and_column(void **state) {
  (void)state;
  refused("fine\n\xc3\xa9\xc3\xa9 \xff\n", 12, "%s/bad.txt:2:4: not valid UTF-8: byte 0xff");
  refused("\xc0\x80", 2, "%s/bad.txt:1:1: not valid UTF-8: byte 0xc0");           /* overlong */
  refused("a\n\nb\xed\xa0\x80", 7, "%s/bad.txt:3:2: not valid UTF-8: byte 0xed"); /* a surrogate */
  refused("abc\xe2\x82", 5, "%s/bad.txt:1:4: not valid UTF-8: byte 0xe2");        /* cut off */
  refused("abc\n\x80", 5, "%s/bad.txt:2:1: not valid UTF-8: byte 0x80");
  refused("a\r\nb\0c", 6, "%s/bad.txt:2:2: a NUL byte in a text file");
  refused(BOM "a\xfe", 5, "%s/bad.txt:1:2: not valid UTF-8: byte 0xfe");
}

/* Carriage returns as line ends: all of them, one among others, and one at the beginning. */
#define RETURN                                                                                         \
  "a carriage return inside a line; a line ends with LF or CRLF (where CR alone was meant to end it: " \
  "tr '\\r' '\\n' <OLD >NEW)"
static void lone_returns_are_refused(void **state) {
  (void)state;
  refused("one\rtwo\r", 8, "%s/bad.txt:1:4: " RETURN);
  refused("one\r\ntw\xc3\xb6\rthree\n", 16, "%s/bad.txt:2:4: " RETURN);
  refused("one\n\r\rtwo\n", 10, "%s/bad.txt:2:1: " RETURN);
  refused("\xef\xbb\xbf\rx", 5, "%s/bad.txt:1:1: " RETURN);
}

/* Concatenated files: byte-order marks at the beginning of lines are not part of the text, inside a line they are. */
static void marks_of_joined_files(void **state) {
  (void)state;
  static const char joined[] = BOM "one\n" BOM BOM "two" BOM "x\r\n\n" BOM "\n" BOM;
  static const char inside[] = BOM "\xc3\xa9\n" BOM "n t" BOM "wo" BOM BOM "\n " BOM "x" BOM;
  for (int i = 0; i < SIZES; i++) {
    lk_text_file file;
    lk_reader reader = {0};
    use_blocks(i);
    load(&file, joined, sizeof joined - 1);
    assert_int_equal(file.left_out.count, 4);
    assert_int_equal(file.left_out.line, 2);
    assert_int_equal(file.inner.count, 1);
    assert_int_equal(file.inner.line, 2);
    assert_int_equal(file.inner.column, 4);
    lk_reader_start(&reader, &file);
    assert_line(&reader, "one", 1, true);
    assert_line(&reader, "two" BOM "x", 2, true);
    assert_line(&reader, "", 3, true);
    assert_line(&reader, "", 4, true);
    assert_end(&reader, &file);
    load(&file, inside, sizeof inside - 1);
    assert_int_equal(file.left_out.count, 1);
    assert_int_equal(file.inner.count, 2); /* not one before a line end, behind a blank, or at the end of the file */
    assert_int_equal(file.inner.column, 4);
    lk_reader_start(&reader, &file);
    assert_line(&reader, "\xc3\xa9", 1, true);
    assert_line(&reader, "n t" BOM "wo" BOM BOM, 2, true);
    assert_line(&reader, " " BOM "x" BOM, 3, false);
    assert_end(&reader, &file);
  }
}

static void empty_files_are_refused(void **state) {
  (void)state;
  refused("", 0, "%s/bad.txt:1:1: the file is empty");
  refused(BOM, 3, "%s/bad.txt:1:1: the file is empty");
}

static void a_line_over_the_limit(void **state) {
  (void)state;
  const size_t size = LK_LINE_LIMIT + 4;
  char *bytes = malloc(size);
  lk_text_file file;
  lk_reader reader = {0};
  lk_line line;
  bool more;
  assert_non_null(bytes);
  memset(bytes, 'x', size);
  bytes[1] = '\n';
  assert_int_equal(unsetenv("LOCKSTEP_DEBUG"), 0);
  assert_fails(lk_text_file_load(&file, write_bytes("bad.txt", bytes, size), &spool), LK_DATA,
               "%s/bad.txt:2:1: a line of 64.0 MiB, more than 64 MiB");
  load(&file, bytes, size - 2);
  lk_reader_start(&reader, &file);
  assert_line(&reader, "x", 1, true);
  assert_int_equal(lk_reader_next(&reader, &line, &more), LK_OK);
  assert_int_equal(line.size, LK_LINE_LIMIT);
  assert_end(&reader, &file);
  free(bytes);
}

/* A file that others write to between two passes: whatever they change, before a byte of it is used. */
static void changed_files_are_refused(void **state) {
  (void)state;
  static const char text[] = "one\ntwo\nthree\nfour\n";
  static const struct {
    const char *then;
    int lines; /* that can be read before */
  } cases[] = {{"one\ntwo\nthrEe\nfour\n", 2}, {"one\ntwo\nth", 2}, {"", 0}, {"one\ntwo\nthree\nfour\nfive\n", 3}};
  assert_int_equal(setenv("LOCKSTEP_DEBUG", "blocks:bytes=5", 1), 0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lk_text_file file;
    lk_reader reader = {0};
    lk_line line;
    bool more = true;
    int lines = 0;
    load(&file, text, sizeof text - 1);
    (void)write_text("a", cases[i].then);
    lk_reader_start(&reader, &file);
    lk_status status = lk_reader_next(&reader, &line, &more);
    for (; status == LK_OK && more; lines++) status = lk_reader_next(&reader, &line, &more);
    assert_fails(
        status, LK_DATA,
        "%s/a: it was changed while it was read; it is read more than once, and has to stay as it is until then");
    assert_int_equal(lines, cases[i].lines);
    lk_reader_release(&reader);
    lk_text_file_release(&file);
  }
}

static void a_missing_file(void **state) {
  (void)state;
  lk_text_file file;
  assert_int_equal(lk_text_file_load(&file, path_of("none"), &spool), LK_IO);
  assert_non_null(strstr(lk_error_get()->text, path_of("none")));
  lk_error_clear();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(lines_end_in_three_ways),
                                     cmocka_unit_test(columns_count_characters),
                                     cmocka_unit_test(bad_bytes_are_named_by_line_and_column),
                                     cmocka_unit_test(lone_returns_are_refused),
                                     cmocka_unit_test(marks_of_joined_files),
                                     cmocka_unit_test(empty_files_are_refused),
                                     cmocka_unit_test(a_line_over_the_limit),
                                     cmocka_unit_test(changed_files_are_refused),
                                     cmocka_unit_test(a_missing_file)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
