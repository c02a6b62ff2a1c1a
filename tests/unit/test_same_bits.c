/* Every kernel of every instruction set that this CPU has gives the bits of the portable one, at odd sizes, for odd
 * numbers; and the portable fused multiply-add is fused. */
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

/* Bits of the results of all kernels, to compare and, on another machine, to look at. */
enum { MOST = 1 << 17 };
typedef struct results {
  size_t size;
  unsigned char byte[MOST];
} results;
static results reference, other;

static void keep(results *r, const void *data, size_t size) {
  assert_true(r->size + size <= MOST);
  memcpy(r->byte + r->size, data, size);
  r->size += size;
}

static uint64_t digest_of(const results *r) {
  uint64_t digest = 14695981039346656037ULL;
  for (size_t i = 0; i < r->size; i++) digest = (digest ^ r->byte[i]) * 1099511628211ULL;
  return digest;
}

/* Of many magnitudes, so that sums round. */
static lk_real number(uint32_t stream, ptrdiff_t i) {
  uint32_t x[4];
  lk_rng_block(lk_rng_make(11, LK_PURPOSE_SAMPLE), stream, (uint32_t)i, 0, 0, x);
  return (lk_real)ldexp((double)(int32_t)x[0], -31 - (int)(x[1] % 6));
}

static lk_real *numbers(uint32_t stream, ptrdiff_t n) {
  lk_real *x = aligned_alloc(64, (size_t)lk_padded(n + 1) * sizeof *x);
  assert_non_null(x);
  for (ptrdiff_t i = 0; i < lk_padded(n + 1); i++) x[i] = number(stream, i);
  return x;
}

static void products(results *r, ptrdiff_t n, ptrdiff_t M, ptrdiff_t K, int view) {
  const lk_kernels *k = lk_kernels_get();
  const ptrdiff_t ldy = lk_padded(M), size = view ? k->view_size(M, K) : k->packed_size(M, K);
  lk_real *w = numbers(1, M * K), *x = numbers(2, n * K), *y = numbers(3, n * ldy), *bias = numbers(4, M);
  lk_packed packed = {.data = numbers(5, size)};
  if (view)
    k->view(&packed, M, K, w, M, LK_WHOLE);
  else
    k->pack(&packed, M, K, w, K, 1, LK_WHOLE);
  lk_product p = {.n = n, .x = x, .ldx = K, .y = y, .ldy = ldy, .bias = bias};
  k->product(&packed, &p);
  keep(r, y, (size_t)(n * ldy) * sizeof *y);
  p.bias = NULL, p.add = 1;
  k->product(&packed, &p);
  keep(r, y, (size_t)(n * ldy) * sizeof *y);
  void *all[] = {w, x, y, bias, packed.data};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void outers(results *r, ptrdiff_t n, ptrdiff_t M, ptrdiff_t K) {
  lk_real *dy = numbers(6, n * M), *x = numbers(7, n * K), *block = numbers(8, M * K);
  lk_kernels_get()->outer(n, M, K, dy, M, x, K, block);
  keep(r, block, (size_t)(M * K) * sizeof *block);
  free(dy);
  free(x);
  free(block);
}

static void softmaxes(results *r, ptrdiff_t V, double smoothing) {
  enum { N = 3 };
  const lk_kernels *k = lk_kernels_get();
  const ptrdiff_t ld = lk_padded(V);
  lk_real *x = numbers(9, N * ld);
  for (ptrdiff_t i = 0; i < N * ld; i++) x[i] *= 9;
  const int32_t target[N] = {0, (int32_t)(V / 2), (int32_t)(V - 1)};
  int32_t best[N];
  double loss[N];
  lk_softmax softmax[N];
  k->softmax_loss(N, V, x, ld, target, smoothing, loss, best, softmax);
  k->softmax_gradient(N, V, (lk_range){0, V}, x, ld, target, smoothing, softmax, x, ld);
  keep(r, loss, sizeof loss);
  keep(r, best, sizeof best);
  keep(r, softmax, sizeof softmax);
  keep(r, x, (size_t)(N * ld) * sizeof *x);
  free(x);
}

static void elements(results *r, ptrdiff_t n) {
  const lk_kernels *k = lk_kernels_get();
  lk_real *x = numbers(10, n), *y = numbers(12, n);
  for (ptrdiff_t i = 0; i < n; i++) x[i] *= (lk_real)(i % 100);
  k->add(n, x, y);
  keep(r, y, (size_t)n * sizeof *y);
  k->tanh(n, x, y);
  keep(r, y, (size_t)n * sizeof *y);
  k->sigmoid(n, x, y);
  keep(r, y, (size_t)n * sizeof *y);
  k->exp(n, x, y);
  keep(r, y, (size_t)n * sizeof *y);
  free(x);
  free(y);
}

static void all_kernels(results *r) {
  static const ptrdiff_t sizes[][3] = {{1, 1, 1}, {3, 5, 7}, {13, 17, 33}, {7, 65, 100}, {25, 31, 801}};
  static const ptrdiff_t widths[] = {1, 2, 5, 8, 9, 15, 16, 17, 23, 31, 47, 63, 64, 65, 77, 129, 1001};
  r->size = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    products(r, sizes[i][0], sizes[i][1], sizes[i][2], 0);
    products(r, sizes[i][0], sizes[i][1], sizes[i][2], 1);
    outers(r, sizes[i][2] % 211, sizes[i][0], sizes[i][1]);
  }
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
    softmaxes(r, widths[i], 0);
    softmaxes(r, widths[i], 0.1);
    elements(r, widths[i]);
  }
}

