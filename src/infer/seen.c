/* seen.c - units that a model does not know, and what may be the reason. */
#include <string.h>

#include "decode_impl.h"

enum { MOST_TRIED = 1000 };

static bool knows(const lk_vocab *vocab, const lk_buffer *text) {
  return lk_vocab_find(vocab, text->data, text->size, LK_UNK) >= LK_SPECIALS;
}

/* Whether a word of several letters is known letter by letter. */
static bool is_spelt(const lk_vocab *vocab, const char *text, size_t size) {
  const char *letter;
  size_t at = 0, bytes, letters = 0;
  for (; lk_unit_next(LK_CHAR, text, size, &at, &letter, &bytes); letters++)
    if (lk_vocab_find(vocab, letter, bytes, LK_UNK) < LK_SPECIALS) return false;
  return letters > 1;
}

lk_status lk_seen_unknown(lk_model *model, const lk_vocab *vocab, lk_unit unit, const char *text, size_t size) {
  int64_t *seen = model->seen;
  lk_buffer other = {0};
  lk_status status;
  if (seen[LK_SEEN_TRIED] >= MOST_TRIED || unit == LK_PIECE) return LK_OK;
  seen[LK_SEEN_TRIED]++;
  LK_GO(lk_utf8_upper(&other, text, size));
  seen[LK_SEEN_UPPER] += knows(vocab, &other);
  lk_buffer_truncate(&other, 0);
  LK_GO(lk_utf8_fold(&other, text, size, (lk_folding){.nfc = true, .lower = true}));
  seen[LK_SEEN_LOWER] += knows(vocab, &other);
  seen[LK_SEEN_SPELT] += unit == LK_WORD && is_spelt(vocab, text, size);
done:
  lk_buffer_release(&other);
  return status;
}

void lk_seen_count(lk_model *model, ptrdiff_t units, ptrdiff_t unknown) {
  model->seen[LK_SEEN_UNITS] += units;
  model->seen[LK_SEEN_UNKNOWN] += unknown;
  model->seen[LK_SEEN_LOST] += units > 0 && unknown == units;
}

lk_status lk_seen_text(lk_model *model, const lk_vocab *vocab, lk_unit unit, const char *text, size_t size,
                       const int32_t *ids, ptrdiff_t n) {
  ptrdiff_t unknown = 0;
  for (ptrdiff_t i = 0; i < n; i++) unknown += ids[i] == LK_UNK;
  if (unknown == 0 || unit == LK_PIECE) return lk_seen_count(model, n, unknown), LK_OK;
  lk_buffer folded = {0};
  lk_status status;
  const char *word;
  size_t at = 0, length;
  LK_GO(lk_utf8_fold(&folded, text, size, lk_corpus_folding(model->corpus)));
  for (ptrdiff_t i = 0; i < n && lk_unit_next(unit, folded.data, folded.size, &at, &word, &length); i++) {
    if (ids[i] != LK_UNK) continue;
    if (length == strlen("<unk>") && memcmp(word, "<unk>", length) == 0)
      unknown--; /* somebody has put it there who knew */
    else
      LK_GO(lk_seen_unknown(model, vocab, unit, word, length));
  }
  lk_seen_count(model, n, unknown);
done:
  lk_buffer_release(&folded);
  return status;
}
