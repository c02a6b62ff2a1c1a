/* One tree, whatever the number of ranks: the subtrees of all ranks give the bits of the sum shard by shard. */
#include "shards.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rng.h"

/* The tree by its definition in the header: node (level, index), recursively. */
static float node_sum(const float *value, int total, int level, int index) {
  if (level == 0) return value[index];
  float left = node_sum(value, total, level - 1, 2 * index);
  if ((2 * index + 1) << (level - 1) >= total) return left;
  return left + node_sum(value, total, level - 1, 2 * index + 1);
}

static float root_sum(const float *value, int total) {
  int level = 0;
  while (1 << level < total) level++;
  return node_sum(value, total, level, 0);
}

/* Magnitudes so different that any other order of additions changes the last bits. */
static void fill(float *value, int total, uint32_t which) {
  const lk_rng rng = lk_rng_make(11, LK_PURPOSE_INIT);
  for (int i = 0; i < total; i++) {
    double scale = lk_rng_uniform(rng, which, (uint32_t)i, 1, 0);
    value[i] = (float)(lk_rng_normal(rng, which, (uint32_t)i, 0, 0) * (scale < 0.3 ? 1e-6 : scale < 0.6 ? 1 : 1e4));
  }
}

static void push(lk_tree *tree, float *slot, lk_subtree node, float value) {
  int at = lk_tree_push(tree, node);
  assert_true(at >= 0 && at < LK_TREE_LEVELS);
  slot[at] = value;
  for (int into, from; lk_tree_merge(tree, &into, &from);) {
    assert_int_equal(from, into + 1);
    slot[into] += slot[from];
  }
}

static float subtree_sum(const float *value, int total, lk_subtree subtree) {
  float slot[LK_TREE_LEVELS] = {0};
  lk_tree tree = lk_tree_start(total, subtree.first);
  for (int s = subtree.first; s < subtree.first + subtree.count; s++) push(&tree, slot, lk_tree_shard(s), value[s]);
  assert_int_equal(tree.depth, 1); /* a subtree is one subtree */
  assert_int_equal(tree.node[0].level, subtree.level);
  return slot[0];
}

static void check_blocks(int total, int size) {
  int next = 0, most = 0, least = total;
  for (int rank = 0; rank < size; rank++) {
    lk_shards shards = lk_shards_make(total, rank, size);
    assert_int_equal(shards.total, total);
    assert_int_equal(shards.first, next);
    assert_true(shards.count >= 1 && shards.subtrees >= 1 && shards.subtrees <= LK_MAX_SUBTREES);
    for (int s = shards.first; s < shards.first + shards.count; s++)
      assert_int_equal(lk_shards_owner(total, size, s), rank);
    int at = next;
    for (int p = 0; p < shards.subtrees; p++) {
      assert_int_equal(shards.subtree[p].first, at);
      at += shards.subtree[p].count;
    }
    next += shards.count;
    assert_int_equal(at, next);
    if (shards.count > most) most = shards.count;
    if (shards.count < least) least = shards.count;
  }
  assert_int_equal(next, total);
  assert_true(most - least <= 1);
}

static float sum_of_ranks(const float *value, int total, int size) {
  float slot[LK_TREE_LEVELS] = {0};
  lk_tree tree = lk_tree_start(total, 0);
  for (int rank = 0; rank < size; rank++) {
    lk_shards shards = lk_shards_make(total, rank, size);
    for (int p = 0; p < shards.subtrees; p++)
      push(&tree, slot, shards.subtree[p], subtree_sum(value, total, shards.subtree[p]));
  }
  assert_int_equal(tree.depth, 1);
  return slot[0];
}

static void same_bits_for_any_ranks(void **state) {
  (void)state;
  float value[33];
  for (int total = 1; total <= 33; total++) {
    fill(value, total, (uint32_t)total);
    float reference = root_sum(value, total), one = subtree_sum(value, total, lk_shards_make(total, 0, 1).subtree[0]);
    assert_memory_equal(&one, &reference, sizeof one);
    for (int size = 1; size <= total; size++) {
      check_blocks(total, size);
      float sum = sum_of_ranks(value, total, size);
      assert_memory_equal(&sum, &reference, sizeof sum);
    }
  }
}

/* Neighbouring ranks may add among themselves first: the subtrees of their common block. */
static void blocks_of_several_ranks_give_the_same_bits(void **state) {
  (void)state;
  float value[33];
  for (int total = 1; total <= 33; total++) {
    fill(value, total, (uint32_t)total);
    float reference = root_sum(value, total);
    for (int a = 0; a < total; a++)
      for (int b = a + 1; b <= total; b++) {
        const int cut[4] = {0, a, b, total};
        float slot[LK_TREE_LEVELS] = {0};
        lk_tree tree = lk_tree_start(total, 0);
        for (int i = 0; i < 3; i++) {
          if (cut[i] == cut[i + 1]) continue;
          lk_shards block = lk_shards_block(total, cut[i], cut[i + 1]);
          assert_true(block.first == cut[i] && block.count == cut[i + 1] - cut[i]);
          for (int p = 0; p < block.subtrees; p++)
            push(&tree, slot, block.subtree[p], subtree_sum(value, total, block.subtree[p]));
        }
        assert_int_equal(tree.depth, 1);
        assert_memory_equal(slot, &reference, sizeof reference);
      }
  }
}

