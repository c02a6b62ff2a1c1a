#include "side.h"

#include <stdlib.h>

#include "arena.h"
#include "pieces_impl.h"

struct lk_side {
  lk_unit unit;
  lk_folding folding;
  lk_vocab *vocab;
  lk_pieces *pieces;       /* where the unit is LK_PIECE */
  lk_buffer folded, units; /* scratch */
};

static lk_status set_up(lk_side *side, const lk_corpus_info *info, lk_which_side which) {
  const char *name = which == LK_TARGET ? info->target_unit : info->unit;
  const lk_buffer *model = &info->source_model;
  side->folding = lk_corpus_folding(info);
  if (!lk_unit_find(name, &side->unit))
    return LK_FAIL(LK_DATA, "the corpus has no text on its %s side", which == LK_TARGET ? "target" : "source");
  LK_TRY(lk_vocab_from(&side->vocab, which == LK_TARGET ? &info->target : &info->source, true));
  if (side->unit != LK_PIECE) return LK_OK;
  if (which == LK_TARGET && info->target_model.size > 0) model = &info->target_model; /* else one for both sides */
  return lk_pieces_create(&side->pieces, "the model in the file", model->data, model->size);
}

lk_status lk_side_create(lk_side **side, const lk_corpus_info *info, lk_which_side which) {
  *side = NULL;
  LK_TRY(lk_alloc(side, 1, sizeof **side));
  const lk_status status = set_up(*side, info, which);
  if (status != LK_OK) lk_side_destroy(side);
  return status;
}

void lk_side_destroy(lk_side **side) {
  lk_side *s = *side;
  if (!s) return;
  lk_vocab_destroy(&s->vocab);
  lk_pieces_destroy(&s->pieces);
  lk_buffer_release(&s->folded);
  lk_buffer_release(&s->units);
  free(s);
  *side = NULL;
}

lk_unit lk_side_unit(const lk_side *side) { return side->unit; }

const lk_vocab *lk_side_vocab(const lk_side *side) { return side->vocab; }

lk_status lk_side_encode(lk_side *side, const char *line, size_t size, int32_t **ids, ptrdiff_t *count,
                         size_t *capacity) {
  const size_t valid = lk_utf8_valid(line, size);
  const ptrdiff_t first = *count;
  if (valid < size) return LK_FAIL(LK_DATA, "column %zu: not valid UTF-8", lk_utf8_count(line, valid) + 1);
  side->folded.size = side->units.size = 0;
  LK_TRY(lk_utf8_fold(&side->folded, line, size, side->folding));
  if (side->pieces) LK_TRY(lk_pieces_encode(side->pieces, side->folded.data, side->folded.size, &side->units));
  const lk_buffer *text = side->pieces ? &side->units : &side->folded;
  LK_TRY(lk_vocab_encode(side->vocab, side->unit, text->data, text->size, ids, count, capacity));
  for (ptrdiff_t i = first; i < *count; i++)
    if ((*ids)[i] < LK_SPECIALS) (*ids)[i] = LK_UNK;
  return LK_OK;
}

lk_status lk_side_decode(lk_side *side, const int32_t *ids, ptrdiff_t count, lk_buffer *out) {
  const lk_strings *words = lk_vocab_strings(side->vocab);
  lk_buffer *to = side->pieces ? &side->units : out;
  side->units.size = 0;
  bool between = false;
  for (ptrdiff_t i = 0; i < count && ids[i] != LK_EOS; i++) {
    LK_ASSERT(ids[i] >= 0 && ids[i] < words->count);
    if (ids[i] == LK_PAD || ids[i] == LK_SOS) continue;
    if (between && side->unit != LK_CHAR) LK_TRY(lk_buffer_append(to, " ", 1));
    LK_TRY(lk_buffer_append(to, lk_strings_get(words, ids[i]), lk_strings_size(words, ids[i])));
    between = true;
  }
  return side->pieces ? lk_pieces_decode(side->pieces, side->units.data, side->units.size, out) : LK_OK;
}
