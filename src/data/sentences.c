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
  lk_reader_release(&s->source.reader);
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

/* Read the text as if it were a file. */
static lk_status load(lk_sentences *s, const char *text, size_t size, int64_t first) {
  lk_text_file *file = &s->source.text;
  file->text = text;
  file->size = size;
  file->before = (ptrdiff_t)first - 1;
  LK_TRY(lk_text_file_check(file));
  lk_reader_start(&s->source.reader, file);
  lk_columns_restart(&s->source.columns);
  return LK_OK;
}

static lk_status take_cell(lk_sentences *s, const lk_row *row, ptrdiff_t count) {
  if (row->word_size == 0)
    return lk_input_file_fail(&s->source, row->line.number, lk_line_column(&row->line, row->word), "an empty word");
  LK_TRY(lk_grow(&s->cells, &s->capacity, (size_t)count + 1, sizeof *s->cells));
  s->cells[count] = (lk_cell){.word = row->word,
                              .word_size = row->word_size,
                              .at = (size_t)(row->tag - s->source.text.text),
                              .size = row->tag_size};
  return LK_OK;
}

lk_status lk_sentences_read(lk_sentences *s, const char *text, size_t size, int64_t first, const lk_cell **cells,
                            ptrdiff_t *count) {
  lk_row row;
  lk_row_kind kind;
  LK_TRY(load(s, text, size, first));
  for (*count = 0;;) {
    LK_TRY(lk_columns_next(&s->job, &s->source, &row, &kind));
    if (kind == LK_ROW_END) break;
    if (kind == LK_ROW_WORD) LK_TRY(take_cell(s, &row, (*count)++));
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
