/* features.c - what a model reads beside the units of a line: the columns that prepare made of the words' texts. */
#include <string.h>

#include "decode_impl.h"
#include "word_column.h"

static int further(const lk_line_batch *b) { return *b->model->config.model.features ? b->model->corpus->columns : 0; }

static bool next_word(const lk_line_batch *b, ptrdiff_t line, bool tabs, size_t *at, const char **word, size_t *size) {
  if (tabs) return lk_line_next_word(b->lines, line, at, word, size);
  return lk_unit_next(LK_WORD, b->lines->text[line], b->lines->size[line], at, word, size);
}

lk_status lk_line_features_read(lk_line_batch *b, ptrdiff_t line, ptrdiff_t first) {
  const bool tabs = b->tabs[line - b->first];
  for (int c = 0; c < further(b); c++) {
    const char *name = b->model->corpus->column[c].name, *word;
    const lk_word_column *column = lk_word_column_find(name);
    size_t at = 0, size;
    if (column == NULL)
      return LK_FAIL(LK_DATA, "the model reads a column \"%s\", which this program cannot make of a text", name);
    LK_TRY(lk_grow(&b->feature[c], &b->feature_capacity[c], (size_t)b->id_count + 1, sizeof *b->feature[c]));
    for (ptrdiff_t i = first; i < b->id_count && next_word(b, line, tabs, &at, &word, &size); i++)
      LK_TRY(column->value(&b->model->lookup, word, size, &b->feature[c][i]));
  }
  return LK_OK;
}

lk_status lk_line_features_layout(lk_line_batch *b) {
  lk_inputs *in = &b->batch.input;
  for (int c = 0; c < further(b); c++) {
    LK_TRY(lk_grow(&b->packed[c], &b->packed_capacity[c], (size_t)b->batch.pack.N + 1, sizeof *b->packed[c]));
    in->column[in->count++] = (lk_column){.name = b->model->corpus->column[c].name, .ids = b->packed[c]};
  }
  return LK_OK;
}

void lk_line_features_place(lk_line_batch *b, ptrdiff_t line, ptrdiff_t seq) {
  const lk_pack *pack = &b->batch.pack;
  for (int c = 0; c < further(b); c++) {
    const int32_t *from = b->feature[c] + b->begin[line];
    for (ptrdiff_t r = lk_pack_row(pack, seq, 0); r >= 0; r = pack->later[r]) b->packed[c][r] = *from++;
  }
}
