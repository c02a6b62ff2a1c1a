/* nn_fixture.h - a small corpus divided into shards, and simulated ranks, for tests of nn/ without MPI.
 *
 * The contents of a row are a function of (corpus row, time, unit), so that they do not depend on the number of
 * ranks. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels.h"
#include "params.h"
#include "rng.h"

#define FIXTURE_MOST 64

typedef struct fixture_corpus {
  int S, sequences;
  int shard_seq[FIXTURE_MOST + 1]; /* sequences of shard s */
  int length[FIXTURE_MOST];
  uint32_t id[FIXTURE_MOST];
} fixture_corpus;

typedef struct fixture_rank {
  lk_shards shards;
  lk_pack pack;
  lk_grads grads;
  lk_arena arena, grad_arena;
} fixture_rank;

/* Run a group of tests with each set of kernels that this CPU has; returns the number of failures. */
static inline int fixture_every_kernel(int (*group)(void)) {
  static const char *const names[] = {"portable", "avx2", "avx512", "blas"};
  int failed = 0;
  for (int i = 0; i < 4; i++) {
    if (lk_kernels_select(names[i]) == LK_OK) {
      print_message("kernels: %s\n", names[i]);
      failed += group();
    }
    lk_error_clear();
  }
  return failed;
}

/* Up to `most` sequences a shard (some shards none), lengths 1..T falling inside a shard. */
static inline fixture_corpus fixture_deal(int S, int most, int T, uint64_t seed) {
  fixture_corpus c = {.S = S};
  lk_rng rng = lk_rng_make(seed, LK_PURPOSE_SHUFFLE);
  for (int s = 0; s < S; s++) {
    uint32_t bits[4];
    lk_rng_block(rng, (uint32_t)s, 0, 0, 0, bits);
    int n = s % 5 == 3 ? 0 : 1 + (int)(bits[0] % (uint32_t)most), length = T;
    for (int i = 0; i < n && c.sequences < FIXTURE_MOST; i++) {
      lk_rng_block(rng, (uint32_t)s, 1 + (uint32_t)i, 0, 0, bits);
      length = 1 + (int)(bits[0] % (uint32_t)length);
      if (i == 0 && length < T / 2) length = T / 2 + 1;
      c.length[c.sequences] = length;
      c.id[c.sequences] = 1000 + 7 * (uint32_t)c.sequences;
      c.sequences++;
    }
    c.shard_seq[s + 1] = c.sequences;
  }
  return c;
}

static inline void fixture_rank_pack(fixture_rank *k, const fixture_corpus *c) {
  int first = c->shard_seq[k->shards.first], last = c->shard_seq[k->shards.first + k->shards.count];
  ptrdiff_t B = last - first, N = 0, T = 0;
  for (int b = first; b < last; b++) {
    N += c->length[b];
    if (c->length[b] > T) T = c->length[b];
  }
  lk_pack_layout(&k->pack, &k->arena, &k->shards, B, N, T);
  if (k->arena.base == NULL) return;
  for (int s = 0; s <= k->shards.count; s++) k->pack.shard_seq[s] = c->shard_seq[k->shards.first + s] - first;
  for (int b = first; b < last; b++) {
    k->pack.length[b - first] = c->length[b];
    k->pack.id[b - first] = c->id[b];
  }
  lk_pack_fill(&k->pack);
}

/* The gradients and the marks of sparse ones. */
static inline void fixture_rank_grads(fixture_rank *k, const lk_params *params, size_t rows) {
  k->grads = (lk_grads){.shards = &k->shards, .params = params};
  for (int p = 0; p < k->shards.subtrees; p++) {
    k->grads.subtree[p] = lk_arena_reals(&k->grad_arena, lk_params_count(params));
    k->grads.touched[p] = lk_arena_take(&k->grad_arena, rows);
  }
}

