#include <math.h>
#include <stdlib.h>

#include "bench_impl.h"
#include "blas.h"
#include "cell.h"

/* Different small numbers, none of them near the denormals. */
static void fill(lk_real *x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) x[i] = (lk_real)((double)((i * 7919) % 2003) / 2003.0 - 0.5);
}

/* With --quick only the middle of these lists is measured. */
static const int heights[] = {1, 2, 4, 8, 16, 32, 64, 128}, widths[] = {128, 256, 512, 1024};
enum { HEIGHTS = sizeof heights / sizeof *heights, WIDTHS = sizeof widths / sizeof *widths };

/* ---- products: y [n, 4H] = x [n, H] W^T ---- */

typedef struct product {
  ptrdiff_t n, K, M;
  lk_real *w, *x, *y;
  lk_packed packed;
  const lk_blas_copy *blas;
} product;

static void lay_product(product *p, lk_arena *arena) {
  p->w = lk_arena_reals(arena, p->M * p->K);
  p->x = lk_arena_reals(arena, p->n * p->K);
  p->y = lk_arena_reals(arena, p->n * p->M);
  p->packed.data = lk_arena_reals(arena, lk_kernels_get()->packed_size(p->M, p->K));
}

static void run_blas(void *context) {
  const product *p = context;
  lk_blas_product(p->blas, p->n, p->M, p->K, p->x, p->w, p->y);
}

static void run_ours(void *context) {
  const product *p = context;
  const lk_product call = {.n = p->n, .x = p->x, .ldx = p->K, .y = p->y, .ldy = p->M};
  lk_kernels_get()->product(&p->packed, &call);
}

/* The kernels of OpenBLAS that may be the fastest here: those that it takes, and those for two CPU types, which need the
 * instructions of ours. All ranks have the same ones. */
static const struct { const char *core, *needs; } cores[] = {{NULL, NULL}, {"Haswell", "avx2"}, {"SkylakeX", "avx512"}};
enum { CORES = sizeof cores / sizeof *cores };
static lk_blas_copy copies[CORES];

static lk_status load_copies(const bench *b) {
  for (int i = 1; i < CORES; i++) {
    double loaded = lk_kernels_supported(cores[i].needs) && lk_blas_load(&copies[i], cores[i].core);
    LK_TRY(bench_mean(b, &loaded, 1));
    if (loaded < 1) copies[i].gemm = NULL; /* another rank has not */
  }
  return LK_OK;
}

/* Seconds of the fastest, and whose it is. */
static lk_status measure_blas(const bench *b, product *p, double *least, const char **core) {
  *least = INFINITY;
  for (int i = 0; i < CORES; i++) {
    double seconds;
    if (i > 0 && !copies[i].gemm) continue;
    p->blas = i > 0 ? &copies[i] : NULL;
    LK_TRY(bench_measure(b, run_blas, p, &seconds));
    if (seconds < *least) *least = seconds, *core = i > 0 ? copies[i].core : lk_blas_core();
  }
  return LK_OK;
}

static lk_status measure_product(const bench *b, ptrdiff_t n, ptrdiff_t H, json_t *rows) {
  lk_status status = LK_OK;
  lk_arena arena = {0};
  product p = {.n = n, .K = H, .M = 4 * H};
  const char *core = lk_blas_core();
  double blas, ours, flops = 2.0 * (double)n * (double)H * (double)(4 * H);
  lay_product(&p, &arena);
  LK_GO(lk_comm_agree(b->comm, lk_arena_reserve(&arena)));
  lay_product(&p, &arena);
  fill(p.w, p.M * p.K);
  fill(p.x, p.n * p.K);
  lk_kernels_get()->pack(&p.packed, p.M, p.K, p.w, p.K, 1, LK_WHOLE);
  LK_GO(measure_blas(b, &p, &blas, &core));
  LK_GO(bench_measure(b, run_ours, &p, &ours));
  LK_GO(
      bench_add(rows, json_pack("{s:i, s:i, s:f, s:s, s:f, s:f, s:f}", "H", (int)H, "rows", (int)n, "OpenBLAS_GFLOP/s",
                                flops / blas / 1e9, "its_core", core, "ours_GFLOP/s", flops / ours / 1e9,
                                "ours_of_ceiling", flops / ours / b->ceiling, "ours/OpenBLAS", blas / ours)));
done:
  lk_arena_release(&arena);
  return status;
}

