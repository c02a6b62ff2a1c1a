/* deal_impl.h - data structures for assigning rows to train, valid and test. */
#pragma once
#include "prepare_impl.h"

typedef struct lk_deal_class {
  ptrdiff_t rows, left; /* rows in total; rows not assigned yet */
  ptrdiff_t quota[LK_SPLITS];
  double remainder;
} lk_deal_class;

struct lk_deal {
  lk_vocab *classes, *groups; /* NULL if not taken into account */
  ptrdiff_t rows;             /* of the training files, in whose order these are: */
  int32_t *class_id, *group;  /* [rows] ids of class and group; NULL if not taken into account */
  size_t class_capacity, group_capacity;
  int32_t *order; /* [rows] permutation in which rows are assigned, test takes from the end; NULL: that of the files */
};

/** Class of a row; 0 if classes are not taken into account. */
static inline int32_t lk_deal_class_of(const lk_deal *deal, ptrdiff_t row) {
  return deal->class_id ? deal->class_id[row] : 0;
}
/** The row that is assigned as number `place`. */
static inline ptrdiff_t lk_deal_row_at(const lk_deal *deal, ptrdiff_t place) {
  return deal->order ? deal->order[place] : place;
}
/** Assign whole groups to parts, into job->dealt. LK_DATA if there are fewer groups than parts.  Not collective. */
LK_CHECKED lk_status lk_deal_groups(lk_job *job, const lk_deal *deal);
