/* Lines of a text file, and the message for a bad one. */
#include "reader_impl.h"

#include "data_fixture.h"

#define BOM "\xef\xbb\xbf"

static void assert_line(lk_reader *reader, const char *text, ptrdiff_t number, bool ended) {
  lk_line line;
  assert_true(lk_reader_next(reader, &line));
  assert_int_equal(line.size, strlen(text));
  assert_memory_equal(line.text, text, line.size);
  assert_int_equal(line.number, number);
  assert_int_equal(line.ended, ended);
}

static void lines_end_in_three_ways(void **state) {
  (void)state;
  lk_text_file file;
  lk_line line;
  assert_int_equal(lk_text_file_load(&file, write_text("a", "\xef\xbb\xbfone\r\n\ntwo three\r\r\nlast\r")), LK_OK);
  lk_reader reader = lk_reader_start(&file);
  assert_line(&reader, "one", 1, true);
  assert_line(&reader, "", 2, true);
  assert_line(&reader, "two three", 3, true);
  assert_line(&reader, "last", 4, false);
  assert_false(lk_reader_next(&reader, &line));
  lk_text_file_release(&file);
}

static void columns_count_characters(void **state) {
  (void)state;
  lk_text_file file;
  lk_line line;
  assert_int_equal(lk_text_file_load(&file, write_text("a", "\xc3\xa9\xe2\x82\xacx\n")), LK_OK);
  lk_reader reader = lk_reader_start(&file);
  assert_true(lk_reader_next(&reader, &line));
  assert_int_equal(lk_line_column(&line, line.text), 1);
  assert_int_equal(lk_line_column(&line, line.text + 5), 3);
  assert_int_equal(lk_line_column(&line, line.text + 6), 4);
  lk_text_file_release(&file);
}

static void refused(const char *bytes, size_t size, const char *words) {
  lk_text_file file;
  assert_fails(lk_text_file_load(&file, write_bytes("bad.txt", bytes, size)), LK_DATA, words);
}

static void bad_bytes_are_named_by_line_and_column(void **state) {
  (void)state;
  refused("fine\n\xc3\xa9\xc3\xa9 \xff\n", 12, "%s/bad.txt:2:4: not valid UTF-8: byte 0xff");
  refused("\xc0\x80", 2, "%s/bad.txt:1:1: not valid UTF-8: byte 0xc0");           /* overlong */
  refused("a\n\nb\xed\xa0\x80", 7, "%s/bad.txt:3:2: not valid UTF-8: byte 0xed"); /* a surrogate */
  refused("abc\xe2\x82", 5, "%s/bad.txt:1:4: not valid UTF-8: byte 0xe2");        /* cut off */
  refused("abc\n\x80", 5, "%s/bad.txt:2:1: not valid UTF-8: byte 0x80");
  refused("a\r\nb\0c", 6, "%s/bad.txt:2:2: a NUL byte in a text file");
  refused(
      "\xef\xbb\xbf"
      "a\xfe",
      5, "%s/bad.txt:1:2: not valid UTF-8: byte 0xfe");
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
  lk_text_file file;
  lk_line line;
  ptrdiff_t first;
  assert_int_equal(lk_text_file_load(&file, write_text("a", BOM "one\n" BOM BOM "two" BOM "x\r\n\n" BOM "\n" BOM)),
                   LK_OK);
  assert_int_equal(lk_text_file_drop_marks(&file, &first), 4);
  assert_int_equal(first, 2);
  lk_reader reader = lk_reader_start(&file);
  assert_line(&reader, "one", 1, true);
  assert_line(&reader, "two" BOM "x", 2, true);
  assert_line(&reader, "", 3, true);
  assert_line(&reader, "", 4, true);
  assert_false(lk_reader_next(&reader, &line));
  lk_text_file_release(&file);
  assert_int_equal(lk_text_file_load(&file, write_text("a", BOM "one\nt" BOM "wo\n")), LK_OK);
  assert_int_equal(lk_text_file_drop_marks(&file, &first), 0);
  reader = lk_reader_start(&file);
  assert_line(&reader, "one", 1, true);
  assert_line(&reader, "t" BOM "wo", 2, true);
  lk_text_file_release(&file);
}

static void empty_files_are_refused(void **state) {
  (void)state;
  refused("", 0, "%s/bad.txt:1:1: the file is empty");
  refused("\xef\xbb\xbf", 3, "%s/bad.txt:1:1: the file is empty");
}

static void a_line_over_the_limit(void **state) {
  (void)state;
  const size_t size = LK_LINE_LIMIT + 4;
  char *bytes = malloc(size);
  assert_non_null(bytes);
  memset(bytes, 'x', size);
  bytes[1] = '\n';
  refused(bytes, size, "%s/bad.txt:2:1: a line of 64.0 MiB, more than 64 MiB");
  lk_text_file file;
  assert_int_equal(lk_text_file_load(&file, write_bytes("good", bytes, size - 2)), LK_OK);
  lk_text_file_release(&file);
  free(bytes);
}

static void a_missing_file(void **state) {
  (void)state;
  lk_text_file file;
  assert_int_equal(lk_text_file_load(&file, path_of("none")), LK_IO);
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
                                     cmocka_unit_test(a_missing_file)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
