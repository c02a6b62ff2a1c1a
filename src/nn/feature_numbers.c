/* feature_numbers.c - numbers as the corpus has them: frames, or a column of numbers. */
#include "input_layer.h"

static lk_status declare(lk_feature *f, lk_params *params, const lk_config *config) {
  (void)params;
  (void)config;
  f->width = f->column.width;
  return LK_OK;
}

static void forward(lk_feature *f, const lk_params *params, ptrdiff_t n, const lk_feature_rows *rows, lk_real *x,
                    ptrdiff_t ld) {
  (void)params;
  for (ptrdiff_t r = 0; r < n; r++) {
    lk_real *row = x + r * ld + f->offset;
    for (ptrdiff_t i = 0; i < f->width; i++) row[i] = (lk_real)rows->numbers[r * f->width + i];
  }
}

const lk_feature_kind lk_feature_numbers = {.name = "numbers", .declare = declare, .forward = forward};
