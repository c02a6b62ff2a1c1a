/* Sets of CPUs, what the log says of hosts and binding, and the plan of a rank's memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"
#include "cpus.h"
#include "hosts.h"
#include "memory_impl.h"

static lk_cpus cpus(int first, int end) {
  lk_cpus set = {0};
  for (int cpu = first; cpu < end; cpu++) lk_cpus_add(&set, cpu);
  return set;
}

static void test_words(void **state) {
  (void)state;
  char out[64];
  lk_cpus set = cpus(0, 4);
  lk_cpus_add(&set, 8);
  lk_cpus_add(&set, 1023);
  lk_cpus_add(&set, 1024); /* outside */
  lk_cpus_add(&set, -1);
  assert_string_equal(lk_cpus_words(out, &set), "0-3,8,1023");
  assert_int_equal(lk_cpus_count(&set), 6);
  set = (lk_cpus){0};
  assert_string_equal(lk_cpus_words(out, &set), "");
  for (int cpu = 1; cpu < 1024; cpu += 2) lk_cpus_add(&set, cpu);
  assert_string_equal(lk_cpus_words(out, &set), "1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31,33,35,37,...");
  for (int cpu = 900; cpu < 1024; cpu += 4) lk_cpus_add(&set, cpu); /* at its longest it still fits */
  assert_true(strlen(lk_cpus_words(out, &set)) < sizeof out);
  set = lk_cpus_allowed();
  assert_true(lk_cpus_count(&set) > 0);
}

static const lk_cpus *of_array(const void *context, int i) { return (const lk_cpus *)context + i; }

static void test_without(void **state) {
  (void)state;
  lk_cpus sets[4] = {cpus(0, 2), cpus(0, 1), cpus(1, 2), {{0}}};
  assert_int_equal(lk_cpus_without(of_array, sets, 2), -1); /* the first has to move on to CPU 1 */
  assert_int_equal(lk_cpus_without(of_array, sets, 4), 2);
  sets[0] = cpus(0, 3);
  assert_int_equal(lk_cpus_without(of_array, sets, 4), -1);
}

enum { RANKS = 4 };
static lk_place of[RANKS];

static void place(int rank, const char *host, const char *machine, lk_cpus set) {
  of[rank] = (lk_place){.cpus = set};
  strcpy(of[rank].host, host);
  strcpy(of[rank].machine, machine);
}

static void test_hosts(void **state) {
  (void)state;
  char out[256];
  place(0, "a", "1", cpus(0, 8)), place(1, "a", "1", cpus(0, 8));
  place(2, "b", "2", cpus(0, 1)), place(3, "b", "2", cpus(1, 2));
  assert_string_equal(lk_host_words(out, of, RANKS, 0), "host a: 2 ranks on CPUs 0-7, not bound");
  assert_string_equal(lk_host_words(out, of, RANKS, 2), "host b: 2 ranks on CPUs 0 | 1");
  assert_string_equal(lk_hosts_crowded(out, of, RANKS), "");
  place(3, "b", "2", cpus(0, 1));
  assert_string_equal(lk_hosts_crowded(out, of, RANKS),
                      "2 ranks on b have 1 CPU (0), and some of them none of their own");
  place(3, "c", "2", cpus(0, 1)); /* another name of the same machine */
  assert_string_equal(lk_hosts_crowded(out, of, RANKS),
                      "2 ranks on b have 1 CPU (0), and some of them none of their own");
  place(3, "c", "3", (lk_cpus){{0}});
  assert_string_equal(lk_hosts_crowded(out, of, RANKS), "");
  assert_string_equal(lk_host_words(out, of, RANKS, 3), "host c: 1 rank");
}

static void test_memory(void **state) {
  (void)state;
  lk_memory memory;
  lk_arena arena = {0};
  char out[512];
  void *block = NULL;
  lk_memory_begin(&memory);
  assert_true(memory.bytes[LK_MEMORY_PROGRAM] > 1e5);
  (void)lk_arena_take(&arena, 5 << 20);
  assert_int_equal(lk_arena_reserve(&arena), LK_OK);
  lk_memory_lap(&memory, LK_MEMORY_ACTIVATIONS);
  assert_in_range((int)memory.bytes[LK_MEMORY_ACTIVATIONS], 6 << 20, (6 << 20) + 10000); /* whole huge pages */
  assert_int_equal(lk_alloc(&block, 3 << 20, 1), LK_OK);
  lk_memory_lap(&memory, LK_MEMORY_CORPUS);
#ifndef __SANITIZE_ADDRESS__ /* has a malloc() of its own */
  assert_true(memory.bytes[LK_MEMORY_CORPUS] >= 3 << 20 && memory.bytes[LK_MEMORY_CORPUS] < (3 << 20) + 10000);
#endif
  free(block);
  lk_arena_release(&arena);
  lk_memory_lap(&memory, LK_MEMORY_MOMENTS); /* what was freed is no part's */
  assert_true(memory.bytes[LK_MEMORY_MOMENTS] == 0);
  memory = (lk_memory){.bytes = {[LK_MEMORY_PROGRAM] = 40e6, [LK_MEMORY_WEIGHTS] = 2.6e6, [LK_MEMORY_EXCHANGE] = 1e4}};
  assert_string_equal(lk_memory_words(out, &memory), "43 MB a rank: 40 program, 3 weights");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_without),
                                     cmocka_unit_test(test_hosts), cmocka_unit_test(test_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
