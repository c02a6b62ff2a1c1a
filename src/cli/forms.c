#include "forms_impl.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"

/* A sentence that was read and is not tagged yet. */
typedef struct lk_kept_sentence {
  size_t begin, size; /* its text in forms->kept */
  ptrdiff_t words;
} lk_kept_sentence;

typedef struct lk_kept_word {
  size_t begin, length; /* the word in forms->words, kept where the output is not the input's text */
  size_t at, size;      /* the bytes of the sentence's text that its tag replaces */
} lk_kept_word;

/* Whether the output is the input's text with the tags filled in. */
static bool fills(const lk_forms *f) {
  if (f->input == LK_FORM_CONLLU) return f->output == LK_OUTPUT_CONLLU;
  return f->input >= LK_FORM_WORDS && f->output == LK_OUTPUT_COLUMNS;
}

/* ---- reading ---- */

static lk_status keep_word(lk_forms *f, const char *word, size_t length, size_t at, size_t size) {
  LK_TRY(lk_grow(&f->cells, &f->cell_capacity, (size_t)f->cell_count + 1, sizeof *f->cells));
  lk_kept_word *kept = &f->cells[f->cell_count++];
  *kept = (lk_kept_word){.begin = f->words.size, .length = length, .at = at, .size = size};
  return fills(f) ? LK_OK : lk_buffer_append(&f->words, word, length);
}

static lk_status keep_sentence(lk_forms *f, const char *text, size_t size, ptrdiff_t words) {
  LK_TRY(lk_grow(&f->sentences, &f->sentence_capacity, (size_t)f->sentence_count + 1, sizeof *f->sentences));
  f->sentences[f->sentence_count++] = (lk_kept_sentence){.begin = f->kept.size, .size = size, .words = words};
  return fills(f) ? lk_buffer_append(&f->kept, text, size) : LK_OK;
}

static bool is_known(const lk_strings *labels, const char *text, size_t size) {
  for (ptrdiff_t i = 0; i < labels->count; i++)
    if (lk_strings_size(labels, i) == size && memcmp(lk_strings_get(labels, i), text, size) == 0) return true;
  return false;
}

/* The label that stands beside a word. */
static lk_status append_label(const lk_forms *f, const lk_cell *cell, lk_buffer *line) {
  const char *label = f->sentence.data + cell->at;
  char quoted[256];
  bool adds;
  (void)lk_sentences_separator(f->reader, &adds);
  if (adds)
    return LK_FAIL(LK_DATA,
                   LK_STDIN_NAME ":%lld: there is no column of labels; --column word=I,tag=J names the columns",
                   (long long)f->first);
  if (!is_known(f->known, label, cell->size))
    return LK_FAIL(LK_DATA,
                   LK_STDIN_NAME ":%lld: the sentence that begins here has the label %s, which the model does not know",
                   (long long)f->first, lk_quote(quoted, label, cell->size));
  LK_TRY(lk_buffer_append(line, "\t", 1));
  return lk_buffer_append(line, label, cell->size);
}

/* Keep the sentence that has just ended, and append its words with TABs between them to `line`. */
static lk_status end_sentence(lk_forms *f, lk_buffer *line) {
  const lk_cell *cells;
  ptrdiff_t count;
  LK_TRY(lk_sentences_read(f->reader, f->sentence.data, f->sentence.size, f->first, &cells, &count));
  if (!f->apart) LK_TRY(keep_sentence(f, f->sentence.data, f->sentence.size, count));
  for (ptrdiff_t i = 0; i < count; i++) {
    if (i > 0) LK_TRY(lk_buffer_append(line, "\t", 1));
    LK_TRY(lk_buffer_append(line, cells[i].word, cells[i].word_size));
    if (f->labels) LK_TRY(append_label(f, &cells[i], line));
    if (!f->apart) LK_TRY(keep_word(f, cells[i].word, cells[i].word_size, cells[i].at, cells[i].size));
  }
  lk_buffer_truncate(&f->sentence, 0);
  return LK_OK;
}

/* Read a sentence in columns: lines up to the one that ends it. The lines of an unfinished sentence stay in f->sentence
 * for the next call. */
