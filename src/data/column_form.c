/* column_form.c - how a word is written, before small letters and replaced digits: its characters (spelling.h) come from
 * this text. Its values are not known beforehand: they are words of a corpus, or of a text that is answered. */
#include <string.h>

#include "word_column.h"

static const char *const values[] = {LK_FORM_NONE, NULL};

/* Whether the word in lookup->folded is the unit that the vocabulary has for it, and so needs no value of its own. */
static lk_status is_unit(lk_word_lookup *lookup, bool *same) {
  const lk_buffer *word = &lookup->folded;
  *same = lookup->vocab && lk_vocab_find(lookup->vocab, word->data, word->size, -1) >= 0;
  if (!*same || !(lookup->info->lower || lookup->info->digits)) return LK_OK;
  lk_buffer_truncate(&lookup->other, 0);
  LK_TRY(lk_utf8_fold(&lookup->other, word->data, word->size, lk_corpus_folding(lookup->info)));
  *same = lookup->other.size == word->size && memcmp(lookup->other.data, word->data, word->size) == 0;
  return LK_OK;
}

static lk_status value(lk_word_lookup *lookup, const char *text, size_t size, int32_t *value) {
  bool same;
  LK_ASSERT(lookup->forms); /* lk_word_lookup_begin() */
  *value = 0;
  LK_TRY(lk_word_lookup_fold(lookup, text, size));
  LK_TRY(is_unit(lookup, &same));
  if (same) return LK_OK;
  LK_TRY(lk_vocab_count(lookup->forms, lookup->folded.data, lookup->folded.size));
  *value = lk_vocab_find(lookup->forms, lookup->folded.data, lookup->folded.size, 0);
  return LK_OK;
}

const lk_word_column lk_word_column_form = {.name = LK_FORMS, .values = values, .value = value};
