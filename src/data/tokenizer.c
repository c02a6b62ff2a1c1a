#include "tokenizer.h"

#include <stdlib.h>

#include "arena.h"
#include "pieces_impl.h"

struct lk_tokenizer {
  lk_unit unit;
  lk_folding folding;
  lk_vocab *vocab;
  lk_pieces *pieces;       /* if the unit is LK_PIECE */
  lk_buffer folded, units; /* scratch */
};

static lk_status set_up(lk_tokenizer *tokenizer, const lk_corpus_info *info, lk_text_side which) {
  const char *name = which == LK_TARGET ? info->target_unit : info->unit;
  const lk_buffer *model = &info->source_model;
  tokenizer->folding = lk_corpus_folding(info);
  if (!lk_unit_find(name, &tokenizer->unit))
    return LK_FAIL(LK_DATA, "the corpus has no text on its %s side", which == LK_TARGET ? "target" : "source");
  LK_TRY(lk_vocab_from(&tokenizer->vocab, which == LK_TARGET ? &info->target : &info->source, true));
  if (tokenizer->unit != LK_PIECE) return LK_OK;
  /* otherwise one model serves both sides */
  if (which == LK_TARGET && info->target_model.size > 0) model = &info->target_model;
  return lk_pieces_create(&tokenizer->pieces, "the model in the file", model->data, model->size);
}

lk_status lk_tokenizer_create(lk_tokenizer **tokenizer, const lk_corpus_info *info, lk_text_side which) {
  *tokenizer = NULL;
  LK_TRY(lk_alloc(tokenizer, 1, sizeof **tokenizer));
  const lk_status status = set_up(*tokenizer, info, which);
  if (status != LK_OK) lk_tokenizer_destroy(tokenizer);
  return status;
}

void lk_tokenizer_destroy(lk_tokenizer **tokenizer) {
  lk_tokenizer *s = *tokenizer;
  if (!s) return;
  lk_vocab_destroy(&s->vocab);
  lk_pieces_destroy(&s->pieces);
  lk_buffer_release(&s->folded);
  lk_buffer_release(&s->units);
  free(s);
  *tokenizer = NULL;
}

lk_unit lk_tokenizer_unit(const lk_tokenizer *tokenizer) { return tokenizer->unit; }

const lk_vocab *lk_tokenizer_vocab(const lk_tokenizer *tokenizer) { return tokenizer->vocab; }

lk_status lk_tokenizer_encode(lk_tokenizer *tokenizer, const char *line, size_t size, int32_t **ids, ptrdiff_t *count,
                              size_t *capacity) {
  const size_t valid = lk_utf8_valid(line, size);
  const ptrdiff_t first = *count;
  if (valid < size) return LK_FAIL(LK_DATA, "column %zu: not valid UTF-8", lk_utf8_count(line, valid) + 1);
  tokenizer->folded.size = tokenizer->units.size = 0;
  LK_TRY(lk_utf8_fold(&tokenizer->folded, line, size, tokenizer->folding));
  if (tokenizer->pieces)
    LK_TRY(lk_pieces_encode(tokenizer->pieces, tokenizer->folded.data, tokenizer->folded.size, &tokenizer->units));
  const lk_buffer *text = tokenizer->pieces ? &tokenizer->units : &tokenizer->folded;
  LK_TRY(lk_vocab_encode(tokenizer->vocab, tokenizer->unit, text->data, text->size, ids, count, capacity));
  for (ptrdiff_t i = first; i < *count; i++)
    if ((*ids)[i] < LK_SPECIALS) (*ids)[i] = LK_UNK;
  return LK_OK;
}

lk_status lk_tokenizer_decode(lk_tokenizer *tokenizer, const int32_t *ids, ptrdiff_t count, lk_buffer *out) {
  const lk_strings *words = lk_vocab_strings(tokenizer->vocab);
  lk_buffer *to = tokenizer->pieces ? &tokenizer->units : out;
  tokenizer->units.size = 0;
  bool between = false;
  for (ptrdiff_t i = 0; i < count && ids[i] != LK_EOS; i++) {
    LK_ASSERT(ids[i] >= 0 && ids[i] < words->count);
    if (ids[i] == LK_PAD || ids[i] == LK_SOS) continue;
    if (between && tokenizer->unit != LK_CHAR) LK_TRY(lk_buffer_append(to, " ", 1));
    LK_TRY(lk_buffer_append(to, lk_strings_get(words, ids[i]), lk_strings_size(words, ids[i])));
    between = true;
  }
  return tokenizer->pieces ? lk_pieces_decode(tokenizer->pieces, tokenizer->units.data, tokenizer->units.size, out)
                           : LK_OK;
}
