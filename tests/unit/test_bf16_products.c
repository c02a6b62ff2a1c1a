/* Products of bf16, on every instruction set: to the last bit those of a scalar model, at odd sizes, for numbers that
 * round, cancel, overflow, are denormal, infinite or NaN; and no further from float32 than rounding explains. */
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

static const char *const isas[] = {"portable", "avx2", "avx512", "avx512bf16", "amx", "amx-model"};
enum { ISAS = sizeof isas / sizeof *isas };

static bool choose(const char *isa, const char *precision) {
  const bool has = lk_kernels_choose(isa, precision) == LK_OK;
  lk_error_clear();
  return has;
}

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static float of_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* ---- the model ---- */

static float flushed(float x) { return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x; }

/* To the nearest number of 8 bits, by the remainder of a division; ties to even. */
static float rounded(float x) {
  if (isnan(x) || isinf(x) || flushed(x) == 0) return flushed(x);
  int exponent;
  (void)frexpf(x, &exponent);
  const double unit = ldexp(1, exponent - 8), whole = floor(fabs((double)x) / unit),
               rest = fabs((double)x) - whole * unit;
  const bool up = rest > unit / 2 || (rest == unit / 2 && fmod(whole, 2) == 1);
  return copysignf((float)((whole + up) * unit), x); /* beyond the largest float: infinity */
}

/* sum + x[0] w[0] + x[step] w[wstep] + ..., one after the other, rounded each time. */
static float sum_of(float sum, ptrdiff_t n, const lk_real *x, ptrdiff_t step, const lk_real *w, ptrdiff_t wstep) {
  for (ptrdiff_t k = 0; k < n; k++)
    sum = flushed(fmaf(rounded((float)x[k * step]), rounded((float)w[k * wstep]), flushed(sum)));
  return sum;
}

/* The same in the order of TDPBF16PS: of each 32 terms those with even and with odd numbers, each from +0 on. */
static float sum_by_tiles(float sum, ptrdiff_t n, const lk_real *x, ptrdiff_t step, const lk_real *w, ptrdiff_t wstep) {
  for (ptrdiff_t first = 0; first < n; first += 32) {
    float part[2] = {0, 0};
    for (ptrdiff_t k = first; k < first + 32; k++) { /* filled up with zeros */
      const float a = k < n ? (float)x[k * step] : 0, b = k < n ? (float)w[k * wstep] : 0;
      part[k % 2] = flushed(fmaf(rounded(a), rounded(b), part[k % 2]));
    }
    sum = flushed(flushed(sum) + flushed(part[0] + part[1]));
  }
  return sum;
}

static float expected_sum(float sum, ptrdiff_t n, const lk_real *x, ptrdiff_t step, const lk_real *w, ptrdiff_t wstep) {
  return (lk_kernels_sum_apart(lk_kernels_get()->name) ? sum_by_tiles : sum_of)(sum, n, x, step, w, wstep);
}

static bool same(float a, float b) { return isnan(a) ? isnan(b) : bits_of(a) == bits_of(b); }

/* ---- numbers ---- */

typedef enum { PLAIN, CANCELS, TINY, HUGE_ONES, ANYTHING, KINDS } numbers_kind;

static uint32_t random_bits(uint32_t stream, ptrdiff_t i) {
  uint32_t x[4];
  lk_rng_block(lk_rng_make(17, LK_PURPOSE_SAMPLE), stream, (uint32_t)i, 0, 0, x);
  return x[0];
}

