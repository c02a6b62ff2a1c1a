/* reader_check.c - validates a text block by block, and finds its digest and its byte order marks.
 *
 * Whatever lies across the end of a block is carried: an unfinished character in bytes, all else in a few numbers. The
 * first mistake of the text is reported, so that the message does not depend on the size of a block. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "hash.h"
#include "input.h"
#include "reader_impl.h"
#include "work.h"

enum { CHARACTER = 4, AROUND = 1 << 15 }; /* most bytes of a character; bytes looked at to guess an encoding */

typedef struct spot {
  ptrdiff_t line, column;
} spot;

typedef struct checker {
  lk_text_file *file;
  uint64_t at;          /* of the bytes at hand */
  uint64_t begin;       /* of the text: behind the mark of the file */
  uint64_t line_at;     /* where the present line begins */
  ptrdiff_t line;       /* its number */
  ptrdiff_t characters; /* of it, before the bytes at hand; of these, marks that are left out: */
  ptrdiff_t left_out;
  bool starts;   /* it has nothing but marks so far */
  bool returned; /* the bytes before ended with "\r", which began at: */
  spot carriage;
  bool marked; /* the bytes before ended with a mark behind a character that is no white space, which is at: */
  spot mark;
  unsigned char last; /* the byte before */
} checker;

static lk_status refuse(const checker *c, spot at, const char *what) {
  return LK_FAIL(LK_DATA, "%s:%td:%td: %s", c->file->name, at.line, at.column, what);
}

/* ---- byte order marks ---- */

static void note(lk_text_marks *marks, spot at) {
  if (marks->count++ == 0) marks->line = at.line, marks->column = at.column;
}

/* Marks at the beginning of a line; returns their bytes. */
static size_t take_marks(checker *c, const char *text, size_t size) {
  size_t at = 0;
  for (; c->starts && lk_utf8_mark(text + at, size - at) > 0; at += 3) {
    note(&c->file->left_out, (spot){c->line, 1});
    c->left_out++;
  }
  if (at < size) c->starts = false;
  return at;
}

/* Marks inside a piece of a line that begins with none: what follows the last one may be in the next piece. */
static void find_inner_marks(checker *c, const char *line, const char *text, const char *end) {
  if (c->marked && text < end && (unsigned char)*text > ' ') note(&c->file->inner, c->mark);
  c->marked = false;
  for (const char *at = text; (at = memmem(at, (size_t)(end - at), "\xef\xbb\xbf", 3)) != NULL; at += 3) {
    const unsigned char before = at > text ? (unsigned char)at[-1] : c->last;
    const spot here = {c->line, c->characters - c->left_out + (ptrdiff_t)lk_utf8_count(line, (size_t)(at - line)) + 1};
    if (before <= ' ') continue;
    if (at + 3 == end) c->marked = true, c->mark = here;
    if (at + 3 < end && (unsigned char)at[3] > ' ') note(&c->file->inner, here);
  }
}

/* ---- pieces of a line ---- */

/* Refuse a CR that is not followed by LF (possibly after more CRs: \r\r\n comes from text that was converted twice) or
 * the end of the file. It is the line end of old Macs, in all or part of the file, so it would be ambiguous what a line
 * is. */
static lk_status check_returns(checker *c, const char *text, const char *end) {
  static const char what[] =
      "a carriage return inside a line; a line ends with LF or CRLF (where CR alone was meant to end it: "
      "tr '\\r' '\\n' <OLD >NEW)";
  for (const char *at = text; at < end; at++) {
    if (*at != '\r' && c->returned) return refuse(c, c->carriage, what);
    if (*at != '\r') at = memchr(at, '\r', (size_t)(end - at));
    if (!at) return LK_OK;
    if (!c->returned)
      c->carriage = (spot){c->line, c->characters + (ptrdiff_t)lk_utf8_count(text, (size_t)(at - text)) + 1};
    c->returned = true;
  }
  return LK_OK;
}

/* A piece of a line, without its line end. */
static lk_status check_piece(checker *c, const char *text, const char *end, bool returns, bool marks) {
  if (!marks && !c->marked) {
    c->starts &= text == end;
  } else {
    const size_t out = take_marks(c, text, (size_t)(end - text));
    find_inner_marks(c, text, text + out, end);
  }
  return returns || c->returned ? check_returns(c, text, end) : LK_OK;
}

static lk_status end_line(checker *c, uint64_t end) {
  const uint64_t bytes = end - c->line_at;
  if (bytes > c->file->longest) c->file->longest = bytes;
  if (bytes <= LK_LINE_LIMIT) return LK_OK;
  return LK_FAIL(LK_DATA, "%s:%td:1: a line of %.1f MiB, more than %zu MiB", c->file->name, c->line,
                 (double)bytes / 1048576.0, LK_LINE_LIMIT >> 20);
}

