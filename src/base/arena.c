#include "arena.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "allocated.h"

enum { ALIGNMENT = 64 };
static const size_t huge_page = (size_t)2 << 20;
static const size_t huge_from = (size_t)4 << 20; /* below this, rounding up to huge pages would waste too much */

static atomic_size_t mapped; /* bytes of all arenas */

static double mebibytes(size_t bytes) { return (double)bytes / 1048576.0; }

void *lk_arena_take(lk_arena *arena, size_t bytes) {
  LK_ASSERT(bytes <= SIZE_MAX - ALIGNMENT);
  size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  LK_ASSERT(rounded <= SIZE_MAX - arena->used);
  size_t at = arena->used;
  LK_ASSERT(!arena->base || at + rounded <= arena->reserved);
  arena->used = at + rounded;
  return arena->base ? arena->base + at : NULL;
}

static void *take_many(lk_arena *arena, ptrdiff_t n, size_t size) {
  LK_ASSERT(n >= 0 && (size_t)n <= SIZE_MAX / size);
  return lk_arena_take(arena, (size_t)n * size);
}

lk_real *lk_arena_reals(lk_arena *arena, ptrdiff_t n) { return take_many(arena, n, sizeof(lk_real)); }

int32_t *lk_arena_ints(lk_arena *arena, ptrdiff_t n) { return take_many(arena, n, sizeof(int32_t)); }

/* A block that starts at a multiple of `align` (a power of two, whole pages): map more and unmap both ends. */
static char *map_aligned(size_t size, size_t align) {
  if (size > SIZE_MAX - align) return NULL;
  void *map = mmap(NULL, size + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return NULL;
  size_t before = (align - (uintptr_t)map % align) % align;
  char *base = (char *)map + before;
  if (before) (void)munmap(map, before);
  if (align > before) (void)munmap(base + size, align - before);
  return base;
}

/* Page faults happen now, not in the first step: in one system call, or, where the kernel has none (before Linux 5.14), by
 * a store to each page. volatile: else the compiler drops stores of zeros to zeroed memory. */
static void fault_in(char *base, size_t size, size_t page) {
#ifdef MADV_POPULATE_WRITE
  if (madvise(base, size, MADV_POPULATE_WRITE) == 0) return;
#endif
  for (volatile char *at = base; at < base + size; at += page) *at = 0;
}

lk_status lk_arena_reserve(lk_arena *arena) {
  size_t need = arena->used > 0 ? arena->used : ALIGNMENT;
  arena->used = 0;
  if (arena->base && arena->reserved >= need) return LK_OK;
  lk_arena_release(arena);

  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t align = need >= huge_from ? huge_page : page;
  if (need > SIZE_MAX - align) return LK_FAIL(LK_MEMORY, "out of memory: %.1f MiB in one block", mebibytes(need));
  size_t size = (need + align - 1) / align * align;
  char *base = map_aligned(size, align);
  if (!base) return LK_FAIL(LK_MEMORY, "out of memory: %.1f MiB in one block", mebibytes(size));
  if (align == huge_page) (void)madvise(base, size, MADV_HUGEPAGE); /* may fail; then pages are small */

  fault_in(base, size, page);
  arena->base = base;
  arena->reserved = size;
  atomic_fetch_add(&mapped, size);
  return LK_OK;
}

/* Before glibc 2.33 the counters are ints, which are right below 4 GiB. */
static size_t heap(void) {
#if __GLIBC_PREREQ(2, 33)
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#else
  const struct mallinfo info = mallinfo();
  return (size_t)(unsigned)info.uordblks + (size_t)(unsigned)info.hblkhd;
#endif
}

size_t lk_allocated(void) { return atomic_load(&mapped) + heap(); }

void lk_arena_reset(lk_arena *arena) { arena->used = 0; }

void lk_arena_release(lk_arena *arena) {
  if (arena->base) (void)munmap(arena->base, arena->reserved);
  if (arena->base) atomic_fetch_sub(&mapped, arena->reserved);
  *arena = (lk_arena){0};
}

/* `out` and `array` point to a pointer of any type: memcpy, because a void ** into a float * breaks aliasing rules. */
lk_status lk_alloc(void *out, size_t count, size_t size) {
  void *made = NULL;
  if (size == 0 || count <= PTRDIFF_MAX / size) made = calloc(count > 0 ? count : 1, size > 0 ? size : 1);
  memcpy(out, &made, sizeof made);
  if (made) return LK_OK;
  return LK_FAIL(LK_MEMORY, "out of memory: %.1f MiB (%zu times %zu bytes)", (double)count * (double)size / 1048576.0,
                 count, size);
}

lk_status lk_grow(void *array, size_t *capacity, size_t need, size_t size) {
  if (need <= *capacity) return LK_OK;
  void *block;
  memcpy(&block, array, sizeof block);
  size_t room = *capacity > 0 && *capacity <= SIZE_MAX / 2 ? 2 * *capacity : 16;
  if (room < need) room = need;
  void *larger = room <= SIZE_MAX / size ? realloc(block, room * size) : NULL;
  if (!larger && need <= SIZE_MAX / size) larger = realloc(block, (room = need) * size);
  if (!larger)
    return LK_FAIL(LK_MEMORY, "out of memory: %.1f MiB (%zu times %zu bytes)", (double)need * (double)size / 1048576.0,
                   need, size);
  memcpy(array, &larger, sizeof larger);
  *capacity = room;
  return LK_OK;
}
