/* Regularisers of published recipes: what each of them changes in a training step, and that it changes nothing else. */
#include <math.h>

#include "task_fixture.h"

enum { S = 4, T = 5, V = 17, STEPS = 40 };

typedef struct net {
  fixture_task f;
  fixture_corpus corpus;
  fixture_rank rank;
  lk_batch batch;
} net;

static void open_net(net *n, const char *const *settings) {
  n->corpus = fixture_deal(S, 3, T, 4);
  fixture_task_open(&n->f, LK_CORPUS_TEXT, 1, V, settings);
  fixture_rank_open(&n->rank, &n->corpus, 0, 1, n->f.params);
  fixture_task_ready(&n->f, &n->rank.pack, 1);
  fixture_batch(&n->f, &n->rank.pack, &n->batch);
  n->batch.reset = 0;
}

static void close_net(net *n) {
  fixture_batch_close(&n->batch);
  fixture_rank_close(&n->rank);
  fixture_task_close(&n->f);
}

/* One training pass from lanes that are all `start`; returns the loss. */
static double train(net *n, uint32_t step, lk_real *lanes, double start) {
  lk_shard_stat stat[S];
  double loss = 0;
  for (ptrdiff_t i = 0; i < n->rank.pack.B * lk_task_lane_width(n->f.task); i++) lanes[i] = (lk_real)start;
  lk_task_train(n->f.task, n->f.params, &n->batch, (lk_mode){.training = 1, .seed = 6, .step = step}, lanes, stat,
                &n->rank.grads);
  for (int s = 0; s < S; s++) loss += stat[s].loss;
  return loss;
}

static lk_real *lanes_of(const net *n) { return fixture_alloc(n->rank.pack.B * lk_task_lane_width(n->f.task)); }

#define NET "task=lm", "model.hidden=6", "model.embedding=5"

/* After a step each lane is as from its carried state or as from zeros; about one in four was reset, others each time. */
static void test_lanes_are_reset(void **state) {
  (void)state;
  net plain, resetting;
  open_net(&plain, (const char *const[]){NET, NULL});
  open_net(&resetting, (const char *const[]){NET, "train.lane_reset=0.25", NULL});
  const ptrdiff_t B = plain.rank.pack.B, width = lk_task_lane_width(plain.f.task);
  lk_real *zero = lanes_of(&plain), *carried = lanes_of(&plain), *found = lanes_of(&plain);
  (void)train(&plain, 0, zero, 0);
  (void)train(&plain, 0, carried, 0.5);
  int count = 0, of_lane[64] = {0};
  for (uint32_t step = 0; step < STEPS; step++) {
    (void)train(&resetting, step, found, 0.5);
    for (ptrdiff_t b = 0; b < B; b++) {
      const size_t bytes = (size_t)width * sizeof *found;
      const int reset = memcmp(found + b * width, zero + b * width, bytes) == 0;
      if (!reset) assert_memory_equal(found + b * width, carried + b * width, bytes);
      count += reset, of_lane[b] += reset;
    }
  }
  const double mean = (double)count / (double)(B * STEPS);
  assert_true(mean > 0.2 && mean < 0.3);
  for (ptrdiff_t b = 0; b < B; b++) assert_true(of_lane[b] > 0 && of_lane[b] < STEPS / 2);
  free(zero), free(carried), free(found);
  close_net(&plain), close_net(&resetting);
}

static void test_largest_state(void **state) {
  (void)state;
  net n;
  open_net(&n, (const char *const[]){NET, NULL});
  lk_real *lanes = lanes_of(&n);
  memset(lanes, 0, (size_t)(2 * lk_task_lane_width(n.f.task)) * sizeof *lanes);
  lanes[3] = 2, lanes[lk_task_lane_width(n.f.task) + 1] = -7;
  assert_true(lk_task_largest_state(n.f.task, lanes, 2) == 7);
  assert_true(lk_task_largest_state(n.f.task, lanes, 1) == 2);
  assert_true(lk_task_largest_state(n.f.task, NULL, 2) == 0);
  free(lanes);
  close_net(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lanes_are_reset),
      cmocka_unit_test(test_largest_state),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
