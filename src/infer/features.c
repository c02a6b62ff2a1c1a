/* features.c - what a model reads beside the units of a line: the columns that prepare made of the words' texts. */
#include <string.h>

#include "decode_impl.h"
#include "word_column.h"

lk_status lk_line_features_begin(lk_line_batch *b) {
  return b->model->characters ? lk_word_lookup_begin(&b->model->lookup) : LK_OK;
}

static bool next_word(const lk_line_batch *b, ptrdiff_t line, bool tabs, size_t *at, const char **word, size_t *size) {
  if (tabs) return lk_line_next_word(b->lines, line, at, word, size);
  return lk_unit_next(LK_WORD, b->lines->text[line], b->lines->size[line], at, word, size);
}

lk_status lk_line_features_read(lk_line_batch *b, ptrdiff_t line, ptrdiff_t first) {
  const bool tabs = b->tabs[line - b->first];
  const ptrdiff_t marks = lk_model_marks(b->model); /* <sos> before the words, <eos> behind them */
  for (int c = 0; c < b->model->corpus->columns; c++) {
    if (!lk_model_reads(b->model, c)) continue;
    const char *name = b->model->corpus->column[c].name, *word;
    const lk_word_column *column = lk_word_column_find(name);
    size_t at = 0, size;
    if (column == NULL)
      return LK_FAIL(LK_DATA, "the model reads a column \"%s\", which this program cannot make of a text", name);
    LK_TRY(lk_grow(&b->feature[c], &b->feature_capacity[c], (size_t)b->id_count + 1, sizeof *b->feature[c]));
    for (ptrdiff_t i = first; i < b->id_count; i++) b->feature[c][i] = 0;
    for (ptrdiff_t i = first + marks; i < b->id_count && next_word(b, line, tabs, &at, &word, &size); i++)
      LK_TRY(column->value(&b->model->lookup, word, size, &b->feature[c][i]));
  }
  return LK_OK;
}

/* The spelling of all words of the batch. */
static lk_status spell(lk_line_batch *b) {
  const lk_strings *forms = lk_vocab_strings(b->model->lookup.forms);
  lk_speller_clear(&b->speller);
  for (ptrdiff_t i = 0; i < forms->count; i++)
    LK_TRY(lk_speller_add(&b->speller, b->model->characters, lk_strings_get(forms, i), lk_strings_size(forms, i)));
  return LK_OK;
}

lk_status lk_line_features_layout(lk_line_batch *b) {
  lk_inputs *in = &b->batch.input;
  for (int c = 0; c < b->model->corpus->columns; c++) {
    const lk_corpus_column *column = &b->model->corpus->column[c];
    if (!lk_model_reads(b->model, c)) continue;
    LK_TRY(lk_grow(&b->packed[c], &b->packed_capacity[c], (size_t)b->batch.pack.N + 1, sizeof *b->packed[c]));
    if (column->forms) LK_TRY(spell(b));
    in->column[in->count++] =
        (lk_column){.name = column->name, .ids = b->packed[c], .spelling = column->forms ? &b->speller.spelling : NULL};
  }
  return LK_OK;
}

void lk_line_features_place(lk_line_batch *b, ptrdiff_t line, ptrdiff_t seq) {
  const lk_pack *pack = &b->batch.pack;
  for (int c = 0; c < b->model->corpus->columns; c++) {
    if (!lk_model_reads(b->model, c)) continue;
    const int32_t *from = b->feature[c] + b->begin[line];
    for (ptrdiff_t r = lk_pack_row(pack, seq, 0); r >= 0; r = pack->later[r]) b->packed[c][r] = *from++;
  }
}

void lk_line_text(const lk_line_batch *b, ptrdiff_t line, lk_inputs *text) {
  *text = b->batch.input;
  text->column[0].ids = b->ids + b->begin[line];
  for (int c = 0, at = 1; c < b->model->corpus->columns; c++)
    if (lk_model_reads(b->model, c)) text->column[at++].ids = b->feature[c] + b->begin[line];
}
