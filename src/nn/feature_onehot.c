/* feature_onehot.c - a token as a row of zeros with a one in the token's place. */
#include "input_layer.h"

static lk_status declare(lk_feature *f, lk_params *params, const lk_config *config) {
  (void)params;
  (void)config;
  f->width = f->column.values;
  return LK_OK;
}

static void forward(lk_feature *f, const lk_params *params, ptrdiff_t n, const lk_feature_rows *rows, lk_real *x,
                    ptrdiff_t ld) {
  (void)params;
  for (ptrdiff_t r = 0; r < n; r++) {
    lk_real *row = x + r * ld + f->offset;
    LK_ASSERT(rows->ids[r] >= 0 && rows->ids[r] < f->width);
    for (ptrdiff_t i = 0; i < f->width; i++) row[i] = 0;
    row[rows->ids[r]] = 1;
  }
}

const lk_feature_kind lk_feature_onehot = {.name = "onehot",
                                           .help = "a column of the input weights",
                                           .tokens = 1,
                                           .picks = 1,
                                           .declare = declare,
                                           .forward = forward};
