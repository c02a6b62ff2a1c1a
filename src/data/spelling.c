#include "spelling.h"

#include <stdlib.h>

#include "arena.h"

enum { HALF = (LK_SPELLING_LONGEST - 2) / 2 };

static bool is_special(const lk_vocab *characters, const char *word, size_t size) {
  const int32_t id = lk_vocab_find(characters, word, size, -1);
  return id >= 0 && id < LK_SPECIALS;
}

lk_status lk_spelling_count(lk_vocab *characters, const char *word, size_t size) {
  if (is_special(characters, word, size)) return LK_OK;
  return lk_vocab_count_text(characters, LK_CHAR, word, size);
}

/* Append the characters [first, last) of a word. */
static void spell(lk_speller *s, const lk_vocab *characters, const char *word, size_t size, size_t first, size_t last,
                  int64_t *end) {
  const char *start;
  size_t at = 0, length;
  for (size_t i = 0; i < last && lk_unit_next(LK_CHAR, word, size, &at, &start, &length); i++)
    if (i >= first) s->character[(*end)++] = lk_vocab_find(characters, start, length, LK_UNK);
}

lk_status lk_speller_add(lk_speller *s, const lk_vocab *characters, const char *word, size_t size) {
  const ptrdiff_t count = s->spelling.count;
  int64_t end = count > 0 ? s->begin[count] : 0;
  LK_TRY(lk_grow(&s->begin, &s->begin_capacity, (size_t)count + 2, sizeof *s->begin));
  LK_TRY(lk_grow(&s->character, &s->character_capacity, (size_t)end + LK_SPELLING_LONGEST, sizeof *s->character));
  const size_t all = is_special(characters, word, size) ? 0 : lk_utf8_count(word, size);
  s->begin[count] = end;
  s->character[end++] = LK_SOS;
  spell(s, characters, word, size, 0, all <= 2 * HALF ? all : HALF, &end);
  if (all > 2 * HALF) spell(s, characters, word, size, all - HALF, all, &end);
  s->character[end++] = LK_EOS;
  s->begin[count + 1] = end;
  s->spelling = (lk_spelling){.count = count + 1, .character = s->character, .begin = s->begin};
  return LK_OK;
}

lk_status lk_speller_add_all(lk_speller *s, const lk_strings *characters, const lk_strings *words) {
  lk_vocab *vocab = NULL;
  lk_status status;
  LK_GO(lk_vocab_from(&vocab, characters, true));
  for (ptrdiff_t i = 0; i < words->count; i++)
    LK_GO(lk_speller_add(s, vocab, lk_strings_get(words, i), lk_strings_size(words, i)));
done:
  lk_vocab_destroy(&vocab);
  return status;
}

void lk_speller_clear(lk_speller *s) { s->spelling.count = 0; }

void lk_speller_release(lk_speller *s) {
  free(s->character);
  free(s->begin);
  *s = (lk_speller){0};
}