/* Bytes that are valid UTF-8 without NUL. */
static lk_status check_lines(checker *c, const char *text, size_t size) {
  const char *end = text + size;
  const bool returns = memchr(text, '\r', size) != NULL, marks = memchr(text, 0xef, size) != NULL;
  for (const char *at = text; at < end;) {
    const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
    LK_TRY(check_piece(c, at, stop, returns, marks));
    if (stop > at) c->last = (unsigned char)stop[-1];
    if (!newline) {
      c->characters += (ptrdiff_t)lk_utf8_count(at, (size_t)(stop - at));
      break;
    }
    LK_TRY(end_line(c, c->at + (uint64_t)(newline - text)));
    at = newline + 1;
    c->line_at = c->at + (uint64_t)(at - text);
    c->line++;
    c->characters = c->left_out = 0;
    c->starts = true;
    c->returned = c->marked = false;
    c->last = '\n';
  }
  c->at += size;
  return LK_OK;
}

/* ---- bytes ---- */

/* The text around byte `at`, to guess its encoding. */
static lk_status say_invalid(const checker *c, uint64_t at, spot where) {
  lk_text_file *file = c->file;
  lk_blocks *blocks = &file->blocks;
  const uint64_t from = at < AROUND ? 0 : at - AROUND, to = at + AROUND < file->size ? at + AROUND : file->size;
  lk_buffer around = {0};
  char what[600], *block = NULL;
  lk_status status = LK_OK;
  if (file->text) LK_GO(lk_buffer_append(&around, file->text + from, (size_t)(to - from)));
  if (!file->text) LK_GO(lk_alloc(&block, blocks->block, 1));
  for (ptrdiff_t i = file->text ? PTRDIFF_MAX : (ptrdiff_t)(from / blocks->block); around.size < to - from; i++) {
    const uint64_t begin = (uint64_t)i * blocks->block;
    const size_t skip = begin < from ? (size_t)(from - begin) : 0;
    size_t got;
    LK_GO(lk_blocks_read(blocks, i, block, &got));
    LK_GO(lk_buffer_append(&around, block + skip, got - skip));
  }
  lk_input_say_invalid(what, sizeof what, around.data, (size_t)(to - from), (size_t)(at - from), c->begin > 0,
                       file->name);
  status = refuse(c, where, what);
done:
  lk_buffer_release(&around);
  free(block);
  return status;
}

/* Check bytes but for an unfinished character at their end; *used is what was checked. */
static lk_status check_bytes(checker *c, const char *text, size_t size, bool last, size_t *used) {
  const size_t valid = lk_utf8_valid(text, size);
  const char *nul = memchr(text, 0, valid);
  const size_t good = nul ? (size_t)(nul - text) : valid;
  size_t mark = 0;
  if (c->at == 0 && !c->file->text) mark = c->begin = lk_utf8_mark(text, good);
  c->at += mark;
  if (c->at == c->begin) c->line_at = c->begin;
  LK_TRY(check_lines(c, text + mark, good - mark));
  *used = good;
  const spot here = {c->line, c->characters + 1};
  if (nul) return refuse(c, here, "a NUL byte in a text file");
  if (good < size && (last || size - good >= CHARACTER)) return say_invalid(c, c->at, here);
  return LK_OK;
}

static lk_status finish(checker *c) {
  if (c->at == c->begin) return LK_FAIL(LK_DATA, "%s:1:1: the file is empty", c->file->name);
  return end_line(c, c->at);
}

static checker begin(lk_text_file *file) {
  file->left_out = file->inner = (lk_text_marks){0};
  file->longest = 0;
  return (checker){.file = file, .line = file->before + 1, .starts = true, .last = '\n'};
}

lk_status lk_text_file_check(lk_text_file *file) {
  checker c = begin(file);
  size_t used;
  LK_TRY(check_bytes(&c, file->text, (size_t)file->size, true, &used));
  return finish(&c);
}

static lk_status check_blocks(lk_text_file *file, lk_hash *hash, char *bytes) {
  checker c = begin(file);
  size_t carried = 0, got = 1, used;
  for (ptrdiff_t i = 0; got > 0; i++) {
    LK_TRY(lk_blocks_read(&file->blocks, i, bytes + carried, &got));
    lk_hash_update(hash, bytes + carried, got);
    LK_TRY(check_bytes(&c, bytes, carried + got, got == 0, &used));
    carried += got - used;
    memmove(bytes, bytes + used, carried);
    lk_work_at((double)c.at);
  }
  lk_hash_final(hash, file->digest);
  return finish(&c);
}

lk_status lk_text_file_load(lk_text_file *file, const char *path, lk_spool *spool) {
  lk_status status;
  lk_hash *hash = NULL;
  char *bytes = NULL;
  *file = (lk_text_file){.name = strcmp(path, "-") == 0 ? "<stdin>" : path};
  LK_GO(lk_input_open(&file->blocks, path, file->name, spool));
  file->size = file->blocks.size;
  LK_GO(lk_hash_create(&hash));
  LK_GO(lk_alloc(&bytes, file->blocks.block + CHARACTER, 1));
  LK_GO(check_blocks(file, hash, bytes));
done:
  lk_hash_destroy(&hash);
  free(bytes);
  if (status != LK_OK) lk_text_file_release(file);
  return status;
}
