#include "reader_impl.h"

#include <string.h>

#include "input.h"
#include "vocab.h"

/* LK_DATA with line and column of byte `at`. The text before it must be valid UTF-8. */
static lk_status bad_byte(const lk_text_file *file, size_t at, const char *what) {
  lk_reader reader = lk_reader_start(file);
  lk_line line = {.text = file->bytes.data, .number = 1};
  while (reader.at <= at && lk_reader_next(&reader, &line)) continue;
  return LK_FAIL(LK_DATA, "%s:%td:%td: %s", file->name, line.number, lk_line_column(&line, file->bytes.data + at),
                 what);
}

static lk_status check_lines(const lk_text_file *file) {
  lk_reader reader = lk_reader_start(file);
  lk_line line;
  while (lk_reader_next(&reader, &line))
    if (line.size > LK_LINE_LIMIT)
      return LK_FAIL(LK_DATA, "%s:%td:1: a line of %.1f MiB, more than %zu MiB", file->name, line.number,
                     (double)line.size / 1048576.0, LK_LINE_LIMIT >> 20);
  return LK_OK;
}

/* Refuse a CR that is not followed by LF (possibly after more CRs: \r\r\n comes from text that was converted twice)
 * or the end of the file. It is the line end of old Macs, in all or part of the file, so it would be ambiguous what
 * a line is. */
static lk_status check_returns(const lk_text_file *file) {
  const char *text = file->bytes.data, *end = text + file->bytes.size, *at = text;
  while ((at = memchr(at, '\r', (size_t)(end - at))) != NULL) {
    const char *behind = at;
    while (behind < end && *behind == '\r') behind++;
    if (behind < end && *behind != '\n')
      return bad_byte(
          file, (size_t)(at - text),
          "a carriage return inside a line; a line ends with LF or CRLF (where CR alone was meant to end it: "
          "tr '\\r' '\\n' <OLD >NEW)");
    at = behind;
  }
  return LK_OK;
}

lk_status lk_text_file_check(const lk_text_file *file) {
  const char *text = file->bytes.data;
  const size_t size = file->bytes.size;
  if (size == file->begin) return LK_FAIL(LK_DATA, "%s:1:1: the file is empty", file->name);
  const size_t valid = lk_utf8_valid(text, size);
  const char *nul = memchr(text, 0, valid);
  if (nul) return bad_byte(file, (size_t)(nul - text), "a NUL byte in a text file");
  if (valid < size) {
    char what[600];
    lk_input_say_invalid(what, sizeof what, text, size, valid, file->name);
    return bad_byte(file, valid, what);
  }
  LK_TRY(check_returns(file));
  return check_lines(file);
}

lk_status lk_text_file_load(lk_text_file *file, const char *path) {
  *file = (lk_text_file){.name = strcmp(path, "-") == 0 ? "<stdin>" : path};
  lk_status status;
  LK_GO(lk_input_read(&file->bytes, path, file->name));
  file->begin = lk_utf8_mark(file->bytes.data, file->bytes.size);
  LK_GO(lk_text_file_check(file));
done:
  if (status != LK_OK) lk_text_file_release(file);
  return status;
}

lk_status lk_text_file_check_words(const lk_text_file *file) {
  lk_reader reader = lk_reader_start(file);
  lk_line line;
  while (lk_reader_next(&reader, &line)) {
    const char *word;
    size_t at = 0, size;
    while (line.size > LK_WORD_LIMIT && lk_unit_next(LK_WORD, line.text, line.size, &at, &word, &size))
      if (size > LK_WORD_LIMIT)
        return LK_FAIL(LK_DATA, "%s:%td:%td: a word of %.1f MiB, more than %zu MiB", file->name, line.number,
                       lk_line_column(&line, word), (double)size / 1048576.0, LK_WORD_LIMIT >> 20);
  }
  return LK_OK;
}

ptrdiff_t lk_text_file_drop_marks(lk_text_file *file, ptrdiff_t *line) {
  char *text = file->bytes.data;
  const size_t size = file->bytes.size;
  size_t from = 0, to = 0, mark;
  ptrdiff_t marks = 0, number = 1;
  *line = 0;
  if (!memmem(text + file->begin, size - file->begin, "\xef\xbb\xbf", 3)) return 0;
  while (from < size) {
    for (; (mark = lk_utf8_mark(text + from, size - from)) > 0; from += mark) {
      if (from < file->begin) continue;
      if (marks++ == 0) *line = number;
    }
    const char *end = memchr(text + from, '\n', size - from);
    const size_t bytes = end ? (size_t)(end + 1 - (text + from)) : size - from;
    memmove(text + to, text + from, bytes);
    from += bytes;
    to += bytes;
    number++;
  }
  file->begin = 0;
  lk_buffer_truncate(&file->bytes, to);
  return marks;
}

ptrdiff_t lk_text_file_inner_marks(const lk_text_file *file, ptrdiff_t *line, ptrdiff_t *column) {
  const char *text = file->bytes.data, *end = text + file->bytes.size, *first = NULL;
  ptrdiff_t marks = 0;
  for (const char *at = text + file->begin; (at = memmem(at, (size_t)(end - at), "\xef\xbb\xbf", 3)) != NULL; at += 3) {
    const unsigned char before = at > text ? (unsigned char)at[-1] : ' ',
                        behind = at + 3 < end ? (unsigned char)at[3] : ' ';
    if (before <= ' ' || behind <= ' ') continue;
    if (marks++ == 0) first = at;
  }
  lk_reader reader = lk_reader_start(file);
  lk_line place = {.text = text, .number = 1};
  while (first && text + reader.at <= first && lk_reader_next(&reader, &place)) continue;
  *line = place.number;
  *column = first ? lk_line_column(&place, first) : 0;
  return marks;
}

void lk_text_file_release(lk_text_file *file) {
  lk_buffer_release(&file->bytes);
  *file = (lk_text_file){0};
}

bool lk_reader_next(lk_reader *reader, lk_line *line) {
  const lk_buffer *bytes = &reader->file->bytes;
  if (reader->at >= bytes->size) return false;
  const char *text = bytes->data + reader->at;
  const size_t left = bytes->size - reader->at;
  const char *end = memchr(text, '\n', left);
  size_t size = end ? (size_t)(end - text) : left;
  reader->at += size + (end != NULL);
  while (size > 0 && text[size - 1] == '\r') size--;
  *line = (lk_line){.text = text, .size = size, .number = ++reader->line, .ended = end != NULL};
  return true;
}
