#include "classes.h"

#include "corpus.h"

lk_status lk_classes_add(const lk_classes *c, ptrdiff_t n, const int32_t *target, const int32_t *found,
                         lk_tally *tally) {
  for (ptrdiff_t i = 0; i < n; i++) {
    if (target[i] == LK_NO_LABEL) continue;
    const int32_t below = LK_UNSEEN_LABEL - target[i];
    const int32_t gold = below >= 0 ? (int32_t)c->known + below : target[i];
    LK_ASSERT(gold < lk_classes_count(c));
    tally[gold].gold++;
    tally[found[i]].found++;
    if (gold == found[i]) tally[gold].correct++;
    if (c->pairs) LK_TRY(lk_pairs_add(c->pairs, gold, found[i], 1));
  }
  return LK_OK;
}
