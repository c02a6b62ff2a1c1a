#include "pooling.h"

#include "choices.h"
#include "nn_impl.h"

static lk_choice pooling_choice(size_t i) {
  static const lk_choice poolings[] = {[LK_POOLING_LAST] = {"last", "the state after the last token", NULL},
                                       [LK_POOLING_MEAN] = {"mean", "mean over the times", NULL},
                                       [LK_POOLING_MAX] = {"max", "largest value over the times", NULL}};
  return i < sizeof poolings / sizeof *poolings ? poolings[i] : (lk_choice){0};
}
LK_CHOICES("model.pooling", pooling_choice)

lk_status lk_pooling_declare(lk_pooling *p, const lk_config *config, ptrdiff_t width, int directions) {
  size_t index;
  LK_TRY(lk_config_choice(config, "model.pooling", &index));
  *p = (lk_pooling){(lk_pooling_kind)index, .width = width, .half = width / directions, .ld = lk_padded(width)};
  return LK_OK;
}

void lk_pooling_layout(lk_pooling *p, lk_arena *arena, ptrdiff_t B, int training) {
  p->y = lk_arena_reals(arena, B * p->ld);
  p->dy = lk_arena_reals(arena, training ? B * p->ld : 0);
  p->arg = lk_arena_ints(arena, B * p->width);
}

static void pool_last(const lk_pooling *p, const lk_pack *pack, ptrdiff_t b, const lk_real *x, ptrdiff_t ldx,
                      lk_real *y) {
  copy_row(y, x + lk_pack_row(pack, b, pack->length[b] - 1) * ldx, p->half);
  copy_row(y + p->half, x + lk_pack_row(pack, b, 0) * ldx + p->half, p->width - p->half);
}

static void pool_mean(const lk_pooling *p, const lk_pack *pack, ptrdiff_t b, const lk_real *x, ptrdiff_t ldx,
                      lk_real *y) {
  ptrdiff_t r = lk_pack_row(pack, b, 0);
  copy_row(y, x + r * ldx, p->width);
  for (r = pack->later[r]; r >= 0; r = pack->later[r])
    for (ptrdiff_t i = 0; i < p->width; i++) y[i] += x[r * ldx + i];
  for (ptrdiff_t i = 0; i < p->width; i++) y[i] /= (lk_real)pack->length[b];
}

/* A NaN counts as larger than any number, so that a broken state is seen in the loss. */
static void pool_max(const lk_pooling *p, const lk_pack *pack, ptrdiff_t b, const lk_real *x, ptrdiff_t ldx,
                     lk_real *y) {
  int32_t *arg = p->arg + b * p->width;
  ptrdiff_t r = lk_pack_row(pack, b, 0);
  copy_row(y, x + r * ldx, p->width);
  for (ptrdiff_t i = 0; i < p->width; i++) arg[i] = (int32_t)r;
  for (r = pack->later[r]; r >= 0; r = pack->later[r])
    for (ptrdiff_t i = 0; i < p->width; i++) {
      const lk_real v = x[r * ldx + i];
      const int wins = v > y[i] || v != v;
      y[i] = wins ? v : y[i];
      arg[i] = wins ? (int32_t)r : arg[i];
    }
}

void lk_pooling_forward(lk_pooling *p, const lk_pack *pack, const lk_real *x, ptrdiff_t ldx) {
  for (ptrdiff_t b = 0; b < pack->B; b++) {
    lk_real *y = p->y + b * p->ld;
    switch (p->kind) {
      case LK_POOLING_LAST:
        pool_last(p, pack, b, x, ldx, y);
        break;
      case LK_POOLING_MEAN:
        pool_mean(p, pack, b, x, ldx, y);
        break;
      case LK_POOLING_MAX:
        pool_max(p, pack, b, x, ldx, y);
        break;
    }
    zero_pads(y, p->width, p->ld);
  }
}

/* The gradient of row r: the part of its sequence's dy [width] that it is responsible for. */
static void unpool_row(const lk_pooling *p, const lk_pack *pack, ptrdiff_t r, lk_real *dx) {
  const ptrdiff_t b = pack->seq[r];
  const lk_real *dy = p->dy + b * p->ld;
  const int32_t *arg = p->arg + b * p->width;
  switch (p->kind) {
    case LK_POOLING_LAST: {
      const int last = pack->later[r] < 0, first = pack->earlier[r] < 0;
      for (ptrdiff_t i = 0; i < p->half; i++) dx[i] = last ? dy[i] : 0;
      for (ptrdiff_t i = p->half; i < p->width; i++) dx[i] = first ? dy[i] : 0;
      break;
    }
    case LK_POOLING_MEAN:
      for (ptrdiff_t i = 0; i < p->width; i++) dx[i] = dy[i] / (lk_real)pack->length[b];
      break;
    case LK_POOLING_MAX:
      for (ptrdiff_t i = 0; i < p->width; i++) dx[i] = arg[i] == r ? dy[i] : 0;
      break;
  }
}

void lk_pooling_backward(const lk_pooling *p, const lk_pack *pack, lk_real *dx, ptrdiff_t lddx) {
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    unpool_row(p, pack, r, dx + r * lddx);
    zero_pads(dx + r * lddx, p->width, lddx);
  }
}
