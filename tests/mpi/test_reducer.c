/* The reduction gives the bits of the definition (S shard gradients, one tree) on any number of ranks, however they are
 * grouped. A row that no shard touches counts as +0.0, as in the dense sum. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "reducer_impl.h"
#include "arena.h"

/* One case: the arguments of a reducer. */
typedef struct setting {
  int S;
  ptrdiff_t P;
  int blocks;
  lk_row_block block[2];
  const char *hosts; /* LOCKSTEP_TEST_HOSTS */
  lk_reduction how;
  double density; /* fraction of the rows that a shard touches */
} setting;

/* splitmix64: a fast pseudo-random number. */
static uint64_t hash(uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
  x = (x ^ x >> 27) * 0x94d049bb133111ebU;
  return x ^ x >> 31;
}

static uint64_t hash_of(int step, int shard, ptrdiff_t i) {
  return hash((uint64_t)step << 56 ^ (uint64_t)shard << 40 ^ (uint64_t)i);
}

static bool touches(const setting *t, int step, int shard, ptrdiff_t row) {
  return (double)(hash_of(step + 100, shard, row) >> 11) * 0x1p-53 < t->density;
}

/* Magnitudes from 2^-12 to 2^11, so that another order of additions changes nearly every element; some are -0.0. */
static void fill_shard(const setting *t, int step, float *x, int shard) {
  for (ptrdiff_t i = 0; i < t->P; i++) {
    uint64_t bits = hash_of(step, shard, i);
    float scale = (float)(1 << bits % 24) * 0x1p-12F;
    x[i] = bits % 31 == 0 ? -0.0F : scale * ((float)(bits >> 40) * 0x1p-23F - 1.0F);
  }
  ptrdiff_t row = 0;
  for (int b = 0; b < t->blocks; b++)
    for (ptrdiff_t r = 0; r < t->block[b].rows; r++, row++)
      if (!touches(t, step, shard, row))
        memset(x + t->block[b].offset + r * t->block[b].width, 0, (size_t)t->block[b].width * sizeof *x);
}

/* Recursive form of the definition in shards.h: independent of lk_tree and of the plan. */
static void node_sum(const setting *t, int step, float *out, int level, int k, float *scratch) {
  int first = k << level;
  if (level == 0) {
    fill_shard(t, step, out, first);
    return;
  }
  node_sum(t, step, out, level - 1, 2 * k, scratch);
  if (first + (1 << (level - 1)) >= t->S) return;
  node_sum(t, step, scratch, level - 1, 2 * k + 1, scratch + t->P);
  for (ptrdiff_t i = 0; i < t->P; i++) out[i] += scratch[i];
}

static int root_level(int S) {
  int level = 0;
  while ((1 << level) < S) level++;
  return level;
}

/* What the backward pass computes: a subtree's shards along the tree. */
static void subtree_sum(const setting *t, int step, float *out, lk_subtree subtree, float *slots) {
  lk_tree tree = lk_tree_start(t->S, subtree.first);
  for (int s = subtree.first; s < subtree.first + subtree.count; s++) {
    fill_shard(t, step, slots + lk_tree_push(&tree, lk_tree_shard(s)) * t->P, s);
    for (int into, from; lk_tree_merge(&tree, &into, &from);)
      for (ptrdiff_t i = 0; i < t->P; i++) slots[into * t->P + i] += slots[from * t->P + i];
  }
  memcpy(out, slots, (size_t)t->P * sizeof *out);
}

static float *reals(ptrdiff_t n) {
  float *x = NULL;
  if (lk_alloc(&x, (size_t)n + 1, sizeof *x) != LK_OK) abort();
  return x;
}

static ptrdiff_t sequential_differs(const setting *t, const float *total) {
  float *sum = reals(t->P), *gradient = reals(t->P);
  for (int s = 0; s < t->S; s++) {
    fill_shard(t, 0, gradient, s);
    for (ptrdiff_t i = 0; i < t->P; i++) sum[i] += gradient[i];
  }
  ptrdiff_t differ = 0;
  for (ptrdiff_t i = 0; i < t->P; i++) differ += memcmp(&sum[i], &total[i], sizeof *sum) != 0;
  free(gradient);
  free(sum);
  return differ;
}

static double square_sum_defined(const float *x, ptrdiff_t P) {
  ptrdiff_t blocks = (P + LK_RANGE_BLOCK - 1) / LK_RANGE_BLOCK;
  double *block = NULL;
  if (lk_alloc(&block, (size_t)blocks, sizeof *block) != LK_OK) abort();
  lk_square_sums(x, P, block);
  double sum = lk_pairwise_sum(block, blocks);
  free(block);
  return sum;
}

