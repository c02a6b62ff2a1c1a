/* A table for the ranks of a host: filled once a host where memory can be shared, else once a rank; whole on all ranks when
 * the call returns; its memory outlives the window; a failed fill leaves nothing. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "check.h"
#include "host_copy.h"

typedef struct source {
  size_t bytes;
  int64_t fills;
  bool fails;
} source;

static unsigned char byte_at(size_t i) { return (unsigned char)(i * 131 + (i >> 12)); }

static lk_status fill(void *context, void *memory) {
  source *s = context;
  s->fills++;
  if (s->fails) return LK_FAIL(LK_DATA, "no table");
  for (size_t i = 0; i < s->bytes; i++) ((unsigned char *)memory)[i] = byte_at(i);
  return LK_OK;
}

static void give_back(const lk_host_copy *copy) {
  if (copy->mapped > 0)
    CHECK(munmap(copy->memory, copy->mapped) == 0);
  else
    free(copy->memory);
}

/* Make two, so that one is made while another is in use, and compare every byte. fills: of all ranks, for one of them;
 * shared: whether this rank's is. */
static void test_copy(lk_comm *comm, size_t bytes, bool share, int64_t fills, bool shared) {
  lk_host_copy copy[2];
  for (int k = 0; k < 2; k++) {
    source s = {.bytes = bytes};
    CHECK_OK(lk_host_copy_make(&copy[k], comm, bytes, share, fill, &s));
    CHECK_OK(lk_comm_sum_counts(comm, &s.fills, 1));
    if (s.fills != fills) fprintf(stderr, "%zu bytes: filled %lld times\n", bytes, (long long)s.fills);
    CHECK(s.fills == fills);
  }
  for (int k = 0; k < 2; k++) {
    size_t wrong = 0;
    for (size_t i = 0; i < bytes; i++) wrong += ((unsigned char *)copy[k].memory)[i] != byte_at(i);
    CHECK(wrong == 0);
    CHECK((copy[k].mapped > 0) == shared);
    give_back(&copy[k]);
  }
}

static void test_failure(lk_comm *comm, size_t bytes) {
  source s = {.bytes = bytes, .fails = true};
  lk_host_copy copy;
  CHECK(lk_host_copy_make(&copy, comm, bytes, true, fill, &s) == LK_DATA);
  CHECK(strstr(lk_error_get()->text, "no table") != NULL);
  CHECK(copy.memory == NULL);
  lk_error_clear();
}

int main(int argc, char **argv) {
  enum { LARGE = (5 << 20) + 4321, SMALL = 1000 };
  lk_comm *comm = check_start(&argc, &argv);
  const int ranks = lk_comm_size(comm), rank = lk_comm_rank(comm);
  test_copy(comm, LARGE, true, 1, ranks > 1);
  test_copy(comm, LARGE, false, ranks, false);
  test_copy(comm, SMALL, true, ranks, false);
  test_failure(comm, LARGE);
  test_failure(comm, SMALL);
  setenv("LOCKSTEP_TEST_SHM", "1e6", 1); /* no room */
  test_copy(comm, LARGE, true, ranks, false);
  unsetenv("LOCKSTEP_TEST_SHM");
  /* two hosts, one of which may have one rank */
  static const struct hosts {
    const char *letters;
    int64_t fills;
    bool shared[4];
  } hosts[] = {{"a", 1, {false}},
               {"ab", 2, {false, false}},
               {"aba", 2, {true, false, true}},
               {"abba", 2, {true, true, true, true}}};
  if (ranks <= 4) {
    setenv("LOCKSTEP_TEST_HOSTS", hosts[ranks - 1].letters, 1);
    test_copy(comm, LARGE, true, hosts[ranks - 1].fills, hosts[ranks - 1].shared[rank]);
  }
  return check_end(comm);
}