static lk_status take_columns(void *context, lk_stdin *input, bool wait, lk_buffer *to, bool *got) {
  lk_forms *f = context;
  for (bool ended = false; !ended;) {
    const char *line;
    size_t size;
    LK_TRY(lk_stdin_next(input, wait, &line, &size, got));
    if (!*got && (!input->ended || f->sentence.size == 0)) return LK_OK;
    if (!*got) break;
    LK_TRY(lk_stdin_check(line, size, input->lines));
    if (f->sentence.size == 0) f->first = input->lines;
    LK_TRY(lk_buffer_append(&f->sentence, line, size));
    if (f->sentence.size > LK_STDIN_MOST)
      return LK_FAIL(
          LK_DATA, LK_STDIN_NAME ":%lld:1: a sentence of more than %zu MiB: are empty lines between sentences missing?",
          (long long)f->first, LK_STDIN_MOST >> 20);
    ended = lk_sentences_is_end(f->reader, line, lk_stdin_trim(line, size));
  }
  *got = true;
  return end_sentence(f, to);
}

/* Read a sentence that is one line, and keep its words for output in columns or CoNLL-U. */
static lk_status take_line(void *context, lk_stdin *input, bool wait, lk_buffer *to, bool *got) {
  lk_forms *f = context;
  const size_t begin = to->size;
  LK_TRY(lk_cli_take_line(NULL, input, wait, to, got));
  if (!*got || to->size == begin) return *got ? keep_sentence(f, "", 0, 0) : LK_OK;
  const char *line = to->data + begin, *word;
  const size_t size = to->size - begin;
  const bool tabs = f->input == LK_FORM_TABS || (f->input == LK_FORM_AUTO && memchr(line, '\t', size));
  size_t at = 0, length;
  const ptrdiff_t before = f->cell_count;
  for (bool more = tabs && !lk_is_blank(line, size); more;) {
    const char *tab = memchr(line + at, '\t', size - at);
    word = line + at;
    length = tab ? (size_t)(tab - word) : size - at;
    at += length + 1;
    more = tab != NULL;
    lk_trim(&word, &length);
    LK_TRY(keep_word(f, word, length, 0, 0));
  }
  while (!tabs && lk_unit_next(LK_WORD, line, size, &at, &word, &length)) LK_TRY(keep_word(f, word, length, 0, 0));
  return keep_sentence(f, "", 0, f->cell_count - before);
}

/* ---- writing ---- */

/* Cut the tag of word i from an answer: *at points to it before and behind it after the call. */
static lk_status next_tag(const lk_kept_sentence *s, ptrdiff_t i, const char **at, const char *end, const char **tag,
                          size_t *size) {
  const char separator = memchr(*at, '\t', (size_t)(end - *at)) || s->words == 1 ? '\t' : ' ';
  const char *stop = i + 1 < s->words ? memchr(*at, separator, (size_t)(end - *at)) : end;
  *tag = *at;
  if (!stop || stop == *tag) return LK_FAIL(LK_INTERNAL, "a tag is missing: %td words, %td tags", s->words, i);
  *size = (size_t)(stop - *tag);
  *at = stop < end ? stop + 1 : end;
  return LK_OK;
}

/* Copy a sentence's text with its column of tags replaced. */
static lk_status fill(const lk_forms *f, const lk_kept_sentence *s, const lk_kept_word *words, const char *at,
                      const char *end, lk_buffer *out) {
  const char *text = f->kept.data + s->begin, *tag = NULL;
  size_t done = 0, size = 0;
  bool adds = false;
  const char separator = s->words > 0 ? lk_sentences_separator(f->reader, &adds) : '\t';
  char quoted[256];
  for (ptrdiff_t i = 0; i < s->words; i++) {
    LK_TRY(next_tag(s, i, &at, end, &tag, &size));
    if (separator == ' ' && memchr(tag, ' ', size))
      return LK_FAIL(LK_DATA, "the tag %s contains a space, but spaces separate the columns of " LK_STDIN_NAME,
                     lk_quote(quoted, tag, size));
    LK_TRY(lk_buffer_append(out, text + done, words[i].at - done));
    if (adds) LK_TRY(lk_buffer_append(out, &separator, 1));
    LK_TRY(lk_buffer_append(out, tag, size));
    done = words[i].at + words[i].size;
  }
  return lk_buffer_append(out, text + done, s->size - done);
}

