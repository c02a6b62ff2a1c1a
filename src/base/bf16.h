/* bf16.h - float32 rounded to bfloat16: the first 16 of its bits, so the same exponents and 8 bits of significand.
 *
 * Rounding is to nearest, ties to even. Numbers that are too large become infinities, and NaN stays NaN. Only integer
 * operations are used, so the bits depend neither on the CPU nor on its treatment of denormals, which are kept.
 * (Products round whole vectors, and denormals to zero, as VDPBF16PS does: src/math/bf16_words.h.) Not collective
 * throughout.
 * Source: Kalamkar et al. 2019, A Study of BFLOAT16 for Deep Learning Training. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LK_BF16_MINUS_ZERO 0x8000

static inline uint16_t lk_bf16_narrow(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint32_t nearest = bits + 0x7fff + (bits >> 16 & 1), quiet = bits | 0x400000;
  return (uint16_t)(((bits & 0x7fffffff) > 0x7f800000 ? quiet : nearest) >> 16);
}

static inline float lk_bf16_widen(uint16_t narrow) {
  const uint32_t bits = (uint32_t)narrow << 16;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline float lk_bf16_round(float x) { return lk_bf16_widen(lk_bf16_narrow(x)); }

static inline void lk_bf16_round_all(ptrdiff_t n, float *x) {
  for (ptrdiff_t i = 0; i < n; i++) x[i] = lk_bf16_round(x[i]);
}

static inline void lk_bf16_narrow_all(ptrdiff_t n, const float *restrict x, uint16_t *restrict narrow) {
  for (ptrdiff_t i = 0; i < n; i++) narrow[i] = lk_bf16_narrow(x[i]);
}

static inline void lk_bf16_widen_all(ptrdiff_t n, const uint16_t *restrict narrow, float *restrict x) {
  for (ptrdiff_t i = 0; i < n; i++) x[i] = lk_bf16_widen(narrow[i]);
}
