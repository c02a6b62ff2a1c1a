/* clip.h - how the gradient is limited before the update (train.clip_by, train.clip). With g the mean gradient over all
 * units, of all tensors together, and c = train.clip:
 *
 *   norm        g min(1, c / |g|)            torch.nn.utils.clip_grad_norm_ (Pascanu, Mikolov & Bengio 2013)
 *   value       each number cut to [-c, c]   torch.nn.utils.clip_grad_value_
 *   normalize   g c / |g|                    also where |g| is below c (Hazan, Levy & Shalev-Shwartz 2015)
 *
 * c = 0: the gradient stays as it is. Weight decay is added afterwards. Not collective throughout. */
#pragma once
#include "config.h"

typedef enum lk_clip_way { LK_CLIP_NORM, LK_CLIP_VALUE, LK_CLIP_NORMALIZE } lk_clip_way;

/* What becomes of the sum of gradients over so many units: cut to [-most, most], then times scale. */
typedef struct lk_clip {
  double scale;
  float most; /* infinite: nothing is cut */
} lk_clip;

/** The way that train.clip_by names. LK_USAGE. */
LK_CHECKED lk_status lk_clip_read(lk_clip_way *way, const lk_config *config);
/** For a mean gradient of that norm. */
lk_clip lk_clip_of(lk_clip_way way, double limit, double units, double norm);
