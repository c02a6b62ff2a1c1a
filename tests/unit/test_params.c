#include "nn_fixture.h"

#include <math.h>

static lk_params *table(void) {
  lk_params *params;
  int id;
  assert_int_equal(lk_params_create(&params), LK_OK);
  const lk_param list[] = {
      {.name = "a.uniform", .dims = 2, .shape = {71, 103}, .init = {LK_INIT_UNIFORM, 0.25}, .decay = 1},
      {.name = "b.normal", .dims = 3, .shape = {11, 13, 17}, .init = {LK_INIT_NORMAL, 0.5}},
      {.name = "c.constant", .dims = 1, .shape = {37}, .init = {LK_INIT_CONSTANT, -3}},
      {.name = "d.orthogonal", .dims = 2, .shape = {84, 21}, .init = {LK_INIT_ORTHOGONAL, 1.5}},
      {.name = "e.special",
       .dims = 1,
       .shape = {40},
       .init = {LK_INIT_UNIFORM, 0.1},
       .special_begin = 10,
       .special_end = 20,
       .special = 2},
      {.name = "f.wide", .dims = 2, .shape = {7, 19}, .init = {LK_INIT_ORTHOGONAL, 1}},
      {.name = "g.tall", .dims = 2, .shape = {19, 7}, .init = {LK_INIT_ORTHOGONAL, 1}},
  };
  for (int i = 0; i < 7; i++) {
    assert_int_equal(lk_params_add(params, &list[i], &id), LK_OK);
    assert_int_equal(id, i);
  }
  return params;
}

static lk_params *make(uint64_t seed) {
  lk_params *params = table();
  assert_int_equal(lk_params_commit(params, seed), LK_OK);
  return params;
}

static void layout_is_aligned_and_gaps_are_zero(void **state) {
  (void)state;
  lk_params *params = make(1);
  ptrdiff_t end = 0, trainable = 0;
  const lk_real *values = lk_params_values(params);
  assert_int_equal((uintptr_t)values % 64, 0);
  assert_int_equal(lk_params_tensors(params), 7);
  for (int i = 0; i < 7; i++) {
    const lk_param *p = lk_params_at(params, i);
    assert_int_equal(p->offset % LK_LANES, 0);
    assert_true(p->offset >= end && p->offset - end < LK_LANES);
    for (; end < p->offset; end++) assert_true(values[end] == 0);
    assert_ptr_equal(lk_params_value(params, i), values + p->offset);
    end = p->offset + p->count;
    trainable += p->count;
  }
  for (; end < lk_params_count(params); end++) assert_true(values[end] == 0);
  assert_int_equal(lk_params_count(params) % LK_LANES, 0);
  assert_int_equal(lk_params_trainable(params), trainable);
  assert_int_equal(trainable, 71 * 103 + 11 * 13 * 17 + 37 + 84 * 21 + 40 + 2 * 7 * 19);
  lk_params_destroy(&params);
  assert_null(params);
}

/* Mean and variance of a tensor within five standard errors of what they should be. */
static void check_moments(const lk_params *params, int id, double variance, double fourth) {
  const lk_param *p = lk_params_at(params, id);
  const lk_real *x = lk_params_value(params, id);
  double n = (double)p->count, sum = 0, square = 0;
  for (ptrdiff_t i = 0; i < p->count; i++) {
    sum += (double)x[i];
    square += (double)x[i] * (double)x[i];
  }
  assert_true(fabs(sum / n) < 5 * sqrt(variance / n));
  assert_true(fabs(square / n - variance) < 5 * sqrt((fourth - variance * variance) / n));
}

static void initial_values_have_their_distribution(void **state) {
  (void)state;
  lk_params *params = make(2);
  double u = 0.25 * 0.25 / 3, g = 0.25, most = 0;
  check_moments(params, 0, u, 0.25 * 0.25 * 0.25 * 0.25 / 5);
  check_moments(params, 1, g, 3 * g * g);
  for (ptrdiff_t i = 0; i < 71 * 103; i++) most = fmax(most, fabs((double)lk_params_value(params, 0)[i]));
  assert_true(most <= 0.25 && most > 0.249);
  for (int i = 0; i < 37; i++) assert_true(lk_params_value(params, 2)[i] == -3);
  for (int i = 0; i < 40; i++) assert_int_equal(lk_params_value(params, 4)[i] == 2, i >= 10 && i < 20);
  lk_params_destroy(&params);
}