static lk_real number(numbers_kind kind, uint32_t stream, ptrdiff_t i) {
  const uint32_t bits = random_bits(stream, i), sign = bits & 0x80000000U, fraction = bits & 0x7fffffU;
  const uint32_t spread = random_bits(stream + 50, i);
  switch (kind) {
    case CANCELS: /* few mantissas and powers of two: sums meet their opposites, and ties */
      return (lk_real)of_bits(sign | (127 - spread % 3) << 23 | (spread >> 8) % 5 << 16 | (spread >> 16) % 2 << 15);
    case TINY: /* products about the smallest normal number, operands denormal now and then */
      return (lk_real)of_bits(sign | (spread % 9 ? 60 + spread % 8 : spread >> 8 & 1) << 23 | fraction);
    case HUGE_ONES: /* products about the largest number */
      return (lk_real)of_bits(sign | (186 + spread % 8) << 23 | fraction);
    case ANYTHING:
      return (lk_real)of_bits(spread % 40 ? sign | (100 + spread % 60) << 23 | fraction
                                          : bits | 0x7f800000U * (spread >> 9 & 1));
    default:
      return (lk_real)of_bits(sign | (120 + spread % 10) << 23 | fraction);
  }
}

static lk_real *numbers(numbers_kind kind, uint32_t stream, ptrdiff_t n) {
  lk_real *x = aligned_alloc(64, (size_t)lk_padded(n + 1) * sizeof *x);
  assert_non_null(x);
  for (ptrdiff_t i = 0; i < lk_padded(n + 1); i++) x[i] = number(kind, stream, i);
  return x;
}

/* ---- products ---- */

enum { ROWWISE, TRANSPOSED, VIEW, LAYOUTS };

static lk_packed pack(ptrdiff_t M, ptrdiff_t K, const lk_real *w, int layout, int parts) {
  const lk_kernels *k = lk_kernels_get();
  const ptrdiff_t size = layout == VIEW ? k->view_size(M, K) : k->packed_size(M, K);
  lk_packed p = {.data = aligned_alloc(64, (size_t)(lk_padded(size) + LK_LANES) * sizeof(lk_real))};
  assert_non_null(p.data);
  memset(p.data, 0xff, (size_t)size * sizeof(lk_real)); /* NaN: all of it has to be packed */
  for (int i = 0; i < parts; i++)
    if (layout == VIEW)
      k->view(&p, M, K, w, M, (lk_part){i, parts});
    else
      k->pack(&p, M, K, w, layout ? 1 : K, layout ? M : 1, (lk_part){i, parts});
  return p;
}