/* The backward pass as it is: rows of the last step are cleared, those of this step assigned and marked. Then the whole
 * subtree must be what it is defined to be: nothing that the reduction left in it remains. */
static void write_subtree(const setting *t, int step, lk_subtree subtree, float *x, uint8_t *touched,
                          const float *sum) {
  ptrdiff_t at = 0, row = 0;
  for (int b = 0; b < t->blocks; b++) {
    const lk_row_block *block = &t->block[b];
    memcpy(x + at, sum + at, (size_t)(block->offset - at) * sizeof *x);
    at = block->offset;
    for (ptrdiff_t r = 0; r < block->rows; r++, row++, at += block->width) {
      if (touched[row]) memset(x + at, 0, (size_t)block->width * sizeof *x);
      touched[row] = 0;
      for (int s = subtree.first; s < subtree.first + subtree.count; s++) touched[row] |= touches(t, step, s, row);
      if (touched[row]) memcpy(x + at, sum + at, (size_t)block->width * sizeof *x);
    }
  }
  memcpy(x + at, sum + at, (size_t)(t->P - at) * sizeof *x);
  CHECK(memcmp(x, sum, (size_t)t->P * sizeof *x) == 0);
}

/* The parts of the total are the dense elements and the touched rows, each once and in order. */
static void check_parts(const setting *t, const lk_reducer *reducer, int step) {
  const lk_range own = lk_reducer_slice(reducer);
  ptrdiff_t at = 0, row = 0, wrong = 0;
  uint8_t *expected = NULL;
  if (lk_alloc(&expected, (size_t)t->P + 1, 1) != LK_OK) abort();
  memset(expected, 1, (size_t)t->P);
  for (int b = 0; b < t->blocks; b++)
    for (ptrdiff_t r = 0; r < t->block[b].rows; r++, row++) {
      uint8_t any = 0;
      for (int s = 0; s < t->S; s++) any |= touches(t, step, s, row);
      memset(expected + t->block[b].offset + r * t->block[b].width, any, (size_t)t->block[b].width);
    }
  for (lk_range part = {0}; lk_reducer_next_part(reducer, &part); at = part.end) {
    CHECK(part.begin >= at && part.end > part.begin && part.end <= own.end - own.begin);
    for (ptrdiff_t i = at; i < part.end; i++) wrong += expected[own.begin + i] != (i >= part.begin);
  }
  for (ptrdiff_t i = at; i < own.end - own.begin; i++) wrong += expected[own.begin + i] != 0;
  CHECK(wrong == 0);
  free(expected);
}

/* Slices to a root and back. */
static void check_slices(lk_comm *comm, lk_reducer *reducer, const float *total, ptrdiff_t P) {
  int rank = lk_comm_rank(comm), root = lk_comm_size(comm) - 1;
  lk_range own = lk_reducer_slice(reducer);
  size_t bytes = (size_t)(own.end - own.begin) * sizeof *total;
  float *all = reals(P), *back = reals(P);
  CHECK_OK(lk_reducer_gather(reducer, lk_reducer_total(reducer), all, root));
  CHECK(rank != root || memcmp(all, total, (size_t)P * sizeof *all) == 0);
  CHECK_OK(lk_reducer_scatter(reducer, all, back, root));
  CHECK(memcmp(back, total + own.begin, bytes) == 0);
  free(back);
  free(all);
}

/* Ranks that arrive at a barrier at different times. */
static void dawdle(int step) {
  uint64_t bits = hash_of(step, test_rank, -1);
  if (bits % 3 == 0) usleep((useconds_t)(bits >> 32) % 500);
}

