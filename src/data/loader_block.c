#include "loader_block_impl.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"

void lk_block_release(lk_block *b) {
  free(b->source);
  free(b->length);
  free(b->target);
  free(b->target_length);
  lk_strings_release(&b->references);
  free(b->frames);
  for (int c = 1; c < LK_MAX_COLUMNS; c++) free(b->further[c]);
  *b = (lk_block){0};
}

lk_status lk_block_reserve(lk_block *b, const lk_loader *loader, const lk_bucket *bucket, ptrdiff_t rows, size_t bytes,
                           bool lengths) {
  lk_status status;
  const ptrdiff_t row_bytes = bucket->width * (8 + 4 * loader->D) + 8;
  *b = (lk_block){.width = bucket->width, .target_width = bucket->target_width > 0 ? bucket->target_width : 1};
  b->rows_most = (ptrdiff_t)bytes / row_bytes + 1;
  if (b->rows_most > rows) b->rows_most = rows;
  const size_t n = (size_t)b->rows_most;
  if (lengths) LK_GO(lk_alloc(&b->length, n, sizeof *b->length));
  if (lengths) LK_GO(lk_alloc(&b->target_length, n, sizeof *b->target_length));
  if (loader->D > 0)
    LK_GO(lk_alloc(&b->frames, n * (size_t)b->width, (size_t)loader->D * sizeof *b->frames));
  else
    LK_GO(lk_alloc(&b->source, n * (size_t)b->width, sizeof *b->source));
  for (int c = 1; c < loader->columns; c++)
    LK_GO(lk_alloc(&b->further[c], n * (size_t)(b->width * loader->form[c].width), sizeof *b->further[c]));
  if (loader->settings.view != LK_VIEW_LM && (lengths || loader->settings.view != LK_VIEW_CLASSIFY))
    LK_GO(lk_alloc(&b->target, n * (size_t)b->target_width, sizeof *b->target));
  return LK_OK;
done:
  lk_block_release(b);
  return status;
}

lk_status lk_block_read(lk_block *b, const lk_loader *loader, const lk_corpus *corpus, int k, ptrdiff_t at,
                        ptrdiff_t count) {
  const lk_split split = loader->settings.split;
  LK_TRY(lk_corpus_rows(corpus, split, k, at, count, b->source, b->length, b->target, b->frames));
  for (int c = 1; c < loader->columns; c++)
    LK_TRY(lk_corpus_read_column(corpus, split, k, loader->further[c], at, count, b->further[c]));
  if (b->target_length && loader->settings.view == LK_VIEW_PAIRS)
    LK_TRY(lk_corpus_target_lengths(corpus, split, k, at, count, b->target_length));
  return LK_OK;
}

void lk_block_take(const lk_block *b, const lk_loader *loader, ptrdiff_t i, const lk_held *to, ptrdiff_t row) {
  const lk_view view = loader->settings.view;
  const ptrdiff_t keep = lk_loader_stored(loader, to->length[row]), at = to->offset[row], D = loader->D;
  const ptrdiff_t skip = D > 0 || view == LK_VIEW_LM ? 0 : 1; /* <sos> */
  if (D > 0)
    memcpy(to->frames + at * D, b->frames + i * b->width * D, (size_t)(keep * D) * sizeof *to->frames);
  else
    memcpy(to->source + at, b->source + i * b->width + skip, (size_t)keep * sizeof *to->source);
  for (int c = 1; c < loader->columns; c++) {
    const ptrdiff_t width = loader->form[c].width;
    memcpy(to->further[c] + at * width, b->further[c] + (i * b->width + skip) * width,
           (size_t)(keep * width) * sizeof *to->further[c]);
    if (loader->form[c].spelled) lk_loader_spell(loader, keep, to->source + at, to->further[c] + at);
  }
  if (!b->target) return;
  const int32_t *target = b->target + i * b->target_width;
  if (view == LK_VIEW_LABEL) memcpy(to->target + at, target + skip, (size_t)keep * sizeof *target);
  if (view == LK_VIEW_PAIRS)
    memcpy(to->target + to->target_offset[row], target, (size_t)(to->target_length[row] + 1) * sizeof *target);
}
