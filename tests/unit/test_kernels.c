/* Products with packed weights and the softmax loss, on every instruction set: correct, and a row's bits do not depend
 * on the other rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "rng.h"

static const char *const isas[] = {"portable", "avx2", "avx512", "avx512bf16", "blas"};
enum { OURS = 4, ISAS };

static bool choose(const char *isa) {
  bool has = lk_kernels_select(isa) == LK_OK;
  lk_error_clear();
  return has;
}

static lk_real number(uint32_t stream, ptrdiff_t i) {
  return (lk_real)(2 * lk_rng_uniform(lk_rng_make(3, LK_PURPOSE_SAMPLE), stream, (uint32_t)i, 0, 0) - 1);
}

static lk_real *numbers(uint32_t stream, ptrdiff_t n) {
  lk_real *x = malloc((size_t)(n + 1) * sizeof *x);
  assert_non_null(x);
  for (ptrdiff_t i = 0; i < n; i++) x[i] = number(stream, i);
  return x;
}

enum { PLAIN, TRANSPOSED, VIEW, LAYOUTS }; /* VIEW: transposed, read in place */

static lk_packed pack(ptrdiff_t M, ptrdiff_t K, const lk_real *w, int layout) {
  const lk_kernels *k = lk_kernels_get();
  const ptrdiff_t size = layout == VIEW ? k->view_size(M, K) : k->packed_size(M, K);
  lk_packed p = {.data = aligned_alloc(64, (size_t)(lk_padded(size) + LK_LANES) * sizeof(lk_real))};
  assert_non_null(p.data);
  if (layout == VIEW)
    k->view(&p, M, K, w, M, LK_WHOLE);
  else
    k->pack(&p, M, K, w, layout ? 1 : K, layout ? M : 1, LK_WHOLE);
  return p;
}

/* A product of n rows in shuffled order: lists of rows into and out of a larger matrix. */
typedef struct problem {
  ptrdiff_t n, M, K, ldx, ldy;
  lk_real *w, *x, *y, *bias;
  int32_t *in, *out;
} problem;

static problem make_problem(ptrdiff_t n, ptrdiff_t M, ptrdiff_t K) {
  problem p = {.n = n, .M = M, .K = K, .ldx = K + 3, .ldy = lk_padded(M) + LK_LANES};
  p.w = numbers(1, M * K);
  p.x = numbers(2, n * p.ldx);
  p.y = numbers(3, n * p.ldy);
  p.bias = numbers(4, M);
  p.in = malloc((size_t)n * sizeof *p.in);
  p.out = malloc((size_t)n * sizeof *p.out);
  lk_rng rng = lk_rng_make(9, LK_PURPOSE_SHUFFLE);
  lk_rng_permutation(rng, 1, 0, 0, p.in, n);
  lk_rng_permutation(rng, 2, 0, 0, p.out, n);
  return p;
}

static void free_problem(problem *p) {
  void *all[] = {p->w, p->x, p->y, p->bias, p->in, p->out};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
}

static void check_product(ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, int transposed, int with_bias, int add) {
  problem p = make_problem(n, M, K);
  lk_real *before = numbers(3, n * p.ldy);
  lk_packed w = pack(M, K, p.w, transposed);
  const lk_product product = {.n = n,
                              .x = p.x,
                              .ldx = p.ldx,
                              .in = p.in,
                              .y = p.y,
                              .ldy = p.ldy,
                              .out = p.out,
                              .bias = with_bias ? p.bias : NULL,
                              .add = add};
  lk_kernels_get()->product(&w, &product);
  for (ptrdiff_t i = 0; i < n; i++) {
    const lk_real *x = p.x + p.in[i] * p.ldx, *y = p.y + p.out[i] * p.ldy, *old = before + p.out[i] * p.ldy;
    for (ptrdiff_t m = 0; m < M; m++) {
      double sum = with_bias ? (double)p.bias[m] : add ? (double)old[m] : 0, size = fabs(sum);
      for (ptrdiff_t k = 0; k < K; k++) {
        const double term = (double)p.w[transposed ? k * M + m : m * K + k] * (double)x[k];
        sum += term;
        size += fabs(term);
      }
      if (!(fabs((double)y[m] - sum) <= 1e-6 * (size + 1)))
        fail_msg("%s: n=%td M=%td K=%td: y[%td,%td] = %.9g, should be %.9g", lk_kernels_get()->name, n, M, K, i, m,
                 (double)y[m], sum);
    }
    for (ptrdiff_t m = M; m < lk_padded(M); m++) assert_true(y[m] == 0);
    for (ptrdiff_t m = lk_padded(M); m < p.ldy; m++) assert_true(y[m] == old[m]); /* untouched */
  }
  free(w.data);
  free(before);
  free_problem(&p);
}