static void check_step(const setting *t, lk_comm *comm, lk_reducer *reducer, int step, float *scratch) {
  lk_shards shards = lk_shards_make(t->S, lk_comm_rank(comm), lk_comm_size(comm));
  lk_range own = lk_reducer_slice(reducer);
  size_t bytes = (size_t)t->P * sizeof(float), slice = (size_t)(own.end - own.begin) * sizeof(float);
  float *total = reals(t->P), *subtree = reals(t->P), *values = lk_reducer_values(reducer);
  node_sum(t, step, total, root_level(t->S), 0, scratch);
  if (t->P >= 1024 && step == 0 && t->density >= 1) /* otherwise this test could not fail */
    CHECK(t->S < 4 || sequential_differs(t, total) > t->P / 20);
  dawdle(step);
  CHECK_OK(lk_reducer_begin(reducer));
  for (int p = 0; p < shards.subtrees; p++) {
    subtree_sum(t, step, subtree, shards.subtree[p], scratch);
    write_subtree(t, step, shards.subtree[p], lk_reducer_gradient(reducer, p), lk_reducer_touched(reducer, p), subtree);
  }
  dawdle(step + 100);
  CHECK_OK(lk_reducer_sum(reducer));
  CHECK(memcmp(lk_reducer_total(reducer), total + own.begin, slice) == 0);
  check_parts(t, reducer, step);
  double got = 0, expected = square_sum_defined(total, t->P);
  if (step % 2 == 0) { /* else as a skipped step: no barrier before the next one */
    CHECK_OK(lk_reducer_square_sum(reducer, &got));
    CHECK(memcmp(&got, &expected, sizeof got) == 0);
    memcpy(values + own.begin, lk_reducer_total(reducer), slice);
    dawdle(step + 200);
    CHECK_OK(lk_reducer_share(reducer));
    CHECK(memcmp(values, total, bytes) == 0);
  }
  if (step == 2) check_slices(comm, reducer, total, t->P);
  free(total);
  free(subtree);
}

static int letters(const char *hosts) {
  int count = 0;
  for (int i = 0; hosts[i]; i++) count += strchr(hosts, hosts[i]) == hosts + i;
  return count;
}

enum { PACKED = 3000 };

static void check_start_values(lk_reducer *reducer, ptrdiff_t P) {
  float *values = lk_reducer_values(reducer);
  const lk_part part = lk_reducer_part(reducer);
  CHECK((uintptr_t)values % 64 == 0 && (uintptr_t)lk_reducer_gradient(reducer, 0) % 64 == 0);
  for (ptrdiff_t i = part.index; i < P; i += part.count) {
    CHECK(values[i] == 0);
    values[i] = (float)i;
  }
  int *packed = lk_reducer_packed(reducer);
  CHECK((uintptr_t)packed % 64 == 0);
  for (int i = part.index; i < PACKED; i += part.count) {
    CHECK(packed[i] == 0);
    packed[i] = i;
  }
  CHECK_OK(lk_reducer_meet(reducer));
  ptrdiff_t wrong = 0;
  for (int i = 0; i < PACKED; i++) wrong += packed[i] != i;
  for (ptrdiff_t i = 0; i < P; i++) wrong += values[i] != (float)i;
  CHECK(wrong == 0);
  CHECK_OK(lk_reducer_meet(reducer)); /* all have read them */
  for (ptrdiff_t i = 0; test_rank == 0 && i < P; i++) values[i] = (float)(-i);
  CHECK_OK(lk_reducer_broadcast(reducer));
  for (ptrdiff_t i = 0; i < P; i++) wrong += values[i] != (float)(-i);
  CHECK(wrong == 0);
}

static void check_sum(lk_comm *comm, const setting *t) {
  int size = lk_comm_size(comm);
  lk_reducer *reducer = NULL;
  lk_reducer_spec spec = {.shards = t->S, .P = t->P, .blocks = t->block, .block_count = t->blocks, .how = t->how};
  spec.packed_bytes = PACKED * sizeof(int);
  setenv("LOCKSTEP_TEST_HOSTS", t->hosts, 1);
  CHECK_OK(lk_reducer_create(&reducer, comm, &spec));
  if (reducer == NULL) lk_comm_abort(comm, 2);
  /* the case is the intended one */
  CHECK(reducer->groups == (t->how == LK_REDUCTION_MESSAGES ? size : letters(t->hosts)));
  CHECK((reducer->shared.mpi != MPI_WIN_NULL) == (reducer->members > 1));
  float *scratch = reals(t->P * (LK_TREE_LEVELS + 1));
  check_start_values(reducer, t->P);
  for (int step = 0; step < 3; step++) check_step(t, comm, reducer, step, scratch);
  free(scratch);
  lk_reducer_destroy(&reducer);
  CHECK(reducer == NULL);
}

static void test_records(lk_comm *comm, int S) {
  typedef struct record {
    double loss;
    int64_t units, shard;
  } record;
  lk_shards shards = lk_shards_make(S, lk_comm_rank(comm), lk_comm_size(comm));
  record mine[16] = {{0}}, all[16] = {{0}};
  for (int s = 0; s < shards.count; s++)
    mine[s] = (record){1.0 / (3 + shards.first + s), 7 * (shards.first + s), shards.first + s};
  lk_reducer *reducer = NULL;
  CHECK_OK(lk_reducer_create(&reducer, comm, &(lk_reducer_spec){.shards = S}));
  if (reducer == NULL) lk_comm_abort(comm, 2);
  CHECK_OK(lk_reducer_records(reducer, mine, all, sizeof(record)));
  for (int s = 0; s < S; s++) CHECK(all[s].shard == s && all[s].units == 7 * s && all[s].loss == 1.0 / (3 + s));
  lk_reducer_destroy(&reducer);
}

