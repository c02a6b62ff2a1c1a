/* Gradients of parts added along the tree: the bits of every subtree of a rank, its marks, and how many vectors it takes. */
#include "accumulate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DENSE = 21, ROWS = 6, WIDTH = 5 };

static lk_params *make_params(void) {
  lk_params *params;
  lk_param dense = {.name = "a", .note = "D", .dims = 1, .shape = {DENSE}};
  lk_param table = {.name = "b", .note = "V,E", .dims = 2, .shape = {ROWS, WIDTH}, .sparse = 1};
  int id;
  assert_int_equal(lk_params_create(&params), LK_OK);
  assert_int_equal(lk_params_add(params, &dense, &id), LK_OK);
  assert_int_equal(lk_params_add(params, &table, &id), LK_OK);
  assert_int_equal(lk_params_commit(params, 1), LK_OK);
  return params;
}

static bool touches(int shard, ptrdiff_t row) {
  return lk_rng_uniform(lk_rng_make(2, LK_PURPOSE_SAMPLE), (uint32_t)shard, (uint32_t)row, 0, 0) < 0.3;
}

/* What a shard contributes to one real; now and then -0.0, which +0.0 of another shard makes +0.0. */
static lk_real leaf(int shard, ptrdiff_t i) {
  const double x = lk_rng_uniform(lk_rng_make(1, LK_PURPOSE_SAMPLE), (uint32_t)shard, (uint32_t)i, 0, 0);
  return x < 0.2 ? (lk_real)-0.0 : (lk_real)(2 * x - 1);
}
static lk_real row_leaf(int shard, ptrdiff_t row, ptrdiff_t i) {
  return touches(shard, row) ? leaf(shard, 1000 + i) : 0;
}

/* The tree as its definition has it, for real `i` of row `row`; row -1: of the dense tensor. */
static lk_real node(int total, int level, int index, ptrdiff_t row, ptrdiff_t i) {
  if (level == 0) return row < 0 ? leaf(index, i) : row_leaf(index, row, i);
  const lk_real left = node(total, level - 1, 2 * index, row, i);
  const int right = (2 * index + 1) << (level - 1);
  return right < total ? left + node(total, level - 1, 2 * index + 1, row, i) : left;
}

static lk_real node_of(const lk_shards *s, int k, ptrdiff_t row, ptrdiff_t i) {
  const lk_subtree t = s->subtree[k];
  return node(s->total, t.level, t.first >> t.level, row, i);
}

static bool touched(lk_subtree t, ptrdiff_t row) {
  for (int s = t.first; s < t.first + t.count; s++)
    if (touches(s, row)) return true;
  return false;
}

/* What a backward pass does: every real of the dense tensor, and the rows that it marks; it clears those marked before. */
static void write(const lk_shards *part, const lk_grads *grads) {
  const lk_param *dense = lk_params_at(grads->params, 0), *table = lk_params_at(grads->params, 1);
  for (int k = 0; k < part->subtrees; k++) {
    lk_real *a = grads->subtree[k] + dense->offset, *b = grads->subtree[k] + table->offset;
    uint8_t *mark = grads->touched[k];
    for (ptrdiff_t i = 0; i < DENSE; i++) a[i] = node_of(part, k, -1, i);
    for (ptrdiff_t row = 0; row < ROWS; row++) {
      if (mark[row]) memset(b + row * WIDTH, 0, WIDTH * sizeof *b);
      mark[row] = touched(part->subtree[k], row);
      for (ptrdiff_t i = 0; mark[row] && i < WIDTH; i++) b[row * WIDTH + i] = node_of(part, k, row, i);
    }
  }
}

static void assert_same(lk_real found, lk_real right) { assert_memory_equal(&found, &right, sizeof found); }

