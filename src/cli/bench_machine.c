#include <stdio.h>
#include <string.h>

#include "bench_impl.h"
#include "blas.h"
#include "ceiling.h"

enum { ROUNDS = 100000, TRIES = 5 };

static void spin(void *context) { *(double *)context = lk_ceiling_spin(ROUNDS); }

lk_status bench_ceiling(bench *b) {
  /* the best of a few: an idle core needs time to raise its clock rate */
  for (int i = 0; i < TRIES; i++) {
    double flops = 0, seconds;
    LK_TRY(bench_measure(b, spin, &flops, &seconds));
    if (flops / seconds > b->ceiling) b->ceiling = flops / seconds;
  }
  json_t *rows = json_array();
  LK_TRY(bench_add(rows, json_pack("{s:s, s:i, s:s, s:f, s:f}", "kernels", lk_kernels_get()->name, "ranks", b->size,
                                   "openblas_core", lk_blas_core(), "GFLOP/s_a_rank", b->ceiling / 1e9,
                                   "GFLOP/s_in_all", b->ceiling * b->size / 1e9)));
  return bench_emit(b, "ceiling", "FMA ceiling: multiply-adds on registers alone, float32", rows);
}

typedef struct arrays {
  float *a, *b, *c;
  ptrdiff_t n;
} arrays;

static void read_sum(void *context) {
  const arrays *x = context;
  float sum[16] = {0}; /* independent sums, so that the latency of additions is no limit */
  for (ptrdiff_t i = 0; i < x->n; i += 16)
    for (int j = 0; j < 16; j++) sum[j] += x->a[i + j];
  static volatile float sink;
  for (int j = 0; j < 16; j++) sink = sum[j];
  (void)sink;
}

static void copy(void *context) {
  const arrays *x = context;
  memcpy(x->b, x->a, (size_t)x->n * sizeof *x->a);
}

static void triad(void *context) {
  const arrays *x = context;
  const float *restrict b = x->b, *restrict c = x->c;
  float *restrict a = x->a;
  for (ptrdiff_t i = 0; i < x->n; i++) a[i] = b[i] + 3.0f * c[i];
}

lk_status bench_memory(bench *b) {
  static const struct {
    const char *name;
    bench_work *work;
    int streams;
  } loops[] = {{"read", read_sum, 1}, {"copy", copy, 2}, {"triad", triad, 3}};
  lk_status status = LK_OK;
  json_t *rows = json_array();
  lk_arena arena = {0};
  arrays x = {.n = (ptrdiff_t)(b->quick ? 16 : 32) << 20};
  arena.used = 3 * sizeof(float) * (size_t)x.n;
  LK_GO(lk_comm_agree(b->comm, lk_arena_reserve(&arena)));
  x.a = lk_arena_take(&arena, sizeof(float) * (size_t)x.n);
  x.b = lk_arena_take(&arena, sizeof(float) * (size_t)x.n);
  x.c = lk_arena_take(&arena, sizeof(float) * (size_t)x.n);
  for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
    double seconds, bytes = (double)sizeof(float) * (double)x.n * loops[i].streams;
    LK_GO(bench_measure(b, loops[i].work, &x, &seconds));
    LK_GO(bench_add(
        rows, json_pack("{s:s, s:f, s:f, s:f}", "loop", loops[i].name, "array_MB", (double)x.n * 4e-6, "GB/s_a_rank",
                        bytes / seconds / 1e9, "GB/s_in_all", bytes * b->size / seconds / 1e9)));
  }
  LK_GO(bench_emit(b, "memory",
                   "Memory bandwidth: bytes that the program reads and writes (not cache lines fetched for a write)",
                   json_incref(rows)));
done:
  lk_arena_release(&arena);
  json_decref(rows);
  return status;
}