typedef lk_status measure_shape(const bench *b, ptrdiff_t n, ptrdiff_t H, json_t *rows);

static lk_status for_shapes(bench *b, measure_shape *measure, const char *section, const char *title) {
  lk_status status = LK_OK;
  json_t *rows = json_array();
  for (int w = 0; w < WIDTHS; w++)
    for (int h = 0; h < HEIGHTS; h++) {
      if (b->quick && (w % 2 == 0 || h % 3 != 0)) continue;
      LK_GO(measure(b, heights[h], widths[w], rows));
    }
  LK_GO(bench_emit(b, section, title, json_incref(rows)));
done:
  json_decref(rows);
  return status;
}

lk_status bench_products(bench *b) {
  lk_blas_single_thread();
  LK_TRY(load_copies(b));
  return for_shapes(b, measure_product, "products",
                    "Products at the shapes of recurrent nets: y [rows, 4H] = x [rows, H] W^T, weights packed");
}

/* ---- a recurrent layer: steps with the product by W_hh, or the pointwise part alone ---- */

typedef struct layer {
  lk_recurrent layer;
  lk_params *params;
  lk_shards shards;
  lk_pack pack;
  lk_arena arena;
} layer;

static void lay_layer(layer *l, ptrdiff_t n, ptrdiff_t T) {
  lk_pack_layout(&l->pack, &l->arena, &l->shards, n, n * T, T);
  lk_recurrent_layout_weights(&l->layer, &l->arena, 1);
  lk_recurrent_layout(&l->layer, &l->arena, n, n * T, 1);
}

static void close_layer(layer *l) {
  lk_params_destroy(&l->params);
  lk_arena_release(&l->arena);
}

/* n sequences of T steps, with small numbers in gates, states and gradients. */
static lk_status open_layer(layer *l, const char *cell, ptrdiff_t H, ptrdiff_t n, ptrdiff_t T) {
  const lk_recurrent_spec spec = {.cell = cell, .name = "rnn", .I = 1, .H = H, .recurrent_bias = 1};
  *l = (layer){.shards = lk_shards_make(1, 0, 1)};
  LK_TRY(lk_params_create(&l->params));
  LK_TRY(lk_recurrent_declare(&l->layer, l->params, &spec));
  LK_TRY(lk_params_commit(l->params, 1));
  lay_layer(l, n, T);
  LK_TRY(lk_arena_reserve(&l->arena));
  lay_layer(l, n, T);
  l->pack.shard_seq[0] = 0;
  l->pack.shard_seq[1] = n;
  for (ptrdiff_t i = 0; i < n; i++) l->pack.length[i] = (int32_t)T, l->pack.id[i] = (uint32_t)i;
  lk_pack_fill(&l->pack);
  lk_recurrent_pack(&l->layer, l->params, 1, LK_WHOLE);
  lk_recurrent_begin(&l->layer, &l->pack, 0);
  fill(l->layer.gates, n * T * lk_cell_gates(cell) * l->layer.Hp);
  fill(l->layer.dh + n * l->layer.Hp, n * T * l->layer.Hp);
  return LK_OK;
}

/* The gates are overwritten by each call and not restored: any values will do for a timing. */
static void run_forward(void *context) {
  layer *l = context;
  for (ptrdiff_t t = 0; t < l->pack.T; t++) lk_recurrent_step(&l->layer, &l->pack, t, 0);
}