/* All of P, in order; where no rank's share is smaller than a block, none takes half as much again as another. */
static void check_cuts(ptrdiff_t P, const lk_row_block *blocks, int count, bool rest, int size) {
  const lk_reducer_spec spec = {.P = P, .blocks = blocks, .block_count = count, .rows_rest = rest};
  const double saved = rest ? 0.875 : 0.25;
  ptrdiff_t at = 0, dense = P;
  double least = INFINITY, most = 0;
  for (int i = 0; i < count; i++) dense -= blocks[i].rows * blocks[i].width;
  for (int r = 0; r < size; r++) {
    const lk_range slice = lk_reducer_cut(&spec, r, size);
    CHECK(slice.begin == at && slice.end >= slice.begin);
    CHECK(slice.begin == P || slice.begin % LK_RANGE_BLOCK == 0);
    at = slice.end;
    double cost = (double)(slice.end - slice.begin);
    for (int i = 0; i < count; i++) {
      const ptrdiff_t end = blocks[i].offset + blocks[i].rows * blocks[i].width;
      const ptrdiff_t from = slice.begin > blocks[i].offset ? slice.begin : blocks[i].offset;
      const ptrdiff_t to = slice.end < end ? slice.end : end;
      if (to > from) cost -= saved * (double)(to - from);
    }
    if (cost < least) least = cost;
    if (cost > most) most = cost;
  }
  CHECK(at == P);
  if ((double)P - saved * (double)(P - dense) > 8.0 * LK_RANGE_BLOCK * size) CHECK(most < 1.5 * least);
}

static void test_slices_cover_all(void) {
  for (int size = 1; size <= 7; size++) {
    for (ptrdiff_t P = 0; P < 9 * LK_RANGE_BLOCK; P += 7 * LK_LANES) check_cuts(P, NULL, 0, false, size);
    const lk_row_block blocks[] = {{.offset = 0, .rows = 5000, .width = 48},
                                   {.offset = 320000, .rows = 900, .width = 16}};
    for (int rest = 0; rest < 2; rest++) {
      check_cuts(480000, blocks, 2, rest, size);
      check_cuts(240000, blocks, 1, rest, size); /* nothing else */
    }
  }
}

/* 3^2 + 4^2 at both ends of the vector, and a case where a plain float sum is wrong. */
static void test_square_sum_by_hand(void) {
  float x[LK_RANGE_BLOCK + 16] = {0};
  x[5] = 3;
  x[LK_RANGE_BLOCK + 9] = 4;
  CHECK(square_sum_defined(x, LK_RANGE_BLOCK + 16) == 25.0);
  x[5] = 1e10F;
  CHECK(square_sum_defined(x, LK_RANGE_BLOCK + 16) == (double)1e10F * (double)1e10F + 16.0);
  double five[] = {1, 2, 3, 4, 5};
  CHECK(lk_pairwise_sum(five, 5) == 15);
  CHECK(lk_pairwise_sum(five, 0) == 0);
}

static void test_too_few_shards(lk_comm *comm) {
  lk_reducer *reducer = NULL;
  lk_error_clear();
  lk_reducer_spec spec = {.shards = lk_comm_size(comm) - 1, .P = 1024};
  CHECK(lk_reducer_create(&reducer, comm, &spec) == LK_USAGE && reducer == NULL);
  lk_error_clear();
}

/* Without room for shared memory: messages, with the reason logged; an error where shared memory was asked for. */
static void test_no_room(lk_comm *comm) {
  int size = lk_comm_size(comm);
  char hosts[] = "aaaa";
  hosts[size] = '\0';
  setenv("LOCKSTEP_TEST_HOSTS", hosts, 1);
  setenv("LOCKSTEP_TEST_SHM", "100000", 1);
  lk_reducer *reducer = NULL;
  lk_reducer_spec spec = {.shards = 8, .P = 1024 * 1024};
  CHECK_OK(lk_reducer_create(&reducer, comm, &spec));
  CHECK(reducer && reducer->groups == size && reducer->shared.mpi == MPI_WIN_NULL);
  if (size > 1) CHECK(strstr(lk_reducer_words(reducer), "MiB left") != NULL);
  lk_reducer_destroy(&reducer);
  spec.how = LK_REDUCTION_WINDOWS;
  lk_status status = lk_reducer_create(&reducer, comm, &spec);
  if (size > 1) CHECK(status == LK_USAGE && strstr(lk_error_get()->text, "MiB left") && reducer == NULL);
  if (size == 1) CHECK(status == LK_OK);
  lk_reducer_destroy(&reducer);
  lk_error_clear();
  unsetenv("LOCKSTEP_TEST_SHM");
}

