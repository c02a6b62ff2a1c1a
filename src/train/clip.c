#include "clip.h"

#include <math.h>

#include "choices.h"

static lk_choice way_choice(size_t i) {
  static const lk_choice ways[] = {
      [LK_CLIP_NORM] = {"norm", "scaled down to the norm train.clip if it is longer", NULL},
      [LK_CLIP_VALUE] = {"value", "each number is cut to train.clip", NULL},
      [LK_CLIP_NORMALIZE] = {"normalize", "always scaled to the norm train.clip", NULL}};
  return i < sizeof ways / sizeof *ways ? ways[i] : (lk_choice){0};
}
LK_CHOICES("train.clip_by", way_choice)

lk_status lk_clip_read(lk_clip_way *way, const lk_config *config) {
  size_t index;
  LK_TRY(lk_config_choice(config, "train.clip_by", &index));
  *way = (lk_clip_way)index;
  return LK_OK;
}

lk_clip lk_clip_of(lk_clip_way way, double limit, double units, double norm) {
  lk_clip clip = {.scale = 1 / units, .most = INFINITY};
  if (limit == 0) return clip;
  switch (way) {
    case LK_CLIP_NORM:
      clip.scale *= norm > limit ? limit / norm : 1;
      break;
    case LK_CLIP_VALUE:
      clip.most = (float)(limit * units);
      break;
    case LK_CLIP_NORMALIZE:
      clip.scale *= norm > 0 ? limit / norm : 1;
      break;
  }
  return clip;
}
