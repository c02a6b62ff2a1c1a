/* sparse_rows_impl.h - rows whose gradients are mostly zero: where they lie in the flat vector, and how they are sent.
 *
 * Embedding tables have a row for each word, and a step reads few words. Marks, a byte for each row of all such
 * tensors, tell which rows of a gradient may be non-zero; the others must hold zeros.
 *
 * A part of the vector is sent packed where that is shorter: its dense reals and its marked rows, in order, then a bit
 * for each of its rows. Its length tells whether it is packed. Not collective throughout. */
#pragma once
#include <stdbool.h>

#include "shards.h"
#include "status.h"

typedef struct lk_row_table {
  lk_row_block *block; /* [blocks] by offset, owned */
  int blocks;
  ptrdiff_t rows; /* of all blocks */
} lk_row_table;

/* A stretch of the flat vector in which all reals are dense, or all belong to rows of one block. */
typedef struct lk_row_run {
  ptrdiff_t end;
  ptrdiff_t row;     /* index of the first row over all blocks; -1: dense */
  ptrdiff_t row_end; /* where that row ends */
  ptrdiff_t width;   /* of the rows */
} lk_row_run;

/** Copy the blocks, which must lie in [0, P) by offset; LK_MEMORY. Free table->block afterwards. */
LK_CHECKED lk_status lk_row_table_init(lk_row_table *table, const lk_row_block *blocks, int count, ptrdiff_t P);
/** The longest run that begins at `at` and ends by `end`. */
lk_row_run lk_row_run_at(const lk_row_table *table, ptrdiff_t at, ptrdiff_t end);
/** Index of the first row that ends after `at`; of the first that begins at `at` or later. */
ptrdiff_t lk_row_at(const lk_row_table *table, ptrdiff_t at);
ptrdiff_t lk_row_after(const lk_row_table *table, ptrdiff_t at);
/** The next stretch of `range`, from `at` on, without unmarked rows (which are zero); false: there is none. marks: of
 *  the range's rows. */
bool lk_rows_next(const lk_row_table *table, lk_range range, const uint8_t *marks, ptrdiff_t at, lk_range *found);

/* What messages carry. Reals are only moved: each has `real` bytes, 4 or 2. */
/** Bytes of a part as it is sent; *packed: whether that is shorter than its reals. marks: of the part's rows. */
size_t lk_rows_bytes(const lk_row_table *table, lk_range part, const uint8_t *marks, size_t real, bool *packed);
/** to = the part, packed; x may be to. */
void lk_rows_pack(const lk_row_table *table, lk_range part, const uint8_t *marks, size_t real, const void *x, void *to);
/** The reverse, in place: x has `bytes` as they were sent. marks [rows of the part] are assigned; rows without a mark
 *  are left as they are. */
void lk_rows_unpack(const lk_row_table *table, lk_range part, size_t bytes, size_t real, void *x, uint8_t *marks);
/** Copy a part from `message`, which has `bytes` as they were sent, to x; rows without a mark are left as they are. */
void lk_rows_assign(const lk_row_table *table, lk_range part, size_t bytes, size_t real, const void *message, void *x);
/** x = 0 in unmarked rows of the part. */
void lk_rows_clear(const lk_row_table *table, lk_range part, const uint8_t *marks, size_t real, void *x);