/* Rank r of R with its part of the corpus. With `params`: with gradients, filled with NaN, as all must be assigned. */
static inline void fixture_rank_open(fixture_rank *k, const fixture_corpus *c, int r, int R, const lk_params *params) {
  memset(k, 0, sizeof *k);
  k->shards = lk_shards_make(c->S, r, R);
  fixture_rank_pack(k, c);
  assert_int_equal(lk_arena_reserve(&k->arena), LK_OK);
  fixture_rank_pack(k, c);
  if (params == NULL) return;
  lk_row_block block[8];
  size_t rows = 0;
  int blocks = lk_params_row_blocks(params, block, 8);
  for (int i = 0; i < blocks; i++) rows += (size_t)block[i].rows;
  fixture_rank_grads(k, params, rows);
  assert_int_equal(lk_arena_reserve(&k->grad_arena), LK_OK);
  fixture_rank_grads(k, params, rows);
  for (int p = 0; p < k->shards.subtrees; p++) {
    memset(k->grads.touched[p], 1, rows);
    for (int i = 0; i < lk_params_tensors(params); i++)
      for (ptrdiff_t j = 0; j < lk_params_at(params, i)->count; j++)
        k->grads.subtree[p][lk_params_at(params, i)->offset + j] = (lk_real)__builtin_nan("");
  }
}

static inline void fixture_rank_close(fixture_rank *k) {
  lk_arena_release(&k->arena);
  lk_arena_release(&k->grad_arena);
}

/* total [P] = the subtrees of all ranks along the rest of the tree. */
static inline void fixture_combine(const fixture_rank *rank, int R, ptrdiff_t P, lk_real *total) {
  lk_real *slot = calloc((size_t)(LK_TREE_LEVELS * P), sizeof *slot);
  lk_tree tree = lk_tree_start(rank[0].shards.total, 0);
  for (int r = 0; r < R; r++)
    for (int p = 0; p < rank[r].shards.subtrees; p++) {
      int at = lk_tree_push(&tree, rank[r].shards.subtree[p]), into, from;
      memcpy(slot + at * P, rank[r].grads.subtree[p], (size_t)P * sizeof *slot);
      while (lk_tree_merge(&tree, &into, &from))
        for (ptrdiff_t i = 0; i < P; i++) slot[into * P + i] += slot[from * P + i];
    }
  memcpy(total, slot, (size_t)P * sizeof *slot);
  free(slot);
}

/* A number in [-1, 1) that belongs to (stream, corpus row, time, unit). */
static inline lk_real fixture_real(uint32_t stream, uint32_t id, ptrdiff_t time, ptrdiff_t unit) {
  lk_rng rng = lk_rng_make(77, LK_PURPOSE_SAMPLE);
  return (lk_real)(2 * lk_rng_uniform(rng, stream, id, (uint32_t)time, (uint32_t)unit) - 1);
}

static inline int32_t fixture_word(uint32_t stream, uint32_t id, ptrdiff_t time, ptrdiff_t V) {
  return (int32_t)((fixture_real(stream, id, time, 0) + 1) / 2 * (lk_real)V);
}

/* x [N, width] of a rank's rows; pads NaN: nothing may read them. */
static inline void fixture_rows(const lk_pack *p, uint32_t stream, ptrdiff_t width, lk_real *x, ptrdiff_t ld) {
  for (ptrdiff_t r = 0; r < p->N; r++)
    for (ptrdiff_t i = 0; i < ld; i++)
      x[r * ld + i] = i < width ? fixture_real(stream, p->id[p->seq[r]], p->time[r], i) : (lk_real)__builtin_nan("");
}

static inline void fixture_words(const lk_pack *p, uint32_t stream, ptrdiff_t V, int32_t *ids) {
  for (ptrdiff_t r = 0; r < p->N; r++) ids[r] = fixture_word(stream, p->id[p->seq[r]], p->time[r], V);
}

static inline lk_real *fixture_alloc(ptrdiff_t n) {
  lk_real *x = aligned_alloc(64, (size_t)lk_padded(n + 1) * sizeof *x);
  assert_non_null(x);
  for (ptrdiff_t i = 0; i < n; i++) x[i] = (lk_real)__builtin_nan("");
  return x;
}

/* Every byte 0xff is a NaN as float and as double. */
static inline void fixture_poison(lk_arena *arena) {
  if (arena->base != NULL) memset(arena->base, 0xff, arena->reserved);
}
