/* Sums along the shard tree: the right nodes in the right order, in blocks, on any number of ranks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blas.h"
#include "kernels.h"
#include "rng.h"

static lk_real number(uint32_t stream, ptrdiff_t i, ptrdiff_t j) {
  return (lk_real)(2 * lk_rng_uniform(lk_rng_make(4, LK_PURPOSE_SAMPLE), stream, (uint32_t)i, (uint32_t)j, 0) - 1);
}

static lk_real *poisoned(ptrdiff_t n) {
  lk_real *x = malloc((size_t)(n + 1) * sizeof *x);
  assert_non_null(x);
  for (ptrdiff_t i = 0; i < n; i++) x[i] = (lk_real)NAN;
  return x;
}

/* A shard gradient whose value names its global shard and element. */
typedef struct named_gradient {
  int first;
  ptrdiff_t K;
} named_gradient;

static void fill_named(const void *context, int s, ptrdiff_t m0, ptrdiff_t m1, lk_real *block) {
  const named_gradient *c = context;
  for (ptrdiff_t m = m0; m < m1; m++)
    for (ptrdiff_t k = 0; k < c->K; k++) block[(m - m0) * c->K + k] = number((uint32_t)(c->first + s), m, k);
}

/* The tree as its definition has it: node(l, k) = node(l-1, 2k) + node(l-1, 2k+1). */
static lk_real node(int total, int level, int index, ptrdiff_t m, ptrdiff_t k) {
  if (level == 0) return number((uint32_t)index, m, k);
  const lk_real left = node(total, level - 1, 2 * index, m, k);
  const int right = (2 * index + 1) << (level - 1);
  return right < total ? left + node(total, level - 1, 2 * index + 1, m, k) : left;
}

static int root(int total) {
  int level = 0;
  while (1 << level < total) level++;
  return level;
}

/* Element (m, k) of the whole sum from the subtrees of R ranks. */
static void check_tree(int total, int R, ptrdiff_t M, ptrdiff_t K, ptrdiff_t ldw) {
  lk_real *subtrees[64] = {NULL};
  lk_subtree place[64];
  lk_real *scratch = poisoned(lk_sum_scratch(K));
  int count = 0;
  for (int r = 0; r < R; r++) {
    const lk_shards shards = lk_shards_make(total, r, R);
    const named_gradient gradient = {.first = shards.first, .K = K};
    lk_real *to[LK_MAX_SUBTREES];
    for (int p = 0; p < shards.subtrees; p++) {
      place[count] = shards.subtree[p];
      to[p] = subtrees[count++] = poisoned(M * ldw);
    }
    lk_sum_shards(&shards, M, K, fill_named, &gradient, to, ldw, scratch);
  }
  for (ptrdiff_t m = 0; m<M; m += M> 40 ? 13 : 1)
    for (ptrdiff_t k = 0; k < ldw; k += k + 1 < K && K > 40 ? 29 : 1) {
      lk_real slot[LK_TREE_LEVELS];
      lk_tree tree = lk_tree_start(total, 0);
      for (int p = 0; p < count; p++) {
        slot[lk_tree_push(&tree, place[p])] = subtrees[p][m * ldw + k];
        for (int into, from; lk_tree_merge(&tree, &into, &from);) slot[into] += slot[from];
      }
      if (k < K)
        assert_true(slot[0] == node(total, root(total), 0, m, k));
      else
        assert_true(isnan(slot[0])); /* between the rows: untouched */
    }
  for (int p = 0; p < count; p++) free(subtrees[p]);
  free(scratch);
}

static void test_sums_follow_the_tree(void **state) {
  (void)state;
  static const int totals[] = {1, 2, 3, 5, 8, 13};
  for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++)
    for (int R = 1; R <= totals[i]; R++) {
      check_tree(totals[i], R, 3, 5, 5);
      check_tree(totals[i], R, 3, 5, 7);
    }
}

static void test_sums_in_many_blocks(void **state) {
  (void)state;
  const ptrdiff_t K = 300, M = 2 * lk_sum_block(K) + 5;
  check_tree(5, 1, M, K, K);
  check_tree(5, 2, M, K, K + 3);
  check_tree(3, 3, 2 * lk_sum_block(1) + 3, 1, 1);
}

