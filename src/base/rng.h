/* rng.h - random numbers as a function of their purpose.
 *
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). It has no
 * state: the number for unit u at time t of corpus row r in step n is the same on every rank, and in a resumed run.
 * Keyed by (seed, purpose); counted by (step, row, layer|time, unit). */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef enum lk_purpose {
  LK_PURPOSE_INIT = 1,  /* initial values of parameters   */
  LK_PURPOSE_SHUFFLE,   /* order of rows and of steps     */
  LK_PURPOSE_DROPOUT,   /* masks between layers           */
  LK_PURPOSE_WORD,      /* words replaced by <unk>        */
  LK_PURPOSE_SAMPLE,    /* generated text                 */
  LK_PURPOSE_SCHEDULED, /* scheduled sampling             */
  LK_PURPOSE_DEAL,      /* rows assigned to splits by prepare */
  LK_PURPOSE_RESET,     /* lanes that start from zero states */
  LK_PURPOSE_WEIGHT,    /* recurrent weights that are dropped */
  LK_PURPOSE_TYPE,      /* word types whose vectors are dropped */
  LK_PURPOSE_WINDOW     /* lengths of truncated back-propagation */
} lk_purpose;

typedef struct lk_rng {
  uint32_t key[2];
} lk_rng;

lk_rng lk_rng_make(uint64_t seed, lk_purpose purpose);
/** Four 32-bit numbers for counter (a, b, c, d).                                  Not collective. */
void lk_rng_block(lk_rng rng, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t out[4]);
/** Uniform in [0,1), 53 bits.                                                     Not collective. */
double lk_rng_uniform(lk_rng rng, uint32_t a, uint32_t b, uint32_t c, uint32_t d);
/** Standard normal by Box-Muller on one block.                                    Not collective. */
double lk_rng_normal(lk_rng rng, uint32_t a, uint32_t b, uint32_t c, uint32_t d);
/** A permutation of 0..n-1 (Fisher-Yates over counters (a, b, c, .)).             Not collective. */
void lk_rng_permutation(lk_rng rng, uint32_t a, uint32_t b, uint32_t c, int32_t *out, ptrdiff_t n);
/** 16 random bits for each of n units of one row: bits[u] for counter (step, row, layer<<24 | time, u / 8).
 *  A dropout mask keeps unit u where bits[u] < round(keep * 65536).               Not collective. */
void lk_rng_bits16(lk_rng rng, uint32_t step, uint32_t row, uint32_t layer, uint32_t time, uint16_t *bits, ptrdiff_t n);
