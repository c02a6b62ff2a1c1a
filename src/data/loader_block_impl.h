/* loader_block_impl.h - rows as the file has them, padded, and how to take the rows of this rank out of them. */
#pragma once
#include "loader_impl.h"

/* A block of rows of one bucket. */
typedef struct lk_block {
  ptrdiff_t rows_most, width, target_width;
  int32_t *source, *length, *target, *target_length;
  float *frames;
  int32_t *further[LK_MAX_COLUMNS]; /* parallel to the loader's */
  lk_strings references;            /* accepted targets of the whole bucket */
} lk_block;

/** Allocate memory for at most `rows` rows of a bucket, about `bytes` bytes. lengths: also for their lengths.
 *  LK_MEMORY. */
LK_CHECKED lk_status lk_block_reserve(lk_block *block, const lk_loader *loader, const lk_bucket *bucket, ptrdiff_t rows,
                                      size_t bytes, bool lengths);
void lk_block_release(lk_block *block);
/** Read rows [at, at + count) of bucket k. LK_DATA, LK_IO. */
LK_CHECKED lk_status lk_block_read(lk_block *block, const lk_loader *loader, const lk_corpus *corpus, int k,
                                   ptrdiff_t at, ptrdiff_t count);

/** Units that are stored for a row of so many input positions: for LM one more. */
static inline ptrdiff_t lk_loader_stored(const lk_loader *loader, ptrdiff_t positions) {
  return positions + (loader->D == 0 && loader->settings.view == LK_VIEW_LM);
}
/** Input positions of a row that has `length` units in the file. */
static inline ptrdiff_t lk_loader_positions(const lk_loader *loader, ptrdiff_t length) {
  if (loader->D > 0) return length;
  return length - (loader->settings.view == LK_VIEW_LM || loader->settings.view == LK_VIEW_PAIRS ? 1 : 2);
}
/** Copy row i of a block to row `row` of `to`, which has the row's length and offset already. */
void lk_block_take(const lk_block *block, const lk_loader *loader, ptrdiff_t i, const lk_held *to, ptrdiff_t row);
