#include "reader_impl.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "vocab.h"

void lk_reader_start(lk_reader *reader, lk_text_file *file) {
  reader->file = file;
  lk_reader_seek(reader, 0, file->before);
}

void lk_reader_seek(lk_reader *reader, uint64_t at, ptrdiff_t line) {
  const lk_text_file *file = reader->file;
  reader->at = at;
  reader->line = line;
  reader->inside = false;
  reader->text = file->text ? file->text : reader->own;
  reader->from = file->text ? (size_t)at : 0;
  reader->to = file->text ? (size_t)file->size : 0;
  reader->next = file->text ? 0 : (ptrdiff_t)(at / file->blocks.block);
}

void lk_reader_release(lk_reader *reader) {
  free(reader->own);
  *reader = (lk_reader){0};
}

/* Whether nothing follows what is in memory. */
static bool has_all(const lk_reader *r) { return r->at + (r->to - r->from) >= r->file->size; }

/* Read one more block behind what is in memory and was not used yet. */
static lk_status fill(lk_reader *r) {
  lk_blocks *blocks = &r->file->blocks;
  const size_t ready = r->to - r->from;
  size_t got;
  LK_TRY(lk_grow(&r->own, &r->capacity, r->from + ready + 2 * blocks->block, 1)); /* room to move to the front seldom */
  if (r->from > 0) memmove(r->own, r->own + r->from, ready);
  LK_TRY(lk_blocks_read(blocks, r->next, r->own + ready, &got));
  /* the first block after lk_reader_seek() may begin before the position */
  r->from = ready > 0 ? 0 : (size_t)(r->at - (uint64_t)r->next * blocks->block);
  r->to = ready + got;
  r->text = r->own;
  r->next++;
  return LK_OK;
}

static void skip(lk_reader *r, size_t bytes) {
  r->from += bytes;
  r->at += bytes;
}

/* Leave out byte order marks at the beginning of a line. */
static lk_status skip_marks(lk_reader *r) {
  for (size_t mark = 1; mark > 0; skip(r, mark)) {
    while (r->to - r->from < 3 && !has_all(r)) LK_TRY(fill(r));
    mark = r->to > r->from ? lk_utf8_mark(r->text + r->from, r->to - r->from) : 0;
  }
  return LK_OK;
}

lk_status lk_reader_next(lk_reader *r, lk_line *line, bool *more) {
  const char *end = NULL;
  if (!r->inside) LK_TRY(skip_marks(r));
  for (size_t sought = 0;;) {
    const size_t ready = r->to - r->from;
    if (ready > sought) end = memchr(r->text + r->from + sought, '\n', ready - sought);
    if (end || has_all(r)) break;
    sought = ready;
    LK_TRY(fill(r));
  }
  *more = r->to > r->from;
  if (!*more) return LK_OK;
  const char *text = r->text + r->from;
  size_t size = end ? (size_t)(end - text) : r->to - r->from;
  skip(r, size + (end != NULL));
  r->inside = false;
  while (size > 0 && text[size - 1] == '\r') size--;
  *line = (lk_line){.text = text, .size = size, .number = ++r->line, .ended = end != NULL};
  return LK_OK;
}

void lk_reader_split(lk_reader *r, lk_line *line, size_t size) {
  const size_t back = (size_t)(r->text + r->from - (line->text + size));
  r->from -= back;
  r->at -= back;
  r->line--;
  r->inside = true;
  line->size = size;
  line->ended = false;
}

lk_status lk_text_file_check_words(lk_text_file *file) {
  lk_reader reader = {0};
  lk_status status = LK_OK;
  if (file->longest <= LK_WORD_LIMIT) return LK_OK;
  lk_reader_start(&reader, file);
  for (bool more = true; more;) {
    lk_line line = {0};
    const char *word;
    size_t at = 0, size;
    LK_GO(lk_reader_next(&reader, &line, &more));
    while (line.size > LK_WORD_LIMIT && lk_unit_next(LK_WORD, line.text, line.size, &at, &word, &size))
      if (size > LK_WORD_LIMIT)
        LK_GO(LK_FAIL(LK_DATA, "%s:%td:%td: a word of %.1f MiB, more than %zu MiB", file->name, line.number,
                      lk_line_column(&line, word), (double)size / 1048576.0, LK_WORD_LIMIT >> 20));
  }
done:
  lk_reader_release(&reader);
  return status;
}

void lk_text_file_release(lk_text_file *file) {
  lk_blocks_close(&file->blocks);
  *file = (lk_text_file){0};
}