static void check_product(numbers_kind kind, ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, int layout, int start,
                          lk_range over) {
  const ptrdiff_t length = over.end > 0 ? over.end - over.begin : K, ldx = length + 3, ldy = lk_padded(M);
  lk_real *w = numbers(kind, 1, M * K), *x = numbers(kind, 2, n * ldx), *bias = numbers(kind, 3, M);
  lk_real *y = numbers(kind, 4, n * ldy), *old = numbers(kind, 4, n * ldy);
  int32_t *in = malloc((size_t)n * sizeof *in);
  lk_rng_permutation(lk_rng_make(9, LK_PURPOSE_SHUFFLE), 1, 0, 0, in, n);
  lk_packed packed = pack(M, K, w, layout, 1 + start);
  const lk_product p = {.n = n,
                        .over = over,
                        .x = x,
                        .ldx = ldx,
                        .in = in,
                        .y = y,
                        .ldy = ldy,
                        .bias = start == 1 ? bias : NULL,
                        .add = start == 2};
  lk_kernels_get()->product(&packed, &p);
  for (ptrdiff_t i = 0; i < n; i++)
    for (ptrdiff_t m = 0; m < ldy; m++) {
      const float first = start == 1 ? (float)bias[m < M ? m : 0] : start == 2 ? (float)old[i * ldy + m] : 0;
      const lk_real *row = layout ? w + over.begin * M + m : w + m * K + over.begin;
      const float expected = m < M ? expected_sum(first, length, x + in[i] * ldx, 1, row, layout ? M : 1) : 0;
      if (!same((float)y[i * ldy + m], expected))
        fail_msg("%s, kind %d, layout %d, n=%td M=%td K=%td: y[%td,%td] = %a, should be %a", lk_kernels_get()->name,
                 (int)kind, layout, n, M, K, i, m, (double)y[i * ldy + m], (double)expected);
    }
  void *all[] = {w, x, bias, y, old, in, packed.data};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void test_products_are_the_model_s(void **state) {
  (void)state;
  static const ptrdiff_t sizes[][3] = {{1, 1, 1},   {2, 3, 2},    {3, 16, 5},   {5, 17, 31}, {7, 64, 33},
                                       {12, 65, 8}, {13, 130, 7}, {4, 5, 1601}, {37, 20, 96}};
  for (int isa = 0; isa < ISAS; isa++)
    for (size_t i = 0; choose(isas[isa], "bf16") && i < sizeof sizes / sizeof *sizes; i++)
      for (numbers_kind kind = 0; kind < KINDS; kind++)
        for (int layout = 0; layout < LAYOUTS; layout++)
          for (int start = 0; start < 3; start++)
            check_product(kind, sizes[i][0], sizes[i][1], sizes[i][2], layout, start, (lk_range){0, 0});
}

static void test_parts_of_a_sum(void **state) {
  (void)state;
  for (int isa = 0; isa < ISAS; isa++)
    for (int layout = 0; choose(isas[isa], "bf16") && layout < LAYOUTS; layout++) {
      check_product(PLAIN, 5, 33, 107, layout, 0, (lk_range){0, 64});
      check_product(PLAIN, 5, 33, 107, layout, 2, (lk_range){64, 96});
      check_product(PLAIN, 5, 33, 107, layout, 2, (lk_range){96, 107});
    }
}

/* More rows than a block of rows, more terms than a block of terms. */
static void test_products_in_blocks(void **state) {
  (void)state;
  for (int isa = 1; isa < ISAS; isa++)
    if (choose(isas[isa], "bf16")) {
      check_product(PLAIN, 500, 7, 1700, ROWWISE, 1, (lk_range){0, 0});
      check_product(PLAIN, 140, 70, 2100, ROWWISE, 2, (lk_range){0, 0});
    }
}

static void check_outer(numbers_kind kind, ptrdiff_t n, ptrdiff_t M, ptrdiff_t K) {
  const ptrdiff_t ldy = M + 2, ldx = K + 1;
  lk_real *dy = numbers(kind, 5, n * ldy), *x = numbers(kind, 6, n * ldx), *block = numbers(kind, 7, M * K);
  lk_kernels_get()->outer(n, M, K, dy, ldy, x, ldx, block);
  for (ptrdiff_t m = 0; m < M; m++)
    for (ptrdiff_t k = 0; k < K; k++) {
      const float expected = expected_sum(0, n, dy + m, ldy, x + k, ldx), found = (float)block[m * K + k];
      if (!same(found, expected))
        fail_msg("%s, kind %d, n=%td M=%td K=%td: block[%td,%td] = %a, should be %a", lk_kernels_get()->name, (int)kind,
                 n, M, K, m, k, (double)found, (double)expected);
    }
  free(dy);
  free(x);
  free(block);
}

static void test_gradients_of_weights_are_the_model_s(void **state) {
  (void)state;
  static const ptrdiff_t sizes[][3] = {{0, 3, 5},    {1, 1, 1},   {2, 6, 64},  {3, 7, 65},   {7, 13, 17},
                                       {193, 9, 30}, {389, 2, 3}, {5, 600, 4}, {270, 45, 70}};
  for (int isa = 0; isa < ISAS; isa++)
    for (size_t i = 0; choose(isas[isa], "bf16") && i < sizeof sizes / sizeof *sizes; i++)
      for (numbers_kind kind = 0; kind < KINDS; kind++) check_outer(kind, sizes[i][0], sizes[i][1], sizes[i][2]);
}

/* ---- rounding ---- */

/* Every upper half of a float with the lower halves about zero and the middle, as a weight times 1. */
static void test_rounding(void **state) {
  (void)state;
  static const uint32_t lower[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
  enum { LOWER = sizeof lower / sizeof *lower, STEP = 1 << 12 };
  static lk_real x[STEP * LOWER], y[STEP * LOWER * LK_LANES];
  lk_real one = 1;
  for (int isa = 0; isa < ISAS; isa++)
    for (uint32_t upper = 0; choose(isas[isa], "bf16") && upper < 1U << 16; upper += STEP) {
      for (uint32_t i = 0; i < STEP * LOWER; i++) x[i] = (lk_real)of_bits((upper + i / LOWER) << 16 | lower[i % LOWER]);
      lk_packed packed = pack(1, 1, &one, ROWWISE, 1);
      lk_kernels_get()->product(&packed, &(lk_product){.n = STEP * LOWER, .x = x, .ldx = 1, .y = y, .ldy = LK_LANES});
      for (uint32_t i = 0; i < STEP * LOWER; i++)
        if (!same((float)y[i * LK_LANES], rounded((float)x[i]) + 0.0f))
          fail_msg("%s: %a was rounded to %a, should be %a", isas[isa], (double)x[i], (double)y[i * LK_LANES],
                   (double)rounded((float)x[i]));
      free(packed.data);
    }
}

/* A product of bf16 is off by at most (2 u + u^2) sum |x w| for rounding both operands to 8 bits, u = 2^-8, and
 * K 2^-24 (1 + ...) of the same sum for adding in float32. */
static void test_near_float32(void **state) {
  (void)state;
  enum { N = 9, M = 40, K = 777 };
  lk_real *w = numbers(PLAIN, 8, M * K), *x = numbers(PLAIN, 9, N * K), *y = numbers(PLAIN, 10, N * lk_padded(M));
  double largest = 0;
  assert_true(choose("auto", "bf16"));
  lk_packed packed = pack(M, K, w, ROWWISE, 1);
  lk_kernels_get()->product(&packed, &(lk_product){.n = N, .x = x, .ldx = K, .y = y, .ldy = lk_padded(M)});
  for (ptrdiff_t i = 0; i < N * M; i++) {
    double sum = 0, size = 0;
    for (ptrdiff_t k = 0; k < K; k++) {
      const double term = (double)x[i / M * K + k] * (double)w[i % M * K + k];
      sum += term, size += fabs(term);
    }
    const double off = fabs((double)y[i / M * lk_padded(M) + i % M] - sum) / size;
    assert_true(off <= 2 * 0x1p-8 + 0x1p-16 + K * 0x1p-23);
    largest = fmax(largest, off);
  }
  assert_true(largest > 1e-5); /* or nothing was rounded */
  void *all[] = {w, x, y, packed.data};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void test_choice(void **state) {
  (void)state;
  assert_int_equal(lk_kernels_choose("blas", "bf16"), LK_USAGE);
  assert_non_null(strstr(lk_error_get()->text, "no products of bf16"));
  lk_error_clear();
  assert_int_equal(lk_kernels_choose("auto", "fp8"), LK_USAGE);
  lk_error_clear();
  assert_true(choose("portable", "bf16"));
  assert_int_equal(lk_kernels_get()->terms, 1);
  assert_int_equal(lk_kernels_float32()->terms, 0);
  assert_true(choose("portable", "float32"));
  assert_int_equal(lk_kernels_get()->terms, 0);
  /* what is asked for its order of adding is that of bf16 alone */
  assert_true(choose("amx-model", "float32"));
  assert_string_equal(lk_kernels_get()->name, "portable");
  assert_true(choose("amx-model", "bf16"));
  assert_string_equal(lk_kernels_get()->name, "amx-model");
  assert_true(lk_kernels_sum_apart("amx") && lk_kernels_sum_apart("amx-model") && !lk_kernels_sum_apart("avx512"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_products_are_the_model_s),
      cmocka_unit_test(test_parts_of_a_sum),
      cmocka_unit_test(test_products_in_blocks),
      cmocka_unit_test(test_gradients_of_weights_are_the_model_s),
      cmocka_unit_test(test_rounding),
      cmocka_unit_test(test_near_float32),
      cmocka_unit_test(test_choice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
