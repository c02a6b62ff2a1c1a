/* Philox against the known answers of Random123; uniformity; the meaning of the counters. */
#include "rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void known_answers(void **state) {
  (void)state;
  const uint32_t ones = UINT32_MAX;
  const struct {
    uint32_t counter[4], key[2], answer[4];
  } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{ones, ones, ones, ones}, {ones, ones}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < 3; i++) {
    uint32_t out[4];
    const uint32_t *c = known[i].counter;
    lk_rng_block((lk_rng){{known[i].key[0], known[i].key[1]}}, c[0], c[1], c[2], c[3], out);
    assert_memory_equal(out, known[i].answer, sizeof out);
  }
}

/* Neighbouring seeds and purposes must not share keys, nor must seed + 1 with this purpose and seed with the next. */
static void keys_differ(void **state) {
  (void)state;
  enum { SEEDS = 200, PURPOSES = 6, KEYS = SEEDS * PURPOSES };
  static lk_rng made[KEYS];
  for (int i = 0; i < KEYS; i++)
    made[i] = lk_rng_make((uint64_t)(i / PURPOSES), (lk_purpose)(LK_PURPOSE_INIT + i % PURPOSES));
  for (int i = 0; i < KEYS; i++)
    for (int j = 0; j < i; j++) assert_true(made[i].key[0] != made[j].key[0] || made[i].key[1] != made[j].key[1]);
  lk_rng again = lk_rng_make(7, LK_PURPOSE_SHUFFLE);
  assert_memory_equal(&again, &made[7 * PURPOSES + 1], sizeof again);
}

static void uniform_is_uniform(void **state) {
  (void)state;
  enum { DRAWS = 200000, BINS = 20 };
  int bin[BINS] = {0};
  const lk_rng rng = lk_rng_make(1, LK_PURPOSE_SAMPLE);
  for (uint32_t i = 0; i < DRAWS; i++) {
    double u = lk_rng_uniform(rng, 0, i, 0, 0);
    assert_true(u >= 0 && u < 1);
    bin[(int)(u * BINS)]++;
  }
  double chi2 = 0, expected = (double)DRAWS / BINS;
  for (int i = 0; i < BINS; i++) chi2 += (bin[i] - expected) * (bin[i] - expected) / expected;
  assert_true(chi2 < 43.8); /* 19 degrees of freedom: one in a thousand is above, and the numbers are fixed */
}

static void normal_has_its_moments(void **state) {
  (void)state;
  enum { DRAWS = 200000 };
  const lk_rng rng = lk_rng_make(1, LK_PURPOSE_INIT);
  double moment[5] = {0};
  int beyond = 0;
  for (uint32_t i = 0; i < DRAWS; i++) {
    double x = lk_rng_normal(rng, i, 0, 0, 0);
    assert_true(isfinite(x));
    double power = 1;
    for (int k = 1; k <= 4; k++) moment[k] += (power *= x) / DRAWS;
    beyond += fabs(x) > 1.959964;
  }
  assert_true(fabs(moment[1]) < 0.009 && fabs(moment[2] - 1) < 0.013); /* four standard errors */
  assert_true(fabs(moment[3]) < 0.035 && fabs(moment[4] - 3) < 0.09);
  assert_true(fabs((double)beyond / DRAWS - 0.05) < 0.002);
}

static void permutations(void **state) {
  (void)state;
  const lk_rng rng = lk_rng_make(3, LK_PURPOSE_SHUFFLE);
  enum { MOST = 1000 };
  int32_t order[MOST], other[MOST];
  for (ptrdiff_t n = 0; n <= MOST; n += n < 10 ? 1 : 99) {
    char seen[MOST] = {0};
    lk_rng_permutation(rng, 1, 2, 3, order, n);
    for (ptrdiff_t i = 0; i < n; i++) {
      assert_true(order[i] >= 0 && order[i] < n && !seen[order[i]]);
      seen[order[i]] = 1;
    }
    lk_rng_permutation(rng, 1, 2, 3, other, n);
    assert_memory_equal(order, other, (size_t)n * sizeof *order);
  }
  /* All 24 orders of four things, about equally often. */
  int times[256] = {0}, orders = 0;
  for (uint32_t draw = 0; draw < 24000; draw++) {
    lk_rng_permutation(rng, draw, 0, 0, order, 4);
    times[order[0] | order[1] << 2 | order[2] << 4 | order[3] << 6]++;
  }
  double chi2 = 0;
  for (int i = 0; i < 256; i++)
    if (times[i] > 0) {
      orders++;
      chi2 += (times[i] - 1000.0) * (times[i] - 1000.0) / 1000.0;
    }
  assert_int_equal(orders, 24);
  assert_true(chi2 < 49.7); /* 23 degrees of freedom, one in a thousand */
}

/* bits[u] as the header defines it, from lk_rng_block(); for any n, and nothing is written after it. */
static void bits16_by_definition(void **state) {
  (void)state;
  const lk_rng rng = lk_rng_make(5, LK_PURPOSE_DROPOUT);
  for (ptrdiff_t n = 0; n <= 67; n++) {
    uint16_t bits[70];
    memset(bits, 0xee, sizeof bits);
    lk_rng_bits16(rng, 9, 8, 7, 6, bits, n);
    for (ptrdiff_t u = 0; u < n; u++) {
      uint32_t x[4];
      lk_rng_block(rng, 9, 8, 7u << 24 | 6u, (uint32_t)u / 8, x);
      assert_int_equal(bits[u], (x[u % 8 / 2] >> (u % 2 * 16)) & 0xffff);
    }
    for (ptrdiff_t u = n; u < 70; u++) assert_int_equal(bits[u], 0xeeee);
  }
}

/* A keep probability of 0.7: the share kept, and each of the counters changes the mask. */
static void bits16_make_masks(void **state) {
  (void)state;
  enum { UNITS = 4096 };
  const lk_rng rng = lk_rng_make(5, LK_PURPOSE_DROPOUT);
  static uint16_t base[UNITS], bits[UNITS];
  const uint32_t place[5][4] = {{1, 1, 1, 1}, {2, 1, 1, 1}, {1, 2, 1, 1}, {1, 1, 2, 1}, {1, 1, 1, 2}};
  lk_rng_bits16(rng, 1, 1, 1, 1, base, UNITS);
  for (int p = 0; p < 5; p++) {
    int kept = 0, equal = 0;
    lk_rng_bits16(rng, place[p][0], place[p][1], place[p][2], place[p][3], bits, UNITS);
    for (int u = 0; u < UNITS; u++) {
      kept += bits[u] < lround(0.7 * 65536);
      equal += bits[u] == base[u];
    }
    assert_true(fabs((double)kept / UNITS - 0.7) < 0.03);
    assert_true(p == 0 ? equal == UNITS : equal < 5);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_answers),          cmocka_unit_test(keys_differ),  cmocka_unit_test(uniform_is_uniform),
      cmocka_unit_test(normal_has_its_moments), cmocka_unit_test(permutations), cmocka_unit_test(bits16_by_definition),
      cmocka_unit_test(bits16_make_masks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
