/* The reduction gives, on any number of ranks, the bits of the definition: S leaves, one tree. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "comm/reducer_impl.h"
#include "lockstep/arena.h"
#include "lockstep/rng.h"

/* Magnitudes from 2^-12 to 2^11, so that nearly every element shows another order of additions. */
static void fill_leaf(float *x, ptrdiff_t P, int shard) {
  lk_rng rng = lk_rng_make(99, LK_PURPOSE_INIT);
  for (ptrdiff_t i = 0; i < P; i += 4) {
    uint32_t bits[4];
    lk_rng_block(rng, (uint32_t)shard, (uint32_t)i, 0, 0, bits);
    for (int j = 0; j < 4 && i + j < P; j++)
      x[i + j] = ldexpf((float)(bits[j] >> 8) * 0x1p-23F - 1.0F, (int)(bits[j] % 24) - 12);
  }
}

/* Recursive form of the definition in shards.h: independent of lk_tree and of the plan. */
static void node_sum(float *out, ptrdiff_t P, int S, int level, int k, float *scratch) {
  int first = k << level;
  if (level == 0) {
    fill_leaf(out, P, first);
    return;
  }
  node_sum(out, P, S, level - 1, 2 * k, scratch);
  if (first + (1 << (level - 1)) >= S) return;
  node_sum(scratch, P, S, level - 1, 2 * k + 1, scratch + P);
  for (ptrdiff_t i = 0; i < P; i++) out[i] += scratch[i];
}

static int root_level(int S) {
  int level = 0;
  while ((1 << level) < S) level++;
  return level;
}

/* What the backward pass would leave in a piece: its leaves along the tree. */
static void piece_sum(float *out, ptrdiff_t P, int S, lk_piece piece, float *slots) {
  lk_tree tree = lk_tree_start(S, piece.first);
  for (int s = piece.first; s < piece.first + piece.count; s++) {
    fill_leaf(slots + lk_tree_push(&tree, lk_tree_leaf(s)) * P, P, s);
    for (int into, from; lk_tree_merge(&tree, &into, &from);)
      for (ptrdiff_t i = 0; i < P; i++) slots[into * P + i] += slots[from * P + i];
  }
  memcpy(out, slots, (size_t)P * sizeof *out);
}

static float *reals(ptrdiff_t n) {
  float *x = NULL;
  if (lk_alloc(&x, (size_t)n + 1, sizeof *x) != LK_OK) abort();
  return x;
}

static ptrdiff_t sequential_differs(const float *total, ptrdiff_t P, int S) {
  float *sum = reals(P), *leaf = reals(P);
  for (int s = 0; s < S; s++) {
    fill_leaf(leaf, P, s);
    for (ptrdiff_t i = 0; i < P; i++) sum[i] += leaf[i];
  }
  ptrdiff_t differ = 0;
  for (ptrdiff_t i = 0; i < P; i++) differ += memcmp(&sum[i], &total[i], sizeof *sum) != 0;
  free(leaf);
  free(sum);
  return differ;
}

static double square_sum_defined(const float *x, ptrdiff_t P) {
  ptrdiff_t blocks = (P + LK_SLICE_BLOCK - 1) / LK_SLICE_BLOCK;
  double *block = NULL;
  if (lk_alloc(&block, (size_t)blocks, sizeof *block) != LK_OK) abort();
  lk_square_sums(x, P, block);
  double sum = lk_pairwise_sum(block, blocks);
  free(block);
  return sum;
}

/* Slices to a root and back, to all, and the norm. */
static void check_slices(lk_comm *comm, lk_reducer *reducer, const float *sum, const float *total, ptrdiff_t P) {
  int rank = lk_comm_rank(comm), root = lk_comm_size(comm) - 1;
  lk_slice own = lk_comm_slice(P, rank, lk_comm_size(comm));
  size_t bytes = (size_t)(own.end - own.begin) * sizeof *sum;
  float *all = reals(P), *back = reals(P);
  CHECK_OK(lk_reducer_gather(reducer, sum, all, root));
  CHECK(rank != root || memcmp(all, total, (size_t)P * sizeof *all) == 0);
  CHECK_OK(lk_reducer_scatter(reducer, all, back, root));
  CHECK(memcmp(back, total + own.begin, bytes) == 0);
  memset(all, 0x7f, (size_t)P * sizeof *all);
  memcpy(all + own.begin, sum, bytes);
  CHECK_OK(lk_reducer_share(reducer, all));
  CHECK(memcmp(all, total, (size_t)P * sizeof *all) == 0);
  double got = 0, expected = square_sum_defined(total, P);
  CHECK_OK(lk_reducer_square_sum(reducer, sum, &got));
  CHECK(memcmp(&got, &expected, sizeof got) == 0);
  free(back);
  free(all);
}

