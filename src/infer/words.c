/* words.c - lines whose words are set apart by TABs: they may have blanks inside. */
#include <string.h>

#include "decode_impl.h"

bool lk_line_has_tabs(const lk_lines *lines, ptrdiff_t line) {
  if (lines->cut == LK_CUT_BLANKS) return false;
  return lines->cut == LK_CUT_TABS || memchr(lines->text[line], '\t', lines->size[line]) != NULL;
}

bool lk_line_next_word(const lk_lines *lines, ptrdiff_t line, size_t *at, const char **word, size_t *size) {
  const char *text = lines->text[line], *end = text + lines->size[line];
  if (*at > lines->size[line]) return false;
  *word = text + *at;
  const char *tab = memchr(*word, '\t', (size_t)(end - *word));
  *size = (size_t)((tab ? tab : end) - *word);
  *at += *size + 1;
  lk_trim(word, size);
  return true;
}

static bool is_label(const lk_strings *labels, const char *text, size_t size) {
  for (ptrdiff_t i = 0; i < labels->count; i++)
    if (lk_strings_size(labels, i) == size && memcmp(lk_strings_get(labels, i), text, size) == 0) return true;
  return false;
}

static bool is_number(const char *text, size_t size) { return size > 0 && strspn(text, "0123456789-.") >= size; }

/* Letters, digits or bytes of other scripts; a label without any may be a punctuation mark that ends a sentence. */
static bool has_letters(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++) {
    const unsigned char c = (unsigned char)text[i]; /* char has no sign on aarch64 */
    if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c >= 0x80) return true;
  }
  return false;
}

/* Whether a line looks like a row of columns rather than a sentence: a few, the last of which is a label, or CoNLL-U's ten. */
static bool is_row(const lk_model *model, const lk_lines *lines, ptrdiff_t line) {
  const char *word, *first = NULL;
  size_t at = 0, size, first_size = 0;
  int count = 0;
  while (lk_line_next_word(lines, line, &at, &word, &size)) {
    if (count++ == 0) first = word, first_size = size;
    if (count > 10) return false;
  }
  if (count == 10) return is_number(first, first_size);
  return count >= 2 && count <= 4 && has_letters(word, size) && is_label(&model->corpus->label, word, size);
}

static lk_status take_word(lk_model *model, const char *word, size_t size, int32_t **ids, ptrdiff_t *count,
                           size_t *capacity) {
  lk_buffer folded = {0};
  lk_status status;
  LK_GO(lk_utf8_fold(&folded, word, size, lk_corpus_folding(model->corpus)));
  LK_GO(lk_grow(ids, capacity, (size_t)*count + 1, sizeof **ids));
  const int32_t id = lk_vocab_find(model->vocab, folded.data, folded.size, LK_UNK);
  if (id < LK_SPECIALS) LK_GO(lk_seen_unknown(model, model->vocab, LK_WORD, folded.data, folded.size));
  (*ids)[(*count)++] = id < LK_SPECIALS ? LK_UNK : id; /* a word spelled like a special unit, as in prepare */
done:
  lk_buffer_release(&folded);
  return status;
}

lk_status lk_read_words(lk_model *model, const lk_lines *lines, ptrdiff_t line, int32_t **ids, ptrdiff_t *count,
                        size_t *capacity) {
  const char *text = lines->text[line], *word;
  const long long number = (long long)(lines->first + line);
  size_t at = 0, size;
  const ptrdiff_t first = *count;
  ptrdiff_t unknown = 0;
  if (lk_is_blank(text, lines->size[line])) return LK_OK;
  if (lines->cut == LK_CUT_AUTO && is_row(model, lines, line))
    return LK_FAIL(
        LK_DATA,
        "%s:%lld:1: looks like a row of a file of columns: say --input columns or --input conllu, or --input "
        "tabs where its TABs stand between the words of a sentence",
        lines->name, number);
  for (size_t begin = 0; lk_line_next_word(lines, line, &at, &word, &size); begin = at) {
    if (size == 0)
      return LK_FAIL(LK_DATA, "%s:%lld:%zu: an empty word: expected one TAB between two words", lines->name, number,
                     lk_utf8_count(text, begin) + 1);
    LK_TRY(take_word(model, word, size, ids, count, capacity));
    unknown += (*ids)[*count - 1] == LK_UNK;
  }
  lk_seen_count(model, *count - first, unknown);
  return LK_OK;
}
