/* corpus_find.c - the position of a label in a corpus. */
#include <stdio.h>
#include <stdlib.h>

#include "arena.h"
#include "corpus.h"

enum { BLOCK_LABELS = 1 << 20 }; /* read at once */

/* Index of the first of `count` labels that equals `label`; count where none does. */
static ptrdiff_t first_equal(const int32_t *labels, ptrdiff_t count, int32_t label) {
  ptrdiff_t i = 0;
  while (i < count && labels[i] != label) i++;
  return i;
}

static lk_status find_in_bucket(const lk_corpus *corpus, lk_split split, int bucket, int32_t label, char out[96]) {
  const lk_bucket *b = &lk_corpus_about(corpus)->bucket[split][bucket];
  const ptrdiff_t width = b->target_width, most = BLOCK_LABELS / width + 1;
  int32_t *target = NULL;
  lk_status status;
  LK_TRY(lk_alloc(&target, (size_t)((b->rows < most ? b->rows : most) * width) + 1, sizeof *target));
  for (ptrdiff_t row = 0, n; row < b->rows; row += n) {
    n = b->rows - row < most ? b->rows - row : most;
    LK_GO(lk_corpus_rows(corpus, split, bucket, row, n, NULL, NULL, target, NULL));
    const ptrdiff_t at = first_equal(target, n * width, label);
    if (at == n * width) continue;
    if (width > 1) /* <sos> is at 0, the first word at 1 */
      snprintf(out, 96, "%s/len_%04td row %td, word %td", lk_split_names[split], b->width, row + at / width,
               at % width);
    else
      snprintf(out, 96, "%s/len_%04td row %td", lk_split_names[split], b->width, row + at);
    break;
  }
  status = LK_OK;
done:
  free(target);
  return status;
}

lk_status lk_corpus_find_label(const lk_corpus *corpus, int32_t label, char out[96]) {
  const lk_corpus_info *info = lk_corpus_about(corpus);
  out[0] = '\0';
  if (info->kind != LK_CORPUS_LABEL && info->kind != LK_CORPUS_CLASSIFY && info->kind != LK_CORPUS_FRAMES) return LK_OK;
  for (lk_split split = LK_TRAIN; split < LK_SPLITS; split++)
    for (int bucket = 0; bucket < info->buckets[split] && !out[0]; bucket++)
      LK_TRY(find_in_bucket(corpus, split, bucket, label, out));
  return LK_OK;
}
