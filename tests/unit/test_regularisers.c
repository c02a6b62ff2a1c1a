/* Regularisers of published recipes: what each of them changes in a training step, and that it changes nothing else. */
#include <math.h>

#include "activation.h"
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

static lk_real *recurrent_weights(net *n, lk_param *p) {
  for (int i = 0; i < lk_params_tensors(n->f.params); i++) {
    *p = *lk_params_at(n->f.params, i);
    if (strcmp(p->name, "rnn.0.forward.weight_hh") == 0) return lk_params_values(n->f.params) + p->offset;
  }
  fail_msg("no recurrent weights");
  return NULL;
}

/* A plain net whose W_hh are those that the step kept has the same loss, and the same gradient where they are kept; the
 * gradient of the others is zero. */
static void test_weights_are_dropped(void **state) {
  (void)state;
  net plain, dropping;
  open_net(&plain, (const char *const[]){NET, "model.hidden=20", NULL});
  open_net(&dropping, (const char *const[]){NET, "model.hidden=20", "model.weight_dropout=0.25", NULL});
  lk_real *lanes = lanes_of(&plain), *first = NULL;
  for (uint32_t step = 0; step < 2; step++) {
    const double loss = train(&dropping, step, lanes, 0.5);
    const lk_recurrent *layer = &dropping.f.task->encoder.layer[0][0];
    lk_param p;
    lk_real *w = recurrent_weights(&dropping, &p), *own = recurrent_weights(&plain, &p);
    int zeros = 0;
    for (ptrdiff_t i = 0; i < p.count; i++) {
      own[i] = layer->kept_weights[i];
      zeros += own[i] == 0;
      assert_true(own[i] == 0 || fabs((double)own[i] * 0.75 - (double)w[i]) < 1e-6);
    }
    assert_true(fabs((double)zeros / (double)p.count - 0.25) < 0.05);
    lk_task_pack(plain.f.task, plain.f.params);
    assert_true(fabs(train(&plain, step, lanes, 0.5) - loss) < 1e-9);
    const lk_real *theirs = dropping.rank.grads.subtree[0] + p.offset, *ours = plain.rank.grads.subtree[0] + p.offset;
    for (ptrdiff_t i = 0; i < p.count; i++) {
      const double wanted = own[i] == 0 ? 0 : (double)ours[i] / 0.75;
      assert_true(fabs((double)theirs[i] - wanted) < 1e-5);
    }
    if (step == 0) first = memcpy(fixture_alloc(p.count), own, (size_t)p.count * sizeof *own);
    if (step == 1) assert_memory_not_equal(first, own, (size_t)p.count * sizeof *own);
  }
  free(lanes), free(first);
  close_net(&plain), close_net(&dropping);
}

/* Evaluation reads all weights and all words. */
static void test_evaluation_drops_nothing(void **state) {
  (void)state;
  double loss[2] = {0};
  for (int i = 0; i < 2; i++) {
    net n;
    const char *const dropping[] = {NET, "model.weight_dropout=0.5", "model.embedding_dropout=0.5", "train.ar=9", NULL};
    open_net(&n, i ? dropping : (const char *const[]){NET, NULL});
    lk_real *lanes = lanes_of(&n);
    (void)train(&n, 3, lanes, 0);
    double of[S] = {0};
    int64_t counts[8] = {0};
    n.batch.reset = 1;
    assert_int_equal(lk_task_evaluate(n.f.task, n.f.params, &n.batch, lanes, of, counts), LK_OK);
    for (int s = 0; s < S; s++) loss[i] += of[s];
    free(lanes);
    close_net(&n);
  }
  assert_true(loss[0] == loss[1]);
}