static void test_product_agrees_with_plain_loops(void **state) {
  (void)state;
  static const ptrdiff_t sizes[][2] = {{1, 1},   {3, 5},    {16, 16},   {17, 31},   {64, 7},
                                       {65, 33}, {128, 64}, {100, 600}, {130, 1100}};
  for (size_t isa = 0; isa < ISAS; isa++)
    if (choose(isas[isa]))
      for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int kind = 0; kind < 3 * LAYOUTS; kind++)
          check_product(1 + (ptrdiff_t)i * 2, sizes[i][0], sizes[i][1], kind / 3, kind % 3 == 1, kind % 3 == 2);
}

/* More rows than a block of rows, more k than a block of k. */
static void test_product_in_blocks(void **state) {
  (void)state;
  for (size_t isa = 0; isa < ISAS; isa++)
    if (choose(isas[isa])) check_product(500, 33, 530, 0, 1, 0);
}

/* Rows [first, first+n) of x, in another order, at once against one at a time: equal to the last bit. */
static void check_bits(ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, int add) {
  problem p = make_problem(n, M, K);
  lk_packed w = pack(M, K, p.w, 0);
  const ptrdiff_t columns = lk_padded(M);
  lk_real *single = numbers(3, n * p.ldy);
  lk_product product = {.n = n, .x = p.x, .ldx = p.ldx, .in = p.in, .y = p.y, .ldy = p.ldy, .out = p.out, .add = add};
  lk_kernels_get()->product(&w, &product);
  for (ptrdiff_t i = 0; i < n; i++) {
    product = (lk_product){
        .n = 1, .x = p.x + p.in[i] * p.ldx, .ldx = p.ldx, .y = single + p.out[i] * p.ldy, .ldy = p.ldy, .add = add};
    lk_kernels_get()->product(&w, &product);
    assert_memory_equal(p.y + p.out[i] * p.ldy, single + p.out[i] * p.ldy, (size_t)columns * sizeof(lk_real));
  }
  free(single);
  free(w.data);
  free_problem(&p);
}

static void test_a_row_has_the_same_bits_in_any_company(void **state) {
  (void)state;
  for (size_t isa = 0; isa < ISAS; isa++) {
    if (!choose(isas[isa])) continue;
    for (ptrdiff_t n = 1; n <= 40; n++) check_bits(n, 77, 91, n & 1);
    check_bits(300, 37, 1030, 0);
    check_bits(7, 33, 513, 1);
  }
}

/* a b + c as the kernels compute it: rounded once. */
static lk_real fused(lk_real a, lk_real b, lk_real c) { return (lk_real)fmaf((float)a, (float)b, (float)c); }

/* acc = bias, then k = 0, 1, 2, ...: the same sum in a plain loop. */
static void test_the_order_of_the_sum(void **state) {
  (void)state;
  enum { M = 21, K = 1037 };
  for (size_t isa = 0; isa < OURS; isa++) {
    if (!choose(isas[isa])) continue;
    problem p = make_problem(5, M, K);
    lk_packed w = pack(M, K, p.w, 0);
    const lk_product product = {.n = 5, .x = p.x, .ldx = p.ldx, .y = p.y, .ldy = p.ldy, .bias = p.bias};
    lk_kernels_get()->product(&w, &product);
    for (ptrdiff_t i = 0; i < 5; i++)
      for (ptrdiff_t m = 0; m < M; m++) {
        lk_real sum = p.bias[m];
        for (ptrdiff_t k = 0; k < K; k++) sum = fused(p.w[m * K + k], p.x[i * p.ldx + k], sum);
        assert_true(p.y[i * p.ldy + m] == sum);
      }
    free(w.data);
    free_problem(&p);
  }
}