static void test_blocks_fit_the_cache(void **state) {
  (void)state;
  for (ptrdiff_t K = 1; K < 10000; K++) {
    const ptrdiff_t rows = lk_sum_block(K);
    assert_true(rows >= 12 && rows % 12 == 0 && (rows == 12 || rows * K <= 65536));
    assert_true(lk_sum_scratch(K) >= lk_padded(rows * K) * LK_TREE_LEVELS);
    assert_true(lk_sum_scratch(K) >= lk_sum_scratch(K - 1)); /* a layer sums matrices of its largest K and of others */
  }
}

/* dy^T x by shard, one of them empty, against plain sums. */
static void test_shards_of_products_and_columns(void **state) {
  (void)state;
  enum { M = 19, K = 11, N = 23, LDY = 24, LDX = 13 };
  const lk_shards shards = lk_shards_make(4, 0, 1);
  const ptrdiff_t shard_row[] = {0, 9, 9, 10, N};
  lk_real *dy = poisoned(N * LDY), *x = poisoned(N * LDX), *dw = poisoned(M * K), *db = poisoned(M);
  lk_real *scratch = poisoned(lk_sum_scratch(K) + lk_sum_scratch(1));
  for (ptrdiff_t r = 0; r < N; r++) {
    for (ptrdiff_t m = 0; m < M; m++) dy[r * LDY + m] = number(50, r, m);
    for (ptrdiff_t k = 0; k < K; k++) x[r * LDX + k] = number(51, r, k);
  }
  const lk_shard_product product = {.shard_row = shard_row, .dy = dy, .x = x, .ldy = LDY, .ldx = LDX, .K = K};
  const lk_shard_columns columns = {.shard_row = shard_row, .dy = dy, .ldy = LDY};
  lk_sum_shards(&shards, M, K, lk_shard_product_block, &product, &dw, K, scratch);
  lk_sum_shards(&shards, M, 1, lk_shard_columns_block, &columns, &db, 1, scratch);
  for (ptrdiff_t m = 0; m < M; m++) {
    double column = 0;
    for (ptrdiff_t r = 0; r < N; r++) column += (double)dy[r * LDY + m];
    assert_true(fabs((double)db[m] - column) < 1e-5);
    for (ptrdiff_t k = 0; k < K; k++) {
      double sum = 0;
      for (ptrdiff_t r = 0; r < N; r++) sum += (double)dy[r * LDY + m] * (double)x[r * LDX + k];
      assert_true(fabs((double)dw[m * K + k] - sum) < 1e-5);
    }
  }
  free(dy);
  free(x);
  free(dw);
  free(db);
  free(scratch);
}

static void test_gemm_by_hand(void **state) {
  (void)state;
  const lk_real a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, 0, 2, 1, 0, 3}; /* [2,3] and [3,2] */
  lk_real c[] = {10, 0, 0, 10};
  lk_blas_gemm(0, 0, 2, 2, 3, a, 3, b, 2, 1, c, 2);
  assert_true(c[0] == 15 && c[1] == 11 && c[2] == 14 && c[3] == 33);
  lk_blas_gemm(1, 1, 3, 3, 2, a, 3, b, 2, 0, (lk_real[9]){0}, 3);
  assert_true(strlen(lk_blas_core()) > 0);
}

/* Under a sanitizer and on other CPUs there is no copy. */
static void test_second_blas(void **state) {
  (void)state;
  const lk_real x[] = {1, 2, 3}, w[] = {1, 0, 2, 1, 0, 3};
  lk_blas_copy copy = {0};
  lk_real y[2];
  const int loaded = lk_kernels_supported("avx2") && lk_blas_load(&copy, "Haswell");
  if (loaded) assert_string_equal(copy.core, "Haswell");
  for (int i = 0; i <= loaded; i++) {
    memset(y, 0, sizeof y);
    lk_blas_product(i ? &copy : NULL, 1, 2, 3, x, w, y);
    assert_true(y[0] == 7 && y[1] == 10);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sums_follow_the_tree), cmocka_unit_test(test_sums_in_many_blocks),
      cmocka_unit_test(test_blocks_fit_the_cache), cmocka_unit_test(test_shards_of_products_and_columns),
      cmocka_unit_test(test_gemm_by_hand),         cmocka_unit_test(test_second_blas),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