static void test_every_instruction_set_gives_the_same_bits(void **state) {
  (void)state;
  static const char *const names[] = {"avx2", "avx512", "avx512bf16"};
  assert_int_equal(lk_kernels_select("portable"), LK_OK);
  all_kernels(&reference);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (lk_kernels_select(names[i]) == LK_OK) {
      all_kernels(&other);
      assert_int_equal(other.size, reference.size);
      assert_memory_equal(other.byte, reference.byte, reference.size);
    }
    lk_error_clear();
  }
}

/* The digest of the first machine, which every CPU and compiler must give. */
static void test_and_so_does_every_machine(void **state) {
  (void)state;
  const uint64_t digest = digest_of(&reference);
  if (digest != 0x14b533c11d229c06ULL) fail_msg("the digest is 0x%016llx", (unsigned long long)digest);
}

static float of_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static float kernels_fma(float w, float x, float c) {
  lk_real y[LK_LANES], weight = (lk_real)w, row = (lk_real)x, bias = (lk_real)c;
  lk_real data[4096] __attribute__((aligned(64)));
  lk_packed packed = {.data = data};
  const lk_product p = {.n = 1, .x = &row, .ldx = 1, .y = y, .ldy = LK_LANES, .bias = &bias};
  lk_kernels_get()->pack(&packed, 1, 1, &weight, 1, 1, LK_WHOLE);
  lk_kernels_get()->product(&packed, &p);
  return (float)y[0];
}

/* Operands whose sum nearly cancels, is nearly a tie, tiny or infinite, where rounding twice gives a wrong result. */
static void hard_case(uint32_t i, float *a, float *b, float *c) {
  uint32_t x[4];
  lk_rng_block(lk_rng_make(13, LK_PURPOSE_SAMPLE), i, 0, 0, 0, x);
  *a = of_bits((x[0] & 0x807fffffU) | (127 - 12 + x[3] % 24) << 23);
  *b = of_bits((x[1] & 0x807fffffU) | (127 - 12 + (x[3] >> 8) % 24) << 23);
  const double product = (double)*a * (double)*b;
  switch (x[3] >> 24 & 7) {
    case 0:
      *c = (float)-product;
      break; /* what is left is the product's own rounding */
    case 1:
      *a = 1 + 0x1p-12f, *b = 1 + 0x1p-12f, *c = ldexpf((float)(x[2] % 3), -60);
      break; /* a tie, or hardly one */
    case 2:
      *a = 1 + 0x1p-12f, *b = 1 + 0x1p-12f, *c = -ldexpf(1, -60 - (int)(x[2] % 40));
      break;
    case 3:
      *c = of_bits(x[2] & 0xff800000U);
      break; /* powers of two, infinities, zeros */
    case 4:
      *a = of_bits(x[0]), *b = of_bits(x[1]), *c = of_bits(x[2]);
      break; /* anything at all */
    default:
      *c = (float)ldexp(product, (int)(x[2] % 60) - 30);
      break;
  }
}

static void test_fused_means_rounded_once(void **state) {
  (void)state;
  static const char *const names[] = {"portable", "avx2", "avx512"};
  for (size_t k = 0; k < 3; k++) {
    if (lk_kernels_select(names[k]) != LK_OK) continue;
    for (uint32_t i = 0; i < 300000; i++) {
      float a, b, c;
      hard_case(i, &a, &b, &c);
      const float y = kernels_fma(a, b, c), truth = fmaf(a, b, c);
      if (isnan(truth) ? !isnan(y) : bits_of(y) != bits_of(truth) && fabsf(truth) >= 0x1p-126f && fabsf(y) >= 0x1p-126f)
        fail_msg("%s: %a * %a + %a = %a, should be %a", names[k], (double)a, (double)b, (double)c, (double)y,
                 (double)truth);
    }
  }
  lk_error_clear();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_instruction_set_gives_the_same_bits),
      cmocka_unit_test(test_and_so_does_every_machine),
      cmocka_unit_test(test_fused_means_rounded_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
