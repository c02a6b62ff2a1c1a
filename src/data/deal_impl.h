/* deal_impl.h - data structures for assigning rows to train, valid and test. */
#pragma once
#include "prepare_impl.h"

typedef struct lk_deal_row {
  int32_t class_id, group; /* ids of class and group; 0 if not taken into account */
} lk_deal_row;

typedef struct lk_deal_class {
  ptrdiff_t rows, left; /* rows in total; rows not assigned yet */
  ptrdiff_t quota[LK_SPLITS];
  double remainder;
} lk_deal_class;

struct lk_deal {
  lk_vocab *classes, *groups; /* NULL if not taken into account */
  lk_deal_row *row;           /* [rows] of the training files, in file order */
  size_t capacity;
  ptrdiff_t rows;
  int32_t *order; /* [rows] permutation in which rows are assigned; test takes from the end */
};

/** Assign whole groups to parts, into job->dealt. LK_DATA if there are fewer groups than parts.  Not collective. */
LK_CHECKED lk_status lk_deal_groups(lk_job *job, const lk_deal *deal);
