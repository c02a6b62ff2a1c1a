/* The words of a batch: each once a shard, whatever the memory held before. */
#include "nn_fixture.h"

#include "distinct.h"

enum { V = 9 };

typedef struct test_batch {
  fixture_rank rank;
  lk_arena arena;
  lk_distinct distinct;
  int32_t *ids;
} test_batch;

static void lay_out(test_batch *b) {
  lk_distinct_layout(&b->distinct, &b->arena, V, b->rank.pack.N);
  b->ids = lk_arena_ints(&b->arena, b->rank.pack.N);
}

/* fill: the initial value of every byte of the memory. */
static void open_batch(test_batch *b, const fixture_corpus *corpus, lk_params *params, int fill) {
  memset(b, 0, sizeof *b);
  fixture_rank_open(&b->rank, corpus, 0, 1, params);
  lay_out(b);
  assert_int_equal(lk_arena_reserve(&b->arena), LK_OK);
  memset(b->arena.base, fill, b->arena.reserved);
  lay_out(b);
}

static void close_batch(test_batch *b) {
  lk_arena_release(&b->arena);
  fixture_rank_close(&b->rank);
}

static lk_params *no_params(void) {
  lk_params *params;
  assert_int_equal(lk_params_create(&params), LK_OK);
  assert_int_equal(lk_params_commit(params, 1), LK_OK);
  return params;
}

/* Every row reads its word; a shard's words are its own, none twice, in the order in which its rows bring them. */
static void check(const test_batch *b) {
  const lk_distinct *w = &b->distinct;
  const lk_pack *p = &b->rank.pack;
  const int shards = p->shards->count;
  assert_int_equal(w->shard_row[0], 0);
  assert_int_equal(w->shard_row[shards], w->n);
  for (int s = 0; s < shards; s++) {
    ptrdiff_t next = w->shard_row[s];
    for (ptrdiff_t r = p->shard_row[s]; r < p->shard_row[s + 1]; r++) {
      assert_true(w->row[r] >= w->shard_row[s] && w->row[r] <= next && w->row[r] < w->shard_row[s + 1]);
      next += w->row[r] == next;
      assert_int_equal(w->id[w->row[r]], b->ids[r]);
    }
    assert_int_equal(next, w->shard_row[s + 1]);
    for (ptrdiff_t i = w->shard_row[s]; i < next; i++)
      for (ptrdiff_t j = i + 1; j < next; j++) assert_int_not_equal(w->id[i], w->id[j]);
  }
}

static void test_each_word_once_a_shard(void **state) {
  (void)state;
  const fixture_corpus corpus = fixture_deal(5, 4, 8, 1);
  static const int fills[] = {0, 0x01, 0x7f, 0xff};
  lk_params *params = no_params();
  for (size_t f = 0; f < sizeof fills / sizeof *fills; f++) {
    test_batch b;
    open_batch(&b, &corpus, params, fills[f]);
    for (uint32_t draw = 0; draw < 20; draw++) { /* the same memory for one batch after the other */
      fixture_words(&b.rank.pack, draw, V, b.ids);
      lk_distinct_find(&b.distinct, &b.rank.pack, b.ids);
      check(&b);
      assert_true(b.distinct.n < b.rank.pack.N);
    }
    close_batch(&b);
  }
  lk_params_destroy(&params);
}

static void test_rows_that_differ_are_words_of_their_own(void **state) {
  (void)state;
  const fixture_corpus corpus = fixture_deal(2, 3, 5, 1);
  lk_params *params = no_params();
  test_batch b;
  open_batch(&b, &corpus, params, 0);
  fixture_words(&b.rank.pack, 1, V, b.ids);
  lk_distinct_each(&b.distinct, &b.rank.pack, b.ids);
  assert_int_equal(b.distinct.n, b.rank.pack.N);
  assert_null(b.distinct.row);
  assert_ptr_equal(b.distinct.id, b.ids);
  assert_ptr_equal(b.distinct.shard_row, b.rank.pack.shard_row);
  close_batch(&b);
  lk_params_destroy(&params);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_word_once_a_shard),
      cmocka_unit_test(test_rows_that_differ_are_words_of_their_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
