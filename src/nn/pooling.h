/* pooling.h - one vector for a whole sequence, from the vectors of its rows.
 *
 *   x [N, width] rows of a packed batch -> last | mean | max over the times of each sequence -> y [B, width]
 *
 * `last` takes the forward half of the columns from the last time and the backward half from time 0: the last outputs of
 * both directions of a recurrent layer. The layer has no tensors. Its buffers live in the arena it was laid out in. */
#pragma once
#include "arena.h"
#include "config.h"
#include "pack.h"

typedef enum lk_pooling_kind { LK_POOLING_LAST, LK_POOLING_MEAN, LK_POOLING_MAX } lk_pooling_kind;

typedef struct lk_pooling {
  lk_pooling_kind kind;
  ptrdiff_t width, half; /* columns; of them the forward direction's, the first */
  ptrdiff_t ld;          /* row stride of y and dy */
  lk_real *y, *dy;       /* [B, ld] */
  int32_t *arg;          /* [B, width] max: the row that gave the maximum */
} lk_pooling;

/** By model.pooling, for rows of `width` columns of `directions` directions. LK_USAGE with the place. */
LK_CHECKED lk_status lk_pooling_declare(lk_pooling *p, const lk_config *config, ptrdiff_t width, int directions);
/** For at most B sequences.                                                        Not collective. */
void lk_pooling_layout(lk_pooling *p, lk_arena *arena, ptrdiff_t B, int training);
/** p->y from x [N, ldx].                                                          Not collective. */
void lk_pooling_forward(lk_pooling *p, const lk_pack *pack, const lk_real *x, ptrdiff_t ldx);
/** dx [N, lddx] is assigned from p->dy.                                           Not collective. */
void lk_pooling_backward(const lk_pooling *p, const lk_pack *pack, lk_real *dx, ptrdiff_t lddx);
