/* cache_impl.h - the neural cache: what came next where the model was in a similar state (adapt.h). */
#pragma once
#include "arena.h"
#include "real.h"

typedef struct lk_cache {
  ptrdiff_t window, width, ld; /* states that are kept, their reals, and the distance of two of them */
  ptrdiff_t count, next;       /* of them in use; the place of the next one */
  double theta, weight;
  lk_real *state;   /* [window, ld], pads zero */
  int32_t *after;   /* [window] the unit that came next */
  lk_real *scratch; /* [window] */
} lk_cache;

/** LK_MEMORY. */
LK_CHECKED lk_status lk_cache_init(lk_cache *cache, ptrdiff_t window, ptrdiff_t width, double theta, double weight);
void lk_cache_release(lk_cache *cache);
/** log P of the unit `target` after a state [width], with the cache mixed in. log_p: under the model alone, also the
 *  result if the cache is empty. */
double lk_cache_mix(lk_cache *cache, const lk_real *state, int32_t target, double log_p);
/** Remember a state and what came next, in place of the oldest one. */
void lk_cache_add(lk_cache *cache, const lk_real *state, int32_t target);