static void check_outer(size_t isa, ptrdiff_t n, ptrdiff_t M, ptrdiff_t K) {
  const ptrdiff_t ldy = M + 5, ldx = K + 2;
  lk_real *dy = numbers(5, n * ldy), *x = numbers(6, n * ldx), *block = numbers(7, M * K + 1);
  const lk_real behind = block[M * K];
  lk_kernels_get()->outer(n, M, K, dy, ldy, x, ldx, block);
  for (ptrdiff_t m = 0; m < M; m++)
    for (ptrdiff_t k = 0; k < K; k++) {
      lk_real sum = 0;
      for (ptrdiff_t r = 0; r < n; r++) sum = fused(dy[r * ldy + m], x[r * ldx + k], sum);
      if (block[m * K + k] != sum)
        fail_msg("%s: n=%td M=%td K=%td: block[%td,%td] = %a, should be %a", isas[isa], n, M, K, m, k,
                 (double)block[m * K + k], (double)sum);
    }
  assert_true(block[M * K] == behind);
  free(dy);
  free(x);
  free(block);
}

/* Row after row from zero, bit for bit, at every edge of the blocks. */
static void test_outer_product(void **state) {
  (void)state;
  static const ptrdiff_t sizes[][3] = {{0, 3, 5},      {1, 1, 1},    {2, 6, 64},     {5, 7, 65},
                                       {31, 13, 16},   {128, 3, 9},  {129, 12, 33},  {300, 24, 77},
                                       {40, 131, 100}, {17, 255, 6}, {200, 1100, 70}};
  for (size_t isa = 0; isa < OURS; isa++)
    if (choose(isas[isa]))
      for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        check_outer(isa, sizes[i][0], sizes[i][1], sizes[i][2]);
}

static void test_pads_are_zero_beside_infinities(void **state) {
  (void)state;
  for (size_t isa = 0; isa < ISAS; isa++) {
    if (!choose(isas[isa])) continue;
    problem p = make_problem(2, 5, 4);
    lk_packed w = pack(5, 4, p.w, 0);
    p.x[1] = (lk_real)INFINITY;
    const lk_product product = {.n = 2, .x = p.x, .ldx = p.ldx, .y = p.y, .ldy = p.ldy};
    lk_kernels_get()->product(&w, &product);
    assert_true(!isfinite(p.y[0]));
    assert_true(!!isfinite(p.y[p.ldy]));
    for (int m = 5; m < 16; m++) assert_true(p.y[m] == 0 && p.y[p.ldy + m] == 0);
    free(w.data);
    free_problem(&p);
  }
}

static void test_nothing_to_do(void **state) {
  (void)state;
  for (size_t isa = 0; isa < ISAS; isa++) {
    if (!choose(isas[isa])) continue;
    lk_real w[1] = {0}, y[16] = {[3] = 7};
    lk_packed packed = pack(4, 0, w, 0);
    const lk_real bias[4] = {1, 2, 3, 4};
    lk_product product = {.n = 0, .x = w, .y = y, .ldy = 16, .bias = bias};
    lk_kernels_get()->product(&packed, &product);
    assert_true(y[3] == 7);
    product.n = 1;
    lk_kernels_get()->product(&packed, &product);
    assert_true(y[0] == 1 && y[3] == 4 && y[4] == 0);
    free(packed.data);
  }
}

/* ---- softmax ---- */

/* Loss and gradient of one row in double. */
static double plain_loss(ptrdiff_t V, const lk_real *x, int32_t target, double e, double *gradient) {
  double max = (double)x[0], sum = 0, loss = 0;
  for (ptrdiff_t v = 0; v < V; v++) max = (double)x[v] > max ? (double)x[v] : max;
  for (ptrdiff_t v = 0; v < V; v++) sum += exp((double)x[v] - max);
  for (ptrdiff_t v = 0; v < V; v++) {
    const double wanted = (v == target ? 1 - e : 0) + e / (double)V, nll = log(sum) + max - (double)x[v];
    loss += wanted * nll;
    gradient[v] = exp(-nll) - wanted;
  }
  return loss;
}

