/* The arena: planned and handed-out sizes agree; blocks are aligned, zeroed, kept and replaced; allocations check for
 * overflow. */
#include "arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct buffers {
  lk_real *reals;
  int32_t *ints;
  char *bytes;
  void *none;
} buffers;

static void layout(buffers *b, lk_arena *arena, ptrdiff_t n) {
  b->reals = lk_arena_reals(arena, n);
  b->ints = lk_arena_ints(arena, n + 1);
  b->none = lk_arena_take(arena, 0);
  b->bytes = lk_arena_take(arena, 3);
}

static void plan_then_bind(void **state) {
  (void)state;
  const ptrdiff_t sizes[] = {0, 1, 17, 4000, 1500000}; /* the last above the limit for huge pages */
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    const ptrdiff_t n = sizes[s];
    lk_arena arena = {0};
    buffers b;
    layout(&b, &arena, n);
    assert_true(!b.reals && !b.ints && !b.none && !b.bytes);
    const size_t planned = arena.used;
    assert_true(planned % 64 == 0 && planned >= (size_t)n * (sizeof(lk_real) + 4));
    assert_int_equal(lk_arena_reserve(&arena), LK_OK);
    assert_int_equal(arena.used, 0);
    assert_true(arena.reserved >= planned);
    layout(&b, &arena, n);
    assert_int_equal(arena.used, planned);
    assert_true((uintptr_t)b.reals % 64 == 0 && (uintptr_t)b.ints % 64 == 0 && (uintptr_t)b.bytes % 64 == 0);
    assert_true((char *)b.ints >= (char *)(b.reals + n) && b.bytes >= (char *)(b.ints + n + 1));
    if (planned >= 4u << 20) assert_int_equal((uintptr_t)arena.base % (2u << 20), 0);
    for (size_t i = 0; i < arena.reserved; i++)
      if (arena.base[i] != 0) fail_msg("byte %zu is not zero", i);
    memset(arena.base, 0x5a, arena.reserved);
    lk_arena_release(&arena);
    assert_true(arena.base == NULL && arena.used == 0 && arena.reserved == 0);
  }
}

static void block_is_kept_or_replaced(void **state) {
  (void)state;
  lk_arena arena = {.used = 100000};
  assert_int_equal(lk_arena_reserve(&arena), LK_OK);
  char *first = arena.base;
  lk_real *a = lk_arena_reals(&arena, 5);
  a[0] = (lk_real)2.5;
  lk_arena_reset(&arena);
  assert_ptr_equal(lk_arena_reals(&arena, 5), a);
  assert_true(a[0] == (lk_real)2.5);
  arena.used = 50000; /* a smaller plan */
  assert_int_equal(lk_arena_reserve(&arena), LK_OK);
  assert_ptr_equal(arena.base, first);
  arena.used = 10000000;
  assert_int_equal(lk_arena_reserve(&arena), LK_OK);
  assert_true(arena.reserved >= 10000000 && arena.used == 0);
  arena.base[9999999] = 1;
  lk_arena_release(&arena);
}

static void too_much_is_a_status(void **state) {
  (void)state;
  lk_error_clear();
  lk_arena arena = {.used = (size_t)1 << 60};
  assert_int_equal(lk_arena_reserve(&arena), LK_MEMORY);
  assert_true(arena.base == NULL && arena.reserved == 0);
  assert_non_null(strstr(lk_error_get()->text, "MiB"));
  lk_error_clear();
  arena.used = SIZE_MAX - 100;
  assert_int_equal(lk_arena_reserve(&arena), LK_MEMORY);

  double *numbers = (double *)&arena;
  lk_error_clear();
  assert_int_equal(lk_alloc(&numbers, SIZE_MAX / 4, sizeof *numbers), LK_MEMORY);
  assert_null(numbers);
  size_t capacity = 0;
  assert_int_equal(lk_grow(&numbers, &capacity, SIZE_MAX / 4, sizeof *numbers), LK_MEMORY);
  assert_true(numbers == NULL && capacity == 0);
  lk_error_clear();
}

static void allocation_is_zeroed_and_grows(void **state) {
  (void)state;
  int *numbers = NULL;
  assert_int_equal(lk_alloc(&numbers, 1000, sizeof *numbers), LK_OK);
  for (int i = 0; i < 1000; i++) assert_int_equal(numbers[i], 0);
  free(numbers);
  assert_int_equal(lk_alloc(&numbers, 0, 0), LK_OK);
  assert_non_null(numbers);
  free(numbers);

  numbers = NULL;
  size_t capacity = 0, moves = 0;
  for (int i = 0; i < 100000; i++) {
    size_t before = capacity;
    assert_int_equal(lk_grow(&numbers, &capacity, (size_t)i + 1, sizeof *numbers), LK_OK);
    moves += before != capacity;
    numbers[i] = i;
  }
  assert_true(moves < 20); /* capacity doubles, else this would be quadratic */
  for (int i = 0; i < 100000; i++) assert_int_equal(numbers[i], i);
  free(numbers);
}

static void take_beyond_plan(void) {
  lk_arena arena = {.used = 64};
  if (lk_arena_reserve(&arena) != LK_OK) return;
  (void)lk_arena_take(&arena, arena.reserved);
  (void)lk_arena_take(&arena, 1);
}
static void take_negative(void) {
  lk_arena arena = {0};
  (void)lk_arena_reals(&arena, -1);
}
static void take_overflow(void) {
  lk_arena arena = {0};
  (void)lk_arena_take(&arena, SIZE_MAX / 2 + 1);
  (void)lk_arena_take(&arena, SIZE_MAX / 2 + 1);
}

static void misuse_is_a_bug(void **state) {
  (void)state;
  void (*const misuse[])(void) = {take_beyond_plan, take_negative, take_overflow};
  for (size_t i = 0; i < sizeof misuse / sizeof *misuse; i++) {
    pid_t child = fork();
    if (child == 0) {
      (void)!freopen("/dev/null", "w", stderr);
      misuse[i]();
      _exit(0);
    }
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plan_then_bind),       cmocka_unit_test(block_is_kept_or_replaced),
      cmocka_unit_test(too_much_is_a_status), cmocka_unit_test(allocation_is_zeroed_and_grows),
      cmocka_unit_test(misuse_is_a_bug),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
