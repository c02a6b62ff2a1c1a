#include "layers.h"
#include "nn_impl.h"

const char *const *lk_pool_names(size_t *count) {
  static const char *const names[] = {[LK_POOL_LAST] = "last", [LK_POOL_MEAN] = "mean", [LK_POOL_MAX] = "max"};
  *count = sizeof names / sizeof *names;
  return names;
}

static void pool_last(const lk_pack *pack, ptrdiff_t b, ptrdiff_t width, ptrdiff_t half, const lk_real *x,
                      ptrdiff_t ldx, lk_real *y) {
  copy_row(y, x + lk_pack_row(pack, b, pack->length[b] - 1) * ldx, half);
  copy_row(y + half, x + lk_pack_row(pack, b, 0) * ldx + half, width - half);
}

static void pool_mean(const lk_pack *pack, ptrdiff_t b, ptrdiff_t width, const lk_real *x, ptrdiff_t ldx, lk_real *y) {
  ptrdiff_t r = lk_pack_row(pack, b, 0);
  copy_row(y, x + r * ldx, width);
  for (r = pack->later[r]; r >= 0; r = pack->later[r])
    for (ptrdiff_t i = 0; i < width; i++) y[i] += x[r * ldx + i];
  for (ptrdiff_t i = 0; i < width; i++) y[i] /= (lk_real)pack->length[b];
}

/* A NaN wins and stays: a broken state must not hide behind a healthy one. */
static void pool_max(const lk_pack *pack, ptrdiff_t b, ptrdiff_t width, const lk_real *x, ptrdiff_t ldx, lk_real *y,
                     int32_t *arg) {
  ptrdiff_t r = lk_pack_row(pack, b, 0);
  copy_row(y, x + r * ldx, width);
  for (ptrdiff_t i = 0; i < width; i++) arg[i] = (int32_t)r;
  for (r = pack->later[r]; r >= 0; r = pack->later[r])
    for (ptrdiff_t i = 0; i < width; i++) {
      lk_real v = x[r * ldx + i];
      int wins = v > y[i] || v != v;
      y[i] = wins ? v : y[i];
      arg[i] = wins ? (int32_t)r : arg[i];
    }
}

void lk_pool_forward(lk_pool pool, const lk_pack *pack, ptrdiff_t width, ptrdiff_t half, const lk_real *x,
                     ptrdiff_t ldx, lk_real *y, ptrdiff_t ldy, int32_t *arg) {
  for (ptrdiff_t b = 0; b < pack->B; b++) {
    lk_real *to = y + b * ldy;
    switch (pool) {
      case LK_POOL_LAST:
        pool_last(pack, b, width, half, x, ldx, to);
        break;
      case LK_POOL_MEAN:
        pool_mean(pack, b, width, x, ldx, to);
        break;
      case LK_POOL_MAX:
        pool_max(pack, b, width, x, ldx, to, arg + b * width);
        break;
    }
    zero_pads(to, width, ldy);
  }
}

/* The gradient of one row: what of dy [width] belongs to it. */
static void unpool_row(lk_pool pool, const lk_pack *pack, ptrdiff_t r, ptrdiff_t width, ptrdiff_t half,
                       const lk_real *dy, const int32_t *arg, lk_real *dx) {
  switch (pool) {
    case LK_POOL_LAST: {
      int last = pack->later[r] < 0, first = pack->earlier[r] < 0;
      for (ptrdiff_t i = 0; i < half; i++) dx[i] = last ? dy[i] : 0;
      for (ptrdiff_t i = half; i < width; i++) dx[i] = first ? dy[i] : 0;
      break;
    }
    case LK_POOL_MEAN:
      for (ptrdiff_t i = 0; i < width; i++) dx[i] = dy[i] / (lk_real)pack->length[pack->seq[r]];
      break;
    case LK_POOL_MAX:
      for (ptrdiff_t i = 0; i < width; i++) dx[i] = arg[i] == r ? dy[i] : 0;
      break;
  }
}

void lk_pool_backward(lk_pool pool, const lk_pack *pack, ptrdiff_t width, ptrdiff_t half, const lk_real *dy,
                      ptrdiff_t lddy, const int32_t *arg, lk_real *dx, ptrdiff_t lddx) {
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    ptrdiff_t b = pack->seq[r];
    const int32_t *from = pool == LK_POOL_MAX ? arg + b * width : NULL;
    unpool_row(pool, pack, r, width, half, dy + b * lddy, from, dx + r * lddx);
    zero_pads(dx + r * lddx, width, lddx);
  }
}
