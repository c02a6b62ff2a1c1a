/* deal_impl.h - what dealing rows to parts works on. */
#pragma once
#include "prepare_impl.h"

typedef struct lk_deal_row {
  int32_t class_id, group; /* 0 where nobody asks */
} lk_deal_row;

typedef struct lk_deal_class {
  ptrdiff_t rows, left; /* in all; not given to a part yet */
  ptrdiff_t quota[LK_SPLITS];
  double remainder;
} lk_deal_class;

struct lk_deal {
  lk_vocab *classes, *groups; /* NULL where rows are dealt without regard to them */
  lk_deal_row *row;           /* [rows] of the training files, in their order */
  size_t capacity;
  ptrdiff_t rows;
  int32_t *order; /* [rows] in which they are dealt, test from the end */
};

/** Whole groups to parts, into job->dealt. LK_DATA where there are fewer groups than parts. Not collective. */
LK_CHECKED lk_status lk_deal_groups(lk_job *job, const lk_deal *deal);