/* The gradient in place of the logits, and block by block beside them: the same bits. */
static void check_blocks(ptrdiff_t V, const lk_real *x, ptrdiff_t ld, const int32_t *target, double smoothing,
                         const lk_softmax *softmax, lk_real *y) {
  enum { N = 6, BLOCK = 48 };
  const lk_kernels *k = lk_kernels_get();
  lk_real block[N * BLOCK];
  k->softmax_gradient(N, V, (lk_range){0, V}, y, ld, target, smoothing, softmax, y, ld);
  for (ptrdiff_t v = 0; v < V; v += BLOCK) {
    const ptrdiff_t columns = V - v < BLOCK ? V - v : BLOCK;
    for (int i = 0; i < N * BLOCK; i++) block[i] = (lk_real)NAN;
    k->softmax_gradient(N, V, (lk_range){v, v + columns}, x, ld, target, smoothing, softmax, block, BLOCK);
    for (int i = 0; i < N; i++) {
      assert_memory_equal(block + i * BLOCK, y + i * ld + v, (size_t)columns * sizeof *y);
      for (ptrdiff_t c = columns; c < lk_padded(columns); c++) assert_true(block[i * BLOCK + c] == 0);
    }
  }
}

static void check_softmax(ptrdiff_t V, double smoothing, double scale, double shift) {
  enum { N = 6 };
  const ptrdiff_t ld = lk_padded(V);
  lk_real *x = numbers(7, N * ld), *y = malloc((size_t)(N * ld) * sizeof *y);
  double *gradient = malloc((size_t)V * sizeof *gradient), loss[N], again[N];
  int32_t target[N], best[N];
  lk_softmax softmax[N];
  for (ptrdiff_t i = 0; i < N * ld; i++) x[i] = (lk_real)((double)x[i] * scale + shift);
  for (ptrdiff_t i = 0; i < N; i++) {
    for (ptrdiff_t v = V; v < ld; v++) x[i * ld + v] = (lk_real)NAN; /* pads: never read */
    target[i] = i == 2 ? -1 : (int32_t)(i * 7 % V);
  }
  memcpy(y, x, (size_t)(N * ld) * sizeof *y);
  lk_kernels_get()->softmax_loss(N, V, y, ld, target, smoothing, again, NULL, NULL);
  lk_kernels_get()->softmax_loss(N, V, y, ld, target, smoothing, loss, best, softmax);
  assert_memory_equal(x, y, (size_t)(N * ld) * sizeof *y);
  check_blocks(V, x, ld, target, smoothing, softmax, y);
  for (ptrdiff_t i = 0; i < N; i++) {
    const lk_real *row = x + i * ld, *g = y + i * ld;
    const double truth = plain_loss(V, row, target[i], smoothing, gradient);
    assert_true(loss[i] == again[i]);
    if (target[i] < 0)
      assert_true(loss[i] == 0);
    else if (!(fabs(loss[i] - truth) <= 2e-6 * (1 + fabs(truth))))
      fail_msg("%s: V=%td: loss %.9g, should be %.9g", lk_kernels_get()->name, V, loss[i], truth);
    for (ptrdiff_t v = 0; v < V; v++) {
      const double wanted = target[i] < 0 ? 0 : gradient[v];
      if (!(fabs((double)g[v] - wanted) <= 1e-6 * (fabs(wanted) + 0.1)))
        fail_msg("%s: V=%td: gradient[%td,%td] %.9g, should be %.9g", lk_kernels_get()->name, V, i, v, (double)g[v],
                 wanted);
      assert_true(row[v] <= row[best[i]]);
    }
    for (ptrdiff_t v = V; v < ld; v++) assert_true(g[v] == 0);
  }
  free(x);
  free(y);
  free(gradient);
}