/* Write words and tags in columns or CoNLL-U, the other columns of CoNLL-U as '_'. */
static lk_status make(const lk_forms *f, const lk_kept_sentence *s, const lk_kept_word *words, const char *at,
                      const char *end, lk_buffer *out) {
  const int column = f->columns.tag != LK_COLUMN_DEFAULT && f->input < LK_FORM_WORDS ? f->columns.tag : 3;
  const char *tag = NULL;
  size_t size = 0;
  for (ptrdiff_t i = 0; i < s->words; i++) {
    LK_TRY(next_tag(s, i, &at, end, &tag, &size));
    if (f->output == LK_OUTPUT_CONLLU) LK_TRY(lk_buffer_printf(out, "%td\t", i + 1));
    LK_TRY(lk_buffer_append(out, f->words.data + words[i].begin, words[i].length));
    for (int c = 2; f->output == LK_OUTPUT_CONLLU && c < column; c++) LK_TRY(lk_buffer_append(out, "\t_", 2));
    LK_TRY(lk_buffer_append(out, "\t", 1));
    LK_TRY(lk_buffer_append(out, tag, size));
    for (int c = column + 1; f->output == LK_OUTPUT_CONLLU && c < 10; c++) LK_TRY(lk_buffer_append(out, "\t_", 2));
    LK_TRY(lk_buffer_append(out, "\n", 1));
  }
  return s->words > 0 ? lk_buffer_append(out, "\n", 1) : LK_OK;
}

static lk_status put_sentence(const lk_forms *f, const lk_kept_sentence *s, const lk_kept_word *words, const char *at,
                              const char *end, lk_buffer *out) {
  if (fills(f)) return fill(f, s, words, at, end, out);
  if (f->output != LK_OUTPUT_TAGS) return make(f, s, words, at, end, out);
  return s->words > 0 ? lk_buffer_append(out, at, (size_t)(end + 1 - at)) : LK_OK;
}

static lk_status put(void *context, const lk_buffer *answers, lk_buffer *out) {
  lk_forms *f = context;
  const char *at = answers->data, *end;
  for (size_t left = answers->size; left > 0; left -= (size_t)(end + 1 - at), at = end + 1) {
    end = memchr(at, '\n', left);
    LK_ASSERT(end && f->sentence_done < f->sentence_count);
    const lk_kept_sentence *s = &f->sentences[f->sentence_done++];
    LK_TRY(put_sentence(f, s, f->cells + f->cell_done, at, end, out));
    f->cell_done += s->words;
  }
  if (f->sentence_done < f->sentence_count) return LK_OK; /* the rest of the block was not answered: bad input */
  f->sentence_done = f->sentence_count = f->cell_done = f->cell_count = 0;
  lk_buffer_truncate(&f->kept, 0);
  lk_buffer_truncate(&f->words, 0);
  return LK_OK;
}

/* Without --column: the columns of CoNLL-U that the model was trained on. */
static void take_columns_of(lk_forms *f, const lk_corpus_info *model) {
  if (f->input != LK_FORM_CONLLU) return;
  if (f->columns.word == LK_COLUMN_DEFAULT && model->conllu_word) f->columns.word = model->conllu_word - 1000;
  if (f->columns.tag == LK_COLUMN_DEFAULT && model->conllu_tag) f->columns.tag = model->conllu_tag - 1000;
}

lk_status lk_forms_begin(lk_forms *f, const lk_corpus_info *model, lk_answering *how, lk_cut *cut) {
  take_columns_of(f, model);
  f->known = &model->label;
  *cut = f->input == LK_FORM_AUTO ? LK_CUT_AUTO : f->input == LK_FORM_LINES ? LK_CUT_BLANKS : LK_CUT_TABS;
  if (f->input < LK_FORM_WORDS && f->output == LK_OUTPUT_TAGS) return LK_OK;
  how->take = f->input >= LK_FORM_WORDS ? take_columns : take_line;
  how->put = f->apart ? NULL : put;
  return f->input >= LK_FORM_WORDS ? lk_sentences_create(&f->reader, LK_STDIN_NAME, &f->columns, &model->label) : LK_OK;
}

void lk_forms_release(lk_forms *f) {
  lk_sentences_destroy(&f->reader);
  lk_buffer_release(&f->sentence);
  lk_buffer_release(&f->kept);
  lk_buffer_release(&f->words);
  free(f->sentences);
  free(f->cells);
}