/* A word's vector is zero or scaled, alike in every row of a step; a quarter of the words is dropped. */
static void test_words_are_dropped(void **state) {
  (void)state;
  enum { WORDS = 400, WIDTH = 3 };
  const lk_embedding e = {.weight = 2, .V = WORDS, .E = WIDTH};
  int zeros[2] = {0}, same = 0;
  for (ptrdiff_t id = 0; id < WORDS; id++) {
    int dropped[2];
    for (uint32_t step = 0; step < 2; step++) {
      const int32_t ids[2] = {(int32_t)id, (int32_t)id};
      lk_real x[2 * 4] = {3, 6, 9, 1, 3, 6, 9, 1};
      lk_embedding_drop(&e, (lk_mode){.training = 1, .seed = 4, .step = step}, 0.25, 2, ids, x, 4);
      dropped[step] = x[0] == 0;
      for (int i = 0; i < 8; i++)
        assert_true(i % 4 == 3 ? x[i] == 1 : x[i] == (dropped[step] ? 0 : (lk_real)4 * (lk_real)(i % 4 + 1)));
      zeros[step] += dropped[step];
    }
    same += dropped[0] == dropped[1];
  }
  assert_true(abs(zeros[0] - WORDS / 4) < 35 && abs(zeros[1] - WORDS / 4) < 35 && same < WORDS * 3 / 4);
}

/* Three rows of one sequence by hand: AR 0.5 (1 + 4 + 9 + 0 + 4 + 4), TAR 0.5 ((3-1)^2 + (0-2)^2 + (2-3)^2 + (2-0)^2). */
static void test_penalties_by_hand(void **state) {
  (void)state;
  int32_t earlier[3] = {-1, 0, 1}, later[3] = {1, 2, -1};
  const lk_pack pack = {.N = 3, .earlier = earlier, .later = later};
  const lk_real x[3 * 3] = {1, 2, 99, 3, 0, 99, 2, 2, 99};
  const lk_real ar[3 * 3] = {1, 2, 5, 3, 0, 5, 2, 2, 5}, tar[3 * 3] = {-2, 2, 5, 3, -4, 5, -1, 2, 5};
  lk_real by_ar[3 * 3] = {0, 0, 5, 0, 0, 5, 0, 0, 5}, by_tar[3 * 3] = {0, 0, 5, 0, 0, 5, 0, 0, 5};
  assert_true(lk_activation_loss(0.5, NULL, (lk_range){0, 3}, 2, x, 3) == 11);
  assert_true(lk_activation_loss(0.5, NULL, (lk_range){1, 2}, 2, x, 3) == 4.5);
  assert_true(lk_change_loss(0.5, NULL, &pack, (lk_range){0, 3}, 2, x, 3) == 6.5);
  assert_true(lk_change_loss(0.5, NULL, &pack, (lk_range){0, 1}, 2, x, 3) == 0);
  lk_activation_gradient(0.5, NULL, 3, 2, x, by_ar, 3);
  lk_change_gradient(0.5, NULL, &pack, 2, x, by_tar, 3);
  assert_memory_equal(by_ar, ar, sizeof ar);
  assert_memory_equal(by_tar, tar, sizeof tar);
}

/* The same, but the second row has no target: it is in no penalty, and only the third row's change counts. */
static void test_rows_without_a_target(void **state) {
  (void)state;
  int32_t earlier[3] = {-1, 0, 1}, later[3] = {1, 2, -1};
  const int32_t target[3] = {4, -1, 0};
  const lk_pack pack = {.N = 3, .earlier = earlier, .later = later};
  const lk_real x[3 * 2] = {1, 2, 3, 0, 2, 2}, ar[3 * 2] = {1, 2, 0, 0, 2, 2}, tar[3 * 2] = {0, 0, 1, -2, -1, 2};
  lk_real by_ar[3 * 2] = {0}, by_tar[3 * 2] = {0};
  assert_true(lk_activation_loss(0.5, target, (lk_range){0, 3}, 2, x, 2) == 6.5);
  assert_true(lk_change_loss(0.5, target, &pack, (lk_range){0, 3}, 2, x, 2) == 2.5);
  lk_activation_gradient(0.5, target, 3, 2, x, by_ar, 2);
  lk_change_gradient(0.5, target, &pack, 2, x, by_tar, 2);
  assert_memory_equal(by_ar, ar, sizeof ar);
  assert_memory_equal(by_tar, tar, sizeof tar);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows_without_a_target),
      cmocka_unit_test(test_lanes_are_reset),
      cmocka_unit_test(test_largest_state),
      cmocka_unit_test(test_weights_are_dropped),
      cmocka_unit_test(test_evaluation_drops_nothing),
      cmocka_unit_test(test_words_are_dropped),
      cmocka_unit_test(test_penalties_by_hand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