static void check_sums(const lk_accumulate *a) {
  const lk_shards *rank = a->whole.shards;
  const lk_param *dense = lk_params_at(a->whole.params, 0), *table = lk_params_at(a->whole.params, 1);
  for (int p = 0; p < rank->subtrees; p++) {
    for (ptrdiff_t i = 0; i < DENSE; i++) assert_same(a->vector[p][dense->offset + i], node_of(rank, p, -1, i));
    for (ptrdiff_t row = 0; row < ROWS; row++) {
      assert_int_equal(a->marks[p][row], touched(rank->subtree[p], row));
      for (ptrdiff_t i = 0; i < WIDTH; i++)
        assert_same(a->vector[p][table->offset + row * WIDTH + i], node_of(rank, p, row, i));
    }
  }
}

static lk_accumulate start(const lk_shards *rank, const lk_params *params) {
  lk_accumulate a = {.whole = {.shards = rank, .params = params}};
  for (int v = 0; v < LK_MOST_VECTORS; v++) {
    a.vector[v] = calloc((size_t)lk_params_count(params), sizeof(lk_real));
    a.marks[v] = calloc(ROWS, 1);
    assert_true(a.vector[v] && a.marks[v]);
  }
  return a;
}

static void stop(lk_accumulate *a) {
  for (int v = 0; v < LK_MOST_VECTORS; v++) free(a->vector[v]), free(a->marks[v]);
}

/* Two steps, so that vectors are used again. Returns the number of vectors besides the rank's own. */
static int run(int total, int rank, int size, int wanted, const lk_params *params) {
  const lk_shards shards = lk_shards_make(total, rank, size);
  const int count = lk_batch_parts_count(&shards, wanted);
  lk_accumulate a = start(&shards, params);
  for (int step = 0; step < 2; step++)
    for (int i = 0; i < count; i++) {
      const lk_range of = lk_batch_part_shards(&shards, count, i);
      const lk_shards part = lk_shards_block(total, shards.first + (int)of.begin, shards.first + (int)of.end);
      lk_grads grads;
      lk_accumulate_begin(&a, &part, &grads);
      write(&part, &grads);
      lk_accumulate_end(&a, &part);
    }
  check_sums(&a);
  for (int v = shards.subtrees; v < a.vectors; v++) assert_false(a.taken[v]);
  stop(&a);
  return a.vectors - shards.subtrees;
}

static void the_bits_are_those_of_one_pass(void **state) {
  (void)state;
  lk_params *params = make_params();
  for (int total = 1; total <= 21; total++)
    for (int size = 1; size <= 4 && size <= total; size++)
      for (int rank = 0; rank < size; rank++)
        for (int wanted = 1; wanted <= 9; wanted++) run(total, rank, size, wanted, params);
  run(300, 1, 3, 64, params);
  lk_params_destroy(&params);
}

/* One part needs no more vectors than before; 2^n equal parts need n. */
static void vectors_are_few(void **state) {
  (void)state;
  lk_params *params = make_params();
  assert_int_equal(run(8, 0, 1, 1, params), 0);
  assert_int_equal(run(7, 1, 2, 1, params), 0);
  assert_int_equal(run(8, 0, 1, 2, params), 1);
  assert_int_equal(run(8, 0, 1, 4, params), 2);
  assert_int_equal(run(64, 0, 1, 64, params), 6);
  assert_int_equal(run(64, 1, 2, 8, params), 3);
  lk_params_destroy(&params);
}

static void a_shard_is_not_divided(void **state) {
  (void)state;
  lk_config config = {0};
  assert_int_equal(lk_config_init(&config), LK_OK);
  assert_int_equal(lk_config_override(&config, "train.accumulate=9"), LK_OK);
  assert_int_equal(lk_accumulate_check(&config, 9), LK_OK);
  assert_int_equal(lk_accumulate_check(&config, 8), LK_USAGE);
  assert_non_null(strstr(lk_error_get()->text, "9 parts of a batch that has 8 shards"));
  lk_error_clear();
  const lk_shards three = lk_shards_make(8, 2, 3);
  assert_int_equal(lk_batch_parts_count(&three, 2), 2);
  assert_int_equal(lk_batch_parts_count(&three, 8), 3);
  lk_config_release(&config);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_bits_are_those_of_one_pass),
                                     cmocka_unit_test(vectors_are_few), cmocka_unit_test(a_shard_is_not_divided)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
