/* allocated.h - how much memory this process has allocated. */
#pragma once
#include <stddef.h>

/** Bytes of all arenas (arena.h) plus those that malloc() has given out.          Not collective. */
size_t lk_allocated(void);