static void test_softmax_agrees_with_plain_loops(void **state) {
  (void)state;
  static const ptrdiff_t sizes[] = {1, 2, 7, 16, 33, 64, 65, 200, 1000};
  for (size_t isa = 0; isa < ISAS; isa++)
    if (choose(isas[isa]))
      for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int smooth = 0; smooth < 2; smooth++) {
          check_softmax(sizes[i], 0.1 * smooth, 1, 0);
          check_softmax(sizes[i], 0.1 * smooth, 8, 300); /* e^300 overflows a float: the maximum is subtracted first */
          check_softmax(sizes[i], 0.1 * smooth, 60, -500);
        }
}

static void test_softmax_by_hand(void **state) {
  (void)state;
  for (size_t isa = 0; isa < ISAS; isa++) {
    if (!choose(isas[isa])) continue;
    lk_real x[16] = {0, (lk_real)1.0986122886681098, 0}; /* 0, ln 3, 0: probabilities 1/5 3/5 1/5 */
    const int32_t target[1] = {0};
    int32_t best[1];
    double loss[1];
    lk_softmax softmax[1];
    lk_kernels_get()->softmax_loss(1, 3, x, 16, target, 0, loss, best, softmax);
    lk_kernels_get()->softmax_gradient(1, 3, (lk_range){0, 3}, x, 16, target, 0, softmax, x, 16);
    assert_true(fabs(loss[0] - log(5)) < 1e-6);
    assert_int_equal(best[0], 1);
    assert_true(fabs((double)x[0] + 0.8) < 1e-6 && fabs((double)x[1] - 0.6) < 1e-6 && fabs((double)x[2] - 0.2) < 1e-6);
  }
}

static void test_softmax_takes_the_first_of_equals(void **state) {
  (void)state;
  for (size_t isa = 0; isa < ISAS; isa++) {
    if (!choose(isas[isa])) continue;
    lk_real x[96] = {0};
    x[41] = x[17] = x[70] = 2;
    const int32_t target[1] = {-1};
    int32_t best[1] = {-5};
    double loss[1] = {9};
    lk_kernels_get()->softmax_loss(1, 90, x, 96, target, 0, loss, best, NULL);
    assert_int_equal(best[0], 17);
    assert_true(loss[0] == 0 && x[41] == 2);
  }
}

static void test_a_nan_logit_is_seen_in_the_loss(void **state) {
  (void)state;
  for (size_t isa = 0; isa < ISAS; isa++) {
    if (!choose(isas[isa])) continue;
    for (int at = 0; at < 40; at++) {
      lk_real x[48] = {0};
      x[at] = (lk_real)NAN;
      const int32_t target[1] = {3};
      int32_t best[1];
      double loss[1];
      lk_kernels_get()->softmax_loss(1, 40, x, 48, target, 0, loss, best, NULL);
      assert_true(isnan(loss[0]));
      assert_in_range(best[0], 0, 39);
    }
  }
}

/* ---- selection ---- */

static void test_kernels_are_chosen_by_name(void **state) {
  (void)state;
  assert_int_equal(lk_kernels_select("portable"), LK_OK);
  assert_string_equal(lk_kernels_get()->name, "portable");
  assert_int_equal(lk_kernels_isa(), 0);
  assert_int_equal(lk_kernels_select("sse9"), LK_USAGE);
  assert_non_null(strstr(lk_error_get()->text, "portable"));
  lk_error_clear();
  assert_string_equal(lk_kernels_get()->name, "portable"); /* after a failure the selection is unchanged */
  assert_int_equal(lk_kernels_select("auto"), LK_OK);
  assert_string_equal(lk_kernels_get()->name, isas[lk_kernels_isa()]);
  const int best = lk_kernels_isa();
  assert_true(best < OURS); /* auto is never blas */
  for (int isa = 0; isa < OURS; isa++) assert_int_equal(choose(isas[isa]), isa <= best);
  assert_int_equal(lk_kernels_select("blas"), LK_OK);
  assert_int_equal(lk_kernels_isa(), OURS);
  assert_int_equal(lk_kernels_select("auto"), LK_OK);
}