/* Whether the `vectors` vectors v[i*step + k*stride], k < n, are orthogonal with length `gain`. */
static void check_orthogonal(const lk_real *v, int vectors, int n, int step, int stride, double gain) {
  for (int i = 0; i < vectors; i++)
    for (int j = 0; j <= i; j++) {
      double sum = 0;
      for (int k = 0; k < n; k++) sum += (double)v[i * step + k * stride] * (double)v[j * step + k * stride];
      assert_true(fabs(sum - (i == j ? gain * gain : 0)) < 1e-6);
    }
}

static void orthogonal_blocks_are_orthogonal(void **state) {
  (void)state;
  lk_params *params = make(3);
  for (int block = 0; block < 4; block++) {
    const lk_real *v = lk_params_value(params, 3) + block * 21 * 21;
    check_orthogonal(v, 21, 21, 21, 1, 1.5);
    check_orthogonal(v, 21, 21, 1, 21, 1.5);
  }
  check_orthogonal(lk_params_value(params, 5), 7, 19, 19, 1, 1);
  check_orthogonal(lk_params_value(params, 6), 7, 19, 1, 7, 1);
  lk_params_destroy(&params);
}

static void values_are_a_function_of_seed_and_tensor(void **state) {
  (void)state;
  lk_params *a = make(5), *b = make(5), *c = make(6);
  size_t bytes = (size_t)lk_params_count(a) * sizeof(lk_real);
  assert_memory_equal(lk_params_values(a), lk_params_values(b), bytes);
  assert_true(memcmp(lk_params_value(a, 0), lk_params_value(c, 0), 64) != 0);
  /* tensors of equal size get different random numbers */
  assert_true(memcmp(lk_params_value(a, 5), lk_params_value(a, 6), 64) != 0);
  lk_params_destroy(&a);
  lk_params_destroy(&b);
  lk_params_destroy(&c);
}

/* Two tensors of the same shape and rule get different numbers, else two layers would stay equal. */
static void tensors_alike_in_shape_differ_in_values(void **state) {
  (void)state;
  static const lk_init_kind rules[] = {LK_INIT_UNIFORM, LK_INIT_NORMAL, LK_INIT_ORTHOGONAL};
  for (int kind = 0; kind < 3; kind++) {
    lk_params *params;
    lk_param p = {.name = "first", .dims = 2, .shape = {16, 16}, .init = {rules[kind], 1}};
    int first, second, equal = 0;
    assert_int_equal(lk_params_create(&params), LK_OK);
    assert_int_equal(lk_params_add(params, &p, &first), LK_OK);
    memcpy(p.name, "other", sizeof "other");
    assert_int_equal(lk_params_add(params, &p, &second), LK_OK);
    assert_int_equal(lk_params_commit(params, 8), LK_OK);
    for (int i = 0; i < 256; i++) equal += lk_params_value(params, first)[i] == lk_params_value(params, second)[i];
    assert_true(equal < 8);
    lk_params_destroy(&params);
  }
}

static void gradients_lie_at_the_same_offsets(void **state) {
  (void)state;
  lk_params *params = make(7);
  lk_shards shards = lk_shards_make(8, 1, 3); /* shards 2 3 | 4: two subtrees */
  assert_int_equal(shards.subtrees, 2);
  lk_grads grads = {.shards = &shards, .params = params, .subtree = {fixture_alloc(16384), fixture_alloc(16384)}};
  lk_real *to[LK_MAX_SUBTREES];
  lk_grads_of(&grads, 3, to);
  for (int p = 0; p < 2; p++) {
    assert_ptr_equal(to[p], grads.subtree[p] + lk_params_at(params, 3)->offset);
    free(grads.subtree[p]);
  }
  lk_params_destroy(&params);
}

