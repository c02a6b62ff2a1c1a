#include "rng.h"

#include <math.h>

#include "fixed_math.h"
#include "status.h"

__extension__ typedef unsigned __int128 uint128;

/* The 64-bit finaliser of SplitMix (Steele, Lea & Flood 2014): a bijection in which every bit of the input reaches
 * every bit of the output. */
static uint64_t finalise(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* Finalised twice, so that neighbouring seeds, purposes, and sums of the two give unrelated keys. */
lk_rng lk_rng_make(uint64_t seed, lk_purpose purpose) {
  const uint64_t golden = 0x9e3779b97f4a7c15u;
  uint64_t key = finalise(finalise(seed + golden) + golden * (uint64_t)purpose);
  return (lk_rng){{(uint32_t)key, (uint32_t)(key >> 32)}};
}

static inline __attribute__((always_inline)) void philox(lk_rng rng, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                                                         uint32_t out[4]) {
  uint32_t k0 = rng.key[0], k1 = rng.key[1];
#pragma GCC unroll 10
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xd2511f53u * a, p1 = (uint64_t)0xcd9e8d57u * c;
    a = (uint32_t)(p1 >> 32) ^ b ^ k0;
    b = (uint32_t)p1;
    c = (uint32_t)(p0 >> 32) ^ d ^ k1;
    d = (uint32_t)p0;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}

void lk_rng_block(lk_rng rng, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t out[4]) {
  philox(rng, a, b, c, d, out);
}

static uint64_t join(uint32_t high, uint32_t low) { return (uint64_t)high << 32 | low; }

/* 53 bits, the first number below 2^53 times 2^-53. */
static double to_unit(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; }

double lk_rng_uniform(lk_rng rng, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  uint32_t x[4];
  philox(rng, a, b, c, d, x);
  return to_unit(join(x[0], x[1]));
}

double lk_rng_normal(lk_rng rng, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  uint32_t x[4];
  philox(rng, a, b, c, d, x);
  double u = to_unit(join(x[0], x[1])) + 0x1p-53; /* (0,1]: the logarithm is finite */
  double v = to_unit(join(x[2], x[3]));
  return sqrt(-2.0 * lk_fixed_log(u)) * lk_fixed_cos_turns(v);
}

/* floor(random * bound / 2^64): the bias is below bound / 2^64, too small to matter. */
static ptrdiff_t below(uint64_t random, ptrdiff_t bound) {
  return (ptrdiff_t)(uint64_t)(((uint128)random * (uint64_t)bound) >> 64);
}

void lk_rng_permutation(lk_rng rng, uint32_t a, uint32_t b, uint32_t c, int32_t *out, ptrdiff_t n) {
  LK_ASSERT(n >= 0 && n <= INT32_MAX);
  for (ptrdiff_t i = 0; i < n; i++) out[i] = (int32_t)i;
  uint32_t x[4] = {0};
  for (ptrdiff_t draw = 0; draw + 1 < n; draw++) {
    if (draw % 2 == 0) philox(rng, a, b, c, (uint32_t)(draw / 2), x); /* a block holds two draws */
    ptrdiff_t last = n - 1 - draw;
    ptrdiff_t other = below(draw % 2 == 0 ? join(x[0], x[1]) : join(x[2], x[3]), last + 1);
    int32_t kept = out[last];
    out[last] = out[other];
    out[other] = kept;
  }
}

/* Unit u is half (u % 2) of word (u / 2 % 4), low half first, whatever the byte order of the machine. */
static inline void spread(const uint32_t x[4], uint16_t *bits, ptrdiff_t n) {
  for (ptrdiff_t u = 0; u < n; u++) bits[u] = (uint16_t)(x[u / 2] >> (u % 2 * 16));
}

void lk_rng_bits16(lk_rng rng, uint32_t step, uint32_t row, uint32_t layer, uint32_t time, uint16_t *bits,
                   ptrdiff_t n) {
  LK_ASSERT(layer < 256 && time < 1u << 24);
  const uint32_t place = layer << 24 | time;
  uint32_t x[4];
  ptrdiff_t u = 0;
  for (; u + 8 <= n; u += 8) {
    philox(rng, step, row, place, (uint32_t)(u / 8), x);
    spread(x, bits + u, 8);
  }
  if (u < n) {
    philox(rng, step, row, place, (uint32_t)(u / 8), x);
    spread(x, bits + u, n - u);
  }
}
