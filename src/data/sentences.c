#include "sentences.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "prepare_impl.h"

/* Uses the reader of `prepare label`, one sentence at a time, without writing a corpus. */
struct lk_sentences {
  lk_prepare settings;
  lk_job job;
  lk_input_file source;
  lk_cell *cells;
  size_t capacity;
};

lk_status lk_sentences_create(lk_sentences **sentences, const char *name, const lk_sentence_form *form,
                              const lk_strings *labels) {
  lk_sentences *s;
  *sentences = NULL;
  LK_TRY(lk_alloc(&s, 1, sizeof *s));
  lk_prepare_init(&s->settings);
  s->settings.conllu = form->conllu;
  s->settings.column_word = form->word;
  s->settings.column_tag = form->tag;
  s->job.settings = &s->settings;
  s->source.name = s->source.text.name = name;
  s->source.columns.asks = true;
  s->source.columns.words = form->words;
  const lk_status status = lk_vocab_from(&s->job.labels, labels, false);
  *sentences = s;
  if (status != LK_OK) lk_sentences_destroy(sentences);
  return status;
}

void lk_sentences_destroy(lk_sentences **sentences) {
  lk_sentences *s = *sentences;
  if (!s) return;
  lk_text_file_release(&s->source.text);
  lk_columns_release(&s->source.columns);
  lk_vocab_destroy(&s->job.labels);
  free(s->cells);
  free(s);
  *sentences = NULL;
}

bool lk_sentences_is_end(const lk_sentences *sentences, const char *line, size_t size) {
  const size_t mark = lk_utf8_mark(line, size);
  return lk_columns_is_break(line + mark, size - mark, sentences->settings.conllu);
}

/* Load the text as if it were a file, and remove byte order marks at the beginnings of lines. */
static lk_status load(lk_sentences *s, const char *text, size_t size, int64_t first) {
  lk_text_file *file = &s->source.text;
  ptrdiff_t line;
  lk_buffer_truncate(&file->bytes, 0);
  LK_TRY(lk_buffer_append(&file->bytes, text, size));
  file->before = (ptrdiff_t)first - 1;
  LK_TRY(lk_text_file_check(file));
  (void)lk_text_file_drop_marks(file, &line);
  s->source.reader = lk_reader_start(file);
  lk_columns_restart(&s->source.columns);
  return LK_OK;
}

/* Maps a position in the loaded text back to the original text, line by line, because byte order marks at the
 * beginnings of lines were removed. */
typedef struct place {
  const char *text, *line, *end;
  ptrdiff_t number;
} place;

static size_t place_of(place *p, const lk_line *line, const char *at) {
  for (size_t mark; p->number < line->number; p->number++) {
    p->line = (const char *)memchr(p->line, '\n', (size_t)(p->end - p->line)) + 1;
    while ((mark = lk_utf8_mark(p->line, (size_t)(p->end - p->line))) > 0) p->line += mark;
  }
  return (size_t)(p->line - p->text) + (size_t)(at - line->text);
}

static lk_status take_cell(lk_sentences *s, const lk_row *row, place *p, ptrdiff_t count) {
  if (row->word_size == 0)
    return lk_input_file_fail(&s->source, row->line.number, lk_line_column(&row->line, row->word), "an empty word");
  LK_TRY(lk_grow(&s->cells, &s->capacity, (size_t)count + 1, sizeof *s->cells));
  s->cells[count] = (lk_cell){
      .word = row->word, .word_size = row->word_size, .at = place_of(p, &row->line, row->tag), .size = row->tag_size};
  return LK_OK;
}

lk_status lk_sentences_read(lk_sentences *s, const char *text, size_t size, int64_t first, const lk_cell **cells,
                            ptrdiff_t *count) {
  lk_row row;
  lk_row_kind kind;
  place p = {.text = text, .line = text, .end = text + size, .number = (ptrdiff_t)first};
  for (size_t mark; (mark = lk_utf8_mark(p.line, (size_t)(p.end - p.line))) > 0;) p.line += mark;
  LK_TRY(load(s, text, size, first));
  for (*count = 0;;) {
    LK_TRY(lk_columns_next(&s->job, &s->source, &row, &kind));
    if (kind == LK_ROW_END) break;
    if (kind == LK_ROW_WORD) LK_TRY(take_cell(s, &row, &p, (*count)++));
  }
  s->source.columns.sought = s->source.columns.count > 0;
  /* so that the result for a sentence does not depend on the labels of earlier sentences */
  lk_columns_release(&s->source.columns);
  *cells = s->cells;
  return LK_OK;
}

char lk_sentences_separator(const lk_sentences *s, bool *adds) {
  const lk_columns *c = &s->source.columns;
  *adds = c->tag == c->count;
  return c->tabs ? '\t' : ' ';
}
