/* arena.h - one aligned block of memory, divided among buffers.
 *
 * The function that lays out a module's buffers runs twice: once on an arena without memory, which only adds up the
 * sizes, and once on the allocated one, which gives out pointers. So sizes and pointers cannot disagree:
 *
 *     lk_arena a = {0};
 *     layout(&net, &a);                    adds up; every pointer is NULL
 *     LK_TRY(lk_arena_reserve(&a));        one 64-byte aligned, pre-faulted block of that size
 *     layout(&net, &a);                    gives out pointers
 *
 * Ownership: the arena owns the block, and the pointers are valid as long as it. There are arenas for the run, for the
 * largest batch and for a step. */
#pragma once
#include <stddef.h>

#include "real.h"
#include "status.h"

typedef struct lk_arena {
  char *base;      /* NULL while planning */
  size_t used;     /* bytes given out so far */
  size_t reserved; /* bytes of the block */
} lk_arena;

/** `bytes` bytes, 64-byte aligned; NULL while planning. Asserts that they fit.    Not collective. */
void *lk_arena_take(lk_arena *arena, size_t bytes);
/** The same for n elements of a type; a negative n is a bug.                                 Not collective. */
lk_real *lk_arena_reals(lk_arena *arena, ptrdiff_t n);
int32_t *lk_arena_ints(lk_arena *arena, ptrdiff_t n);
/** Allocate `used` bytes, zeroed and paged in, in huge pages if the system gives them, and start again at its first
 *  byte. A block that is large enough is kept with its contents; a smaller one is replaced (to grow a block, add up
 *  on a second arena and copy its `used`). LK_MEMORY; the arena is then empty.        Not collective. */
LK_CHECKED lk_status lk_arena_reserve(lk_arena *arena);
/** Start again at the first byte.                                                 Not collective. */
void lk_arena_reset(lk_arena *arena);
void lk_arena_release(lk_arena *arena);

/** Checked allocation for set-up code: zeroed; LK_MEMORY with the size in the message. *out is NULL on failure. */
LK_CHECKED lk_status lk_alloc(void *out, size_t count, size_t size);
/** Grow *array (element size `size`) to hold at least `need` elements, at least doubling it; *capacity is updated, new
 *  elements are not zeroed. LK_MEMORY, *array then untouched. */
LK_CHECKED lk_status lk_grow(void *array, size_t *capacity, size_t need, size_t size);