/* Every grouping of the ranks; of each the last but one is a single group, the last no grouping. */
static const char *const groupings[4][9] = {{"a"},
                                            {"aa", "ab"},
                                            {"aab", "aba", "abb", "aaa", "abc"},
                                            {"aabb", "abab", "abba", "aaab", "abcc", "aaba", "aaaa", "abcd"}};

static void test_groupings(lk_comm *comm, setting t) {
  for (const char *const *hosts = groupings[lk_comm_size(comm) - 1]; *hosts; hosts++) {
    t.hosts = *hosts;
    t.how = LK_REDUCTION_AUTO;
    check_sum(comm, &t);
  }
  t.how = LK_REDUCTION_MESSAGES;
  check_sum(comm, &t);
}

/* 16: one short slice and empty ones; sizes around borders of blocks and slices; several buckets. */
static void test_dense(lk_comm *comm, int S) {
  const ptrdiff_t sizes[] = {16, 1008, 1024, 2 * 1024 + 16, 4 * 1024 - 16, 19 * 1024 + 16 * 7};
  for (size_t p = 0; p < sizeof sizes / sizeof *sizes; p++)
    test_groupings(comm, (setting){.S = S, .P = sizes[p], .density = 1});
}

/* Rows that are cut by slices, blocks and buckets; narrow rows, for which a mark of one bit is expensive. */
static void test_rows(lk_comm *comm, int S) {
  const double densities[] = {0.02, 0.4, 1, 0, 0.999};
  for (int d = 0; d < (S == 5 ? 5 : 2); d++) {
    setting wide = {.S = S, .P = 13 * 1024, .blocks = 1, .block = {{160, 19, 650}}, .density = densities[d]};
    test_groupings(comm, wide);
  }
  setting two = {.S = S, .P = 9 * 1024, .blocks = 2, .block = {{0, 3000, 1}, {3008, 40, 33}}, .density = 0.1};
  test_groupings(comm, two);
}

/* The second mapping is aligned to huge pages as the offset in the file is, else the kernel uses none. */
static void check_mapping(const lk_shared *shared) {
  FILE *maps = shared->again ? fopen("/proc/self/maps", "r") : NULL;
  char line[512];
  int seen = 0;
  while (maps && fgets(line, sizeof line, maps)) {
    size_t begin = 0, end = 0, offset = 0;
    CHECK(sscanf(line, "%zx-%zx %*s %zx", &begin, &end, &offset) == 3);
    if (begin != (size_t)(uintptr_t)shared->base) continue;
    CHECK((begin - offset) % (2U << 20) == 0 && strstr(line, " rw-s "));
    seen++;
  }
  CHECK(!maps || seen == 1);
  if (maps) (void)fclose(maps);
}

/* Large enough to be mapped again for huge pages: still the same memory and the same sums. */
static void test_large(lk_comm *comm) {
  char hosts[] = "aaaa";
  hosts[lk_comm_size(comm)] = '\0';
  const setting t = {.S = 8, .P = 1 << 20, .blocks = 1, .block = {{1600, 5000, 100}}, .density = 0.4, .hosts = hosts};
  setenv("LOCKSTEP_TEST_HOSTS", hosts, 1);
  lk_reducer *reducer = NULL;
  CHECK_OK(lk_reducer_create(&reducer, comm, &(lk_reducer_spec){.shards = t.S, .P = t.P}));
  check_mapping(&reducer->shared);
  lk_reducer_destroy(&reducer);
  check_sum(comm, &t);
}

int main(int argc, char **argv) {
  lk_comm *comm = check_start(&argc, &argv);
  int size = lk_comm_size(comm);
  test_slices_cover_all();
  test_square_sum_by_hand();
  test_too_few_shards(comm);
  test_no_room(comm);
  test_large(comm);
  comm->bucket = 4 * 4096; /* several buckets of slices of a few thousand reals */
  const int shards[] = {size, 5, 8, 13};
  for (int i = 0; i < 4; i++) {
    test_records(comm, shards[i]);
    test_dense(comm, shards[i]);
    test_rows(comm, shards[i]);
  }
  return check_end(comm);
}