/* Products and weight gradients where the rows are divided in one way or another, as by the number of ranks. */
static void test_blas_by_shards(void **state) {
  (void)state;
  enum { N = 40, M = 100, K = 200, LD = 112 };
  static const ptrdiff_t all[] = {0, 7, 7, 19, 40}, left[] = {0, 7, 7}, right[] = {0, 12, 33};
  assert_int_equal(lk_kernels_select("blas"), LK_OK);
  const lk_kernels *k = lk_kernels_get();
  lk_real *w = numbers(1, K * M), *x = numbers(2, N * K), *y = numbers(3, N * LD), *z = numbers(4, N * LD);
  lk_packed packed = pack(M, K, w, VIEW);
  lk_product p = {.n = N, .x = x, .ldx = K, .y = y, .ldy = LD, .shard_row = all, .shards = 4};
  k->product(&packed, &p);
  for (ptrdiff_t k0 = 0; k0 < K; k0 += 96) { /* a part of the sum at a time, as the output layer does backward */
    const lk_range over = {k0, k0 + 96 < K ? k0 + 96 : K};
    p = (lk_product){
        .n = 7, .over = over, .x = x + k0, .ldx = K, .y = z, .ldy = LD, .add = k0 > 0, .shard_row = left, .shards = 2};
    k->product(&packed, &p);
    p.n = 33, p.x = x + 7 * K + k0, p.y = z + 7 * LD, p.shard_row = right;
    k->product(&packed, &p);
  }
  p = (lk_product){.n = N, .over = {0, K}, .x = x, .ldx = K, .y = y, .ldy = LD, .shard_row = all, .shards = 4};
  k->product(&packed, &p);
  assert_memory_equal(y, z, (size_t)(N * LD) * sizeof *y);
  lk_real *whole = numbers(5, M * K), *part = numbers(6, M * K);
  k->outer(N, M, K, y, LD, x, K, whole);
  for (ptrdiff_t m = 0; m < M; m += 24) k->outer(N, M - m < 24 ? M - m : 24, K, y + m, LD, x, K, part + m * K);
  assert_memory_equal(whole, part, (size_t)(M * K) * sizeof *part);
  void *memory[] = {w, x, y, z, packed.data, whole, part};
  for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) free(memory[i]);
}

/* Where the CPU has no fused multiply-add, auto measures whether OpenBLAS is faster than software. */
static void test_blas_is_measured(void **state) {
  (void)state;
  assert_int_equal(lk_kernels_select("portable"), LK_OK);
#ifdef __x86_64__
  assert_true(lk_kernels_blas_is_faster());
#endif
  assert_string_equal(lk_kernels_get()->name, "portable");
  assert_int_equal(lk_kernels_select("auto"), LK_OK);
  if (lk_kernels_isa() > 0) assert_string_equal(lk_kernels_advise(), "auto");
}

static void test_denormals_are_flushed(void **state) {
  (void)state;
  volatile float tiny = 1e-38f;
#if defined(__x86_64__) || defined(__aarch64__)
  lk_flush_denormals();
  assert_true(tiny * 0.1f == 0);
#endif
  (void)tiny;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_product_agrees_with_plain_loops),
      cmocka_unit_test(test_product_in_blocks),
      cmocka_unit_test(test_a_row_has_the_same_bits_in_any_company),
      cmocka_unit_test(test_the_order_of_the_sum),
      cmocka_unit_test(test_outer_product),
      cmocka_unit_test(test_pads_are_zero_beside_infinities),
      cmocka_unit_test(test_nothing_to_do),
      cmocka_unit_test(test_softmax_agrees_with_plain_loops),
      cmocka_unit_test(test_softmax_by_hand),
      cmocka_unit_test(test_softmax_takes_the_first_of_equals),
      cmocka_unit_test(test_a_nan_logit_is_seen_in_the_loss),
      cmocka_unit_test(test_kernels_are_chosen_by_name),
      cmocka_unit_test(test_blas_by_shards),
      cmocka_unit_test(test_blas_is_measured),
      cmocka_unit_test(test_denormals_are_flushed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