static void check_sum(lk_comm *comm, int S, ptrdiff_t P, int in_place) {
  lk_shards shards = lk_shards_make(S, lk_comm_rank(comm), lk_comm_size(comm));
  lk_slice own = lk_comm_slice(P, lk_comm_rank(comm), lk_comm_size(comm));
  float *scratch = reals(P * LK_TREE_LEVELS), *total = reals(P), *apart = reals(P), *piece[LK_MAX_PIECES];
  node_sum(total, P, S, root_level(S), 0, scratch);
  if (P >= 1024) CHECK(S < 4 || sequential_differs(total, P, S) > P / 20); /* otherwise this test could not fail */
  for (int p = 0; p < shards.pieces; p++) piece_sum(piece[p] = reals(P), P, S, shards.piece[p], scratch);
  lk_reducer *reducer = NULL;
  CHECK_OK(lk_reducer_create(&reducer, comm, S, P));
  if (reducer == NULL) lk_comm_abort(comm, 2);
  float *sum = in_place ? piece[0] + own.begin : apart;
  for (int again = 0; again < (in_place ? 1 : 2); again++) { /* the pieces survive where sum is elsewhere */
    memset(apart, 0xff, (size_t)P * sizeof *apart);
    CHECK_OK(lk_reducer_sum(reducer, piece, sum));
    CHECK(memcmp(sum, total + own.begin, (size_t)(own.end - own.begin) * sizeof *sum) == 0);
  }
  check_slices(comm, reducer, sum, total, P);
  lk_reducer_destroy(&reducer);
  CHECK(reducer == NULL);
  for (int p = 0; p < shards.pieces; p++) free(piece[p]);
  free(apart);
  free(total);
  free(scratch);
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
  CHECK_OK(lk_reducer_create(&reducer, comm, S, 1040));
  if (reducer == NULL) lk_comm_abort(comm, 2);
  CHECK_OK(lk_reducer_records(reducer, mine, all, sizeof(record)));
  for (int s = 0; s < S; s++) CHECK(all[s].shard == s && all[s].units == 7 * s && all[s].loss == 1.0 / (3 + s));
  lk_reducer_destroy(&reducer);
}

static void test_slices_cover_all(void) {
  for (int size = 1; size <= 7; size++)
    for (ptrdiff_t P = 0; P < 9 * LK_SLICE_BLOCK; P += 7 * LK_LANES) {
      ptrdiff_t at = 0;
      for (int r = 0; r < size; r++) {
        lk_slice slice = lk_comm_slice(P, r, size);
        CHECK(slice.begin == at && slice.end >= slice.begin);
        CHECK(slice.begin == P || slice.begin % LK_SLICE_BLOCK == 0);
        at = slice.end;
      }
      CHECK(at == P);
    }
}

/* 3^2 + 4^2 where the halves of the vector are far apart, and a case that a plain float sum gets wrong. */
static void test_square_sum_by_hand(void) {
  float x[LK_SLICE_BLOCK + 16] = {0};
  x[5] = 3;
  x[LK_SLICE_BLOCK + 9] = 4;
  CHECK(square_sum_defined(x, LK_SLICE_BLOCK + 16) == 25.0);
  x[5] = 1e10F;
  CHECK(square_sum_defined(x, LK_SLICE_BLOCK + 16) == (double)1e10F * (double)1e10F + 16.0);
  double five[] = {1, 2, 3, 4, 5};
  CHECK(lk_pairwise_sum(five, 5) == 15);
  CHECK(lk_pairwise_sum(five, 0) == 0);
}

static void test_too_few_shards(lk_comm *comm) {
  lk_reducer *reducer = NULL;
  lk_error_clear();
  CHECK(lk_reducer_create(&reducer, comm, lk_comm_size(comm) - 1, 1024) == LK_USAGE && reducer == NULL);
  lk_error_clear();
}

int main(int argc, char **argv) {
  lk_comm *comm = check_start(&argc, &argv);
  test_slices_cover_all();
  test_square_sum_by_hand();
  test_too_few_shards(comm);
  /* 16: one short slice, the others empty; around borders of blocks and slices; the last: several buckets. */
  const ptrdiff_t sizes[] = {16, 1008, 1024, 1040, 2 * 1024 + 16, 3 * 1024 + 48, 4 * 1024 - 16, 37 * 1024 + 16 * 7};
  const int shards[] = {4, 5, 8, 13};
  for (int i = 0; i < 4; i++) {
    for (size_t p = 0; p < sizeof sizes / sizeof *sizes; p++)
      for (int in_place = 0; in_place < 2; in_place++) check_sum(comm, shards[i], sizes[p], in_place);
    test_records(comm, shards[i]);
  }
  check_sum(comm, lk_comm_size(comm), 5 * 1024, 1);
  check_sum(comm, 5, (ptrdiff_t)3 * LK_BUCKET + 5 * 16, 0);
  return check_end(comm);
}