static void run_backward(void *context) {
  layer *l = context;
  lk_recurrent_back_begin(&l->layer, &l->pack, 0);
  for (ptrdiff_t t = l->pack.T - 1; t >= 0; t--) lk_recurrent_back_step(&l->layer, &l->pack, t);
}

static lk_status measure_steps(const bench *b, ptrdiff_t n, ptrdiff_t H, json_t *rows) {
  enum { T = 16 }; /* the first forward and the last backward step have no product by W_hh */
  lk_status status = LK_OK;
  layer l;
  double forward, backward, flops = 2.0 * (double)n * (double)H * (double)(4 * H) * (T - 1);
  LK_GO(lk_comm_agree(b->comm, open_layer(&l, "lstm", H, n, T)));
  LK_GO(bench_measure(b, run_forward, &l, &forward));
  LK_GO(bench_measure(b, run_backward, &l, &backward));
  LK_GO(bench_add(rows, json_pack("{s:i, s:i, s:f, s:f, s:f, s:f}", "H", (int)H, "sequences", (int)n, "forward_GFLOP/s",
                                  flops / forward / 1e9, "of_ceiling", flops / forward / b->ceiling, "backward_GFLOP/s",
                                  flops / backward / 1e9, "of_ceiling_backward", flops / backward / b->ceiling)));
done:
  close_layer(&l);
  return status;
}

lk_status bench_recurrent(bench *b) {
  return for_shapes(b, measure_steps, "recurrent",
                    "Steps of an LSTM layer: W_hh h and the gates; the flops count the product only, the time both");
}

/* ---- pointwise ---- */

typedef struct elements {
  void (*function)(ptrdiff_t n, const lk_real *x, lk_real *y);
  lk_real x[4096], y[4096];
} elements;
enum { ELEMENTS = 4096 };

static void run_function(void *context) {
  elements *e = context;
  e->function(ELEMENTS, e->x, e->y);
}

static lk_status measure_functions(const bench *b, json_t *rows) {
  const lk_kernels *k = lk_kernels_get();
  const struct {
    const char *name;
    void (*function)(ptrdiff_t n, const lk_real *x, lk_real *y);
  } functions[] = {{"exp", k->exp}, {"tanh", k->tanh}, {"sigmoid", k->sigmoid}};
  static elements e;
  fill(e.x, ELEMENTS);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    double seconds;
    e.function = functions[i].function;
    LK_TRY(bench_measure(b, run_function, &e, &seconds));
    LK_TRY(bench_add(
        rows, json_pack("{s:s, s:f}", "function", functions[i].name, "ns_an_element", seconds / ELEMENTS * 1e9)));
  }
  return LK_OK;
}

/* A single step from zero states has no product by W_hh, so only the pointwise part is timed. */
static lk_status measure_cell(const bench *b, const char *cell, json_t *rows) {
  enum { N = 16, H = 256 };
  lk_status status = LK_OK;
  layer l;
  double seconds;
  char name[64];
  LK_GO(lk_comm_agree(b->comm, open_layer(&l, cell, H, N, 1)));
  for (int back = 0; back < 2; back++) {
    LK_GO(bench_measure(b, back ? run_backward : run_forward, &l, &seconds));
    (void)snprintf(name, sizeof name, "%s cell %s, a unit", cell, back ? "backward" : "forward");
    LK_GO(bench_add(rows, json_pack("{s:s, s:f}", "function", name, "ns_an_element", seconds / (N * H) * 1e9)));
  }
done:
  close_layer(&l);
  return status;
}

lk_status bench_pointwise(bench *b) {
  lk_status status = LK_OK;
  size_t count;
  const char *const *cells = lk_cell_names(&count);
  json_t *rows = json_array();
  LK_GO(measure_functions(b, rows));
  for (size_t i = 0; i < count; i++) LK_GO(measure_cell(b, cells[i], rows));
  LK_GO(bench_emit(b, "pointwise", "Pointwise functions, data in cache", json_incref(rows)));
done:
  json_decref(rows);
  return status;
}