static void same_bits_for_many_shards(void **state) {
  (void)state;
  static float value[LK_MAX_SHARDS];
  const int totals[] = {1000, 2049, 4095, 4096}, sizes[] = {1, 2, 3, 7, 100, 999};
  for (int t = 0; t < 4; t++) {
    fill(value, totals[t], (uint32_t)totals[t]);
    float reference = root_sum(value, totals[t]);
    for (int s = 0; s < 6; s++) {
      check_blocks(totals[t], sizes[s]);
      float sum = sum_of_ranks(value, totals[t], sizes[s]);
      assert_memory_equal(&sum, &reference, sizeof sum);
    }
  }
}

/* The tests above can fail: with these numbers other orders give other bits. */
static void order_matters_here(void **state) {
  (void)state;
  float value[33];
  int differ = 0;
  for (int total = 4; total <= 33; total++) {
    float plain = 0, tree;
    fill(value, total, (uint32_t)total);
    for (int i = 0; i < total; i++) plain += value[i];
    tree = root_sum(value, total);
    differ += memcmp(&plain, &tree, sizeof tree) != 0;
  }
  assert_true(differ > 15);
}

static void example_of_the_header(void **state) {
  (void)state;
  const struct {
    int subtrees;
    lk_subtree subtree[2];
  } expected[3] = {{1, {{0, 2, 1}}}, {2, {{2, 2, 1}, {4, 1, 0}}}, {2, {{5, 1, 0}, {6, 2, 1}}}};
  for (int rank = 0; rank < 3; rank++) {
    lk_shards shards = lk_shards_make(8, rank, 3);
    assert_int_equal(shards.subtrees, expected[rank].subtrees);
    for (int p = 0; p < shards.subtrees; p++)
      assert_memory_equal(&shards.subtree[p], &expected[rank].subtree[p], sizeof(lk_subtree));
  }
  lk_subtree last = lk_shards_make(5, 4, 5).subtree[0]; /* shard 4 of 5 is alone up to the level of (0 1 2 3) */
  assert_true(last.first == 4 && last.count == 1 && last.level == 2);
}

static void subtrees_are_few(void **state) {
  (void)state;
  int most = 0;
  for (int size = 1; size <= LK_MAX_SHARDS; size += 13)
    for (int rank = 0; rank < size; rank++) {
      int subtrees = lk_shards_make(LK_MAX_SHARDS, rank, size).subtrees;
      if (subtrees > most) most = subtrees;
    }
  assert_true(most > 4 && most <= 20);
  for (int size = 1; size <= 64; size *= 2) assert_int_equal(lk_shards_make(64, size - 1, size).subtrees, 1);
}

/* Neighbours of one level with different parents are not merged. */
static void cousins_do_not_merge(void **state) {
  (void)state;
  float slot[LK_TREE_LEVELS] = {0};
  lk_tree tree = lk_tree_start(8, 1);
  push(&tree, slot, lk_tree_shard(1), 1);
  push(&tree, slot, lk_tree_shard(2), 2);
  assert_int_equal(tree.depth, 2);
  push(&tree, slot, lk_tree_shard(3), 4);
  assert_int_equal(tree.depth, 2);
  push(&tree, slot, (lk_subtree){4, 2, 1}, 8); /* (2 3) and (4 5): the same again, a level up */
  assert_int_equal(tree.depth, 3);
  assert_true(slot[0] == 1 && slot[1] == 6 && slot[2] == 8);
}

static void doubles_follow_the_tree(void **state) {
  (void)state;
  const double value[5] = {1e16, 1, -1e16, 1, 0.25};
  assert_true(lk_tree_sum(value, 5) == ((1e16 + 1) + (-1e16 + 1)) + 0.25);
  assert_true(lk_tree_sum(value, 3) == (1e16 + 1) - 1e16);
  assert_true(lk_tree_sum(value, 1) == 1e16);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_bits_for_any_ranks),   cmocka_unit_test(blocks_of_several_ranks_give_the_same_bits),
      cmocka_unit_test(same_bits_for_many_shards), cmocka_unit_test(order_matters_here),
      cmocka_unit_test(example_of_the_header),     cmocka_unit_test(subtrees_are_few),
      cmocka_unit_test(doubles_follow_the_tree),   cmocka_unit_test(cousins_do_not_merge),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
