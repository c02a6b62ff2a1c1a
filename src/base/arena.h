/* arena.h - one aligned block, handed out in pieces.
 *
 * Plan first, then bind: the same function that lays out a module's buffers runs twice, once on an arena without
 * memory, which only counts, and once on the real one, so sizes and pointers cannot disagree:
 *
 *     lk_arena a = {0};
 *     layout(&net, &a);                    counts: every pointer comes back NULL
 *     LK_TRY(lk_arena_reserve(&a));        one 64-byte aligned, pre-faulted block of that size
 *     layout(&net, &a);                    hands out
 *
 * Ownership: the arena owns the block; pieces die with it. Three lifetimes: the run, the largest batch, the step. */
#pragma once
#include <stddef.h>

#include "real.h"
#include "status.h"

typedef struct lk_arena {
  char *base;      /* NULL while planning */
  size_t used;     /* bytes handed out, or counted */
  size_t reserved; /* bytes of the block */
} lk_arena;

/** `bytes` bytes, 64-byte aligned; NULL while planning. Asserts that they fit.    Not collective. */
void *lk_arena_take(lk_arena *arena, size_t bytes);
/** Typed takes: n elements; negative n is a bug.                                  Not collective. */
lk_real *lk_arena_reals(lk_arena *arena, ptrdiff_t n);
int32_t *lk_arena_ints(lk_arena *arena, ptrdiff_t n);
/** Allocate `used` bytes, touch every page (zeros), huge pages where granted; ready to hand out from the start. Where
 *  there is a block that is large enough it is kept as it is, a smaller one is replaced (count on a second arena and
 *  set `used`). LK_MEMORY, the arena then empty.                                  Not collective. */
LK_CHECKED lk_status lk_arena_reserve(lk_arena *arena);
/** Hand out from the start again.                                                 Not collective. */
void lk_arena_reset(lk_arena *arena);
void lk_arena_release(lk_arena *arena);

/** Checked allocation for set-up code: zeroed, LK_MEMORY with the size in words. *out is NULL on failure. */
LK_CHECKED lk_status lk_alloc(void *out, size_t count, size_t size);
/** Grow *array (element size `size`) to hold at least `need` elements, at least doubling it; *capacity is updated, new
 *  elements are not zeroed. LK_MEMORY, *array then untouched. */
LK_CHECKED lk_status lk_grow(void *array, size_t *capacity, size_t need, size_t size);