/* Tensors b [3, 2] and d [2, 4] have sparse gradients: their rows are counted through, 3 and 2. */
static void rows_of_sparse_gradients_are_counted_through(void **state) {
  (void)state;
  lk_params *params;
  assert_int_equal(lk_params_create(&params), LK_OK);
  const lk_param p[] = {{.name = "a", .dims = 1, .shape = {3}},
                        {.name = "b", .dims = 2, .shape = {3, 2}, .sparse = 1},
                        {.name = "c", .dims = 1, .shape = {17}},
                        {.name = "d", .dims = 2, .shape = {2, 4}, .sparse = 1}};
  int id = -1;
  for (int i = 0; i < 4; i++) assert_int_equal(lk_params_add(params, &p[i], &id), LK_OK);
  lk_row_block block[2];
  assert_int_equal(lk_params_row_blocks(params, block, 2), 2);
  assert_int_equal(lk_params_row_blocks(params, NULL, 0), 2);
  assert_true(block[0].offset == 16 && block[0].rows == 3 && block[0].width == 2);
  assert_true(block[1].offset == 64 && block[1].rows == 2 && block[1].width == 4);
  lk_shards one = lk_shards_make(1, 0, 1);
  uint8_t marks[5], *to[LK_MAX_SUBTREES];
  lk_grads grads = {.shards = &one, .params = params, .touched = {marks}};
  lk_grads_touched(&grads, id, to);
  assert_ptr_equal(to[0], marks + 3);
  grads.touched[0] = NULL;
  lk_grads_touched(&grads, id, to);
  assert_null(to[0]);
  lk_params_destroy(&params);
}

/* Two ranks that share the values give the same as one alone. */
static void values_may_be_initialised_in_parts(void **state) {
  (void)state;
  lk_params *whole = make(5), *part[2] = {table(), table()};
  ptrdiff_t P = lk_params_count(whole);
  lk_real *values = fixture_alloc(P);
  memset(values, 0, (size_t)P * sizeof *values);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(lk_params_commit_at(part[i], 5, values, (lk_part){i, 2}), LK_OK);
    assert_ptr_equal(lk_params_values(part[i]), values);
    if (i == 0) assert_true(memcmp(values, lk_params_values(whole), (size_t)P * sizeof *values) != 0);
  }
  assert_memory_equal(values, lk_params_values(whole), (size_t)P * sizeof *values);
  for (int i = 0; i < 2; i++) lk_params_destroy(&part[i]);
  lk_params_destroy(&whole);
  free(values);
}

static void values_of_a_file_begin_as_zeros(void **state) {
  (void)state;
  lk_params *drawn = make(5), *own = table(), *part[2] = {table(), table()};
  const ptrdiff_t P = lk_params_count(drawn);
  lk_real *values = lk_params_values(drawn);
  assert_int_equal(lk_params_zeros(own), LK_OK);
  for (int i = 0; i < 2; i++) lk_params_zeros_at(part[i], values, (lk_part){i, 2});
  for (ptrdiff_t i = 0; i < P; i++) assert_true(values[i] == 0 && lk_params_values(own)[i] == 0);
  for (int i = 0; i < 2; i++) lk_params_destroy(&part[i]);
  lk_params_destroy(&own);
  lk_params_destroy(&drawn);
}

static jmp_buf after_assert;
static void jump(void) { longjmp(after_assert, 1); }

static void the_same_name_twice_is_a_bug(void **state) {
  (void)state;
  lk_params *volatile params;
  assert_int_equal(lk_params_create((lk_params **)&params), LK_OK);
  const lk_param p = {.name = "rnn.0.weight", .dims = 1, .shape = {3}};
  int id;
  volatile bool asserted = false;
  assert_int_equal(lk_params_add(params, &p, &id), LK_OK);
  lk_assert_install(0, jump);
  if (setjmp(after_assert) == 0)
    (void)!lk_params_add(params, &p, &id);
  else
    asserted = true;
  lk_assert_install(0, NULL);
  assert_true(asserted);
  lk_params_destroy((lk_params **)&params);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layout_is_aligned_and_gaps_are_zero),
      cmocka_unit_test(initial_values_have_their_distribution),
      cmocka_unit_test(orthogonal_blocks_are_orthogonal),
      cmocka_unit_test(values_are_a_function_of_seed_and_tensor),
      cmocka_unit_test(tensors_alike_in_shape_differ_in_values),
      cmocka_unit_test(gradients_lie_at_the_same_offsets),
      cmocka_unit_test(the_same_name_twice_is_a_bug),
      cmocka_unit_test(rows_of_sparse_gradients_are_counted_through),
      cmocka_unit_test(values_may_be_initialised_in_parts),
      cmocka_unit_test(values_of_a_file_begin_as_zeros),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
